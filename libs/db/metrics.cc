#include "libs/db/metrics.h"

#include <array>
#include <utility>

namespace dinh::db {
namespace {

struct Figure {
  std::string_view name;
  std::string_view help;
  int64_t DatabaseStats::*field;
};

constexpr std::array<Figure, 10> kFigures = {{
    {"db_transactions_total", "transactions that committed", &DatabaseStats::transactions},
    {"db_commits_total", "durable commits, each of a group of transactions", &DatabaseStats::commits},
    {"db_transaction_failures_total", "transactions that ended in an error", &DatabaseStats::failures},
    {"db_group_reruns_total", "groups that were lost as a whole and run again one by one",
     &DatabaseStats::group_reruns},
    {"db_reads_total", "read transactions", &DatabaseStats::reads},
    {"db_replays_total", "answers given from the idempotency table", &DatabaseStats::replays},
    {"db_checkpoints_total", "copies of the write-ahead log into the file", &DatabaseStats::checkpoints},
    {"db_retries_total", "closures run again after a serialization failure, a deadlock or a lost connection",
     &DatabaseStats::retries},
    {"db_connects_total", "connections opened", &DatabaseStats::connects},
    {"db_commit_outcomes_unknown_total", "commits of which nobody can say whether they happened",
     &DatabaseStats::outcomes_unknown},
}};

}  // namespace

telemetry::Metrics::Subscription ExportMetrics(const Database& database, std::string_view name,
                                               telemetry::Metrics& metrics) {
  std::array<telemetry::Counter*, kFigures.size()> counters{};
  for (size_t i = 0; i < kFigures.size(); ++i) {
    counters[i] = &metrics.AddCounter(kFigures[i].name, kFigures[i].help, {"database"}).With({name});
  }
  telemetry::Gauge& depth = metrics.AddGauge("db_queue_depth", "writers waiting", {"database"}).With({name});
  telemetry::Gauge& open = metrics.AddGauge("db_connections", "connections open", {"database"}).With({name});
  return metrics.OnCollect([&database, &depth, &open, counters, told = DatabaseStats{}]() mutable {
    const DatabaseStats now = database.stats();
    for (size_t i = 0; i < kFigures.size(); ++i) {
      counters[i]->Increment(static_cast<double>(now.*kFigures[i].field - told.*kFigures[i].field));
    }
    depth.Set(static_cast<double>(now.queue_depth));
    open.Set(static_cast<double>(now.connections));
    told = now;
  });
}

}  // namespace dinh::db
