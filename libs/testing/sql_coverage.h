// Whether a program's tests have had every SQL statement of a service's store prepared: by SQLite, and by PostgreSQL in
// the run that uses it. A statement that only one engine understands cannot hide in a branch that no test takes.
//
//   DINH_STORE_SQL_IS_COVERED("services/payments");      // once, in a test file of the service
//
// Compares the statements that the engine prepared with the string literals of store*.cc. Says nothing when only some
// of the tests run.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace dinh::testing {

class SqlCoverage : public ::testing::Environment {
 public:
  explicit SqlCoverage(std::string folder) : folder_(std::move(folder)) {}
  // Called by the harness for each statement prepared. Thread-safe.
  static void Seen(std::string_view sql);
  // The literals of the folder's store*.cc that are SQL, those that stand one behind the other joined.
  static std::vector<std::string> LiteralsOf(const std::string& folder);
  void TearDown() override;

 private:
  const std::string folder_;
};

}  // namespace dinh::testing

#define DINH_STORE_SQL_IS_COVERED(folder)                              \
  [[maybe_unused]] static ::testing::Environment* const kSqlCoverage = \
      ::testing::AddGlobalTestEnvironment(new ::dinh::testing::SqlCoverage(folder))
