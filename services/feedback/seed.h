// Fills a store with plausible reports over Hoằng Hóa's area, for load tests: two years of potholes, dark street lamps
// and rubbish, most of them settled, as the service itself would have written them – sealed, indexed, on the board and
// counted – but many to a transaction.
//
// The caller holds the lock of the data folder. The tables are made when they are not there yet.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "libs/auth/key_ring.h"
#include "libs/base/ids.h"
#include "libs/base/op_context.h"
#include "libs/base/random.h"
#include "libs/db/database.h"

namespace dinh::feedback {

struct SeedTools {
  db::Database& database;
  const auth::KeyRing& keys;
  base::Random& random;  // of what is secret: keys and nonces
  std::string resource_dir;
};

struct SeedPlan {
  int64_t reports = 0;
  uint64_t seed = 1;  // the same reports again, but for what is secret
  base::Micros now = 0;
  // Called now and then with how many there are.
  std::function<void(int64_t done)> progress;
};

// Errors: those of the data files and of the database.
absl::Status SeedReports(base::OpContext& ctx, const SeedTools& tools, const SeedPlan& plan);

}  // namespace dinh::feedback
