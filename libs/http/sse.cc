#include "libs/http/sse.h"

#include <charconv>
#include <utility>

namespace dinh::http {
namespace {

void AppendLine(std::string_view name, std::string_view value, std::string* out) {
  out->append(name);
  out->append(": ");
  for (char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') out->push_back(c);
  }
  out->push_back('\n');
}

}  // namespace

std::string FormatSse(const SseEvent& event) {
  std::string out;
  out.reserve(event.data.size() + event.id.size() + event.event.size() + 32);
  if (!event.id.empty()) AppendLine("id", event.id, &out);
  if (!event.event.empty()) AppendLine("event", event.event, &out);
  if (event.retry_ms > 0) AppendLine("retry", std::to_string(event.retry_ms), &out);
  std::string_view rest = event.data;
  for (;;) {
    const size_t end = rest.find_first_of("\r\n");
    out += "data: ";
    out += rest.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) break;
    const bool pair = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (pair ? 2 : 1));
  }
  out += '\n';
  return out;
}

std::shared_ptr<ResponseStream> StartSse(Exchange& exchange, const ResponseHeaders& headers,
                                         std::chrono::milliseconds heartbeat) {
  StreamHead head;
  head.headers.Add("Content-Type", "text/event-stream");
  head.headers.Add("Cache-Control", "no-store");
  head.headers.Add("X-Accel-Buffering", "no");
  head.headers.AddAll(headers);
  head.heartbeat = std::string(kSseHeartbeatLine);
  head.heartbeat_interval = heartbeat;
  return exchange.StartStream(std::move(head));
}

std::optional<std::string> SseParser::NextLine() {
  const size_t end = buffer_.find_first_of("\r\n", offset_);
  if (end == std::string::npos) return std::nullopt;
  // A CR at the very end may be half of CRLF: wait for the next byte.
  if (buffer_[end] == '\r' && end + 1 == buffer_.size()) return std::nullopt;
  std::string line = buffer_.substr(offset_, end - offset_);
  offset_ = end + (buffer_[end] == '\r' && buffer_[end + 1] == '\n' ? 2 : 1);
  if (offset_ > 4096) {
    buffer_.erase(0, offset_);
    offset_ = 0;
  }
  return line;
}

void SseParser::Field(std::string_view line) {
  if (line.starts_with(':')) {
    ++comments_;
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) current_.data += '\n';
    current_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    current_.event = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    int64_t ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc() && end == value.data() + value.size()) current_.retry_ms = ms;
  }
}

std::optional<SseEvent> SseParser::Next() {
  while (std::optional<std::string> line = NextLine()) {
    if (!line->empty()) {
      Field(*line);
      continue;
    }
    SseEvent event = std::exchange(current_, SseEvent());
    if (!std::exchange(has_data_, false)) continue;
    event.id = last_id_;
    return event;
  }
  return std::nullopt;
}

}  // namespace dinh::http
