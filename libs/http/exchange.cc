#include "libs/http/exchange.h"

#include <condition_variable>

#include "libs/http/connection.h"

namespace dinh::http {
namespace {

constexpr size_t kKeptBodyBytes = 64 * 1024;  // a larger body's memory is given back after its request

Method MethodOf(std::string_view name) {
  if (name == "GET") return Method::kGet;
  if (name == "POST") return Method::kPost;
  if (name == "HEAD") return Method::kHead;
  if (name == "PATCH") return Method::kPatch;
  if (name == "PUT") return Method::kPut;
  if (name == "DELETE") return Method::kDelete;
  if (name == "OPTIONS") return Method::kOptions;
  return Method::kOther;
}

// The handler's end of a stream: letting go of it without Close() aborts.
class StreamHandle final : public ResponseStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~StreamHandle() override {
    if (!state_->ended()) state_->Abort();
  }
  bool Write(std::string bytes, Done done) override { return state_->Write(std::move(bytes), std::move(done)); }
  void Close() override { state_->End(); }
  void Abort() override { state_->Abort(); }
  bool closed() const override { return state_->closed(); }
  void OnEvent(std::function<void(Event)> callback) override { state_->OnEvent(callback); }

 private:
  const std::shared_ptr<StreamState> state_;
};

}  // namespace

bool ResponseStream::WriteAndWait(std::string bytes) {
  struct Wait {
    std::mutex mutex;
    std::condition_variable finished;
    std::optional<bool> sent;
  };
  auto wait = std::make_shared<Wait>();
  Write(std::move(bytes), [wait](bool sent) {
    std::lock_guard lock(wait->mutex);
    wait->sent = sent;
    wait->finished.notify_one();
  });
  std::unique_lock lock(wait->mutex);
  wait->finished.wait(lock, [&] { return wait->sent.has_value(); });
  return *wait->sent;
}

StreamState::StreamState(std::shared_ptr<Connection> connection, StreamHead head, size_t queue_bytes_max)
    : connection_(std::move(connection)), head_(std::move(head)), queue_bytes_max_(queue_bytes_max) {}

void StreamState::Wake() {
  // A worker that has shut down has closed its connections, and told their streams.
  connection_->worker().Post([connection = connection_] { connection->OnStreamReady(); });
}

bool StreamState::Write(std::string bytes, ResponseStream::Done done) {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    if (closed_ || ending_ || aborted_) {
      lock.unlock();
      if (done) done(false);
      return false;
    }
    // One piece may be of any size; more than the limit waiting behind others is a client that is too slow.
    if (queue_bytes_ > 0 && queue_bytes_ + bytes.size() > queue_bytes_max_) aborted_ = true;
    queue_bytes_ += bytes.size();
    queue_.push_back({std::move(bytes), std::move(done)});
    wake = !std::exchange(wake_sent_, true) || aborted_;
  }
  if (wake) Wake();
  return true;
}

void StreamState::End() {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || ending_) return;
    ending_ = true;
  }
  Wake();
}

void StreamState::Abort() {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || aborted_) return;
    aborted_ = true;
  }
  Wake();
}

bool StreamState::closed() const {
  std::lock_guard lock(mutex_);
  return closed_ || aborted_;
}

bool StreamState::ended() const {
  std::lock_guard lock(mutex_);
  return closed_ || aborted_ || ending_;
}

bool StreamState::aborted() const {
  std::lock_guard lock(mutex_);
  return aborted_;
}

void StreamState::OnEvent(const std::function<void(ResponseStream::Event)>& callback) {
  bool draining = false, closed = false;
  {
    std::lock_guard lock(mutex_);
    draining = draining_;
    closed = closed_;
    if (!closed) callback_ = callback;
  }
  if (draining) callback(ResponseStream::Event::kDraining);
  if (closed) callback(ResponseStream::Event::kClosed);
}

StreamState::Next StreamState::Take(size_t bytes_max, std::vector<Item>* batch) {
  std::lock_guard lock(mutex_);
  wake_sent_ = false;
  if (aborted_) return Next::kAbort;
  size_t taken = 0;
  while (!queue_.empty() && taken < bytes_max) {
    taken += queue_.front().bytes.size();
    batch->push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= taken;
  if (!batch->empty()) return Next::kData;
  return ending_ ? Next::kEnd : Next::kNothing;
}

void StreamState::Emit(ResponseStream::Event event) {
  std::function<void(ResponseStream::Event)> callback;
  std::deque<Item> unsent;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    if (event == ResponseStream::Event::kClosed) {
      closed_ = true;
      unsent.swap(queue_);
      callback.swap(callback_);  // it may hold the stream itself
    } else {
      draining_ = true;
      callback = callback_;
    }
  }
  for (Item& item : unsent) {
    if (item.done) item.done(false);
  }
  if (callback) callback(event);
}

bool ServerExchange::Respond(Response response) {
  if (!Claim()) return false;
  response_ = std::move(response);
  if (connection_->worker().OnThread()) {
    connection_->OnAnswered(this);
  } else {
    connection_->worker().Post([self = ServerRef(this), this] { connection_->OnAnswered(this); });
  }
  return true;
}

std::shared_ptr<ResponseStream> ServerExchange::StartStream(StreamHead head) {
  if (!Claim()) return nullptr;
  auto state = std::make_shared<StreamState>(connection_, std::move(head), connection_->stream_queue_bytes_max());
  stream_ = state;
  const bool posted = connection_->worker().Post([self = ServerRef(this), this] { connection_->OnAnswered(this); });
  if (!posted) state->Emit(ResponseStream::Event::kClosed);
  return std::make_shared<StreamHandle>(std::move(state));
}

void ServerExchange::OnLastHolderGone() {
  if (answered_.load(std::memory_order_acquire) || !Claim()) return;
  connection_->worker().Post([self = ServerRef(this), this] { connection_->OnLost(this); });
}

void ServerExchange::ResumeBody() {
  connection_->worker().Post([self = ServerRef(this), this] { connection_->OnResumeBody(this); });
}

void ServerExchange::Begin(const ParsedHead& head, const char* bytes, std::chrono::steady_clock::time_point received) {
  head_bytes_.assign(bytes, head.bytes);
  const char* base = head_bytes_.data();
  request_.method_name = head.method.In(base);
  request_.method = MethodOf(request_.method_name);
  request_.target = head.target.In(base);
  std::string_view origin = head.origin.In(base);
  if (origin.empty()) origin = "/";  // absolute-form without a path
  const size_t question = origin.find('?');
  request_.path = origin.substr(0, question);
  request_.query = question == std::string_view::npos ? std::string_view() : origin.substr(question + 1);
  request_.host = head.authority.In(base);
  request_.version_minor = head.version_minor;
  request_.headers.Clear();
  for (const ParsedHead::Field& field : head.fields) request_.headers.Add(field.name.In(base), field.value.In(base));
  request_.body = {};
  request_.content_length = head.content_length;
  request_.has_body = head.chunked || head.content_length.value_or(0) > 0;
  request_.received = received;
  request_.is_tls = connection_->tls_ != nullptr;
  request_.is_https = request_.is_tls;
  request_.client_address = connection_->peer_text_;
  if (!connection_->peer_trusted_) return;
  std::vector<std::string_view> forwarded_for;
  for (const HeaderList::Field& field : request_.headers) {
    if (EqualsIgnoreCase(field.name, "X-Forwarded-For")) forwarded_for.push_back(field.value);
  }
  client_address_ = ClientAddress(connection_->peer_, connection_->core_.trusted, forwarded_for);
  request_.client_address = client_address_;
  if (auto scheme = request_.headers.Find("X-Forwarded-Proto")) request_.is_https = EqualsIgnoreCase(*scheme, "https");
}

void ServerExchange::ApplyPlan(BodyPlan plan) {
  context_ = std::move(plan.context);
  if (plan.kind != BodyPlan::Kind::kStream) return;
  sink_ = std::move(plan.sink);
  if (sink_ != nullptr) return;
  // The reader dies with this exchange, so the plain pointer is safe.
  reader_ = std::make_shared<BodyReader>([this] { ResumeBody(); });
  sink_ = reader_;
}

void ServerExchange::Recycle() {
  context_.reset();
  sink_.reset();
  reader_.reset();
  stream_.reset();
  if (body_.capacity() > kKeptBodyBytes) {
    std::string().swap(body_);
  } else {
    body_.clear();
  }
  answered_.store(false, std::memory_order_relaxed);
}

}  // namespace dinh::http
