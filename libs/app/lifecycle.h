// Signals, taken by one thread that waits for them: SIGTERM and SIGINT end the process in good order, SIGHUP reloads
// (TLS certificates, log level). Nothing runs inside a signal handler.
#pragma once

#include <csignal>
#include <functional>

namespace dinh::app {

class Lifecycle {
 public:
  // Blocks the signals for this thread and all it starts: call before any other thread exists.
  Lifecycle();

  // Returns the signal that ends the process; calls `on_reload` for each SIGHUP meanwhile. A second ending signal
  // during the drain is the caller's to see by polling `Pending`.
  int WaitForStop(const std::function<void()>& on_reload);
  // true when another ending signal has come (the operator is impatient).
  bool StopPending() const;

 private:
  sigset_t signals_;
};

}  // namespace dinh::app
