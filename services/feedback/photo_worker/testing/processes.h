// Looking at worker processes from outside, for tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace dinh::photo::testing {

inline std::string ProcFile(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "VmHWM" -> "  12345 kB"; empty when there is none.
inline std::string StatusField(pid_t pid, const std::string& field) {
  const std::string status = "\n" + ProcFile(pid, "status");
  const size_t at = status.find("\n" + field + ":");
  if (at == std::string::npos) return {};
  const size_t from = at + field.size() + 2;
  return status.substr(from, status.find('\n', from) - from);
}

// Living and dead (unreaped) children of this process.
inline std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    const std::string parent = StatusField(pid, "PPid");
    if (!parent.empty() && std::stol(parent) == getpid()) children.push_back(pid);
  }
  return children;
}

inline size_t OpenDescriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(open), end(open)));
}

// true when `condition` came to hold within half a minute.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace dinh::photo::testing
