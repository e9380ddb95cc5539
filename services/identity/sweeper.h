// Removes what nobody needs any more: used codes, counted attempts, logins that ended long ago.
//
// Thread safety: Start and Stop from one thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/telemetry/logger.h"
#include "services/identity/store.h"

namespace dinh::identity {

class Sweeper {
 public:
  Sweeper(db::Database& database, const Store& store, const base::Clock& clock, telemetry::Logger& logger)
      : database_(database), store_(store), clock_(clock), logger_(logger) {}
  ~Sweeper() { Stop(); }

  void Start();
  void Stop();
  // One whole round; the number of rows removed.
  absl::StatusOr<int64_t> SweepAll();

 private:
  void Loop();

  db::Database& database_;
  const Store& store_;
  const base::Clock& clock_;
  telemetry::Logger& logger_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace dinh::identity
