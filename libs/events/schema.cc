#include "libs/events/schema.h"

#include <string>
#include <vector>

#include "libs/db/dialect.h"

namespace dinh::events {

absl::Status EnsureSchema(db::Database& database) {
  const std::string order(db::InsertionOrderKey(database.engine()));
  const std::string bytes(db::BytesType(database.engine()));
  // `sequence` is null until the relay numbers the row after its commit; readers see numbered rows only. The partial
  // index holds what waits for its number: nearly nothing.
  const std::string outbox =
      "CREATE TABLE outbox (\n"
      "  number " +
      order +
      ",\n"
      "  id TEXT NOT NULL,\n"
      "  type TEXT NOT NULL,\n"
      "  version BIGINT NOT NULL,\n"
      "  subject TEXT NOT NULL,\n"
      "  occurred_at BIGINT NOT NULL,\n"
      "  payload " +
      bytes +
      " NOT NULL,\n"
      "  sealed SMALLINT NOT NULL CHECK (sealed IN (0, 1)),\n"
      "  traceparent TEXT NOT NULL,\n"
      "  sequence BIGINT\n"
      ");\n"
      "CREATE UNIQUE INDEX outbox_sequence ON outbox (sequence) WHERE sequence IS NOT NULL;\n"
      "CREATE INDEX outbox_unnumbered ON outbox (number) WHERE sequence IS NULL;\n"
      "CREATE TABLE feed_head (\n"
      "  one SMALLINT PRIMARY KEY CHECK (one = 1),\n"
      "  last_sequence BIGINT NOT NULL,\n"
      "  relay TEXT NOT NULL,\n"
      "  leased_until BIGINT NOT NULL\n"
      ");\n"
      "INSERT INTO feed_head (one, last_sequence, relay, leased_until) VALUES (1, 0, '', 0);\n"
      "CREATE TABLE event_cursors (\n"
      "  consumer TEXT NOT NULL,\n"
      "  feed TEXT NOT NULL,\n"
      "  sequence BIGINT NOT NULL,\n"
      "  PRIMARY KEY (consumer, feed)\n"
      ");\n";
  const std::string jobs =
      "CREATE TABLE jobs (\n"
      "  id TEXT NOT NULL PRIMARY KEY,\n"
      "  kind TEXT NOT NULL,\n"
      "  payload " +
      bytes +
      " NOT NULL,\n"
      "  state TEXT NOT NULL CHECK (state IN ('waiting', 'failed')),\n"
      "  run_after BIGINT NOT NULL,\n"
      "  attempts BIGINT NOT NULL,\n"
      "  last_error TEXT NOT NULL,\n"
      "  created_at BIGINT NOT NULL\n"
      ");\n"
      "CREATE INDEX jobs_waiting ON jobs (run_after) WHERE state = 'waiting';\n";
  return database.MigrateComponent("events", {{1, "outbox", outbox, 1}, {2, "jobs", jobs, 1}});
}

}  // namespace dinh::events
