// What a transport knows about a call before anyone has looked at it, and the parts the pipeline is given.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/access.h"
#include "libs/auth/principal.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::rpc {

class Context;

// Who the transport says is calling; the Authenticator believes only what it can check.
struct Credentials {
  enum class Kind {
    kNone,
    kBearer,  // value: an access token
    kPeer,    // value: the service's name, from its certificate or from the local channel
  };
  Kind kind = Kind::kNone;
  std::string value;
  std::string address;  // the client's address as text, after trusted proxies
};

// One per call; filled by the transport, which reads the answers back.
struct CallHead {
  Credentials credentials;
  // Already authenticated in this process (a local call in a user's name); then `credentials` are not looked at.
  const auth::Principal* principal = nullptr;
  // A call of another service, of this process or (by its certificate) of another one: not counted against rate limits
  // a second time.
  bool local = false;
  std::optional<base::OpContext::Deadline> deadline;
  base::Trace trace;       // empty: the pipeline starts one
  std::string request_id;  // Idempotency-Key; empty: the request's own `request_id` field, if it has one
  std::string language = "vi";
  // Set to true by the transport when the client goes away; may be null.
  std::shared_ptr<std::atomic<bool>> cancelled;

  // Answers: `trace.trace_id` is set in any case.
  bool replayed = false;            // the stored answer of an earlier call with the same request id
  auth::Principal* seen = nullptr;  // where to put who it was, when the transport wants to know; may be null
};

// Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // UNAUTHENTICATED: token expired, tampered with, login ended.
  virtual absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) = 0;
};

// Thread-safe.
class RateLimiter {
 public:
  virtual ~RateLimiter() = default;
  // 0: admitted; otherwise milliseconds until it is worth trying again. `principal` is empty for anonymous callers.
  virtual int64_t Admit(auth::RateClass rate, std::string_view principal, std::string_view address) = 0;
};

// Writes audit rows of one service. Thread-safe.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // A change, inside its own transaction.
  virtual absl::Status WriteChange(db::Tx& tx, const Context& ctx) = 0;
  // A read of personal data (`status` OK) or a refusal. Returns when the row's batch is durable (≤ 100 ms). Errors:
  // the row was not written; a read must then not be answered.
  virtual absl::Status WriteRead(const Context& ctx, const absl::Status& status) = 0;
};

}  // namespace dinh::rpc
