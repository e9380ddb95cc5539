// Randomness comes in through constructors. SystemRandom is a CSPRNG (libsodium); SeededRandom is for tests only.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace dinh::base {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(void* out, size_t bytes) = 0;
  std::string Bytes(size_t n) {
    std::string out(n, '\0');
    Fill(out.data(), n);
    return out;
  }
  // Uniform in [0, bound), without modulo bias; bound > 0.
  uint64_t Below(uint64_t bound);
};

class SystemRandom final : public Random {
 public:
  SystemRandom();  // initialises libsodium
  void Fill(void* out, size_t bytes) override;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void Fill(void* out, size_t bytes) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace dinh::base
