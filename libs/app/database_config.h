// Where the services of a process keep their data (component "db").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "libs/config/registry.h"
#include "libs/db/postgres.h"

namespace dinh::app {

struct DatabaseConfig {
  std::string dsn;          // empty: SQLite files under the data folder
  std::string replica_dsn;  // for reads that may lag
  std::string schema_prefix;
  int64_t connections_min = 1;
  int64_t connections_max = 16;
  int64_t queue_max = 1024;
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds lock_timeout{10'000};
  std::chrono::milliseconds reconnect_limit{10'000};
  // Not a setting: false for a process that finds its schema as it must be (FAILED_PRECONDITION reason SCHEMA_BEHIND).
  bool migrate = true;
  // Not a setting: the target of a copy (libs/db/store_copy.h).
  bool copying = false;
  // Tests: told of every statement when it is prepared. Called from any thread.
  std::function<void(std::string_view sql)> on_prepare;

  void Bind(config::Registry& registry) {
    registry.Bind("db", "dsn", &dsn, "PostgreSQL, as libpq writes it; empty: SQLite files in the data folder",
                  {.secret = true});
    registry.Bind("db", "replica_dsn", &replica_dsn, "a streaming replica for lists that may lag; empty: none",
                  {.secret = true});
    registry.Bind("db", "schema_prefix", &schema_prefix, "stands before the service's name in its schema's name");
    registry.Bind("db", "connections_min", &connections_min, "connections to PostgreSQL kept open, per store");
    registry.Bind("db", "connections_max", &connections_max, "connections to PostgreSQL at most, per store");
    registry.Bind("db", "queue_max", &queue_max, "operations that may wait for a connection; more are refused");
    registry.Bind("db", "connect_timeout", &connect_timeout, "how long connecting to one host may take");
    registry.Bind("db", "statement_timeout", &statement_timeout, "how long one statement may take");
    registry.Bind("db", "lock_timeout", &lock_timeout, "how long a statement may wait for a lock");
    registry.Bind("db", "reconnect_limit", &reconnect_limit,
                  "how long an operation waits for PostgreSQL to come back after a fail-over");
  }

  bool postgres() const { return !dsn.empty(); }
  // `store`: "payments", or "payments_archive" for a second store of the service.
  db::PostgresOptions Postgres(const std::string& store) const {
    db::PostgresOptions options;
    options.dsn = dsn;
    options.replica_dsn = replica_dsn;
    options.schema = schema_prefix + store;
    options.application = store;
    options.connections_min = static_cast<int>(connections_min);
    options.connections_max = static_cast<int>(connections_max);
    options.queue_max = static_cast<int>(queue_max);
    options.connect_timeout = connect_timeout;
    options.statement_timeout = statement_timeout;
    options.lock_timeout = lock_timeout;
    options.reconnect_limit = reconnect_limit;
    options.migrate = migrate;
    options.copying = copying;
    options.on_prepare = on_prepare;
    return options;
  }
};

}  // namespace dinh::app
