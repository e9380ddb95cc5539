// A line to a TestRedis that can be made silent without breaking: what a lost network looks like to those who only
// listen. Header-only.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <list>
#include <string>
#include <string_view>
#include <thread>

#include "libs/cache/redis_options.h"
#include "libs/db/test_support.h"

namespace dinh::cache {

class TestLine {
 public:
  explicit TestLine(std::string target) : target_(std::move(target)), path_(folder_.File("line.sock")) {
    listener_ = Open(path_, [](int fd, const sockaddr* address, socklen_t size) { return bind(fd, address, size); });
    if (listen(listener_, 64) != 0) std::abort();
    thread_ = std::thread([this] { Serve(); });
  }
  ~TestLine() {
    stopping_ = true;
    thread_.join();
    close(listener_);
    for (const Pair& pair : pairs_) Close(pair);
  }
  TestLine(const TestLine&) = delete;
  TestLine& operator=(const TestLine&) = delete;

  RedisEndpoint endpoint() const { return {.host = {}, .port = 0, .socket_path = path_}; }
  // What Redis sends to subscribers is dropped, also to those who come later.
  void Silence(bool silent) { silent_ = silent; }

 private:
  struct Pair {
    int client, server;
    bool subscriber = false;
  };

  template <typename Use>
  static int Open(const std::string& path, const Use& use) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (use(fd, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(sizeof(address))) == 0) return fd;
    close(fd);
    return -1;
  }
  static void Close(const Pair& pair) {
    close(pair.client);
    close(pair.server);
  }

  void Serve() {
    constexpr int kTickMs = 5;
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, pairs_.empty() ? kTickMs : 0) > 0) Accept();
      if (!pairs_.empty()) Forward(kTickMs);
    }
  }

  void Accept() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server =
        Open(target_, [](int fd, const sockaddr* address, socklen_t size) { return connect(fd, address, size); });
    if (client >= 0 && server >= 0) {
      pairs_.push_back({.client = client, .server = server});
    } else if (client >= 0) {
      close(client);
    }
  }

  void Forward(int tick_ms) {
    std::vector<pollfd> waiting;
    for (const Pair& pair : pairs_) {
      waiting.push_back({pair.client, POLLIN, 0});
      waiting.push_back({pair.server, POLLIN, 0});
    }
    waiting.push_back({listener_, POLLIN, 0});
    if (poll(waiting.data(), waiting.size(), tick_ms) <= 0) return;
    size_t at = 0;
    for (auto pair = pairs_.begin(); pair != pairs_.end();) {
      const bool from_client = waiting[at].revents != 0, from_server = waiting[at + 1].revents != 0;
      at += 2;
      if ((from_client && !Copy(*pair, pair->client, pair->server)) ||
          (from_server && !Copy(*pair, pair->server, pair->client))) {
        Close(*pair);
        pair = pairs_.erase(pair);
      } else {
        ++pair;
      }
    }
  }

  bool Copy(Pair& pair, int from, int to) {
    char bytes[16 * 1024];
    const ssize_t n = recv(from, bytes, sizeof(bytes), 0);
    if (n <= 0) return false;
    const std::string_view text(bytes, static_cast<size_t>(n));
    if (from == pair.client && text.find("SUBSCRIBE") != std::string_view::npos) pair.subscriber = true;
    if (from == pair.server && pair.subscriber && silent_) return true;
    return send(to, bytes, text.size(), MSG_NOSIGNAL) == n;
  }

  db::TestFolder folder_;
  const std::string target_;
  const std::string path_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false}, silent_{false};
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace dinh::cache
