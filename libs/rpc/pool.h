// Where handlers run: a bounded number of threads, started as they are needed, and a bounded queue. What does not fit
// is refused at once, so that a flood costs its senders a retry and not everybody a wait without end.
//
// Thread safety: thread-safe. A task must not wait for another task of the same pool.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/limits.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc {

struct PoolOptions {
  std::string name = "handlers";  // label `queue` of the metrics
  int max_threads = 64;
  size_t max_queue = 1024;                // waiting tasks
  size_t stack_bytes = 512 * base::kKiB;  // protobuf's parser and SQLite need less than a tenth
  int64_t retry_after_ms = 1000;          // told to who is refused
};

class HandlerPool {
 public:
  // `metrics` may be null; it must outlive the pool. Families: queue_depth, queue_threads, queue_refused_total.
  HandlerPool(PoolOptions options, telemetry::Metrics* metrics);
  ~HandlerPool();  // Stop
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  // RESOURCE_EXHAUSTED (with retry delay) when the queue is full; UNAVAILABLE after Stop. The task did not and will not
  // run then.
  absl::Status Run(std::function<void()> task);
  // The same for a task that waits for its client (an upload): at most half of the threads, so that slow senders cannot
  // keep everybody else out.
  absl::Status RunLong(std::function<void()> task);

  // Runs what is queued, then ends the threads. Not from a task.
  void Stop();

  size_t queued() const;
  int threads() const;

 private:
  static void* Enter(void* self);
  absl::Status Overloaded();
  void Work();
  bool StartThread();  // with mutex_ held

  const PoolOptions options_;
  telemetry::Counter* refused_ = nullptr;
  telemetry::Metrics::Subscription collect_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<pthread_t> threads_;
  int idle_ = 0;
  std::atomic<int> long_tasks_ = 0;
  bool stopping_ = false;
};

}  // namespace dinh::rpc
