#include "libs/db/snapshots.h"

#include <sqlite3.h>

#include <thread>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/backup.h"
#include "libs/db/errors.h"
#include "libs/db/sqlite_connection.h"

namespace dinh::db {
namespace {

using Steady = std::chrono::steady_clock;

// A store's writer lets its lock go for some tens of microseconds between two groups: whoever looks seldom never gets
// in.
constexpr std::chrono::microseconds kLockPoll{50};
// After a try that failed, writers have the stores to themselves for so long.
constexpr std::chrono::milliseconds kBetweenTries{20};

// The write lock of one store, on a connection that never writes.
class WriteLock {
 public:
  static absl::StatusOr<std::unique_ptr<WriteLock>> Open(const std::string& path, const SnapshotOptions& options) {
    std::unique_ptr<WriteLock> lock(new WriteLock(options));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path.c_str(), &lock->db_, flags, nullptr);
    if (code == SQLITE_OK) {
      sqlite3_busy_handler(lock->db_, &WriteLock::WaitMore, lock.get());
      // A stopped platform's files stay as they are.
      code = sqlite3_db_config(lock->db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
    // Reads the schema, so that taking the lock does nothing but that.
    lock->until_ = Steady::now() + options.wait_max;
    if (code == SQLITE_OK) code = lock->Run("SELECT COUNT(*) FROM sqlite_master");
    if (code != SQLITE_OK) return lock->Error(code);
    return lock;
  }
  ~WriteLock() { sqlite3_close(db_); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

  // STORAGE_BUSY when others have it until then.
  absl::Status Take(Steady::time_point until) {
    until_ = until;
    const int code = Run("BEGIN IMMEDIATE");
    return code == SQLITE_OK ? absl::OkStatus() : Error(code);
  }
  void Release() {
    if (sqlite3_get_autocommit(db_) == 0) (void)Run("ROLLBACK");
  }

 private:
  explicit WriteLock(const SnapshotOptions& options) : options_(options) {}
  static int WaitMore(void* self, int /*calls*/) {
    if (Steady::now() >= static_cast<WriteLock*>(self)->until_) return 0;
    std::this_thread::sleep_for(kLockPoll);
    return 1;
  }
  int Run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }
  absl::Status Error(int code) const {
    if ((code & 0xff) == SQLITE_BUSY) return StorageBusy();
    if (options_.log) options_.log(std::string("a snapshot: ") + sqlite3_errmsg(db_));
    return StorageUnavailable();
  }

  const SnapshotOptions& options_;
  Steady::time_point until_;
  sqlite3* db_ = nullptr;
};

class Snapshots final : public SqliteSnapshots {
 public:
  absl::Status Prepare(const std::vector<std::string>& paths, const SnapshotOptions& options) {
    for (const std::string& path : paths) {
      ASSIGN_OR_RETURN(std::unique_ptr<WriteLock> lock, WriteLock::Open(path, options));
      locks_.push_back(std::move(lock));
      sqlite_.path = path;
      sqlite_.log = options.log;
      ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> reader,
                       SqliteConnection::Open(sqlite_, SqliteConnection::Role::kReader));
      sqlite3_db_config(reader->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
      // Once without the locks: statements are compiled, the schema is read.
      RETURN_IF_ERROR(Begin(*reader));
      RETURN_IF_ERROR(reader->Control("ROLLBACK"));
      readers_.push_back(std::move(reader));
    }
    return absl::OkStatus();
  }

  absl::Status TakeTogether(const SnapshotOptions& options) {
    const Steady::time_point last = Steady::now() + options.wait_max;
    while (true) {
      ++tries_;
      absl::Status taken = Try(options, last);
      for (const auto& lock : locks_) lock->Release();
      held_ = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - first_lock_);
      if (taken.ok()) {
        locks_.clear();
        return absl::OkStatus();
      }
      for (const auto& reader : readers_) {
        if (!reader->autocommit()) (void)reader->Control("ROLLBACK");
      }
      const bool busy = base::DetailOf(taken).value_or(base::ErrorDetail{}).reason == "STORAGE_BUSY";
      if (!busy || Steady::now() >= last) return taken;
      std::this_thread::sleep_for(kBetweenTries);
    }
  }

  std::chrono::microseconds held() const override { return held_; }
  int tries() const override { return tries_; }

  absl::Status Read(size_t store, base::OpContext& ctx, const std::function<absl::Status(Tx&)>& read) override {
    SqliteTx tx(*readers_[store], ctx, nullptr);
    return read(tx);
  }

  absl::StatusOr<std::map<std::string, int64_t>> SchemaVersions(size_t store, base::OpContext& ctx) override {
    std::map<std::string, int64_t> versions;
    RETURN_IF_ERROR(Read(store, ctx, [&](Tx& tx) {
      return tx.Query("SELECT component, MAX(version) FROM schema_migrations GROUP BY component", {},
                      [&](const Row& row) { versions[row.Text(0)] = row.Int(1); });
    }));
    return versions;
  }

  absl::Status Copy(size_t store, const std::string& target) override {
    RETURN_IF_ERROR(CopyDatabase(readers_[store]->handle(), target, sqlite_));
    readers_[store].reset();
    return absl::OkStatus();
  }

 private:
  // A read transaction begins with its first read.
  static absl::Status Begin(SqliteConnection& reader) {
    RETURN_IF_ERROR(reader.Control("BEGIN"));
    return reader.Query("SELECT COUNT(*) FROM sqlite_master", nullptr, 0, [](const Row&) { return absl::OkStatus(); });
  }

  absl::Status Try(const SnapshotOptions& options, Steady::time_point last) {
    // For the first lock nobody is held up by waiting.
    Steady::time_point until = last;
    first_lock_ = Steady::now();
    for (size_t i = 0; i < locks_.size(); ++i) {
      RETURN_IF_ERROR(locks_[i]->Take(until));
      if (i > 0) continue;
      first_lock_ = Steady::now();
      until = first_lock_ + options.hold_max;
    }
    for (const auto& reader : readers_) RETURN_IF_ERROR(Begin(*reader));
    return absl::OkStatus();
  }

  SqliteOptions sqlite_;
  std::vector<std::unique_ptr<WriteLock>> locks_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;
  Steady::time_point first_lock_;
  std::chrono::microseconds held_{0};
  int tries_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteSnapshots>> SqliteSnapshots::Open(const std::vector<std::string>& paths,
                                                                       const SnapshotOptions& options) {
  auto snapshots = std::make_unique<Snapshots>();
  RETURN_IF_ERROR(snapshots->Prepare(paths, options));
  RETURN_IF_ERROR(snapshots->TakeTogether(options));
  return std::unique_ptr<SqliteSnapshots>(std::move(snapshots));
}

}  // namespace dinh::db
