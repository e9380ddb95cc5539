// The floor of the cluster's figures: pgbench running the statements of a submission and of a read by hand, on the same
// PostgreSQL and in the tables of the same schema. See by_hand.cc for the statements.
#pragma once

#include <cstdint>
#include <string>

namespace dinh::bench {

struct PgbenchResult {
  double per_s = 0;       // transactions per second
  double latency_ms = 0;  // mean
};

// Deadlocks that the server of this DSN has ended since it began to count. A failure ends the bench.
int64_t Deadlocks(const std::string& dsn);

// pgbench as the role of procedures. Failures end the bench.
class ByHand {
 public:
  // `dsn`: the role's, whose search path is its schema. `folder`: for the scripts.
  ByHand(std::string dsn, std::string folder);

  // `clients` connections for `seconds`. Fills the attachments that the submissions take first.
  PgbenchResult Submit(int clients, int seconds);
  // Reads of the dossiers with these codes, comma-free, one per transaction.
  PgbenchResult Read(int clients, int seconds, const std::string& code);

 private:
  PgbenchResult Run(const std::string& script, int clients, int seconds, const std::string& more);
  void Sql(const std::string& sql) const;

  const std::string dsn_, folder_;
  int rounds_ = 0;
};

}  // namespace dinh::bench
