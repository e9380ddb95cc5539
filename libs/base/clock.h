// Time comes in through constructors: nothing but SystemClock asks the machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace dinh::base {

// Microseconds since 1970-01-01T00:00:00Z: how every instant is stored and passed inside the platform.
using Micros = int64_t;
inline constexpr Micros kMicrosPerSecond = 1'000'000;
inline constexpr Micros kMicrosPerMilli = 1'000;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Micros Now() const = 0;                                    // wall clock: may jump
  virtual std::chrono::steady_clock::time_point Steady() const = 0;  // for deadlines and durations
};

class SystemClock final : public Clock {
 public:
  Micros Now() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::chrono::steady_clock::time_point Steady() const override { return std::chrono::steady_clock::now(); }
};

// For tests: stands still until moved. The steady clock moves with it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Micros now) : now_(now) {}
  Micros Now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(Now()));
  }
  void Advance(Micros delta) {
    std::lock_guard lock(mutex_);
    now_ += delta;
  }
  void Set(Micros now) {
    std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  Micros now_;
};

}  // namespace dinh::base
