// The audit log of one service: who did or read what, whose data, why and with what outcome. It lives in the service's
// own database, beside the rows it speaks about.
//
//   RETURN_IF_ERROR(AuditLog::EnsureSchema(db));
//   AuditLog log(db, clock, ids);
//   log.Append(tx, row);          // a change: in the change's own transaction
//   AuditWriter writer(log, …);
//   writer.Submit({row});         // a read or a refusal: returns when its batch is durable
//
// Rows get their place in the hash chain after commit (audit_chain.h), so that commits never queue for one row.
// No personal data in clear: persons, accounts and resources are opaque ids.
//
// Errors: those of libs/db; RESOURCE_EXHAUSTED reason AUDIT_BACKLOG; UNAVAILABLE reason AUDIT_STOPPED.
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::auth {

// Longer texts are cut: a log must not be a way to fill a disk.
inline constexpr size_t kAuditTextBytesMax = 256;

struct AuditRow {
  CallerKind caller_kind = CallerKind::kAnonymous;
  std::string caller;    // account id, peer's name; empty for anonymous
  std::string person;    // the person the caller acted for, "" if none
  std::string method;    // "dinh.procedures.v1.DossierService/GetDossier"
  std::string subject;   // the person whose data it is (opaque id), "" if none
  std::string resource;  // "dossiers/H56.15865-260213-0001"
  absl::StatusCode outcome = absl::StatusCode::kOk;
  std::string reason;  // why it was read, or the reason of the refusal
  std::string trace;   // trace id
};

struct AuditRecord {
  int64_t number = 0;    // order of insertion: the key to page by
  int64_t sequence = 0;  // place in the chain; 0 while not yet chained
  std::string id;        // UUID
  base::Micros at = 0;
  AuditRow row;
};

class AuditLog {
 public:
  AuditLog(db::Database& db, const base::Clock& clock, base::IdGenerator& ids);

  // The tables audit, audit_chain and audit_head, as component "audit" of the database's migrations.
  static absl::Status EnsureSchema(db::Database& db);

  absl::Status Append(db::Tx& tx, const AuditRow& row);
  absl::Status Append(db::Tx& tx, const std::vector<AuditRow>& rows);

  // Accesses to one person's data, newest first, numbers below `before` (0: from the newest).
  absl::StatusOr<std::vector<AuditRecord>> ListBySubject(base::OpContext& ctx, std::string_view subject, int64_t before,
                                                         int limit);
  // Chained rows that name a subject, oldest first, after a sequence: for handing them on to another service.
  absl::StatusOr<std::vector<AuditRecord>> ListChainedAfter(base::OpContext& ctx, int64_t sequence, int limit);

  db::Database& database() { return db_; }

 private:
  absl::Status Insert(db::Tx& tx, const AuditRow* rows, size_t count);

  db::Database& db_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
};

// Writes rows of calls that change nothing, in batches: one thread, one transaction per batch. Without load a row waits
// `gather`; under load rows wait for the batch before theirs, at most kAuditBatchDelayMax plus a commit.
class AuditWriter {
 public:
  struct Options {
    std::chrono::milliseconds gather{5};
    size_t batch_rows_max = 512;
    size_t queue_rows_max = 8192;
    std::chrono::milliseconds commit_timeout{10'000};
  };
  // Both must outlive the writer.
  AuditWriter(AuditLog& log, const base::Clock& clock, Options options);
  AuditWriter(AuditLog& log, const base::Clock& clock) : AuditWriter(log, clock, Options()) {}
  ~AuditWriter();

  // Blocks until the rows are durable. An error: they are not, and what they were to account for must not be answered.
  absl::Status Submit(std::vector<AuditRow> rows);
  // The same without blocking; `done` runs on the writer's thread (or at once, on this one, when refused).
  void SubmitAsync(std::vector<AuditRow> rows, std::function<void(const absl::Status&)> done);
  // Writes what is queued and ends the thread; later rows are refused. Idempotent.
  void Stop();
  // Batches committed so far, for metrics.
  int64_t batches() const;

 private:
  struct Item {
    std::vector<AuditRow> rows;
    std::function<void(const absl::Status&)> done;
  };

  void Run();
  std::vector<Item> TakeBatch(std::unique_lock<std::mutex>& lock);
  absl::Status WriteBatch(const std::vector<Item>& batch);

  AuditLog& log_;
  const base::Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  size_t queued_rows_ = 0;
  int64_t batches_ = 0;
  bool stopping_ = false;
  std::mutex stop_mutex_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace dinh::auth
