// A library to be preloaded: the wall clock as this platform reads it (base::SystemClock) is wrong by
// CLOCK_SKEW_SECONDS. Clocks of other libraries stay right, and so do their waits, which are told in absolute
// time.
#include <time.h>

#include <chrono>
#include <cstdlib>

namespace {

std::chrono::seconds Skew() {
  const char* const text = std::getenv("CLOCK_SKEW_SECONDS");
  return std::chrono::seconds(text == nullptr ? 0 : std::atoll(text));
}

}  // namespace

// In place of libstdc++'s.
std::chrono::system_clock::time_point std::chrono::system_clock::now() noexcept {
  static const std::chrono::seconds skew = Skew();
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) + skew);
}
