// One writer, many waiting: that groups form, that members do not hurt each other, that nothing is acknowledged before
// it is synced.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "libs/db/test_support.h"
#include "libs/db/testing_vfs.h"

namespace dinh::db {
namespace {

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {
      {1, "items", "CREATE TABLE items (id TEXT NOT NULL PRIMARY KEY, bytes TEXT NOT NULL);"}};
  return migrations;
}

absl::Status Insert(TestDatabase& t, const std::string& id, const std::string& bytes = "") {
  auto ctx = t.Context();
  return t.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    return tx.Exec("INSERT INTO items (id, bytes) VALUES ($1, $2)", {id, bytes}).status();
  });
}

// Occupies the writer until opened, so that what comes meanwhile waits and forms one group.
class Gate {
 public:
  explicit Gate(TestDatabase& t) : t_(t) {
    thread_ = std::thread([this] {
      auto ctx = t_.Context();
      EXPECT_TRUE(t_.db
                      ->Transact(*ctx,
                                 [this](Tx&) {
                                   std::unique_lock lock(mutex_);
                                   entered_ = true;
                                   changed_.notify_all();
                                   changed_.wait(lock, [this] { return open_; });
                                   return absl::OkStatus();
                                 })
                      .ok());
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  // Lets go as soon as `waiting` writers have queued up.
  void OpenWhenWaiting(int64_t waiting) {
    while (t_.db->stats().queue_depth < waiting) std::this_thread::yield();
    Open();
  }
  void Open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  ~Gate() { Open(); }

 private:
  TestDatabase& t_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false, open_ = false;
  std::thread thread_;
};

// Runs `body(i)` for i < count on threads of their own, all in the queue before the first starts.
void AsOneGroup(TestDatabase& t, int count, const std::function<void(int)>& body) {
  Gate gate(t);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  gate.OpenWhenWaiting(count);
  for (std::thread& thread : threads) thread.join();
}

TEST(GroupCommit, SixtyFourWaitersAreOneCommit) {
  TestDatabase t(Engine::kSqlite, Schema());
  const DatabaseStats before = t.db->stats();
  AsOneGroup(t, 64, [&](int i) { EXPECT_TRUE(Insert(t, std::to_string(i)).ok()); });
  const DatabaseStats after = t.db->stats();
  EXPECT_EQ(after.transactions - before.transactions, 65);  // and the gate
  EXPECT_EQ(after.commits - before.commits, 2);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 64);
}

TEST(GroupCommit, OneSyncForTheGroupBeforeAnyAcknowledgement) {
  TestingVfs vfs("group_sync");
  SqliteOptions options;
  options.vfs = vfs.name();
  TestDatabase t(options, Schema());
  const int64_t before = vfs.log_syncs();
  std::atomic<int> unsynced{0};
  AsOneGroup(t, 32, [&](int i) {
    EXPECT_TRUE(Insert(t, std::to_string(i)).ok());
    if (!vfs.LogIsSynced()) ++unsynced;
  });
  EXPECT_EQ(unsynced, 0);
  EXPECT_EQ(vfs.log_syncs() - before, 1);
}

TEST(GroupCommit, AFailingMemberTakesNobodyAlong) {
  TestDatabase t(Engine::kSqlite, Schema());
  std::atomic<int> refused{0};
  AsOneGroup(t, 30, [&](int i) {
    auto ctx = t.Context();
    const absl::Status status = t.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO items (id, bytes) VALUES ($1, '')", {std::to_string(i)}).status());
      return i % 3 == 0 ? base::StaleEtag() : absl::OkStatus();
    });
    EXPECT_EQ(status.ok(), i % 3 != 0) << status;
    if (!status.ok()) ++refused;
  });
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 20);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items WHERE CAST(id AS BIGINT) % 3 = 0"), 0);
}

TEST(GroupCommit, MembersSeeEachOtherInOrder) {
  TestDatabase t(Engine::kSqlite, Schema());
  std::atomic<int> won{0};
  AsOneGroup(t, 16, [&](int) { won += Insert(t, "the only one").ok() ? 1 : 0; });
  EXPECT_EQ(won, 1);
}

// The disk has room for small rows only: the big one ends the whole group, then each gets its own true result.
TEST(GroupCommit, DiskFullRerunsSinglyAndTellsTheTruth) {
  TestingVfs vfs("disk_full");
  SqliteOptions options;
  options.vfs = vfs.name();
  std::atomic<int> logged{0};
  options.log = [&](std::string_view) { ++logged; };
  TestDatabase t(options, Schema());
  const auto log_size = static_cast<int64_t>(std::filesystem::file_size(t.options.path + "-wal"));
  // Room for 40 more pages: the group with the big row (50 pages) does not fit, every small one does.
  const int64_t limit = log_size + int64_t{40} * 4120;
  vfs.SetFault([limit](const TestingVfs::Call& call) {
    const bool grows = call.operation == TestingVfs::Operation::kWrite && call.file == TestingVfs::File::kLog;
    return grows && call.offset + call.size > limit ? SQLITE_FULL : SQLITE_OK;
  });
  std::mutex mutex;
  std::set<std::string> done, refused;
  AsOneGroup(t, 10, [&](int i) {
    const std::string id = std::to_string(i);
    const absl::Status status = Insert(t, id, i == 4 ? std::string(200'000, 'x') : "small");
    std::lock_guard lock(mutex);
    (status.ok() ? done : refused).insert(id);
    EXPECT_EQ(ReasonOf(status), status.ok() ? "" : "STORAGE_UNAVAILABLE");
  });
  EXPECT_EQ(refused, std::set<std::string>{"4"});
  EXPECT_EQ(done.size(), 9u);
  EXPECT_GE(t.db->stats().group_reruns, 1);
  EXPECT_GE(logged, 1);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 9);
  vfs.SetFault(nullptr);
  EXPECT_TRUE(Insert(t, "4").ok());
}

TEST(GroupCommit, NothingFitsNothingIsLost) {
  TestingVfs vfs("nothing_fits");
  SqliteOptions options;
  options.vfs = vfs.name();
  TestDatabase t(options, Schema());
  ASSERT_TRUE(Insert(t, "before").ok());
  vfs.SetFault([](const TestingVfs::Call& call) {
    return call.operation == TestingVfs::Operation::kWrite ? SQLITE_FULL : SQLITE_OK;
  });
  AsOneGroup(t, 8, [&](int i) { EXPECT_EQ(ReasonOf(Insert(t, std::to_string(i))), "STORAGE_UNAVAILABLE"); });
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 1);
  vfs.SetFault(nullptr);
  EXPECT_TRUE(Insert(t, "after").ok());
}

TEST(GroupCommit, AFailedSyncIsNoAcknowledgement) {
  TestingVfs vfs("failed_sync");
  SqliteOptions options;
  options.vfs = vfs.name();
  TestDatabase t(options, Schema());
  vfs.SetFault([](const TestingVfs::Call& call) {
    return call.operation == TestingVfs::Operation::kSync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  });
  AsOneGroup(t, 4, [&](int i) { EXPECT_FALSE(Insert(t, std::to_string(i)).ok()); });
  vfs.SetFault(nullptr);
  AsOneGroup(t, 4, [&](int i) { EXPECT_TRUE(Insert(t, std::to_string(i)).ok()); });
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 4);
}

// A closure that goes on after its transaction was ended by the disk must not write outside of it.
TEST(GroupCommit, ASwallowedDiskErrorWritesNothing) {
  TestingVfs vfs("swallowed");
  SqliteOptions options;
  options.vfs = vfs.name();
  options.page_cache_kib = 64;  // spills into the log before the commit
  TestDatabase t(options, Schema());
  vfs.SetFault([](const TestingVfs::Call& call) {
    return call.operation == TestingVfs::Operation::kWrite ? SQLITE_FULL : SQLITE_OK;
  });
  auto ctx = t.Context();
  const absl::Status status = t.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    for (int i = 0; i < 200; ++i) {
      (void)tx.Exec("INSERT INTO items (id, bytes) VALUES ($1, $2)", {std::to_string(i), std::string(3000, 'x')});
    }
    vfs.SetFault(nullptr);
    (void)tx.Exec("INSERT INTO items (id, bytes) VALUES ('ghost', '')");
    return absl::OkStatus();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 0);
}

TEST(GroupCommit, EverythingAcknowledgedSurvivesPowerLoss) {
  TestingVfs vfs("power_loss");
  SqliteOptions options;
  options.vfs = vfs.name();
  TestDatabase t(options, Schema());
  std::mutex mutex;
  std::set<std::string> acknowledged;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; !stop; ++i) {
        const std::string id = std::to_string(thread) + "/" + std::to_string(i);
        ASSERT_TRUE(Insert(t, id, std::string(1000, 'x')).ok());
        std::lock_guard lock(mutex);
        acknowledged.insert(id);
      }
    });
  }
  for (int cut = 0; cut < 5; ++cut) {
    std::set<std::string> expected;
    while (expected.size() < static_cast<size_t>(cut + 1) * 50) {
      std::lock_guard lock(mutex);
      expected = acknowledged;
    }
    TestFolder image;
    ASSERT_TRUE(vfs.WriteDurableImage(image.path()).ok());
    SqliteOptions copy;
    copy.path = image.File("test.db");
    TestDatabase after(copy);
    auto ctx = after.Context();
    const auto ids = after.db->Read(*ctx, [](Tx& tx) {
      return tx.QueryAll("SELECT id FROM items", {}, [](const Row& row) { return row.Text(0); });
    });
    ASSERT_TRUE(ids.ok()) << ids.status();
    for (const std::string& id : *ids) expected.erase(id);
    EXPECT_TRUE(expected.empty()) << *expected.begin() << " was acknowledged and is lost";
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(GroupCommit, AFullQueueRefuses) {
  SqliteOptions options;
  options.queue_max = 2;
  TestDatabase t(options, Schema());
  Gate gate(t);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&, i] { EXPECT_TRUE(Insert(t, std::to_string(i)).ok()); });
  while (t.db->stats().queue_depth < 2) std::this_thread::yield();
  const absl::Status status = Insert(t, "too many");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_GT(base::DetailOf(status)->retry_after_ms, 0);
  gate.Open();
  for (std::thread& thread : threads) thread.join();
}

TEST(GroupCommit, ADeadlineInTheQueueIsHonouredOneInsideIsNot) {
  TestDatabase t(Engine::kSqlite, Schema());
  Gate gate(t);
  auto late = TestContext(t.clock, std::chrono::milliseconds(20));
  const absl::Status status = t.db->Transact(*late, [](Tx& tx) -> absl::Status {
    return tx.Exec("INSERT INTO items (id, bytes) VALUES ('late', '')").status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  gate.Open();
  auto inside = TestContext(t.clock, std::chrono::milliseconds(20));
  EXPECT_TRUE(t.db->Transact(*inside,
                             [&](Tx& tx) -> absl::Status {
                               while (inside->Check().ok()) std::this_thread::yield();
                               return tx.Exec("INSERT INTO items (id, bytes) VALUES ('slow', '')").status();
                             })
                  .ok());
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items WHERE id = 'slow'"), 1);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 1);
}

TEST(GroupCommit, AForeignLockIsBusyNotLost) {
  SqliteOptions options;
  options.busy_timeout_ms = 20;
  TestDatabase t(options, Schema());
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open(t.options.path.c_str(), &foreign), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(foreign, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { EXPECT_EQ(ReasonOf(Insert(t, std::to_string(i))), "STORAGE_BUSY"); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM items"), 0);  // readers are not disturbed
  ASSERT_EQ(sqlite3_exec(foreign, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(foreign);
  EXPECT_TRUE(Insert(t, "after").ok());
}

TEST(GroupCommit, ASlowTransactionIsTold) {
  std::mutex mutex;
  std::string log;
  SqliteOptions options;
  options.log = [&](std::string_view text) {
    std::lock_guard lock(mutex);
    log += text;
  };
  TestDatabase t(options, Schema());
  auto ctx = t.Context();
  ctx->trace.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(260);
  ASSERT_TRUE(t.db->Transact(*ctx,
                             [&](Tx&) {
                               while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
                               return absl::OkStatus();
                             })
                  .ok());
  std::lock_guard lock(mutex);
  EXPECT_NE(log.find("4bf92f3577b34da6a3ce929d0e0e4736"), std::string::npos) << log;
}

TEST(GroupCommit, TheLogIsCheckpointed) {
  TestDatabase t(Engine::kSqlite, Schema());
  // 120 × 50 pages pass through the log; it began anew after a checkpoint, at the latest after 4,000.
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(Insert(t, std::to_string(i), std::string(200'000, 'x')).ok());
  EXPECT_GE(t.db->stats().checkpoints, 1);
  EXPECT_LT(std::filesystem::file_size(t.options.path + "-wal"), 5000u * 4120u);
}

}  // namespace
}  // namespace dinh::db
