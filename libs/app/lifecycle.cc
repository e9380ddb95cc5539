#include "libs/app/lifecycle.h"

#include <pthread.h>

namespace dinh::app {

Lifecycle::Lifecycle() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  // A peer that went away is an error of the write, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
}

int Lifecycle::WaitForStop(const std::function<void()>& on_reload) {
  while (true) {
    int received = 0;
    if (sigwait(&signals_, &received) != 0) continue;
    if (received != SIGHUP) return received;
    if (on_reload) on_reload();
  }
}

bool Lifecycle::StopPending() const {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

}  // namespace dinh::app
