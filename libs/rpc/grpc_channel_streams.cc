// Streams of a GrpcChannel.
#include <algorithm>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_client_calls.h"
#include "libs/rpc/grpc_time.h"

namespace dinh::rpc {

using google::protobuf::Message;

GrpcChannel::Subscription::Subscription(GrpcChannel& channel, const google::protobuf::Descriptor& type,
                                        std::shared_ptr<StreamSink> sink)
    : channel_(channel), sink_(std::move(sink)), handle_(std::make_shared<Handle>()) {
  handle_->stream = this;
  message_.reset(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

void GrpcChannel::Subscription::Begin(const std::string& path, const Message& request) {
  out_ = SerializeToBuffer(request);
  channel_.stub_->PrepareBidiStreamingCall(&context_, path, {}, this);
  StartWriteLast(&out_, grpc::WriteOptions());
  StartRead(&in_);
  StartCall();
}

void GrpcChannel::Subscription::OnReadInitialMetadataDone(bool ok) {
  if (!ok) return;
  std::lock_guard lock(handle_->mutex);
  if (handle_->state == Handle::State::kStarting) handle_->state = Handle::State::kAccepted;
  handle_->changed.notify_all();
}

void GrpcChannel::Subscription::OnReadDone(bool ok) {
  if (!ok) return;
  const bool taken = ParseBuffer(&in_, message_.get()) && sink_->Write(*message_);
  in_.Clear();
  if (!taken) return context_.TryCancel();
  StartRead(&in_);
}

void GrpcChannel::Subscription::OnDone(const grpc::Status& status) {
  const absl::Status end = FromCallee(status, channel_.options_.service);
  bool tell = true;
  {
    std::lock_guard lock(handle_->mutex);
    handle_->stream = nullptr;
    if (handle_->state == Handle::State::kStarting && handle_->awaited && !end.ok()) {
      handle_->state = Handle::State::kRefused;
      handle_->refusal = end;
    } else if (handle_->state == Handle::State::kStarting) {
      handle_->state = Handle::State::kAccepted;
    }
    tell = handle_->state == Handle::State::kAccepted;
    handle_->changed.notify_all();
  }
  if (tell) sink_->Finish(end);
  sink_.reset();
  GrpcChannel& channel = channel_;
  std::lock_guard lock(channel.mutex_);
  channel.streams_.erase(this);
  delete this;
  channel.streams_gone_.notify_all();
}

absl::Status GrpcChannel::Subscribe(std::string_view path, const Message& request, std::shared_ptr<StreamSink> sink,
                                    const CallOptions& options) {
  std::string name(path.substr(1));
  name[name.rfind('/')] = '.';
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr || !method->server_streaming()) return base::Internal("no server stream " + name);
  auto own = std::make_unique<Subscription>(*this, *method->output_type(), sink);
  RETURN_IF_ERROR(Prepare(nullptr, options, &own->context()));
  const bool awaited = options.forward != nullptr;
  if (awaited && options.forward->deadline) {
    own->context().set_deadline(After(*options.forward->deadline - clock_.Steady()));
  }
  const std::shared_ptr<Handle> handle = own->handle();
  handle->awaited = awaited;
  Subscription* stream = own.release();  // owns itself from here on
  {
    std::lock_guard lock(mutex_);
    streams_.insert(stream);
  }
  stream->Begin(std::string(path), request);
  if (awaited) RETURN_IF_ERROR(AwaitStart(*handle, options_));
  sink->OnClosed([handle] {
    std::lock_guard lock(handle->mutex);
    if (handle->stream != nullptr) handle->stream->context().TryCancel();
  });
  return absl::OkStatus();
}

// The callee has accepted the stream, or refused it, or is not heard.
absl::Status GrpcChannel::AwaitStart(Handle& handle, const GrpcChannelOptions& options) {
  using State = Handle::State;
  const auto begin = std::chrono::steady_clock::now();
  std::unique_lock lock(handle.mutex);
  const auto known = [&handle] { return handle.state != State::kStarting; };
  bool sent = false;
  while (!handle.changed.wait_for(lock, kCancelPoll, known)) {
    const auto waited = std::chrono::steady_clock::now() - begin;
    sent = sent || (handle.stream != nullptr && SendWatch::Sent(handle.stream->context(), options.target));
    const std::chrono::milliseconds most = sent ? base::kGrpcDeadlineDefault : options.connect_wait;
    if (waited < most) continue;
    handle.state = State::kAbandoned;
    if (handle.stream != nullptr) handle.stream->context().TryCancel();
    return PeerUnavailable();
  }
  return handle.state == State::kRefused ? handle.refusal : absl::OkStatus();
}

void GrpcChannel::Upload::Begin(grpc::GenericStub& stub, const std::string& path) {
  stub.PrepareBidiStreamingCall(&client_, path, {}, this);
  AddHold();  // until Finish: operations start from the owner's thread
  StartRead(&in_);
  StartCall();
}

bool GrpcChannel::Upload::Write(const Message& message, SendWatch& watch) {
  out_ = SerializeToBuffer(message);
  return WriteOut(watch);
}

bool GrpcChannel::Upload::WriteBrokenOff(SendWatch& watch) {
  out_ = BrokenOffMark();
  return WriteOut(watch);
}

bool GrpcChannel::Upload::WriteOut(SendWatch& watch) {
  StartWrite(&out_);
  std::unique_lock lock(mutex_);
  WaitFor(lock, watch, [this] { return wrote_.has_value(); });
  return *std::exchange(wrote_, std::nullopt) && !ended_;
}

bool GrpcChannel::Upload::ended() {
  std::lock_guard lock(mutex_);
  return ended_;
}

grpc::Status GrpcChannel::Upload::Finish(bool complete, SendWatch& watch) {
  if (complete) StartWritesDone();
  RemoveHold();
  std::unique_lock lock(mutex_);
  WaitFor(lock, watch, [this] { return status_.has_value(); });
  return *status_;
}

void GrpcChannel::Upload::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  wrote_ = ok;
  changed_.notify_one();
}

void GrpcChannel::Upload::OnReadDone(bool) {
  std::lock_guard lock(mutex_);
  ended_ = true;
}

void GrpcChannel::Upload::OnDone(const grpc::Status& status) {
  // With the lock held: the owner goes as soon as it has it.
  std::lock_guard lock(mutex_);
  status_ = status;
  changed_.notify_one();
}

absl::Status GrpcChannel::ClientStream(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                                       Message* response, const CallOptions& options) {
  if (ctx.in_transaction) return base::Internal("call of " + std::string(path) + " from inside a transaction");
  RETURN_IF_ERROR(ctx.Check());
  const auto begin = clock_.Steady();
  MethodMetrics* metrics = MetricsOf(path);
  if (metrics != nullptr) metrics->Started();
  absl::Status status = RunUpload(ctx, path, reader, response, options);
  if (metrics != nullptr) {
    metrics->Handled(status.code(), std::chrono::duration<double>(clock_.Steady() - begin).count());
  }
  return status;
}

absl::Status GrpcChannel::RunUpload(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                                    Message* response, const CallOptions& options) {
  std::string name(path.substr(1));
  name[name.rfind('/')] = '.';
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr || !method->client_streaming()) return base::Internal("no client stream " + name);
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type())->New());
  grpc::ClientContext client;
  RETURN_IF_ERROR(Prepare(&ctx, options, &client));
  Upload upload(client);
  upload.Begin(*stub_, std::string(path));
  SendWatch watch(*this, ctx, client);
  absl::StatusOr<bool> more = true;
  bool open = true;  // the callee still reads
  while (open) {
    more = reader.Read(message.get());
    open = !upload.ended();
    if (!more.ok() || !*more) break;
    open = open && upload.Write(*message, watch);
  }
  // What is not whole must not look as if it were.
  const bool broken = !more.ok() && open;
  if (broken) open = upload.WriteBrokenOff(watch);
  const grpc::Status end = upload.Finish(open, watch);
  if (broken) return more.status();
  if (watch.gave_up()) return PeerUnavailable();
  RETURN_IF_ERROR(FromCallee(end, options_.service));
  if (options.forward != nullptr) options.forward->replayed = Replayed(client);
  if (!ParseBuffer(&upload.answer(), response)) return base::Internal("unreadable answer to " + name);
  return absl::OkStatus();
}

}  // namespace dinh::rpc
