// The numbers by which streams to the public are resumed. The feed numbers everything that happens, also what nobody
// may know of yet: whoever saw its numbers grow would learn when an anonymous report came in. What is shown is the
// number under a secret permutation: it still leads back to its place, and says nothing of how many lie between.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "libs/auth/sealer.h"

namespace dinh::feedback {

class HiddenSequence {
 public:
  // The secret is made from the installation's oldest blind-index key: the same in every process and after a rotation.
  explicit HiddenSequence(const auth::Sealer& sealer);

  // 0 <= sequence < 2^62; the answer is above 0.
  int64_t Show(int64_t sequence) const;
  // What was shown, back. 0 stays 0 (from the start of what is kept); what was never shown is `head`: only what comes.
  int64_t Read(int64_t shown, int64_t head) const;

 private:
  uint64_t Round(int round, uint64_t half) const;

  const std::string key_;
};

}  // namespace dinh::feedback
