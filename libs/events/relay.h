// Gives committed events their numbers.
//
// A reader must never step over an event whose transaction commits late, so an event gets its number after its commit:
// the relay locks the feed-head row, numbers the committed, unnumbered rows in the order of insertion, and commits.
// One relay per service works at a time: it holds a lease in the head row (replicas of a cluster compete for it; where
// one process owns the database there is nobody to compete with).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::events {

inline constexpr int kNumberedPerTransactionMax = 512;
// It only keeps relays from working side by side: what makes that safe is the lock on the head's row. So it may be as
// short as a pause between two looks, and a relay that died is followed by another within it.
inline constexpr base::Micros kRelayLease = 2 * base::kMicrosPerSecond;

// One thread at a time.
class Relay {
 public:
  struct Result {
    int64_t numbered = 0;
    int64_t head = 0;    // the last number given, by whomever
    bool leased = true;  // false: another relay works
  };

  // `name`: unlike that of any other relay. `sole`: no other process opens the database, the lease is always ours.
  Relay(db::Database& database, std::string name, bool sole);

  // Numbers up to kNumberedPerTransactionMax events. Commits only when there is something to write.
  absl::StatusOr<Result> NumberOnce(base::OpContext& ctx);
  // Without a transaction: is there anything to number, and the head as committed.
  absl::StatusOr<bool> HasWork(base::OpContext& ctx);
  absl::StatusOr<int64_t> ReadHead(base::OpContext& ctx);

 private:
  db::Database& database_;
  const std::string name_;
  const bool sole_;
};

}  // namespace dinh::events
