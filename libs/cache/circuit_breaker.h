// Keeps callers from waiting for something that is down (Nygard, "Release It!"): after some failures in a row it opens
// and refuses at once; after a while it lets one call through (half-open), whose outcome closes or opens it again.
//
//   const auto permit = breaker.Ask();
//   if (!permit) return …;                 // refused
//   … the call …
//   breaker.Report(*permit, CircuitBreaker::Outcome::kSuccess);   // exactly once for each permit
//
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "libs/base/clock.h"

namespace dinh::cache {

struct BreakerOptions {
  int failures_max = 5;  // in a row
  std::chrono::milliseconds open_for{500};
};

class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kHalfOpen, kOpen };
  enum class Outcome : uint8_t {
    kSuccess,
    kFailure,
    kUnknown,  // the call ended for a reason that says nothing about the other side
  };
  struct Permit {
    bool probe = false;
  };
  struct Counters {
    int64_t opened = 0;    // times it went to open, from closed or from half-open
    int64_t closed = 0;    // times it went back to closed
    int64_t probes = 0;    // calls let through while half-open
    int64_t rejected = 0;  // calls refused
  };
  // Called after each change, without the lock held.
  using OnChange = std::function<void(State state)>;

  CircuitBreaker(BreakerOptions options, const base::Clock& clock, OnChange on_change = nullptr);

  // nullopt: refused.
  std::optional<Permit> Ask();
  void Report(Permit permit, Outcome outcome);

  State state() const;
  Counters counters() const;

 private:
  const BreakerOptions options_;
  const base::Clock& clock_;
  const OnChange on_change_;
  mutable std::mutex mutex_;
  State state_ = State::kClosed;  // guarded by mutex_, like all below
  int failures_ = 0;
  bool probing_ = false;
  std::chrono::steady_clock::time_point open_until_;
  Counters counters_;
};

}  // namespace dinh::cache
