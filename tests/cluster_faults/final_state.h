// Reads what the stores of a platform hold, past the services.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "tests/cluster_faults/history.h"
#include "tests/support/cluster.h"

namespace dinh::testing {

struct Stores {
  std::function<absl::StatusOr<std::unique_ptr<db::Database>>(const std::string& service)> open;
  std::string keys;  // folder
};
// As the owner of the database. The cluster must outlive them.
Stores StoresOf(Cluster& cluster);
// Of a standalone installation.
Stores StoresOf(const std::string& data_dir);

// Dossiers, reports and payments with their histories; in `problems` what is wrong with the ledger, an audit chain, or
// what must be there once. Errors: a store cannot be read.
absl::StatusOr<FinalState> ReadFinalState(Stores stores);

}  // namespace dinh::testing
