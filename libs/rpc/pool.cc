#include "libs/rpc/pool.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"

namespace dinh::rpc {

HandlerPool::HandlerPool(PoolOptions options, telemetry::Metrics* metrics) : options_(std::move(options)) {
  if (metrics == nullptr) return;
  refused_ = &metrics->AddCounter("queue_refused_total", "Tasks refused because the queue was full.", {"queue"})
                  .With({options_.name});
  telemetry::Gauge& depth = metrics->AddGauge("queue_depth", "Tasks waiting.", {"queue"}).With({options_.name});
  telemetry::Gauge& threads = metrics->AddGauge("queue_threads", "Threads started.", {"queue"}).With({options_.name});
  collect_ = metrics->OnCollect([this, &depth, &threads] {
    depth.Set(static_cast<double>(queued()));
    threads.Set(this->threads());
  });
}

HandlerPool::~HandlerPool() {
  collect_.Reset();
  Stop();
}

absl::Status HandlerPool::Run(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      return base::Unavailable("SHUTTING_DOWN", {"Máy chủ đang dừng. Hãy gửi lại sau giây lát.",
                                                 "The server is shutting down. Send it again in a moment."});
    }
    const bool full = queue_.size() >= options_.max_queue;
    // A thread more only while no idle one is left for what already waits.
    const bool want_thread = !full && queue_.size() >= static_cast<size_t>(idle_);
    const bool may_start = threads_.size() < static_cast<size_t>(options_.max_threads);
    const bool none = want_thread && may_start && !StartThread() && threads_.empty();
    if (full || none) {
      return Overloaded();
    }
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return absl::OkStatus();
}

absl::Status HandlerPool::RunLong(std::function<void()> task) {
  const int most = std::max(1, options_.max_threads / 2);
  if (long_tasks_.fetch_add(1) >= most) {
    --long_tasks_;
    return Overloaded();
  }
  absl::Status status = Run([this, task = std::move(task)] {
    task();
    --long_tasks_;
  });
  if (!status.ok()) --long_tasks_;
  return status;
}

absl::Status HandlerPool::Overloaded() {
  if (refused_ != nullptr) refused_->Increment();
  return base::ResourceExhausted(
      "OVERLOADED", {"Hệ thống đang quá tải. Hãy thử lại sau giây lát.", "The server is busy. Try again in a moment."},
      options_.retry_after_ms);
}

bool HandlerPool::StartThread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, options_.stack_bytes);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, &HandlerPool::Enter, this) == 0;
  pthread_attr_destroy(&attributes);
  if (started) threads_.push_back(thread);
  return started;
}

void* HandlerPool::Enter(void* self) {
  static_cast<HandlerPool*>(self)->Work();
  return nullptr;
}

void HandlerPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;  // stopping, and nothing left
    std::function<void()> task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it captured must not wait for the next task
    lock.lock();
  }
}

void HandlerPool::Stop() {
  std::vector<pthread_t> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

size_t HandlerPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

int HandlerPool::threads() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(threads_.size());
}

}  // namespace dinh::rpc
