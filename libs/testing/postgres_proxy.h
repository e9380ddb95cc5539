// Stands between a test and its PostgreSQL and breaks the connection at the worst moment: around a COMMIT. Header only.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace dinh::postgres_test {

class PostgresProxy {
 public:
  enum class Mode {
    kPass,
    kCutBeforeCommit,  // the next COMMIT never reaches the server
    kCutAfterCommit,   // the next COMMIT is carried out, its answer never arrives
    kRefuse,           // nobody listens, as on a machine that is gone
  };

  // `server`: the folder of its socket.
  explicit PostgresProxy(std::string server) : server_(std::move(server)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "dinh-proxy-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    Listen();
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~PostgresProxy() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    Deafen();
    std::filesystem::remove_all(folder_);
  }
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  const std::string& folder() const { return folder_; }
  // After a cut the mode is `then`.
  void Set(Mode mode, Mode then = Mode::kPass) {
    then_ = then;
    mode_ = mode;
  }
  int cuts() const { return cuts_; }

 private:
  static constexpr int kTickMs = 5;

  static sockaddr_un Address(const std::string& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder + "/.s.PGSQL.5432";
    if (path.size() >= sizeof address.sun_path) std::abort();
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  void Listen() {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = Address(folder_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0) {
      std::abort();
    }
  }
  void Deafen() {
    ::unlink(Address(folder_).sun_path);
    if (listener_ >= 0) ::close(listener_);
    listener_ = -1;
  }

  void Accept() {
    while (!stopping_) {
      if (mode_ == Mode::kRefuse) {
        if (listener_ >= 0) Deafen();
        ::poll(nullptr, 0, kTickMs);
        continue;
      }
      if (listener_ < 0) Listen();
      pollfd entry{listener_, POLLIN, 0};
      if (::poll(&entry, 1, kTickMs) != 1) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      if (mode_ == Mode::kRefuse) {
        ::close(client);
        continue;
      }
      threads_.emplace_back([this, client] {
        const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un address = Address(server_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
          Carry(client, server);
        }
        ::close(client);
        ::close(server);
      });
    }
  }

  // Until one side ends or the connection is cut.
  void Carry(int client, int server) {
    bool committing = false;  // the answer is not to arrive
    while (!stopping_) {
      std::array<pollfd, 2> entries = {{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      if (::poll(entries.data(), entries.size(), kTickMs) < 1) continue;
      if (entries[0].revents != 0) {
        const std::string bytes = Take(client);
        if (bytes.empty()) return;
        if (HoldsCommit(bytes)) {
          Mode expected = Mode::kCutBeforeCommit;
          if (mode_.compare_exchange_strong(expected, then_)) {
            ++cuts_;
            return;
          }
          expected = Mode::kCutAfterCommit;
          if (mode_.compare_exchange_strong(expected, then_)) committing = true;
        }
        if (!Give(server, bytes)) return;
      }
      if (entries[1].revents != 0) {
        const std::string bytes = Take(server);
        if (committing) ++cuts_;
        if (bytes.empty() || committing || !Give(client, bytes)) return;
      }
    }
  }

  // The message that binds the prepared statement "commit".
  static bool HoldsCommit(std::string_view bytes) {
    return bytes.find(std::string_view("\0commit\0", 8)) != std::string_view::npos;
  }
  static std::string Take(int from) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
    return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(got));
  }
  static bool Give(int to, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  const std::string server_;
  std::string folder_;
  int listener_ = -1;
  std::atomic<Mode> mode_{Mode::kPass}, then_{Mode::kPass};
  std::atomic<int> cuts_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;  // the acceptor's alone until it has ended
  std::thread acceptor_;
};

}  // namespace dinh::postgres_test
