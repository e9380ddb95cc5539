#include "libs/events/jobs.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/dialect.h"

namespace dinh::events {
namespace {

constexpr std::chrono::milliseconds kDatabaseLimit{10'000};
// A claimed job belongs to its worker for the call's timeout and this much more, in which it writes the outcome; then
// another may take it. A worker that needs longer writes nothing: its attempt is over.
constexpr std::chrono::milliseconds kLeaseReserve = kDatabaseLimit;
// Finds what nobody woke us for (another replica's jobs, a clock that jumped).
constexpr std::chrono::milliseconds kTick{10'000};
constexpr std::chrono::milliseconds kFailurePause{1'000};
// How long RunNow waits at most for a worker that was faster.
constexpr std::chrono::milliseconds kRunNowWaitMax{5'000};

base::Micros InMicros(std::chrono::milliseconds time) { return time.count() * base::kMicrosPerMilli; }

bool WaitingHelps(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

// Never the message: it may repeat what the provider was told.
std::string Summary(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return absl::StatusCodeToString(status.code()) + (detail ? " " + detail->reason : "");
}

}  // namespace

Jobs::Jobs(JobsOptions options, db::Database& database, const base::Clock& clock, base::IdGenerator& ids,
           telemetry::Logger& logger, telemetry::Metrics& metrics, PayloadSeal seal)
    : options_(std::move(options)),
      database_(database),
      clock_(clock),
      ids_(ids),
      logger_(logger),
      seal_(std::move(seal)),
      done_(metrics.AddCounter("events_jobs_done_total", "jobs carried out", {"service", "kind"})),
      retried_(metrics.AddCounter("events_jobs_retried_total", "tries that failed and will be repeated",
                                  {"service", "kind"})),
      failed_(metrics.AddCounter("events_jobs_failed_total", "jobs given up", {"service", "kind"})) {}

Jobs::~Jobs() { Stop(); }

absl::Status Jobs::Register(const std::string& kind, JobKind handler) {
  if (!handler.run || handler.attempts_max < 1) return base::Internal("job kind " + kind + " is not complete");
  const Registered registered{std::move(handler), &done_.With({options_.service, kind}),
                              &retried_.With({options_.service, kind}), &failed_.With({options_.service, kind})};
  if (!kinds_.emplace(kind, registered).second) return base::Internal("job kind " + kind + " is registered twice");
  return absl::OkStatus();
}

absl::StatusOr<std::string> Jobs::Enqueue(db::Tx& tx, const NewJob& job) {
  if (!kinds_.contains(job.kind)) return base::Internal("no job kind " + job.kind);
  const base::Micros now = tx.context().Now();
  std::string id = job.id.empty() ? ids_.Next() : job.id;
  const std::string sealed = seal_.seal ? seal_.seal(job.payload, id) : job.payload;
  RETURN_IF_ERROR(tx.Exec("INSERT INTO jobs (id, kind, payload, state, run_after, attempts, last_error, created_at) "
                          "VALUES ($1, $2, $3, 'waiting', $4, 0, '', $5) ON CONFLICT (id) DO NOTHING",
                          {id, job.kind, db::BlobView{sealed}, std::max(job.run_after, now), now})
                      .status());
  tx.AfterCommit([this] { Wake(); });
  return id;
}

std::unique_ptr<base::OpContext> Jobs::NewContext(std::chrono::milliseconds limit) const {
  return std::make_unique<base::OpContext>(clock_, clock_.Steady() + limit);
}

// Takes a job for this thread: `id`, or the one that has waited longest. Its next run is put off, so that nobody else
// takes it while it runs, and somebody does if we die.
absl::StatusOr<std::optional<Job>> Jobs::Claim(base::OpContext& ctx, std::string_view id) {
  // A certain job is waited for: whoever holds its row has it among the running ones when that transaction ends.
  const db::Engine engine = database_.engine();
  const std::string select =
      std::string("SELECT id, kind, payload, attempts FROM jobs WHERE state = 'waiting' AND run_after <= $1") +
      (id.empty() ? " ORDER BY run_after LIMIT 1" : " AND id = $2") +
      std::string(id.empty() ? db::ForUpdateSkipLocked(engine) : db::ForUpdate(engine));
  const auto map = [](const db::Row& row) {
    return Job{row.Text(0), row.Text(1), row.Text(2), static_cast<int>(row.Int(3)) + 1};
  };
  std::string claimed;
  const auto take = [&](db::Tx& tx) -> absl::StatusOr<std::optional<Job>> {
    const base::Micros now = tx.context().Now();
    ASSIGN_OR_RETURN(std::optional<Job> found,
                     id.empty() ? tx.QueryOne(select, {now}, map) : tx.QueryOne(select, {now, id}, map));
    if (!found) return found;
    const auto kind = kinds_.find(found->kind);
    const auto timeout = kind == kinds_.end() ? std::chrono::milliseconds(0) : kind->second.handler.timeout;
    RETURN_IF_ERROR(tx.Exec("UPDATE jobs SET attempts = $2, run_after = $3 WHERE id = $1",
                            {found->id, found->attempt, now + InMicros(timeout + kLeaseReserve)})
                        .status());
    // Before the commit, so that whoever finds the job taken also finds it here.
    std::lock_guard lock(mutex_);
    if (claimed != found->id) running_.erase(claimed);
    claimed = found->id;
    running_.insert(claimed);
    return found;
  };
  // The job's row is locked.
  absl::StatusOr<std::optional<Job>> job = database_.Transact(ctx, take, db::Isolation::kReadCommitted);
  if (job.ok() && job->has_value() && seal_.open) {
    absl::StatusOr<std::string> payload = seal_.open((*job)->payload, (*job)->id);
    if (payload.ok()) {
      (*job)->payload = *std::move(payload);
    } else {
      job = payload.status();
    }
  }
  if (!job.ok() || !job->has_value()) EndRunning(claimed);
  return job;
}

void Jobs::EndRunning(const std::string& id) {
  if (id.empty()) return;
  {
    std::lock_guard lock(mutex_);
    running_.erase(id);
  }
  ended_.notify_all();
}

absl::Status Jobs::RunClaimed(const Job& job) {
  absl::Status status = Execute(job);
  EndRunning(job.id);
  return status;
}

absl::Status Jobs::Execute(const Job& job) {
  const auto kind = kinds_.find(job.kind);
  if (kind == kinds_.end()) {
    logger_.Error("job_kind_unknown", {{"service", options_.service}, {"kind", job.kind}, {"id", job.id}});
    return base::Internal("no job kind " + job.kind);
  }
  const auto ctx = NewContext(kind->second.handler.timeout);
  const absl::StatusOr<JobDone> done = kind->second.handler.run(*ctx, job);
  absl::Status status = done.status();
  if (status.ok()) status = FinishDone(job, *done);
  if (status.ok()) {
    kind->second.done->Increment();
    return absl::OkStatus();
  }
  if (absl::Status noted = FinishFailed(job, kind->second, status); !noted.ok()) {
    logger_.Error("job_state_not_written", {{"kind", job.kind}, {"id", job.id}, {"error", noted.ToString()}});
  }
  return status;
}

absl::Status Jobs::StillMine(db::Tx& tx, const Job& job) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> found,
                   tx.QueryOne("SELECT attempts FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'waiting'" +
                                   std::string(db::ForUpdate(database_.engine())),
                               {job.id, job.attempt}, [](const db::Row& row) { return row.Int(0); }));
  if (found) return absl::OkStatus();
  return base::Unavailable("LEASE_LOST",
                           {"Công việc này đã được máy khác nhận.", "Another worker has taken this job."});
}

void Jobs::LeaseLost(const Job& job) const {
  logger_.Warn("job_lease_lost",
               {{"service", options_.service}, {"kind", job.kind}, {"id", job.id}, {"attempt", job.attempt}});
}

absl::Status Jobs::FinishDone(const Job& job, const JobDone& done) {
  const auto ctx = NewContext(kDatabaseLimit);
  bool mine = true;
  RETURN_IF_ERROR(database_.Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t removed,
                     tx.Exec("DELETE FROM jobs WHERE id = $1 AND attempts = $2", {job.id, job.attempt}));
    // Whoever took it over after our lease writes its outcome.
    mine = removed != 0;
    return mine && done ? done(tx) : absl::OkStatus();
  }));
  if (!mine) LeaseLost(job);
  return absl::OkStatus();
}

absl::Status Jobs::FinishFailed(const Job& job, const Registered& kind, const absl::Status& error) {
  const bool again = kind.handler.for_ever || (WaitingHelps(error) && job.attempt < kind.handler.attempts_max);
  (again ? kind.retried : kind.failed)->Increment();
  logger_.Warn(again ? "job_failed_will_retry" : "job_failed", {{"service", options_.service},
                                                                {"kind", job.kind},
                                                                {"id", job.id},
                                                                {"attempt", job.attempt},
                                                                {"error", Summary(error)}});
  const int doublings = std::min(job.attempt - 1, 30);
  const std::chrono::milliseconds pause =
      std::min(kind.handler.pause_max, kind.handler.pause_min * (int64_t{1} << doublings));
  const auto ctx = NewContext(kDatabaseLimit);
  bool mine = true;
  RETURN_IF_ERROR(database_.Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t noted,
                     tx.Exec("UPDATE jobs SET state = $3, run_after = $4, last_error = $5 WHERE id = $1 AND "
                             "attempts = $2",
                             {job.id, job.attempt, again ? "waiting" : "failed", tx.context().Now() + InMicros(pause),
                              Summary(error)}));
    mine = noted != 0;
    return !mine || again || !kind.handler.on_failed ? absl::OkStatus() : kind.handler.on_failed(tx, job);
  }));
  if (!mine) LeaseLost(job);
  return absl::OkStatus();
}

absl::Status Jobs::RunNow(base::OpContext& ctx, std::string_view id) {
  RETURN_IF_ERROR(ctx.Check());
  // A context of its own: the operation's audit hook belongs to the change, not to this bookkeeping.
  const auto own = NewContext(kDatabaseLimit);
  own->trace = ctx.trace;
  ASSIGN_OR_RETURN(const std::optional<Job> job, Claim(*own, id));
  if (job) return RunClaimed(*job);
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, std::clamp(ctx.Remaining(), std::chrono::milliseconds(0), kRunNowWaitMax),
                  [&] { return !running_.contains(id); });
  return absl::OkStatus();
}

absl::StatusOr<bool> Jobs::RunOneDue() {
  const auto ctx = NewContext(kDatabaseLimit);
  ASSIGN_OR_RETURN(const std::optional<Job> job, Claim(*ctx, ""));
  if (!job) return false;
  Wake();                  // another thread may take the next one while this call is made
  (void)RunClaimed(*job);  // its failure is written in the row
  return true;
}

void Jobs::Start() {
  if (kinds_.empty()) return;
  Wake();
  for (int i = 0; i < std::max(options_.threads, 1); ++i) threads_.emplace_back([this] { Loop(); });
}

void Jobs::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Jobs::Wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

std::chrono::milliseconds Jobs::UntilNextDue() {
  const auto ctx = NewContext(kDatabaseLimit);
  const auto next = database_.Read(*ctx, [](db::Tx& tx) {
    return tx.QueryOne("SELECT run_after FROM jobs WHERE state = 'waiting' ORDER BY run_after LIMIT 1", {},
                       [](const db::Row& row) { return row.Int(0); });
  });
  if (!next.ok()) return kFailurePause;
  if (!next->has_value()) return kTick;
  const std::chrono::milliseconds left((**next - clock_.Now()) / base::kMicrosPerMilli + 1);
  return std::clamp(left, std::chrono::milliseconds(1), kTick);
}

void Jobs::Loop() {
  while (true) {
    const absl::StatusOr<bool> ran = RunOneDue();
    if (!ran.ok()) {
      logger_.Error("jobs_not_read", {{"service", options_.service}, {"error", ran.status().ToString()}});
    }
    const std::chrono::milliseconds pause = !ran.ok() ? kFailurePause
                                            : *ran    ? std::chrono::milliseconds(0)
                                                      : UntilNextDue();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, pause, [this] { return stopping_ || woken_; });
    if (stopping_) return;
    woken_ = false;
  }
}

}  // namespace dinh::events
