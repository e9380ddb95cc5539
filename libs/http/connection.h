// One connection: a state machine that runs on its worker's thread until it has to wait. Internal to libs/http.
//
//   handshake → head → body → handling → writing ─┬→ head (keep-alive)
//                  └────────────┘    └→ streaming ┴→ lingering → closed
#pragma once

#include <utility>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/http/exchange.h"
#include "libs/http/request_parser.h"
#include "libs/http/tls.h"
#include "libs/http/worker.h"

namespace dinh::http {

// Bytes that were read and not yet used.
class InputBuffer {
 public:
  static constexpr size_t kSmall = 4096;

  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  void Consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room behind the bytes, after moving or growing up to `capacity_max` if there is none or the last read filled it
  // (larger reads for those who send much). 0: full.
  size_t Reserve(size_t capacity_max);
  char* room() { return data_.get() + end_; }
  void Commit(size_t bytes) {
    end_ += bytes;
    filled_ = end_ == capacity_;
  }
  // Gives back what a large body had needed.
  void Shrink() {
    if (size() == 0 && capacity_ > kSmall) {
      data_.reset();
      capacity_ = 0;
    }
  }

 private:
  std::unique_ptr<char[]> data_;
  size_t begin_ = 0, end_ = 0, capacity_ = 0;
  bool filled_ = false;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Worker> worker, Socket socket, std::unique_ptr<TlsSession> tls, const AddressBytes& peer);

  // Any thread.
  Worker& worker() { return *worker_; }
  size_t stream_queue_bytes_max() const { return core_.options.stream_queue_bytes_max; }

  // I/O thread only, all of them.
  void Start();
  void StartRefused();  // says 503 and goes; is not counted against the limits
  bool Due(TimePoint now) const { return now >= deadline_; }
  TimePoint deadline() const { return deadline_; }
  bool Idle() const { return state_ == State::kHead && in_.size() == 0; }
  void OnTick(TimePoint now);
  void OnDrain();
  void Close();
  // The exchange has an answer (or a stream has begun).
  void OnAnswered(const ServerExchange* exchange);
  void OnResumeBody(const ServerExchange* exchange);
  // The exchange was let go of without an answer, and is claimed for this.
  void OnLost(ServerExchange* exchange);
  void OnStreamReady() { Process(); }

 private:
  friend class ServerExchange;
  enum class State : uint8_t { kHandshake, kHead, kBody, kHandling, kWriting, kStreaming, kLingering, kClosed };

  // Runs until nothing more can be done now. Safe to call from callbacks of itself.
  void Process();
  // One step; false: wait (something is armed, or another thread's turn) or closed.
  bool Step();
  bool StepHandshake();
  bool StepHead();
  bool StepBody();
  bool StepWriting();
  bool StepStreaming();
  bool StepLingering();

  bool OnHead();
  bool PlanBody();
  bool OnBodyPiece(const RequestParser::BodyPiece& piece);
  bool OnBodyDone();
  void RefundBody();
  void RestartBodyClock();
  static absl::Status Broken();
  void EndSink(absl::Status status);
  void OnBodyTick(TimePoint now);
  void Dispatch();
  bool Refuse(ProtocolError error);
  void OnSlow(ProtocolError error);

  bool BeginAnswer();
  bool BeginResponse(Response response);
  bool BeginStream();
  void RenderHead(int status, const ResponseHeaders& headers);
  bool FillFromStream();
  void AppendStreamData(const std::string& bytes);
  void CompleteBatch(bool sent);
  bool Flush();  // true: everything is sent
  bool FinishExchange();
  bool StartClose();

  bool Fill(size_t capacity_max);  // true: bytes came
  IoResult Read(char* out, size_t size);
  IoResult Write(std::string_view first, std::string_view second);
  void ArmRead();
  void ArmWrite();
  TimePoint Now();
  void SetDeadline(std::chrono::milliseconds from_now) { deadline_ = Now() + from_now; }

  const std::shared_ptr<Worker> worker_;
  ServerCore& core_;
  Socket socket_;
  const int fd_;
  const std::unique_ptr<TlsSession> tls_;
  const AddressBytes peer_;
  const std::string peer_text_;
  const bool peer_trusted_;
  bool counted_ = true;

  State state_ = State::kHead;
  bool processing_ = false;
  bool readable_ = false;  // a read may succeed without waiting
  bool read_armed_ = false, write_armed_ = false;
  TimePoint deadline_;
  TimePoint now_{};
  bool now_known_ = false;

  InputBuffer in_;
  RequestParser parser_;
  ServerRef current_, spare_;
  ServerExchange* exchange_ = nullptr;  // current_ while its request is open
  bool head_begun_ = false;
  bool answered_ = false;
  bool keep_alive_ = false;
  bool is_head_method_ = false;
  bool linger_ = false;

  uint64_t body_bytes_ = 0, body_bytes_max_ = 0;
  bool body_paused_ = false;
  TimePoint last_byte_{}, window_begin_{};
  uint64_t window_bytes_ = 0;

  Response response_;  // being written
  std::string out_;    // head, and small or streamed content
  size_t out_sent_ = 0;
  std::string_view tail_;  // rest of a large content, in response_

  std::shared_ptr<StreamState> stream_;
  std::vector<StreamState::Item> batch_;  // in out_, not yet sent
  bool chunked_ = false;
  bool stream_ended_ = false;
  bool write_blocked_ = false;
  uint64_t stream_bytes_ = 0;
};

}  // namespace dinh::http
