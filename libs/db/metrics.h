// A database's figures in Prometheus' form: db_transactions_total, db_commits_total (their quotient is the mean group),
// db_transaction_failures_total, db_group_reruns_total, db_reads_total, db_replays_total, db_checkpoints_total,
// db_queue_depth; label `database`.
#pragma once

#include <string_view>

#include "libs/db/database.h"
#include "libs/telemetry/metrics.h"

namespace dinh::db {

// `database` and `metrics` must outlive the subscription.
[[nodiscard]] telemetry::Metrics::Subscription ExportMetrics(const Database& database, std::string_view name,
                                                             telemetry::Metrics& metrics);

}  // namespace dinh::db
