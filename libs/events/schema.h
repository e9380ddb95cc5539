// The tables of libs/events in a service's database: outbox, feed_head, event_cursors, jobs. Their versions are counted
// apart from the service's own (component "events").
#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace dinh::events {

absl::Status EnsureSchema(db::Database& database);

}  // namespace dinh::events
