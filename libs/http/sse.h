// Server-sent events (WHATWG HTML, section 9.2): writing on the server, reading in the client.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/limits.h"
#include "libs/http/server.h"

namespace dinh::http {

struct SseEvent {
  std::string id;        // becomes the client's Last-Event-ID; empty: none
  std::string event;     // empty: "message"
  std::string data;      // may have several lines
  int64_t retry_ms = 0;  // > 0: how long the client waits before it reconnects
};

// One event as it stands on the wire. Line ends (\n, \r\n, \r) in data make several data lines; in id and event they,
// and NUL in id, are left out.
std::string FormatSse(const SseEvent& event);

// A comment that keeps proxies and clients from giving up.
inline constexpr std::string_view kSseHeartbeatLine = ":\n\n";

// Answers `exchange` with text/event-stream (no-store, unbuffered by proxies) and a heartbeat; `headers` are added.
// Null when the exchange was answered already. Send events by Write(FormatSse(event)).
std::shared_ptr<ResponseStream> StartSse(Exchange& exchange, const ResponseHeaders& headers = {},
                                         std::chrono::milliseconds heartbeat = base::kSseHeartbeat);

// Reads a stream that arrives in pieces. Not thread-safe.
class SseParser {
 public:
  void Feed(std::string_view bytes) { buffer_ += bytes; }
  // The next complete event with data; nullopt: feed more.
  std::optional<SseEvent> Next();
  // Comments seen so far (heartbeats).
  int comments() const { return comments_; }

 private:
  std::optional<std::string> NextLine();
  void Field(std::string_view line);

  std::string buffer_;
  size_t offset_ = 0;
  SseEvent current_;
  bool has_data_ = false;
  std::string last_id_;
  int comments_ = 0;
};

}  // namespace dinh::http
