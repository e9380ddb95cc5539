// One run of a worker program: started, given its input, read to the end, and gone when the call returns.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace dinh::feedback {

struct WorkerTask {
  std::string program;      // path
  std::string_view head;    // written first
  std::string_view body;    // then
  size_t output_bytes_max;  // more is a failure
  std::chrono::steady_clock::time_point deadline;
  const std::atomic<bool>* cancelled = nullptr;  // looked at every 50 ms
};

enum class WorkerEnd {
  kExited,     // by itself; exit_code holds
  kKilled,     // died of a signal that was not ours; signal holds
  kDeadline,   // killed by us
  kCancelled,  // killed by us
  kTooMuch,    // killed by us: wrote more than output_bytes_max
  kNotStarted,
  kNoResources,  // the machine has no process, memory or descriptor to spare
};

struct WorkerRun {
  WorkerEnd end = WorkerEnd::kNotStarted;
  int exit_code = -1;
  int signal = 0;
  std::string output;
};

// The program runs with an empty environment, default signals, a socket as descriptor 0 and no other descriptor. It is
// killed by its process id when it is not done in time, and reaped in every case. Blocks; thread-safe.
WorkerRun RunWorker(const WorkerTask& task);

}  // namespace dinh::feedback
