// Several stores in one moment, beside writers at work.
#include "libs/db/snapshots.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

constexpr int kRounds = 40;

class SnapshotsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> OpenStore(const std::string& name) {
    SqliteOptions options;
    options.path = folder_.File(name);
    absl::StatusOr<std::unique_ptr<Database>> database = OpenSqlite(options, clock_);
    EXPECT_TRUE(database.ok()) << database.status();
    const absl::Status migrated = (*database)->Migrate(
        {{1, "steps", "CREATE TABLE steps (n BIGINT NOT NULL PRIMARY KEY); INSERT INTO steps (n) VALUES (0);"}});
    EXPECT_TRUE(migrated.ok()) << migrated;
    return *std::move(database);
  }
  absl::Status Step(Database& database, int64_t n) {
    auto ctx = TestContext(clock_);
    return database.Transact(*ctx, [&](Tx& tx) { return tx.Exec("INSERT INTO steps (n) VALUES ($1)", {n}).status(); });
  }
  int64_t Newest(SqliteSnapshots& snapshots, size_t store) {
    int64_t newest = -1;
    auto ctx = TestContext(clock_);
    const absl::Status read = snapshots.Read(store, *ctx, [&](Tx& tx) {
      return tx.Query("SELECT MAX(n) FROM steps", {}, [&](const Row& row) { newest = row.Int(0); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return newest;
  }
  int64_t NewestIn(const std::string& file) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    int64_t newest = -1;
    if (sqlite3_open(file.c_str(), &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT MAX(n) FROM steps", -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      newest = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return newest;
  }

  base::SystemClock clock_;
  TestFolder folder_;
};

// Commits step after step, in the first store and then in the second, as fast as SQLite can: nothing is synced.
// Whenever one looks at both at once, the second has the same step or the one before.
class FastWriter {
 public:
  FastWriter(const std::string& first, const std::string& second) {
    Open(first, &first_);
    Open(second, &second_);
    thread_ = std::thread([this] {
      for (int64_t n = 1; !stop_; ++n) {
        const std::string step = "INSERT INTO steps (n) VALUES (" + std::to_string(n) + ")";
        EXPECT_EQ(sqlite3_exec(first_, step.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(first_);
        EXPECT_EQ(sqlite3_exec(second_, step.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(second_);
        done_ = n;
      }
    });
  }
  ~FastWriter() {
    stop_ = true;
    thread_.join();
    sqlite3_close(first_);
    sqlite3_close(second_);
  }
  FastWriter(const FastWriter&) = delete;
  FastWriter& operator=(const FastWriter&) = delete;
  int64_t done() const { return done_; }

 private:
  static void Open(const std::string& path, sqlite3** db) {
    ASSERT_EQ(sqlite3_open(path.c_str(), db), SQLITE_OK);
    sqlite3_busy_timeout(*db, 2000);
    ASSERT_EQ(sqlite3_exec(*db, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr), SQLITE_OK);
  }

  sqlite3* first_ = nullptr;
  sqlite3* second_ = nullptr;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> done_ = 0;
  std::thread thread_;
};

TEST_F(SnapshotsTest, AreOfOneMomentWhileAnotherWrites) {
  // The later store first, the earlier one last, others between: were the snapshots not of one moment, the earlier
  // store would be seen steps further on.
  std::vector<std::unique_ptr<Database>> stores;
  std::vector<std::string> paths;
  for (const char* name : {"second", "c", "d", "e", "f", "g", "h", "first"}) {
    stores.push_back(OpenStore(name));
    paths.push_back(folder_.File(name));
  }
  const FastWriter writer(folder_.File("first"), folder_.File("second"));
  for (int i = 0; i < kRounds; ++i) {
    const int64_t before = writer.done();
    auto snapshots = SqliteSnapshots::Open(paths, {});
    ASSERT_TRUE(snapshots.ok()) << snapshots.status();
    const int64_t second = Newest(**snapshots, 0), first = Newest(**snapshots, paths.size() - 1);
    EXPECT_GE(second, before);
    EXPECT_TRUE(first == second || first == second + 1) << first << " and " << second;
    // The writer goes on, the copies are of that moment.
    while (writer.done() < second + 2) std::this_thread::yield();
    const std::string copy = folder_.File("copy" + std::to_string(i));
    ASSERT_TRUE((*snapshots)->Copy(paths.size() - 1, copy).ok());
    EXPECT_EQ(NewestIn(copy), first);
    EXPECT_GE((*snapshots)->tries(), 1);
  }
}

TEST_F(SnapshotsTest, SaysWhatTheSchemaIs) {
  const auto store = OpenStore("a.sqlite");
  auto snapshots = SqliteSnapshots::Open({folder_.File("a.sqlite")}, {});
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  auto ctx = TestContext(clock_);
  const auto versions = (*snapshots)->SchemaVersions(0, *ctx);
  ASSERT_TRUE(versions.ok()) << versions.status();
  EXPECT_EQ(versions->at("service"), 1);
  EXPECT_GE(versions->at("db"), 1);
}

TEST_F(SnapshotsTest, GivesUpWithoutHoldingAnybody) {
  const auto first = OpenStore("a.sqlite"), second = OpenStore("b.sqlite");
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(folder_.File("b.sqlite").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  SnapshotOptions options;
  options.hold_max = std::chrono::milliseconds(5);
  options.wait_max = std::chrono::milliseconds(60);
  const auto refused = SqliteSnapshots::Open({folder_.File("a.sqlite"), folder_.File("b.sqlite")}, options);
  EXPECT_EQ(ReasonOf(refused.status()), "STORAGE_BUSY");
  EXPECT_TRUE(Step(*first, 1).ok()) << "the lock of the first store was let go";
  sqlite3_close(other);
  EXPECT_TRUE(Step(*second, 1).ok());
}

TEST_F(SnapshotsTest, RefusesWhatIsNoStore) {
  {
    std::ofstream out(folder_.File("text.sqlite"));
    out << std::string(5000, 'x');
  }
  for (const char* name : {"text.sqlite", "absent.sqlite"}) {
    EXPECT_EQ(ReasonOf(SqliteSnapshots::Open({folder_.File(name)}, {}).status()), "STORAGE_UNAVAILABLE") << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.File("absent.sqlite")));
}

}  // namespace
}  // namespace dinh::db
