#include "tests/support/tcp_proxy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace dinh::testing {
namespace {

constexpr int kTickMs = 5;
constexpr size_t kQueuedMax = 1 << 20;  // bytes under way in one direction

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void Prepare(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

TcpProxy::TcpProxy(uint16_t target) : target_(target) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  thread_.join();
  for (const auto& link : links_) Close(*link, true);
  close(listener_);
}

void TcpProxy::Close(Link& link, bool reset) {
  for (int& end : link.ends) {
    if (end < 0) continue;
    const linger hard{1, 0};
    if (reset) setsockopt(end, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(end);
    end = -1;
  }
  link.broken = true;
}

void TcpProxy::Accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  auto link = std::make_unique<Link>();
  link->ends[0] = client;
  link->ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target_);
  if (mode_ == Mode::kReset ||
      connect(link->ends[1], reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Close(*link, true);
  }
  Prepare(link->ends[0]);
  Prepare(link->ends[1]);
  links_.push_back(std::move(link));
}

void TcpProxy::Read(Link& link, int side, std::chrono::milliseconds late) {
  Flow& flow = link.flows[side];
  std::array<char, 65536> buffer;
  const ssize_t got = recv(link.ends[side], buffer.data(), buffer.size(), 0);
  if (got > 0) {
    flow.pieces.push_back(
        {std::chrono::steady_clock::now() + late, std::string(buffer.data(), static_cast<size_t>(got))});
    flow.queued += static_cast<size_t>(got);
  } else if (got == 0) {
    flow.ended = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    Close(link, true);
  }
}

void TcpProxy::Write(Link& link, int side) {
  Flow& flow = link.flows[side];
  const auto now = std::chrono::steady_clock::now();
  while (!link.broken && !flow.pieces.empty() && flow.pieces.front().due <= now) {
    std::string& bytes = flow.pieces.front().bytes;
    const ssize_t sent = send(link.ends[1 - side], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) Close(link, true);
      return;
    }
    flow.queued -= static_cast<size_t>(sent);
    bytes.erase(0, static_cast<size_t>(sent));
    if (bytes.empty()) flow.pieces.pop_front();
  }
  if (!link.broken && flow.ended && flow.pieces.empty()) Close(link, false);
}

void TcpProxy::Run() {
  while (!stopping_) {
    const Mode mode = mode_;
    if (cut_.exchange(false) || mode == Mode::kReset) {
      for (const auto& link : links_) Close(*link, true);
    }
    std::erase_if(links_, [](const auto& link) { return link->broken; });
    std::vector<pollfd> entries = {{listener_, POLLIN, 0}};
    bool waiting = mode == Mode::kHole;  // for time, not for bytes
    for (const auto& link : links_) {
      for (int side = 0; side < 2; ++side) {
        const Flow& flow = link->flows[side];
        const bool reads = mode != Mode::kHole && !flow.ended && flow.queued < kQueuedMax;
        entries.push_back({reads ? link->ends[side] : -1, POLLIN, 0});
        waiting = waiting || !flow.pieces.empty();
      }
    }
    if (poll(entries.data(), entries.size(), waiting ? 1 : kTickMs) < 0) continue;
    for (size_t i = 0; i < links_.size() && mode != Mode::kHole; ++i) {
      Link& link = *links_[i];
      for (int side = 0; side < 2; ++side) {
        if (!link.broken && entries[1 + 2 * i + static_cast<size_t>(side)].revents != 0) {
          Read(link, side, mode == Mode::kLate ? kLateBy : std::chrono::milliseconds(0));
        }
        if (!link.broken) Write(link, side);
      }
    }
    if (entries[0].revents != 0) Accept();
  }
}

}  // namespace dinh::testing
