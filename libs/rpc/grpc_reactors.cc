#include "libs/rpc/grpc_reactors.h"

#include <condition_variable>
#include <deque>
#include <optional>
#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/status_proto.h"

namespace dinh::rpc {
namespace {

constexpr size_t kStreamQueueMax = 256;  // messages waiting for a slow reader

absl::Status Draining() {
  return base::Unavailable("SHUTTING_DOWN", {"Máy chủ đang dừng. Hãy kết nối lại sau giây lát.",
                                             "The server is shutting down. Connect again in a moment."});
}

absl::Status TooSlow() {
  return base::Error(
      absl::StatusCode::kDeadlineExceeded, "UPLOAD_TOO_SLOW",
      {"Dữ liệu gửi lên bị ngắt quá lâu. Hãy gửi lại.", "The upload stood still for too long. Send it again."});
}

// Runs `task` where the target belongs; on refusal `refused` gets the status on this thread.
template <typename Task, typename Refused>
void RunOn(const GrpcShared& shared, const GrpcTarget& target, Task task, Refused refused) {
  if (target.on_io_thread) return task();
  const absl::Status status = shared.pool.Run(std::move(task));
  if (!status.ok()) refused(status);
}

// Before the end of a call is sent.
void TellReplayed(const CallHead& head, grpc::GenericCallbackServerContext* context) {
  if (head.replayed) context->AddTrailingMetadata(kReplayedKey, "true");
}

class RefusalReactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusalReactor(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

class UnaryReactor final : public grpc::ServerGenericBidiReactor {
 public:
  UnaryReactor(const GrpcShared& shared, const GrpcTarget& target, CallHead head,
               grpc::GenericCallbackServerContext* context)
      : shared_(shared), target_(target), head_(std::move(head)), context_(context) {
    StartRead(&in_);
  }
  void OnReadDone(bool ok) override {
    std::unique_ptr<Message> request(target_.request_prototype->New());
    if (!ok || !ParseBuffer(&in_, request.get())) return Finish(ToGrpc(MalformedMessage()));
    in_.Clear();
    request_ = std::move(request);
    RunOn(
        shared_, target_, [this] { Handle(); }, [this](const absl::Status& status) { Finish(ToGrpc(status)); });
  }
  void OnCancel() override { head_.cancelled->store(true); }
  void OnDone() override { delete this; }

 private:
  void Handle() {
    const std::unique_ptr<Message> response(target_.response_prototype->New());
    const absl::Status status = target_.unary(head_, *request_, response.get());
    if (!status.ok()) return Finish(ToGrpc(status));
    TellReplayed(head_, context_);
    out_ = SerializeToBuffer(*response);
    StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
  }

  const GrpcShared& shared_;
  const GrpcTarget& target_;
  CallHead head_;
  grpc::GenericCallbackServerContext* const context_;
  std::unique_ptr<Message> request_;
  grpc::ByteBuffer in_, out_;
};

// Reads one message ahead; the handler waits on its pool thread, never a thread of gRPC.
class ClientStreamReactor final : public grpc::ServerGenericBidiReactor, private MessageReader {
 public:
  ClientStreamReactor(const GrpcShared& shared, const GrpcTarget& target, CallHead head,
                      grpc::GenericCallbackServerContext* context)
      : shared_(shared), target_(target), head_(std::move(head)), context_(context) {
    StartRead(&in_);
    const absl::Status status = shared_.pool.RunLong([this] { Handle(); });
    if (!status.ok()) Finish(ToGrpc(status));
  }
  void OnReadDone(bool ok) override {
    std::lock_guard lock(mutex_);
    (ok ? ready_ : ended_) = true;
    changed_.notify_one();
  }
  void OnSendInitialMetadataDone(bool ok) override {
    std::lock_guard lock(mutex_);
    header_sent_ = ok;
    changed_.notify_one();
  }
  void OnCancel() override {
    head_.cancelled->store(true);
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_one();
  }
  void OnDone() override { delete this; }

 private:
  absl::StatusOr<bool> Read(Message* out) override {
    {
      std::unique_lock lock(mutex_);
      const bool came = changed_.wait_for(lock, base::kUploadIdle, [this] { return ready_ || ended_ || cancelled_; });
      if (cancelled_) return absl::CancelledError("the client went away");
      if (!came) return TooSlow();
      if (!ready_) return HalfClosed(lock);
      ready_ = false;
    }
    if (IsBrokenOffMark(in_)) return absl::CancelledError("the client broke off");
    const bool parsed = ParseBuffer(&in_, out);
    in_.Clear();
    if (!parsed) return MalformedMessage();
    StartRead(&in_);
    return true;
  }
  // A read that ends looks the same whether the client has finished or broke off, and OnCancel may come later: half an
  // upload must not be taken for a whole one. A stream that was reset takes no header any more, so send it now.
  absl::StatusOr<bool> HalfClosed(std::unique_lock<std::mutex>& lock) {
    if (!std::exchange(header_asked_, true)) {
      lock.unlock();
      StartSendInitialMetadata();
      lock.lock();
    }
    changed_.wait(lock, [this] { return header_sent_.has_value() || cancelled_; });
    if (cancelled_ || !*header_sent_) return absl::CancelledError("the client broke off");
    return false;
  }
  void Handle() {
    const std::unique_ptr<Message> response(target_.response_prototype->New());
    const absl::Status status = target_.client_stream(head_, *this, response.get());
    if (!status.ok()) return Finish(ToGrpc(status));
    TellReplayed(head_, context_);
    out_ = SerializeToBuffer(*response);
    StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
  }

  const GrpcShared& shared_;
  const GrpcTarget& target_;
  CallHead head_;
  grpc::GenericCallbackServerContext* const context_;
  grpc::ByteBuffer in_, out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false, ended_ = false, cancelled_ = false, header_asked_ = false;
  std::optional<bool> header_sent_;
};

// One write is under way at a time; the rest waits in a bounded queue. No thread is held between messages.
class ServerStreamReactor final : public grpc::ServerGenericBidiReactor,
                                  public StreamSink,
                                  public OpenStreams::Stream,
                                  public std::enable_shared_from_this<ServerStreamReactor> {
 public:
  ServerStreamReactor(const GrpcShared& shared, const GrpcTarget& target, CallHead head,
                      grpc::GenericCallbackServerContext* context)
      : shared_(shared), target_(target), head_(std::move(head)), context_(context) {}
  void Begin() {
    self_ = shared_from_this();
    if (!shared_.streams.Add(self_)) return Finish(Draining());
    StartRead(&in_);
  }

  void OnReadDone(bool ok) override {
    request_.reset(target_.request_prototype->New());
    if (!ok || !ParseBuffer(&in_, request_.get())) return Finish(MalformedMessage());
    in_.Clear();
    RunOn(
        shared_, target_, [self = shared_from_this()] { self->Open(); },
        [this](const absl::Status& status) { Finish(status); });
  }
  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (ok) queue_.pop_front();
    if (!ok) queue_.clear();
    Continue(lock);
  }
  void OnCancel() override {
    head_.cancelled->store(true);
    Close();
  }
  void OnDone() override {
    shared_.streams.Remove(this);
    Close();
    self_.reset();  // may delete this
  }

  bool Write(const Message& message) override {
    grpc::ByteBuffer bytes = SerializeToBuffer(message);
    std::unique_lock lock(mutex_);
    if (closed_ || finish_) return false;
    if (queue_.size() >= kStreamQueueMax) {
      // The reader does not read, so a polite end would wait as long as the messages do. With the lock held: OnDone
      // takes it before the context goes.
      context_->TryCancel();
      return false;
    }
    queue_.push_back(std::move(bytes));
    Continue(lock);
    return true;
  }
  void Finish(const absl::Status& status) override {
    std::unique_lock lock(mutex_);
    if (!finish_) finish_ = status;
    Continue(lock);
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
  void EndForDrain() override {
    Finish(Draining());
    NotifyClosed();
  }

 private:
  void Open() {
    const absl::Status status = target_.server_stream(head_, *request_, shared_from_this());
    if (!status.ok()) return Finish(status);
    // Tells the client that the stream is accepted, however long its first message takes.
    std::unique_lock lock(mutex_);
    if (ended_ || std::exchange(begun_, true)) return;
    StartSendInitialMetadata();
  }
  // Sends what comes next; with the lock held, so that gRPC sees one operation after the other.
  void Continue(std::unique_lock<std::mutex>&) {
    if (writing_ || ended_) return;
    if (!queue_.empty()) {
      writing_ = begun_ = true;
      StartWrite(&queue_.front());
    } else if (finish_) {
      ended_ = true;
      grpc::ServerGenericBidiReactor::Finish(ToGrpc(*finish_));
    }
  }
  // The peer is gone: gRPC still wants its Finish before it lets go.
  void Close() {
    NotifyClosed();
    Finish(absl::CancelledError());
  }
  void NotifyClosed() {
    std::function<void()> callback;
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(closed_, true)) return;
      callback = std::move(on_closed_);
    }
    if (callback) callback();
  }

  const GrpcShared& shared_;
  const GrpcTarget& target_;
  CallHead head_;
  grpc::GenericCallbackServerContext* const context_;
  std::shared_ptr<ServerStreamReactor> self_;
  std::unique_ptr<Message> request_;
  grpc::ByteBuffer in_;
  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> queue_;
  bool writing_ = false, begun_ = false, closed_ = false, ended_ = false;
  std::optional<absl::Status> finish_;
  std::function<void()> on_closed_;
};

}  // namespace

bool OpenStreams::Add(const std::shared_ptr<Stream>& stream) {
  std::lock_guard lock(mutex_);
  if (draining_) return false;
  streams_.insert(stream);
  return true;
}

void OpenStreams::Remove(Stream* stream) {
  std::shared_ptr<Stream> last;  // let go outside the lock
  std::lock_guard lock(mutex_);
  for (auto it = streams_.begin(); it != streams_.end(); ++it) {
    if (it->get() != stream) continue;
    last = *it;
    streams_.erase(it);
    return;
  }
}

void OpenStreams::EndAll() {
  std::set<std::shared_ptr<Stream>> streams;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) stream->EndForDrain();
}

grpc::ServerGenericBidiReactor* NewReactor(const GrpcShared& shared, const GrpcTarget& target, CallHead head,
                                           grpc::GenericCallbackServerContext* context) {
  if (target.unary) return new UnaryReactor(shared, target, std::move(head), context);
  if (target.client_stream) return new ClientStreamReactor(shared, target, std::move(head), context);
  auto stream = std::make_shared<ServerStreamReactor>(shared, target, std::move(head), context);
  stream->Begin();
  return stream.get();
}

grpc::ServerGenericBidiReactor* NewRefusal(const absl::Status& status) { return new RefusalReactor(status); }

}  // namespace dinh::rpc
