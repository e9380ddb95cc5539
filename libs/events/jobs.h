// Calls of providers (bank, SMS, camera) that a change asks for. They never run inside a transaction: the change
// enqueues a job in its own transaction, and a worker makes the call afterwards.
//
//   RETURN_IF_ERROR(jobs.Register("sms", {.run = [&](base::OpContext& ctx, const Job& job) { … }}));   // in Init
//   ASSIGN_OR_RETURN(std::string id, jobs.Enqueue(tx, {.kind = "sms", .payload = bytes}));              // in a
//   transaction (void)jobs.RunNow(ctx, id);                                    // optional, after it: at once, on this
//   thread
//
// * At least once: a process that dies during the call makes it again. The job's id is the same each time; hand it to
//   the provider as idempotency key.
// * Failures that waiting can help (UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNKNOWN) are
//   tried again with growing pauses; others, and the last of `attempts_max`, end the job as failed: on_failed runs, the
//   row stays for people to look at (events_jobs_failed_total).
// * Payloads are sealed at rest; last_error keeps code and reason only.
// * Over the replicas of a cluster a job belongs to one worker for the call's timeout and 10 s more: its lease. The
//   number of the attempt grows with each claim and is the fencing token: a worker that was halted past its lease (a
//   stopped machine, a clock that jumped) can neither end the job nor write its outcome once another has claimed it,
//   and StillMine tells so inside the transactions that it makes meanwhile.
//
// Thread safety: Register before Start; the rest from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::events {

struct Job {
  std::string id;
  std::string kind;
  std::string payload;
  int attempt = 1;  // this one
};

// What to write in the transaction that ends the job; may be empty.
using JobDone = std::function<absl::Status(db::Tx& tx)>;

struct JobKind {
  // Makes the call within the context's deadline. No transaction is open.
  std::function<absl::StatusOr<JobDone>(base::OpContext& ctx, const Job& job)> run;
  // In the transaction that marks the job as failed for good. May be empty.
  std::function<absl::Status(db::Tx& tx, const Job& job)> on_failed;
  int attempts_max = 12;
  bool for_ever = false;  // every failure is tried again, however many there were
  std::chrono::milliseconds timeout{15'000};
  std::chrono::milliseconds pause_min{1'000};  // doubled with each attempt up to
  std::chrono::milliseconds pause_max{600'000};
};

struct NewJob {
  std::string kind;
  std::string payload;
  std::string id;              // empty: a new one. An id that exists already adds nothing.
  base::Micros run_after = 0;  // 0: now
};

struct JobsOptions {
  std::string service;
  int threads = 2;
};

class Jobs {
 public:
  // `database` must have the tables of libs/events.
  Jobs(JobsOptions options, db::Database& database, const base::Clock& clock, base::IdGenerator& ids,
       telemetry::Logger& logger, telemetry::Metrics& metrics, PayloadSeal seal);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  absl::Status Register(const std::string& kind, JobKind handler);
  // The job's id. INTERNAL for a kind that is not registered.
  absl::StatusOr<std::string> Enqueue(db::Tx& tx, const NewJob& job);
  // Runs the job on this thread if it is still waiting; waits (within the deadline) when a worker of this process has
  // just taken it. OK also when it is done or runs in another process; an error: this try failed, the worker goes on.
  absl::Status RunNow(base::OpContext& ctx, std::string_view id);

  // The fence, for transactions inside `run`: UNAVAILABLE (LEASE_LOST) when another worker has claimed the job since.
  // Otherwise the job stays this worker's until the transaction ends.
  absl::Status StillMine(db::Tx& tx, const Job& job) const;

  void Start();
  // Waits for the calls being made.
  void Stop();

  // Runs one job that is due. false: none is. For tests without threads.
  absl::StatusOr<bool> RunOneDue();

 private:
  struct Registered {
    JobKind handler;
    telemetry::Counter* done;
    telemetry::Counter* retried;
    telemetry::Counter* failed;
  };

  absl::StatusOr<std::optional<Job>> Claim(base::OpContext& ctx, std::string_view id);
  absl::Status RunClaimed(const Job& job);
  void EndRunning(const std::string& id);
  absl::Status Execute(const Job& job);
  absl::Status FinishDone(const Job& job, const JobDone& done);
  void LeaseLost(const Job& job) const;
  absl::Status FinishFailed(const Job& job, const Registered& kind, const absl::Status& error);
  std::unique_ptr<base::OpContext> NewContext(std::chrono::milliseconds limit) const;
  std::chrono::milliseconds UntilNextDue();
  void Wake();
  void Loop();

  const JobsOptions options_;
  db::Database& database_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
  telemetry::Logger& logger_;
  const PayloadSeal seal_;
  telemetry::CounterFamily& done_;
  telemetry::CounterFamily& retried_;
  telemetry::CounterFamily& failed_;
  std::map<std::string, Registered, std::less<>> kinds_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::set<std::string, std::less<>> running_;  // claimed by this process; guarded by mutex_
  bool woken_ = false;                          // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace dinh::events
