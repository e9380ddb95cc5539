// The server's own Exchange and ResponseStream. Internal to libs/http.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/http/body.h"
#include "libs/http/request_parser.h"
#include "libs/http/server.h"

namespace dinh::http {

class Connection;

// What a streaming connection and the handler's end of the stream share. Thread-safe.
class StreamState {
 public:
  struct Item {
    std::string bytes;
    ResponseStream::Done done;
  };

  StreamState(std::shared_ptr<Connection> connection, StreamHead head, size_t queue_bytes_max);

  const StreamHead& head() const { return head_; }

  // The handler's side.
  bool Write(std::string bytes, ResponseStream::Done done);
  void End();
  void Abort();
  bool closed() const;
  void OnEvent(const std::function<void(ResponseStream::Event)>& callback);
  bool ended() const;
  bool aborted() const;

  // The connection's side, on its I/O thread.
  enum class Next : uint8_t { kData, kNothing, kEnd, kAbort };
  // Moves what is queued, up to about `bytes_max`, to `batch`. kEnd: no more will come.
  Next Take(size_t bytes_max, std::vector<Item>* batch);
  void Emit(ResponseStream::Event event);

 private:
  void Wake();

  const std::shared_ptr<Connection> connection_;
  const StreamHead head_;
  const size_t queue_bytes_max_;
  mutable std::mutex mutex_;
  std::deque<Item> queue_;
  size_t queue_bytes_ = 0;
  bool wake_sent_ = false;
  bool ending_ = false;
  bool aborted_ = false;
  bool closed_ = false;
  bool draining_ = false;
  std::function<void(ResponseStream::Event)> callback_;
};

class ServerExchange final : public Exchange {
 public:
  explicit ServerExchange(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  const Request& request() const override { return request_; }
  bool Respond(Response response) override;
  std::shared_ptr<ResponseStream> StartStream(StreamHead head) override;
  BodyReader* body_reader() const override { return reader_.get(); }
  void ResumeBody() override;

 private:
  friend class Connection;
  friend class ServerRef;

  // From here on: I/O thread, while nobody else can have this object or its answer is settled.
  void Begin(const ParsedHead& head, const char* bytes, std::chrono::steady_clock::time_point received);
  void ApplyPlan(BodyPlan plan);
  // A handler that forgets its exchange must not keep its client waiting.
  void OnLastHolderGone() override;
  // true for exactly one caller.
  bool Claim() { return !answered_.exchange(true, std::memory_order_acq_rel); }
  void Recycle();

  const std::shared_ptr<Connection> connection_;
  Request request_;
  std::string head_bytes_;
  std::string body_;
  size_t charged_bytes_ = 0;  // of body_, to ServerOptions::buffered_bytes_max
  std::string client_address_;
  std::shared_ptr<BodySink> sink_;
  std::shared_ptr<BodyReader> reader_;
  std::atomic<bool> answered_{false};
  Response response_;
  std::shared_ptr<StreamState> stream_;
};

// The server's own hold on an exchange, which no handler's letting go is confused with.
class ServerRef {
 public:
  ServerRef() = default;
  explicit ServerRef(ServerExchange* exchange) : exchange_(exchange) { exchange_->Reference(); }
  ServerRef(const ServerRef& other) : exchange_(other.exchange_) {
    if (exchange_ != nullptr) exchange_->Reference();
  }
  ServerRef(ServerRef&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
  ServerRef& operator=(ServerRef other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
  }
  ~ServerRef() {
    if (exchange_ != nullptr) exchange_->Unreference();
  }

  ServerExchange* get() const { return exchange_; }
  explicit operator bool() const { return exchange_ != nullptr; }
  void reset() { *this = ServerRef(); }
  bool unique() const { return exchange_ != nullptr && exchange_->Unshared(); }

 private:
  ServerExchange* exchange_ = nullptr;
};

}  // namespace dinh::http
