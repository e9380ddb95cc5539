// The calls of a GrpcChannel under way. Private to grpc_channel*.cc.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/method_table.h"

namespace dinh::rpc {

inline constexpr std::chrono::milliseconds kCancelPoll{50};

// Whether the answer was the stored one of an earlier call; after its end.
inline bool Replayed(const grpc::ClientContext& client) {
  return client.GetServerTrailingMetadata().count(kReplayedKey) > 0;
}

// Cancels a call with the operation it belongs to, and one that no connection has taken within the channel's
// connect_wait: it has had no effect then.
class GrpcChannel::SendWatch {
 public:
  SendWatch(const GrpcChannel& channel, const base::OpContext& ctx, grpc::ClientContext& client)
      : options_(channel.options_), ctx_(ctx), client_(client) {}

  // Every kCancelPoll while the call runs.
  void Tick() {
    if (ctx_.cancelled()->load()) return client_.TryCancel();
    if (sent_ || gave_up_ || std::chrono::steady_clock::now() - begin_ < options_.connect_wait) return;
    sent_ = Sent(client_, options_.target);
    if (sent_) return;
    gave_up_ = true;
    client_.TryCancel();
  }
  bool gave_up() const { return gave_up_; }

  // gRPC knows a call's peer when a connection has taken it, and tells the channel's target before.
  static bool Sent(const grpc::ClientContext& client, const std::string& target) {
    const std::string peer = client.peer();
    return peer != target && peer != "dns:///" + target && peer != "unknown";
  }

 private:
  const GrpcChannelOptions& options_;
  const base::OpContext& ctx_;
  grpc::ClientContext& client_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();  // connecting takes real time
  bool sent_ = false, gave_up_ = false;
};

// What the consumer of a stream and whoever waits for its acceptance know of it; the stream may be gone already.
struct GrpcChannel::Handle {
  enum class State {
    kStarting,  // nobody knows yet; if someone waits, an end is a refusal, told to him and not to the sink
    kAccepted,
    kRefused,
    kAbandoned,  // the waiter gave up
  };
  std::mutex mutex;
  std::condition_variable changed;
  Subscription* stream = nullptr;
  bool awaited = false;
  State state = State::kStarting;
  absl::Status refusal;
};

// A server stream from the other side into a sink. Owns itself; goes with OnDone.
class GrpcChannel::Subscription final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Subscription(GrpcChannel& channel, const google::protobuf::Descriptor& type, std::shared_ptr<StreamSink> sink);
  grpc::ClientContext& context() { return context_; }
  const std::shared_ptr<Handle>& handle() const { return handle_; }

  void Begin(const std::string& path, const google::protobuf::Message& request);
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  GrpcChannel& channel_;
  std::shared_ptr<StreamSink> sink_;
  const std::shared_ptr<Handle> handle_;
  grpc::ClientContext context_;
  std::unique_ptr<google::protobuf::Message> message_;
  grpc::ByteBuffer in_, out_;
};

// A client stream, written by the thread that owns it: one message is under way at a time.
class GrpcChannel::Upload final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Upload(grpc::ClientContext& client) : client_(client) {}

  void Begin(grpc::GenericStub& stub, const std::string& path);
  // false: the callee takes no more. Waits until the message has left.
  bool Write(const google::protobuf::Message& message, SendWatch& watch);
  // Instead of what does not come any more.
  bool WriteBrokenOff(SendWatch& watch);
  // The callee has answered.
  bool ended();
  // After the last Write. The end of the call; `complete`: all was written.
  grpc::Status Finish(bool complete, SendWatch& watch);
  grpc::ByteBuffer& answer() { return in_; }

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  bool WriteOut(SendWatch& watch);
  template <typename Ready>
  void WaitFor(std::unique_lock<std::mutex>& lock, SendWatch& watch, Ready ready) {
    while (!changed_.wait_for(lock, kCancelPoll, ready)) watch.Tick();
  }

  grpc::ClientContext& client_;
  grpc::ByteBuffer in_, out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::optional<bool> wrote_;
  std::optional<grpc::Status> status_;
};

}  // namespace dinh::rpc
