#include "libs/http/connection.h"

#include <sys/socket.h>

#include <algorithm>

#include "libs/base/status.h"

namespace dinh::http {
namespace {

constexpr int kStepsPerTurn = 64;                // then others of this thread get theirs
constexpr size_t kBodyReserveBytes = 64 * 1024;  // a promised length is not yet memory
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

absl::Status BodyError(ProtocolError error) {
  const ProtocolErrorInfo& info = Describe(error);
  const base::Text text{.vi = std::string(info.vi), .en = std::string(info.en)};
  switch (error) {
    case ProtocolError::kTimeout:
      return base::Error(absl::StatusCode::kDeadlineExceeded, "UPLOAD_TOO_SLOW", text);
    case ProtocolError::kHandlerTimeout:
      return base::Error(absl::StatusCode::kDeadlineExceeded, info.reason, text);
    case ProtocolError::kBodyTooLarge:
      return base::Error(absl::StatusCode::kOutOfRange, info.reason, text);
    default:
      return base::Error(absl::StatusCode::kInvalidArgument, info.reason, text);
  }
}

}  // namespace

absl::Status Connection::Broken() {
  return base::Error(absl::StatusCode::kCancelled, "UPLOAD_BROKEN",
                     {.vi = "Kết nối bị ngắt giữa chừng; hãy gửi lại tệp.",
                      .en = "The connection broke off; send the content again."});
}

size_t InputBuffer::Reserve(size_t capacity_max) {
  const bool grow = (std::exchange(filled_, false) || size() == capacity_) && capacity_ < capacity_max;
  if (!grow && end_ < capacity_) return capacity_ - end_;
  const size_t bytes = size();
  if (!grow) {
    if (begin_ > 0) std::memmove(data_.get(), data_.get() + begin_, bytes);
  } else {
    const size_t larger = std::min(std::max(capacity_ * 2, kSmall), capacity_max);
    std::unique_ptr<char[]> data(new char[larger]);  // not zeroed
    if (bytes > 0) std::memcpy(data.get(), data_.get() + begin_, bytes);
    data_ = std::move(data);
    capacity_ = larger;
  }
  begin_ = 0;
  end_ = bytes;
  return capacity_ - end_;
}

Connection::Connection(std::shared_ptr<Worker> worker, Socket socket, std::unique_ptr<TlsSession> tls,
                       const AddressBytes& peer)
    : worker_(std::move(worker)),
      core_(worker_->core()),
      socket_(std::move(socket)),
      fd_(socket_.native_handle()),
      tls_(std::move(tls)),
      peer_(peer),
      peer_text_(FormatAddress(peer)),
      peer_trusted_(core_.trusted.Contains(peer)),
      parser_(core_.parser_limits) {}

void Connection::Start() {
  state_ = tls_ != nullptr ? State::kHandshake : State::kHead;
  readable_ = tls_ != nullptr;
  SetDeadline(core_.options.header_timeout);
  Process();
}

void Connection::StartRefused() {
  counted_ = false;
  if (tls_ != nullptr) return Close();  // a handshake is what there is no room for
  SetDeadline(core_.options.linger);
  Refuse(ProtocolError::kTooManyConnections);
  Process();
}

TimePoint Connection::Now() {
  if (!processing_) return core_.clock.Steady();
  if (!now_known_) {
    now_ = core_.clock.Steady();
    now_known_ = true;
  }
  return now_;
}

void Connection::Process() {
  if (processing_) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  processing_ = true;
  now_known_ = false;
  int steps = 0;
  while (Step()) {
    if (++steps == kStepsPerTurn) {
      worker_->Post([self] { self->Process(); });
      break;
    }
  }
  processing_ = false;
}

bool Connection::Step() {
  switch (state_) {
    case State::kHandshake:
      return StepHandshake();
    case State::kHead:
      return StepHead();
    case State::kBody:
      return StepBody();
    case State::kHandling:
      return answered_ && BeginAnswer();
    case State::kWriting:
      return StepWriting();
    case State::kStreaming:
      return StepStreaming();
    case State::kLingering:
      return StepLingering();
    case State::kClosed:
      return false;
  }
  return false;
}

bool Connection::StepHandshake() {
  switch (tls_->Handshake().state) {
    case IoState::kOk:
      state_ = State::kHead;
      SetDeadline(core_.options.header_timeout);
      return true;
    case IoState::kWantRead:
      ArmRead();
      return false;
    case IoState::kWantWrite:
      ArmWrite();
      return false;
    default:
      Close();
      return false;
  }
}

bool Connection::StepHead() {
  // One empty line before a request is forgiven (RFC 9112, section 2.2); Beast would not.
  if (!head_begun_ && in_.view().starts_with("\r\n")) in_.Consume(2);
  if (in_.size() > 0) {
    switch (parser_.ParseHead(in_.view())) {
      case RequestParser::HeadResult::kDone:
        return OnHead();
      case RequestParser::HeadResult::kError:
        return Refuse(parser_.error());
      case RequestParser::HeadResult::kNeedMore:
        break;
    }
    // From the first byte on: not to be extended by further bytes.
    if (!std::exchange(head_begun_, true)) SetDeadline(core_.options.header_timeout);
  } else if (core_.draining.load(std::memory_order_relaxed)) {
    Close();
    return false;
  }
  return Fill(core_.options.header_bytes_max);
}

bool Connection::OnHead() {
  WorkerCounters::Increment(worker_->counters().requests);
  const ParsedHead& head = parser_.head();
  current_ = spare_ ? std::exchange(spare_, ServerRef()) : ServerRef(new ServerExchange(shared_from_this()));
  exchange_ = current_.get();
  exchange_->Begin(head, in_.view().data(), Now());
  in_.Consume(head.bytes);
  head_begun_ = false;
  keep_alive_ = head.keep_alive;
  is_head_method_ = exchange_->request_.method == Method::kHead;
  if (parser_.has_body()) return PlanBody();
  state_ = State::kHandling;
  Dispatch();
  return true;
}

bool Connection::PlanBody() {
  BodyPlan plan = core_.handler.PlanBody(exchange_->request_);
  state_ = State::kBody;
  if (plan.kind == BodyPlan::Kind::kReject) {
    exchange_->Claim();
    exchange_->response_ = std::move(plan.rejection);
    answered_ = true;
    return true;
  }
  body_bytes_ = 0;
  body_bytes_max_ = plan.bytes_max;
  const ParsedHead& head = parser_.head();
  if (head.content_length.value_or(0) > body_bytes_max_) return Refuse(ProtocolError::kBodyTooLarge);
  // Nothing else is on its way out, so this little always fits; if not, the connection is no good.
  if (head.expects_continue && in_.size() == 0 && Write(kContinue, {}).bytes != kContinue.size()) {
    Close();
    return false;
  }
  body_paused_ = false;
  RestartBodyClock();
  exchange_->ApplyPlan(std::move(plan));
  if (exchange_->sink_ != nullptr) Dispatch();
  return true;
}

void Connection::Dispatch() {
  core_.handler.OnRequest(ExchangePtr(exchange_));
  if (state_ == State::kHandling && !answered_)
    deadline_ = exchange_->request_.received + core_.options.handler_timeout;
}

bool Connection::StepBody() {
  if (answered_) return BeginAnswer();
  if (body_paused_) return false;
  if (in_.size() > 0) {
    const RequestParser::BodyPiece piece = parser_.ParseBody(in_.view());
    if (piece.failed) return Refuse(ProtocolError::kMalformed);
    if (piece.done || piece.consumed > 0) return OnBodyPiece(piece);
    // A chunk header or trailers that fill the whole buffer are nobody's honest work.
    if (in_.Reserve(base::kUploadChunkBytes) == 0) return Refuse(ProtocolError::kMalformed);
  }
  if (!Fill(base::kUploadChunkBytes)) return false;
  last_byte_ = Now();
  deadline_ = std::min(last_byte_ + core_.options.body_stall, window_begin_ + core_.options.body_window);
  return true;
}

bool Connection::OnBodyPiece(const RequestParser::BodyPiece& piece) {
  body_bytes_ += piece.data.size();
  window_bytes_ += piece.consumed;
  if (body_bytes_ > body_bytes_max_) return Refuse(ProtocolError::kBodyTooLarge);
  if (exchange_->sink_ == nullptr) {
    if (exchange_->body_.empty()) {
      exchange_->body_.reserve(std::min<uint64_t>(parser_.head().content_length.value_or(0), kBodyReserveBytes));
    }
    if (!core_.Charge(piece.data.size())) return Refuse(ProtocolError::kTooManyConnections);
    exchange_->charged_bytes_ += piece.data.size();
    exchange_->body_.append(piece.data);
  } else if (!piece.data.empty() && !exchange_->sink_->OnData(piece.data)) {
    body_paused_ = true;
    SetDeadline(core_.options.handler_timeout);
  }
  in_.Consume(piece.consumed);
  return piece.done ? OnBodyDone() : true;
}

bool Connection::OnBodyDone() {
  state_ = State::kHandling;
  if (exchange_->sink_ != nullptr) {
    EndSink(absl::OkStatus());
    SetDeadline(core_.options.handler_timeout);
    return true;
  }
  exchange_->request_.body = exchange_->body_;
  Dispatch();
  return true;
}

void Connection::RefundBody() {
  if (exchange_ != nullptr && exchange_->charged_bytes_ > 0) core_.Refund(std::exchange(exchange_->charged_bytes_, 0));
}

void Connection::RestartBodyClock() {
  last_byte_ = window_begin_ = Now();
  window_bytes_ = 0;
  deadline_ = last_byte_ + std::min(core_.options.body_stall, core_.options.body_window);
}

void Connection::EndSink(absl::Status status) {
  if (exchange_ == nullptr || exchange_->sink_ == nullptr) return;
  std::exchange(exchange_->sink_, nullptr)->OnEnd(std::move(status));
}

bool Connection::Refuse(ProtocolError error) {
  WorkerCounters::Increment(worker_->counters().protocol_errors);
  const bool in_request = exchange_ != nullptr;
  // Before the sink hears of it: its handler may let the exchange go at once.
  const bool claimed = !in_request || exchange_->Claim();
  EndSink(BodyError(error));
  linger_ = true;
  keep_alive_ = false;
  if (!claimed) {
    // The handler was a moment faster: its answer is on its way to this thread.
    state_ = State::kHandling;
    SetDeadline(core_.options.handler_timeout);
    return true;
  }
  Response response = core_.handler.OnProtocolError(error, in_request ? &exchange_->request_ : nullptr);
  if (error == ProtocolError::kTooManyConnections && !response.headers.Find("Retry-After")) {
    response.headers.Add("Retry-After", "1");
  }
  return BeginResponse(std::move(response));
}

void Connection::OnSlow(ProtocolError error) {
  WorkerCounters::Increment(worker_->counters().timeouts);
  Refuse(error);
  Process();
}

void Connection::OnTick(TimePoint now) {
  if (now < deadline_) return;
  switch (state_) {
    case State::kHead:
      if (head_begun_) return OnSlow(ProtocolError::kTimeout);
      return Close();  // idle
    case State::kBody:
      return OnBodyTick(now);
    case State::kHandling:
      if (exchange_->answered_.load()) {
        deadline_ = now + core_.options.handler_timeout;
        return;
      }
      return OnSlow(ProtocolError::kHandlerTimeout);
    case State::kStreaming:
      if (!write_blocked_) {
        AppendStreamData(stream_->head().heartbeat);
        return Process();
      }
      [[fallthrough]];
    case State::kHandshake:
    case State::kWriting:
      WorkerCounters::Increment(worker_->counters().timeouts);
      return Close();
    case State::kLingering:
      return Close();
    case State::kClosed:
      return;
  }
}

void Connection::OnBodyTick(TimePoint now) {
  const ServerOptions& options = core_.options;
  if (body_paused_) return OnSlow(ProtocolError::kHandlerTimeout);
  if (now - last_byte_ >= options.body_stall) return OnSlow(ProtocolError::kTimeout);
  const auto window = now - window_begin_;
  if (window >= options.body_window) {
    const double seconds = std::chrono::duration<double>(window).count();
    if (static_cast<double>(window_bytes_) < seconds * static_cast<double>(options.body_bytes_per_second_min)) {
      return OnSlow(ProtocolError::kTimeout);
    }
    window_begin_ = now;
    window_bytes_ = 0;
  }
  deadline_ = std::min(last_byte_ + options.body_stall, window_begin_ + options.body_window);
}

void Connection::OnDrain() {
  if (state_ == State::kHandshake || Idle()) return Close();
  if (state_ == State::kStreaming) stream_->Emit(ResponseStream::Event::kDraining);
}

void Connection::OnAnswered(const ServerExchange* exchange) {
  if (state_ == State::kClosed || exchange_ != exchange) {
    if (exchange->stream_ != nullptr) exchange->stream_->Emit(ResponseStream::Event::kClosed);
    return;
  }
  answered_ = true;
  Process();
}

void Connection::OnLost(ServerExchange* exchange) {
  if (state_ == State::kClosed || exchange_ != exchange) return;
  exchange->response_ = core_.handler.OnProtocolError(ProtocolError::kInternal, &exchange->request_);
  OnAnswered(exchange);
}

void Connection::OnResumeBody(const ServerExchange* exchange) {
  if (state_ != State::kBody || exchange_ != exchange || !body_paused_) return;
  body_paused_ = false;
  RestartBodyClock();
  Process();
}

bool Connection::Fill(size_t capacity_max) {
  if (!readable_) {
    ArmRead();
    return false;
  }
  const size_t room = in_.Reserve(capacity_max);
  const IoResult result = Read(in_.room(), room);
  switch (result.state) {
    case IoState::kOk:
      in_.Commit(result.bytes);
      // A plain socket that gave less than asked for is empty; OpenSSL may hold back a decrypted rest.
      if (tls_ == nullptr && result.bytes < room) readable_ = false;
      return true;
    case IoState::kWantRead:
      readable_ = false;
      ArmRead();
      return false;
    default:
      Close();
      return false;
  }
}

IoResult Connection::Read(char* out, size_t size) {
  return tls_ != nullptr ? tls_->Read(out, size) : SocketRead(fd_, out, size);
}

IoResult Connection::Write(std::string_view first, std::string_view second) {
  if (tls_ != nullptr) return tls_->Write(first.empty() ? second : first);
  if (first.empty()) return SocketWrite(fd_, second, {});
  return SocketWrite(fd_, first, second);
}

void Connection::ArmRead() {
  if (std::exchange(read_armed_, true)) return;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->read_armed_ = false;
    self->readable_ = true;  // after an error, reading tells what it is
    if (error != boost::asio::error::operation_aborted) self->Process();
  });
}

void Connection::ArmWrite() {
  if (std::exchange(write_armed_, true)) return;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
    self->write_armed_ = false;
    if (error != boost::asio::error::operation_aborted) self->Process();
  });
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const std::shared_ptr<Connection> self = shared_from_this();
  EndSink(Broken());
  CompleteBatch(false);
  if (exchange_ != nullptr && exchange_->stream_ != nullptr && stream_ == nullptr && answered_) {
    exchange_->stream_->Emit(ResponseStream::Event::kClosed);
  }
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->Emit(ResponseStream::Event::kClosed);
  if (tls_ != nullptr) tls_->Close();
  boost::system::error_code ignored;
  socket_.close(ignored);
  RefundBody();
  exchange_ = nullptr;
  current_.reset();
  spare_.reset();
  if (counted_) core_.Leave(peer_);
  worker_->Remove(this);
}

}  // namespace dinh::http
