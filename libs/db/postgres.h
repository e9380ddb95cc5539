// The engine of the cluster shape: PostgreSQL by libpq behind db::Database. One schema and one role per service.
//
//   PostgresOptions options;
//   options.dsn = "host=pg1,pg2 dbname=dinh user=payments password=… sslmode=verify-full";   // libpq's own form, or a
//   URI options.schema = "payments"; ASSIGN_OR_RETURN(std::unique_ptr<Database> database, OpenPostgres(options,
//   clock));
//
// * Connections: `connections_min` stay open, up to `connections_max` are opened when needed; whoever finds none waits
//   until its deadline, at most `queue_max` at a time (then RESOURCE_EXHAUSTED reason STORAGE_QUEUE_FULL).
// * Several hosts: libpq takes the first that accepts writes (target_session_attrs=read-write), so that after a
//   fail-over the next connection is to the new primary. Transactions whose connection broke before their commit was
//   sent run again there; reads too.
// * A commit whose connection broke is looked up by its transaction id (pg_xact_status) and, after a fail-over, by its
//   idempotency row; see the errors of database.h.
// * "In flight" is an advisory lock of the session around the transaction (deploy/adr/0009): a lock taken inside would
//   come after the snapshot has been taken.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"

namespace dinh::db {

struct PostgresOptions {
  std::string dsn;          // holds the password: never logged
  std::string replica_dsn;  // of a streaming replica for ReadFrom::kReplica; empty: none
  std::string schema;       // of the service; made by Open when the role may
  int connections_min = 1;
  int connections_max = 16;
  int queue_max = 1024;                              // operations waiting for a connection
  int statements_max = 256;                          // kept prepared per connection; the least recently used goes first
  std::chrono::milliseconds connect_timeout{3'000};  // per host, in whole seconds, at least 2
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds lock_timeout{10'000};
  std::chrono::milliseconds idle_in_transaction_timeout{60'000};
  int attempts_max = 12;  // of a closure: serialization failures, deadlocks, lost connections
  // How long a transaction that lost its connection waits for a server to come back, and a lost commit for its outcome.
  std::chrono::milliseconds reconnect_limit{10'000};
  // false: Migrate runs nothing and creates no schema; what is missing is FAILED_PRECONDITION reason SCHEMA_BEHIND.
  bool migrate = true;
  bool copying = false;  // a copy fills the schema (store_copy.h); false: one that is being filled is refused
  std::string application = "dinh";  // as pg_stat_activity shows it
  // Tests: told of every statement when it is prepared. Called from any thread.
  std::function<void(std::string_view sql)> on_prepare;
  // Causes of storage errors, for the log (may hold SQL, never values or passwords). Called from any thread.
  std::function<void(std::string_view text)> log;
};

// Connects once. Errors name what to do: FAILED_PRECONDITION reasons DATABASE_DSN_INVALID, DATABASE_LOGIN_REFUSED,
// DATABASE_ABSENT, SCHEMA_ABSENT, COPY_UNFINISHED; UNAVAILABLE reason STORAGE_UNAVAILABLE when no host answers.
absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(const PostgresOptions& options, const base::Clock& clock);

// Whether a service has kept data in a schema whose name begins with options.schema: then keys must not be made anew.
// Errors: those of OpenPostgres.
absl::StatusOr<bool> PostgresHoldsData(const PostgresOptions& options);
// The names of those schemas, sorted.
absl::StatusOr<std::vector<std::string>> PostgresSchemas(const PostgresOptions& options);

// What one service needs in the database: a schema that only its role can see.
struct PostgresService {
  std::string schema;    // [a-z][a-z0-9_]*
  std::string role;      // the same; may log in
  std::string password;  // empty: unchanged, none for a new role
};

// Makes or corrects schema, role and rights, as the owner of the database (`admin_dsn`). Idempotent. Other roles keep
// no right to the schema, and nobody but the owner may create in "public". Errors: those of OpenPostgres;
// INVALID_ARGUMENT for names of another form.
absl::Status ProvisionPostgres(const std::string& admin_dsn, const std::vector<PostgresService>& services);
// How that service reaches the server that `admin_dsn` names: its hosts, database and TLS, the service's role and
// password. FAILED_PRECONDITION reason DATABASE_DSN_INVALID.
absl::StatusOr<std::string> ServiceDsn(const std::string& admin_dsn, const PostgresService& service);

}  // namespace dinh::db
