// Connecting to PostgreSQL. Internal to libs/db.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/db/postgres.h"

namespace dinh::db {

struct ConnDeleter {
  void operator()(PGconn* conn) const { PQfinish(conn); }
};
using PostgresConn = std::unique_ptr<PGconn, ConnDeleter>;

enum class PostgresTarget {
  kPrimary,
  kReplica,
  kMigration,  // the primary, for one long piece of work: no limit on statements
};

// Tries the hosts of the DSN in order; blocks for at most the connect timeout of each. Errors: those of OpenPostgres.
absl::StatusOr<PostgresConn> ConnectPostgres(const PostgresOptions& options, PostgresTarget target);

}  // namespace dinh::db
