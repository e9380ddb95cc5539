// Keys that are the same in every run, so that a token in the corpus stays good.
#pragma once

#include <memory>

#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {

struct Keys {
  base::FakeClock clock{int64_t{1'770'000'000} * base::kMicrosPerSecond};
  base::SeededRandom random{1};
  std::unique_ptr<auth::KeyRing> ring = auth::KeyRing::Ephemeral(clock, random);
};

}  // namespace dinh::fuzz
