// A non-blocking stream to Redis, plain or TLS behind the same calls, every one of which ends at its deadline.
// Internal to libs/cache.
//
// Thread safety: one thread, except Shutdown.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/cache/redis_options.h"
#include "libs/cache/redis_tls.h"

namespace dinh::cache {

class RedisSocket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  // Takes what arrived; true: that was all.
  using Consume = std::function<absl::StatusOr<bool>(std::string_view bytes)>;

  // `tls` may be null: plain. REDIS_UNREACHABLE, REDIS_TIMEOUT, REDIS_TLS. Names are looked up by getaddrinfo, whose
  // own time-out the deadline does not cut short; addresses and unix sockets ask nobody.
  static absl::StatusOr<std::unique_ptr<RedisSocket>> Connect(const RedisEndpoint& endpoint, const RedisTlsContext* tls,
                                                              const base::Clock& clock, Deadline deadline);
  ~RedisSocket();
  RedisSocket(const RedisSocket&) = delete;
  RedisSocket& operator=(const RedisSocket&) = delete;

  // Sends `out` while it hands what arrives to `consume`, until that is content and everything is sent. After
  // REDIS_TIMEOUT with an empty `out` the socket can still be used; after any other error it cannot.
  absl::Status Exchange(std::string_view out, const Consume& consume, Deadline deadline);
  // Closed by the other side, or something came that nobody asked for: not to be used again.
  bool Stale();
  // From any thread: whoever waits in Exchange is told that the connection is gone.
  void Shutdown();

 private:
  RedisSocket(int fd, const base::Clock& clock) : fd_(fd), clock_(clock) {}
  absl::Status Handshake(const RedisTlsContext& tls, const std::string& host, Deadline deadline);
  absl::Status Wait(short events, Deadline deadline);
  // Sends what the kernel takes and removes it.
  absl::Status SendSome(std::string_view* out);
  // What is there: plain text, after TLS. Empty when there is nothing.
  absl::StatusOr<std::string> ReceiveSome();

  const int fd_;
  const base::Clock& clock_;
  std::unique_ptr<RedisTlsFilter> tls_;
  std::string buffer_;
};

}  // namespace dinh::cache
