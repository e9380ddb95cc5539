#include "libs/base/random.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>

namespace dinh::base {

uint64_t Random::Below(uint64_t bound) {
  // 2^64 mod bound values would be favoured: draw again when one of them comes.
  const uint64_t unfair = (0 - bound) % bound;
  uint64_t value = 0;
  do {
    Fill(&value, sizeof(value));
  } while (value < unfair);
  return value % bound;
}

SystemRandom::SystemRandom() {
  if (sodium_init() < 0) {
    // Without a source of randomness no key, code or token would be safe: there is nothing to go on with.
    std::fputs("libsodium could not be initialised: the system gives no random bytes\n", stderr);
    std::abort();
  }
}

void SystemRandom::Fill(void* out, size_t bytes) { randombytes_buf(out, bytes); }

void SeededRandom::Fill(void* out, size_t bytes) {
  std::lock_guard lock(mutex_);
  auto* next = static_cast<unsigned char*>(out);
  while (bytes > 0) {
    uint64_t word = engine_();
    for (int i = 0; i < 8 && bytes > 0; ++i, --bytes, word >>= 8) *next++ = static_cast<unsigned char>(word & 255);
  }
}

}  // namespace dinh::base
