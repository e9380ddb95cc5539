// Server streams as server-sent events: one event a message, its id the message's sequence number, so that a client
// that reconnects with Last-Event-ID goes on where it was.
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/status.h"
#include "libs/http/sse.h"
#include "services/gateway/binding.h"
#include "services/gateway/edge.h"
#include "services/gateway/problem.h"

namespace dinh::gateway {
namespace {

// As long as an access token lives: rights that were taken away must not outlive it on an open stream.
constexpr std::chrono::minutes kStreamLifeMax{15};

// The stream begins with the first message, or when the pipeline has accepted the call; a refusal before that is an
// ordinary problem answer.
class EventSink final : public rpc::StreamSink, public std::enable_shared_from_this<EventSink> {
 public:
  using Refuse = std::function<void(const absl::Status&)>;

  EventSink(http::ExchangePtr exchange, const Endpoint& endpoint, const transcode::Transcoder& transcoder,
            const base::Clock& clock, http::ResponseHeaders headers, std::string language, Refuse refuse)
      : exchange_(std::move(exchange)),
        endpoint_(endpoint),
        transcoder_(transcoder),
        clock_(clock),
        begin_(clock.Steady()),
        headers_(std::move(headers)),
        language_(std::move(language)),
        refuse_(std::move(refuse)) {}

  // Answers with the head of the stream, if nothing did so before.
  void Begin() {
    std::shared_ptr<http::ResponseStream> stream;
    {
      std::lock_guard lock(mutex_);
      if (stream_ != nullptr || closed_) return;
      stream = stream_ = http::StartSse(*exchange_, headers_);
      closed_ = stream == nullptr;
    }
    if (stream == nullptr) return Closed();
    stream->OnEvent([weak = weak_from_this()](http::ResponseStream::Event event) {
      auto self = weak.lock();
      if (self == nullptr) return;
      if (event == http::ResponseStream::Event::kDraining) self->Stream()->Close();
      self->Closed();
    });
  }

  bool Write(const google::protobuf::Message& message) override {
    Begin();
    if (clock_.Steady() - begin_ > kStreamLifeMax) {
      // The client comes back with Last-Event-ID, gets this message then, and has to show its rights again.
      if (const auto stream = Stream()) stream->Close();
      Closed();
      return false;
    }
    http::SseEvent event;
    if (!transcoder_.Print(*endpoint_.response, message, &event.data).ok()) return false;
    if (endpoint_.sequence_field != nullptr) {
      event.id = std::to_string(message.GetReflection()->GetInt64(message, endpoint_.sequence_field));
    }
    const auto stream = Stream();
    return stream != nullptr && stream->Write(http::FormatSse(event));
  }

  void Finish(const absl::Status& status) override {
    auto stream = Stream();
    if (stream == nullptr && !status.ok()) return refuse_(status);
    Begin();
    stream = Stream();
    if (stream == nullptr) return;
    // Who serves the stream goes away (a drain, a restart): the client comes back with Last-Event-ID by itself.
    if (!status.ok() && !absl::IsUnavailable(status)) {
      http::SseEvent event;
      event.event = "error";
      event.data = Problem(status, language_, "").body;
      stream->Write(http::FormatSse(event));
    }
    stream->Close();
  }

  void OnClosed(std::function<void()> callback) override {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        on_closed_ = std::move(callback);
        return;
      }
    }
    callback();
  }

 private:
  std::shared_ptr<http::ResponseStream> Stream() {
    std::lock_guard lock(mutex_);
    return stream_;
  }
  void Closed() {
    std::function<void()> callback;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      callback = std::exchange(on_closed_, nullptr);
    }
    if (callback) callback();
  }

  const http::ExchangePtr exchange_;
  const Endpoint& endpoint_;
  const transcode::Transcoder& transcoder_;
  const base::Clock& clock_;
  const std::chrono::steady_clock::time_point begin_;
  const http::ResponseHeaders headers_;
  const std::string language_;
  const Refuse refuse_;
  std::mutex mutex_;
  std::shared_ptr<http::ResponseStream> stream_;
  bool closed_ = false;
  std::function<void()> on_closed_;
};

// Last-Event-ID into the request's field; what a query says already stays.
absl::Status ApplyLastEventId(const Endpoint& endpoint, std::string_view header, Message* request) {
  if (endpoint.resume_field == nullptr || header.empty()) return absl::OkStatus();
  const transcode::FieldPlan& field = *endpoint.resume_field;
  if (field.reflection->GetInt64(*request, field.descriptor) != 0) return absl::OkStatus();
  return transcode::SetFromText(field, header, "Last-Event-ID", request);
}

}  // namespace

void Edge::RunEvents(EdgeCall& call) const {
  const Endpoint& endpoint = *call.endpoint;
  const std::unique_ptr<Message> request(endpoint.entry().request_prototype->New());
  absl::Status status;
  if (!LacksLogin(call)) {
    status = BindRequest(*routes_, *call.route, call.segments, call.http(), request.get());
    if (status.ok()) status = ApplyLastEventId(endpoint, call.http().headers.Get("last-event-id"), request.get());
  }
  if (!status.ok()) return AnswerProblem(call, status);
  call.reached = true;
  http::ResponseHeaders head;
  Complete(call.http(), false, &head);
  // A refusal may come after this call has ended: everything it needs goes along.
  auto later = std::make_shared<EdgeCall>(call);
  auto sink = std::make_shared<EventSink>(call.exchange, endpoint, routes_->transcoder(), parts_.pipeline.clock(), head,
                                          call.head.language,
                                          [this, later](const absl::Status& why) { AnswerProblem(*later, why); });
  status = parts_.pipeline.ServerStream(*endpoint.method, call.head, *request, sink);
  if (!status.ok()) return AnswerProblem(call, status);
  sink->Begin();
  call.series->Observe(200, call.http().received, parts_.pipeline.clock().Steady());
}

}  // namespace dinh::gateway
