// A program as a child process that never outlives the test. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace dinh::testing {

class ChildProcess {
 public:
  ChildProcess() = default;
  ~ChildProcess() { Kill(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Both its streams are appended to `log_file`. `environment`: "NAME=value", added to this process', whose DINH_
  // variables it does not get.
  void Start(std::vector<std::string> args, const std::vector<std::string>& environment, const std::string& log_file);
  // SIGKILL and wait: what a power cut leaves, as far as a process can show.
  void Kill();
  // SIGTERM and wait (≤ 40 s, then Kill); the exit code, -1 when a signal ended it.
  int Terminate();
  void Signal(int signal) const;
  // Waits (≤ 120 s, then Kill) for its end; the exit code, -1 when a signal ended it.
  int Wait();
  int WaitFor(std::chrono::seconds limit) { return WaitUntil(limit); }
  // false: it has ended by itself, or was never started.
  bool Running();

  pid_t pid() const { return pid_; }
  int64_t RssKib() const;  // resident memory now
  double CpuSeconds() const;
  std::string LogTail() const;
  const std::string& log_file() const { return log_file_; }

 private:
  int WaitUntil(std::chrono::seconds limit);

  pid_t pid_ = -1;
  std::string log_file_;
};

}  // namespace dinh::testing
