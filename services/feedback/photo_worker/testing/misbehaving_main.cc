// A worker program for tests. It enters the sandbox as dinh-photo does, reads its request, and then does what the
// "image" says: what a broken or hijacked decoder might try. What comes through is answered with "survived".
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <csignal>
#include <string>
#include <vector>

#include "services/feedback/photo_worker/protocol.h"
#include "services/feedback/photo_worker/sandbox.h"
#include "services/feedback/photo_worker/socket_io.h"

namespace dinh::photo {
namespace {

void ForbiddenCall(const std::string& command) {
  if (command == "open") syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
  if (command == "create") syscall(SYS_openat, AT_FDCWD, "/tmp/dinh-photo-was-here", O_WRONLY | O_CREAT, 0600);
  if (command == "socket") syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
  if (command == "exec") syscall(SYS_execve, "/bin/true", nullptr, nullptr);
  if (command == "clone") syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (command == "kill") syscall(SYS_kill, 1, 0);
  if (command == "ptrace") syscall(SYS_ptrace, 0, 0, nullptr, nullptr);
  if (command == "write1") syscall(SYS_write, 1, "x", 1);
  if (command == "code") syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (command == "file map") syscall(SYS_mmap, nullptr, 4096, PROT_READ, MAP_PRIVATE, kSocketFd, 0);
}

int Serve() {
  if (!EnterSandbox()) return kExitNoSandbox;
  std::string bytes;
  std::string command;
  RequestHead head;
  int boxes = 0;
  if (!ReadAll(kSocketFd, kRequestStartBytes, &bytes) || !DecodeRequestStart(bytes, &head, &boxes) ||
      !ReadAll(kSocketFd, head.image_bytes, &command)) {
    return kExitBadRequest;
  }
  if (command == "silent") return 0;
  if (command == "crash") __builtin_trap();
  if (command == "hang") ReadAll(kSocketFd, 1, &bytes);
  if (command == "no sandbox") return kExitNoSandbox;
  if (command == "memory") {
    std::vector<std::string> held;
    while (true) held.emplace_back(64 * base::kMiB, 'x');
  }
  if (command == "flood") {
    while (WriteAll(kSocketFd, std::string(base::kMiB, 'x'))) {
    }
  }
  if (command == "half") return WriteAll(kSocketFd, EncodeAnswer({}).substr(0, kAnswerStartBytes / 2)) ? 0 : 1;
  if (command == "refused, exit 1") return WriteAll(kSocketFd, EncodeAnswer({Verdict::kDamaged})) ? 1 : 2;
  ForbiddenCall(command);
  return WriteAll(kSocketFd, "survived") ? 0 : 1;
}

}  // namespace
}  // namespace dinh::photo

int main() { _exit(dinh::photo::Serve()); }
