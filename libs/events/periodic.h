// Work that is done from time to time, by one of several processes: a job that enqueues its successor. Each round has
// its place in time as id, so that it is enqueued once whoever asks for it; a round that fails is tried again until it
// succeeds, and a process that dies in it leaves it to another after the lease.
//
//   Periodic sweep(jobs, database, {.kind = "files.sweep", .every = std::chrono::hours(1), .round = …});
//   RETURN_IF_ERROR(sweep.Register());       // in Init
//   RETURN_IF_ERROR(sweep.Begin(ctx));       // in Start, before Jobs::Start
//
// Thread-safe after Register.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/events/jobs.h"

namespace dinh::events {

// The right to write in a round. Each of its transactions asks first: a worker that was halted past its lease must not
// go on beside the one that took over.
class Fence {
 public:
  Fence(const Jobs& jobs, const Job& job) : jobs_(jobs), job_(job) {}
  // UNAVAILABLE (LEASE_LOST) when another process makes the round. Holds it until the transaction ends.
  absl::Status Check(db::Tx& tx) const { return jobs_.StillMine(tx, job_); }

 private:
  const Jobs& jobs_;
  const Job& job_;
};

class Periodic {
 public:
  struct Options {
    std::string kind;                         // of its jobs: "files.sweep"
    std::chrono::microseconds every{};        // from round to round; more than 0
    std::chrono::milliseconds limit{15'000};  // of one round
    std::function<absl::Status(base::OpContext& ctx, const Fence& fence)> round;
  };
  Periodic(Jobs& jobs, db::Database& database, Options options)
      : jobs_(jobs), database_(database), o_(std::move(options)) {}

  // Init only. INTERNAL for options that are not complete.
  absl::Status Register();
  // Sees to it that a round is waiting, now.
  absl::Status Begin(base::OpContext& ctx);

 private:
  absl::Status Schedule(db::Tx& tx, base::Micros at);

  Jobs& jobs_;
  db::Database& database_;
  const Options o_;
};

}  // namespace dinh::events
