#include "libs/cache/circuit_breaker.h"

#include <utility>

namespace dinh::cache {

CircuitBreaker::CircuitBreaker(BreakerOptions options, const base::Clock& clock, OnChange on_change)
    : options_(options), clock_(clock), on_change_(std::move(on_change)) {}

std::optional<CircuitBreaker::Permit> CircuitBreaker::Ask() {
  {
    std::lock_guard lock(mutex_);
    if (state_ == State::kClosed) return Permit{};
    if (probing_ || (state_ == State::kOpen && clock_.Steady() < open_until_)) {
      ++counters_.rejected;
      return std::nullopt;
    }
    probing_ = true;
    ++counters_.probes;
    if (state_ == State::kHalfOpen) return Permit{.probe = true};
    state_ = State::kHalfOpen;
  }
  if (on_change_) on_change_(State::kHalfOpen);
  return Permit{.probe = true};
}

void CircuitBreaker::Report(Permit permit, Outcome outcome) {
  State state;
  {
    std::lock_guard lock(mutex_);
    if (permit.probe) probing_ = false;
    // What began before it opened says nothing new.
    if (outcome == Outcome::kUnknown || (!permit.probe && state_ != State::kClosed)) return;
    if (outcome == Outcome::kSuccess) {
      failures_ = 0;
      if (state_ == State::kClosed) return;
      state_ = State::kClosed;
      ++counters_.closed;
    } else {
      if (!permit.probe && ++failures_ < options_.failures_max) return;
      state_ = State::kOpen;
      failures_ = 0;
      open_until_ = clock_.Steady() + options_.open_for;
      ++counters_.opened;
    }
    state = state_;
  }
  if (on_change_) on_change_(state);
}

CircuitBreaker::State CircuitBreaker::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

CircuitBreaker::Counters CircuitBreaker::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace dinh::cache
