#include "services/feedback/photo/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

namespace dinh::feedback {
namespace {

constexpr std::chrono::milliseconds kCancelCheck{50};
constexpr size_t kReadBytes = 256 * 1024;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// posix_spawn: this process has threads, among which a plain fork could leave locks held in the child.
int Spawn(const std::string& program, int socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDIN_FILENO + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program;
  char* const arguments[] = {name.data(), nullptr};
  char* const environment[] = {nullptr};
  const int error = posix_spawn(pid, program.c_str(), &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Writes the input and reads the output as the worker lets us. nullopt: the worker has closed its end.
class Conversation {
 public:
  Conversation(const WorkerTask& task, int socket, std::string* output)
      : task_(task), socket_(socket), head_(task.head), body_(task.body), output_(output) {}

  std::optional<WorkerEnd> Hold() {
    while (true) {
      if (task_.cancelled != nullptr && task_.cancelled->load()) return WorkerEnd::kCancelled;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(task_.deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return WorkerEnd::kDeadline;
      pollfd wait{socket_, static_cast<int16_t>(POLLIN | (head_.empty() && body_.empty() ? 0 : POLLOUT)), 0};
      // Rounded up, so that the last millisecond is waited for and not spun through.
      if (poll(&wait, 1, static_cast<int>(std::min(left, kCancelCheck).count()) + 1) <= 0) continue;
      if ((wait.revents & POLLOUT) != 0) Write();
      if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !Read()) return std::nullopt;
      if (output_->size() > task_.output_bytes_max) return WorkerEnd::kTooMuch;
    }
  }

 private:
  void Write() {
    std::string_view& part = head_.empty() ? body_ : head_;
    const ssize_t n = send(socket_, part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      part.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EAGAIN && errno != EINTR) {
      head_ = body_ = {};  // the worker has stopped reading; what it said is still to be read
    }
  }

  bool Read() {
    const size_t before = output_->size();
    output_->resize(before + kReadBytes);
    const ssize_t n = recv(socket_, output_->data() + before, kReadBytes, MSG_DONTWAIT);
    const int error = errno;
    output_->resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    return n > 0 || (n < 0 && (error == EAGAIN || error == EINTR));
  }

  const WorkerTask& task_;
  const int socket_;
  std::string_view head_;
  std::string_view body_;
  std::string* output_;
};

// A worker that has closed its socket is about to end; nobody waits longer than the task's deadline for it.
void WaitForExit(pid_t pid, std::chrono::steady_clock::time_point deadline) {
  constexpr std::chrono::milliseconds kSlice{1};
  siginfo_t info;
  info.si_pid = 0;
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0 &&
         std::chrono::steady_clock::now() < deadline) {
    poll(nullptr, 0, static_cast<int>(kSlice.count()));
  }
}

int Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

WorkerRun RunWorker(const WorkerTask& task) {
  WorkerRun run;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    run.end = WorkerEnd::kNoResources;
    return run;
  }
  Fd ours(sockets[0]);
  Fd theirs(sockets[1]);
  pid_t pid = -1;
  if (const int error = Spawn(task.program, theirs.get(), &pid); error != 0) {
    run.end = error == EAGAIN || error == ENOMEM ? WorkerEnd::kNoResources : WorkerEnd::kNotStarted;
    return run;
  }
  theirs.Close();
  const std::optional<WorkerEnd> stopped = Conversation(task, ours.get(), &run.output).Hold();
  if (!stopped) WaitForExit(pid, task.deadline);
  kill(pid, SIGKILL);  // not yet reaped, so the id is still its own
  const int status = Reap(pid);
  if (stopped) {
    run.end = *stopped;
  } else if (WIFEXITED(status)) {
    run.end = WorkerEnd::kExited;
    run.exit_code = WEXITSTATUS(status);
  } else {
    run.end = WorkerEnd::kKilled;
    run.signal = WTERMSIG(status);
  }
  return run;
}

}  // namespace dinh::feedback
