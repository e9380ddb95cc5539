// Whole reads and writes on the worker's socket, by read(2) and write(2) only: the sandbox allows no other.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace dinh::photo {

// false at the end of input or on an error.
inline bool ReadAll(int fd, size_t bytes, std::string* out) {
  out->resize(bytes);
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = read(fd, out->data() + done, bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

inline bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace dinh::photo
