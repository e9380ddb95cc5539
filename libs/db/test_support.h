// For tests of what keeps data: a folder of the test's own and operations with a deadline. Header-only.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace dinh::db {

// Removed with everything in it at the end of the scope.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dinh_test_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::unique_ptr<base::OpContext> TestContext(const base::Clock& clock,
                                                    std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  return std::make_unique<base::OpContext>(clock, clock.Steady() + limit);
}

// "" for a status without a reason.
inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : "";
}

// A database in a folder of its own; aborts when it does not open.
struct TestDatabase {
  explicit TestDatabase(const SqliteOptions& given = {}, const std::vector<Migration>& migrations = {})
      : options(given) {
    if (options.path.empty()) options.path = folder.File("test.db");
    Open(migrations);
  }
  void Open(const std::vector<Migration>& migrations = {}) {
    absl::StatusOr<std::unique_ptr<Database>> opened = OpenSqlite(options, clock);
    if (!opened.ok()) std::abort();
    db = *std::move(opened);
    if (!migrations.empty() && !db->Migrate(migrations).ok()) std::abort();
  }
  std::unique_ptr<base::OpContext> Context() const { return TestContext(clock); }
  // One statement in a transaction of its own.
  absl::StatusOr<int64_t> Exec(std::string_view sql) {
    auto ctx = Context();
    return db->Transact(*ctx, [&](Tx& tx) { return tx.Exec(sql); });
  }
  // The first column of the first row; -1 when there is none or an error.
  int64_t Number(std::string_view sql) {
    auto ctx = Context();
    const auto found =
        db->Read(*ctx, [&](Tx& tx) { return tx.QueryOne(sql, {}, [](const Row& row) { return row.Int(0); }); });
    return found.ok() && found->has_value() ? **found : -1;
  }

  TestFolder folder;
  base::SystemClock clock;
  SqliteOptions options;
  std::unique_ptr<Database> db;
};

}  // namespace dinh::db
