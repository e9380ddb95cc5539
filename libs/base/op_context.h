// What goes along with one operation from the edge to the last SQL statement: deadline, cancellation, trace and the
// idempotency claim. rpc::Context adds the principal.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "libs/base/clock.h"

namespace dinh::db {
class CommitHook;  // libs/db/database.h
}

namespace dinh::base {

// W3C trace context, level 1.
struct Trace {
  std::string trace_id;   // 32 hex digits
  std::string parent_id;  // 16 hex digits: the span this operation runs in
  bool sampled = false;
};

// Set by the pipeline for a mutating call that carries a request id; consumed by db::Database::Transact.
struct IdempotencyClaim {
  std::string principal;     // opaque id of the caller: the same request id of another caller is another claim
  std::string method;        // full RPC name
  std::string request_id;    // Idempotency-Key, 1..64 characters
  std::string body_hash;     // SHA-256 of the canonical request
  bool store_answer = true;  // false for auth RPCs: a replay is refused as in flight or done, never answered
  // Stored answers are sealed; set by the pipeline, opaque here.
  std::function<std::string(std::string_view plain)> seal;
  std::function<absl::StatusOr<std::string>(std::string_view sealed)> open;
};

// Not thread-safe, except Cancel/cancelled.
class OpContext {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  OpContext(const Clock& clock, Deadline deadline)
      : clock_(clock), deadline_(deadline), cancelled_(std::make_shared<std::atomic<bool>>(false)) {}
  virtual ~OpContext() = default;
  OpContext(const OpContext&) = delete;
  OpContext& operator=(const OpContext&) = delete;

  const Clock& clock() const { return clock_; }
  Micros Now() const { return clock_.Now(); }
  Deadline deadline() const { return deadline_; }
  void set_deadline(Deadline deadline) { deadline_ = deadline; }
  std::chrono::milliseconds Remaining() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - clock_.Steady());
  }
  // DEADLINE_EXCEEDED, CANCELLED or OK.
  absl::Status Check() const;
  const std::shared_ptr<std::atomic<bool>>& cancelled() const { return cancelled_; }
  // Shares the flag of a transport or of the operation this one is part of; before anyone asked for cancelled().
  void set_cancelled(std::shared_ptr<std::atomic<bool>> flag) { cancelled_ = std::move(flag); }

  Trace trace;
  std::unique_ptr<IdempotencyClaim> claim;
  // Runs inside each transaction of this operation just before it commits (the audit row). May be null. Not owned.
  db::CommitHook* commit_hook = nullptr;
  // true while this operation's thread is inside a transaction closure: rpc::Channel refuses calls then.
  bool in_transaction = false;
  // Set by Transact when a stored answer was returned instead of running the closure.
  bool replayed = false;

 private:
  const Clock& clock_;
  Deadline deadline_;
  std::shared_ptr<std::atomic<bool>> cancelled_;
};

}  // namespace dinh::base
