// The writing half of a connection: answers, streams, and the end.
#include <utility>

#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "libs/http/connection.h"

namespace dinh::http {
namespace {

// Content up to this goes into one buffer with the head (a copy is cheaper than a second element or TLS record).
constexpr size_t kInlineBytes = 16 * 1024;
constexpr size_t kStreamBatchBytes = 256 * 1024;
constexpr size_t kPipelinedBytesMax = 16 * 1024;  // what a client may send ahead while it listens to a stream
constexpr size_t kKeptOutBytes = 64 * 1024;
constexpr TimePoint kNever = TimePoint::max();

bool HasContent(int status) { return status >= 200 && status != 204 && status != 304; }

void AppendNumber(uint64_t number, int base, std::string* out) {
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof(digits), number, base);
  out->append(digits, result.ptr);
}

}  // namespace

bool Connection::BeginAnswer() {
  answered_ = false;
  if (state_ == State::kBody) {
    // Answered before the body was all there: what is left of it is not worth reading.
    EndSink(Broken());
    keep_alive_ = false;
    linger_ = true;
  }
  if (exchange_->stream_ != nullptr) return BeginStream();
  return BeginResponse(std::move(exchange_->response_));
}

void Connection::RenderHead(int status, const ResponseHeaders& headers) {
  out_.clear();
  out_sent_ = 0;
  out_ += "HTTP/1.1 ";
  AppendNumber(status, 10, &out_);
  out_ += ' ';
  out_ += ReasonPhrase(status);
  out_ += "\r\nDate: ";
  out_ += worker_->Date(Now());
  out_ += "\r\n";
  out_ += headers.lines();
  if (core_.draining.load(std::memory_order_relaxed)) keep_alive_ = false;
  if (!keep_alive_) {
    out_ += "Connection: close\r\n";
  } else if (exchange_ != nullptr && exchange_->request_.version_minor == 0) {
    out_ += "Connection: keep-alive\r\n";
  }
}

bool Connection::BeginResponse(Response response) {
  state_ = State::kWriting;
  response_ = std::move(response);
  if (response_.close) keep_alive_ = false;
  const bool has_content = HasContent(response_.status);
  RenderHead(response_.status, response_.headers);
  const std::string_view content = response_.content();
  if (has_content) {
    out_ += "Content-Length: ";
    AppendNumber(content.size(), 10, &out_);
    out_ += "\r\n";
  }
  out_ += "\r\n";
  tail_ = {};
  if (!has_content || is_head_method_) return true;
  if (content.size() <= kInlineBytes) {
    out_ += content;
  } else {
    tail_ = content;
  }
  return true;
}

bool Connection::Flush() {
  while (out_sent_ < out_.size() || !tail_.empty()) {
    const IoResult result = Write(std::string_view(out_).substr(out_sent_), tail_);
    if (result.state == IoState::kWantWrite) {
      write_blocked_ = true;
      SetDeadline(core_.options.write_stall);
      ArmWrite();
      return false;
    }
    if (result.state != IoState::kOk) {
      Close();
      return false;
    }
    const size_t of_out = std::min(result.bytes, out_.size() - out_sent_);
    out_sent_ += of_out;
    tail_.remove_prefix(result.bytes - of_out);
  }
  write_blocked_ = false;
  return true;
}

bool Connection::StepWriting() { return Flush() && FinishExchange(); }

bool Connection::BeginStream() {
  state_ = State::kStreaming;
  stream_ = exchange_->stream_;
  const StreamHead& head = stream_->head();
  const bool has_content = HasContent(head.status);
  chunked_ = has_content && !head.content_length.has_value() && exchange_->request_.version_minor == 1;
  // HTTP/1.0 knows no chunks: the end of the connection is the end of the content.
  if (has_content && !chunked_ && !head.content_length.has_value()) keep_alive_ = false;
  stream_ended_ = false;
  stream_bytes_ = 0;
  write_blocked_ = false;
  RenderHead(head.status, head.headers);
  if (chunked_) {
    out_ += "Transfer-Encoding: chunked\r\n";
  } else if (has_content && head.content_length.has_value()) {
    out_ += "Content-Length: ";
    AppendNumber(*head.content_length, 10, &out_);
    out_ += "\r\n";
  }
  out_ += "\r\n";
  tail_ = {};
  if (core_.draining.load(std::memory_order_relaxed)) stream_->Emit(ResponseStream::Event::kDraining);
  return true;
}

void Connection::AppendStreamData(const std::string& bytes) {
  stream_bytes_ += bytes.size();
  if (bytes.empty() || is_head_method_ || !HasContent(stream_->head().status)) return;
  if (chunked_) {
    AppendNumber(bytes.size(), 16, &out_);
    out_ += "\r\n";
  }
  out_ += bytes;
  if (chunked_) out_ += "\r\n";
}

void Connection::CompleteBatch(bool sent) {
  std::vector<StreamState::Item> batch;
  batch.swap(batch_);  // what a callback writes goes to the queue
  for (StreamState::Item& item : batch) {
    if (item.done) item.done(sent);
  }
}

bool Connection::StepStreaming() {
  if (stream_->aborted()) {  // also while a client that does not read blocks what was sent before
    Close();
    return false;
  }
  if (!Flush()) return false;
  CompleteBatch(true);
  out_.clear();
  out_sent_ = 0;
  if (stream_ended_) return FinishExchange();
  return FillFromStream();
}

bool Connection::FillFromStream() {
  const StreamHead& head = stream_->head();
  switch (stream_->Take(kStreamBatchBytes, &batch_)) {
    case StreamState::Next::kAbort:
      Close();
      return false;
    case StreamState::Next::kData:
      for (const StreamState::Item& item : batch_) AppendStreamData(item.bytes);
      if (head.content_length.has_value() && stream_bytes_ > *head.content_length) {
        Close();  // more than was promised: the client must not take it for the next answer
        return false;
      }
      return true;
    case StreamState::Next::kEnd:
      if (head.content_length.has_value() && stream_bytes_ != *head.content_length && !is_head_method_) {
        Close();
        return false;
      }
      if (chunked_ && !is_head_method_) out_ += "0\r\n\r\n";
      stream_ended_ = true;
      return true;
    case StreamState::Next::kNothing:
      break;
  }
  if (!head.heartbeat.empty() && head.heartbeat_interval.count() > 0) {
    SetDeadline(head.heartbeat_interval);
  } else {
    deadline_ = kNever;
  }
  // Listening is how a client's going is noticed. What it sends ahead waits in the buffer.
  if (in_.size() >= kPipelinedBytesMax) return false;
  return Fill(kPipelinedBytesMax);
}

bool Connection::FinishExchange() {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->Emit(ResponseStream::Event::kClosed);
  response_ = Response();
  is_head_method_ = false;
  if (out_.capacity() > kKeptOutBytes) std::string().swap(out_);
  out_.clear();
  out_sent_ = 0;
  RefundBody();
  exchange_ = nullptr;
  if (current_.unique()) {
    current_.get()->Recycle();
    spare_ = std::move(current_);
  } else {
    current_.reset();
  }
  if (!keep_alive_ || core_.draining.load(std::memory_order_relaxed)) return StartClose();
  in_.Shrink();
  parser_.Reset();
  state_ = State::kHead;
  SetDeadline(core_.options.idle_timeout);
  return true;
}

bool Connection::StartClose() {
  // Closing with unread bytes makes the kernel send RST, which may overtake the answer: read on for a while.
  if (!linger_ && in_.size() == 0) {
    Close();
    return false;
  }
  if (tls_ != nullptr) tls_->Close();
  ::shutdown(fd_, SHUT_WR);
  state_ = State::kLingering;
  in_.Consume(in_.size());
  SetDeadline(core_.options.linger);
  return true;
}

bool Connection::StepLingering() {
  in_.Consume(in_.size());
  return Fill(base::kUploadChunkBytes);
}

}  // namespace dinh::http
