// The one writer of an SQLite file: a thread that commits waiting transactions as a group. Internal to libs/db.
//
// While one group commits (the fsync), the next gathers by itself; nobody waits for company. Each closure runs in a
// SAVEPOINT, so a failing one takes nobody along; results leave only after COMMIT. An error may end the whole group
// (SQLite rolls all of it back when the disk is full): then every member runs again in a transaction of its own.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"
#include "libs/db/sqlite_connection.h"

namespace dinh::db {

struct WriterCounters {
  std::atomic<int64_t> transactions{0};
  std::atomic<int64_t> commits{0};
  std::atomic<int64_t> failures{0};
  std::atomic<int64_t> group_reruns{0};
  std::atomic<int64_t> checkpoints{0};
};

class SqliteWriter {
 public:
  using Body = std::function<absl::Status(Tx&)>;

  // `sweep` is run as a transaction of its own now and then, between groups; it returns true while there is more.
  SqliteWriter(std::unique_ptr<SqliteConnection> connection, const SqliteOptions& options, const base::Clock& clock,
               std::function<absl::StatusOr<bool>(Tx&)> sweep);
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Waits until `body` is durable or has failed; then makes its AfterCommit calls.
  absl::Status Run(base::OpContext& ctx, const Body& body);
  // Runs `work` on the writer's connection with no transaction open.
  absl::Status RunExclusive(const std::function<absl::Status(SqliteConnection&)>& work);
  // Finishes what waits, then ends the thread and closes the connection.
  void Close();

  const WriterCounters& counters() const { return counters_; }
  int64_t queue_depth() const;
  bool OnWriterThread() const { return std::this_thread::get_id() == thread_id_.load(); }

 private:
  struct Item {
    base::OpContext* ctx = nullptr;
    const Body* body = nullptr;
    const std::function<absl::Status(SqliteConnection&)>* exclusive = nullptr;
    std::vector<std::function<void()>> after_commit;
    absl::Status status;
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;  // guarded by mutex
  };
  using Group = std::vector<Item*>;

  absl::Status Enqueue(Item& item);
  bool Withdraw(Item& item);
  void Wait(Item& item);
  void Loop();
  bool Take(Group& group);
  void Process(Group& group);
  bool RunTogether(Group& group);
  void RunAlone(Item& item);
  absl::Status RunBody(Item& item);
  void Release(Group& group);
  void Count(const Group& group);
  void KeepHouse();
  void CheckpointIfDue(bool idle);
  void SweepIfDue();

  const SqliteOptions options_;
  const base::Clock& clock_;
  const std::function<absl::StatusOr<bool>(Tx&)> sweep_;
  std::unique_ptr<SqliteConnection> connection_;  // the thread's alone
  base::Micros next_sweep_ = 0;
  int checkpointed_pages_ = 0;
  WriterCounters counters_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Item*> queue_;  // guarded by mutex_
  bool closing_ = false;     // guarded by mutex_
  std::thread thread_;
  // Beside the thread, whose own id may be read by nobody while it is joined.
  std::atomic<std::thread::id> thread_id_;
};

}  // namespace dinh::db
