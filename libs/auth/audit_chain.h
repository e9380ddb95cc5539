// The hash chain over the audit log: after the commit of a row, a relay gives it the next sequence number and
//   hash = SHA-256(hash before || canonical bytes of the row, its sequence among them)
// and signs the newest hash (the head) with the audit-head key, in the same transaction. Whoever changes, removes, adds
// or swaps a chained row must change every later hash, and cannot sign the new head.
//
// What a chain cannot show: rows of the last second that are not chained yet, and a database put back as a whole to an
// earlier state. For the second, keep heads elsewhere (Options::on_head) and give them to AuditVerify.
//
// Heads: the newest one, and one for every kHeadEvery rows.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/audit.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace dinh::auth {

inline constexpr int64_t kHeadEvery = 1000;

struct AuditHead {
  std::string service;
  int64_t sequence = 0;
  std::string hash;  // 32 bytes
  base::Micros at = 0;
  std::string key_id;     // 8 hex digits
  std::string signature;  // 64 bytes
};

// One line for a file or a log kept elsewhere, and back (INVALID_ARGUMENT).
std::string FormatHead(const AuditHead& head);
absl::StatusOr<AuditHead> ParseHead(std::string_view line);

// The newest head of the snapshot `tx` reads; nullopt when nothing is chained yet.
absl::StatusOr<std::optional<AuditHead>> NewestHead(db::Tx& tx, const std::string& service);

// Thread-safe. On PostgreSQL several replicas may run one each: they take turns by a row lock.
class AuditChainer {
 public:
  struct Options {
    std::chrono::milliseconds interval{1000};
    int batch_rows = 500;
    std::function<void(const AuditHead&)> on_head;      // called after the head is durable, on the chainer's thread
    std::function<void(const absl::Status&)> on_error;  // for the log; the next round tries again
  };
  // `service` is part of what is hashed and signed. References must outlive the chainer.
  AuditChainer(db::Database& db, const KeyRing& keys, const base::Clock& clock, std::string service, Options options);
  ~AuditChainer();

  // Starts the thread that chains what has come every `interval`.
  void Start();
  // Chains what is there and ends the thread. Idempotent.
  void Stop();
  // Chains everything that is committed now. Rows chained.
  absl::StatusOr<int64_t> ChainAll();

 private:
  struct Batch {
    int64_t rows = 0;
    AuditHead head;
  };
  absl::StatusOr<bool> HasPending();
  absl::StatusOr<Batch> ChainBatch();
  absl::StatusOr<Batch> ChainIn(db::Tx& tx);
  absl::Status StoreHead(db::Tx& tx, const AuditHead& head);
  void Run();

  db::Database& db_;
  const KeyRing& keys_;
  const base::Clock& clock_;
  const std::string service_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::mutex stop_mutex_;
  std::thread thread_;
};

enum class AuditProblemKind {
  kRowMissing,      // a number of the chain has no row
  kRowChanged,      // a row does not give its hash (changed, swapped, added)
  kTailMissing,     // rows that were signed for are gone from the end
  kTailUnsigned,    // chained rows that no head covers
  kHeadForged,      // a head whose signature is not by a key of the ring
  kHeadMismatch,    // a head that is signed for another chain than the rows make
  kHeadMissing,     // there are chained rows, but no head
  kAnchorMismatch,  // a head kept elsewhere is not part of this chain: the log was put back or rewritten
};

struct AuditProblem {
  AuditProblemKind kind = AuditProblemKind::kRowMissing;
  int64_t sequence = 0;
  base::Text text;
};

struct AuditReport {
  int64_t rows = 0;       // chained rows read
  int64_t unchained = 0;  // committed, not chained yet: not covered
  int64_t heads = 0;
  AuditHead newest;                    // sequence 0 when there is none
  std::vector<AuditProblem> problems;  // the first kAuditProblemsMax, by sequence as found
  bool ok() const { return problems.empty(); }
};
inline constexpr size_t kAuditProblemsMax = 20;

// Reads the whole chain. Only failures to read are errors; what is wrong stands in the report. May run beside a working
// chainer. `anchors`: heads kept elsewhere.
absl::StatusOr<AuditReport> AuditVerify(base::OpContext& ctx, db::Database& db, const KeyRing& keys,
                                        std::string_view service, const std::vector<AuditHead>& anchors = {});

}  // namespace dinh::auth
