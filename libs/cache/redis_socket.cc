#include "libs/cache/redis_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr std::chrono::milliseconds kPollMax{60'000};

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::string SystemWord(int error) {
  char text[128] = "";
  return strerror_r(error, text, sizeof(text));
}

absl::StatusOr<std::vector<Address>> AddressesOf(const RedisEndpoint& endpoint) {
  std::vector<Address> out;
  if (!endpoint.socket_path.empty()) {
    Address& address = out.emplace_back();
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (endpoint.socket_path.size() >= sizeof(local.sun_path)) return RedisUnreachable("socket path too long");
    std::memcpy(local.sun_path, endpoint.socket_path.c_str(), endpoint.socket_path.size() + 1);
    std::memcpy(&address.storage, &local, sizeof(local));
    address.size = sizeof(local);
    return out;
  }
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (const int error = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
      error != 0) {
    return RedisUnreachable(gai_strerror(error));
  }
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Address& address = out.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
  }
  freeaddrinfo(found);
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisSocket>> RedisSocket::Connect(const RedisEndpoint& endpoint,
                                                                  const RedisTlsContext* tls, const base::Clock& clock,
                                                                  Deadline deadline) {
  ASSIGN_OR_RETURN(const std::vector<Address> addresses, AddressesOf(endpoint));
  absl::Status last = RedisUnreachable("no address");
  for (const Address& address : addresses) {
    const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return RedisUnreachable(SystemWord(errno));
    std::unique_ptr<RedisSocket> out(new RedisSocket(fd, clock));
    const int on = 1;
    if (address.storage.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int error = connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      RETURN_IF_ERROR(out->Wait(POLLOUT, deadline));
      socklen_t size = sizeof(error);
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error != 0) {
      last = RedisUnreachable(SystemWord(error));
      continue;
    }
    if (tls != nullptr) RETURN_IF_ERROR(out->Handshake(*tls, endpoint.host, deadline));
    return out;
  }
  return last;
}

RedisSocket::~RedisSocket() { close(fd_); }

void RedisSocket::Shutdown() { shutdown(fd_, SHUT_RDWR); }

absl::Status RedisSocket::Handshake(const RedisTlsContext& tls, const std::string& host, Deadline deadline) {
  tls_ = std::make_unique<RedisTlsFilter>(tls, host);
  for (;;) {
    const absl::StatusOr<bool> done = tls_->Handshake();
    const std::string output = tls_->TakeOutput();  // an alert, where it failed
    std::string_view out = output;
    while (!out.empty()) {
      if (const absl::Status sent = SendSome(&out); !sent.ok()) return done.ok() ? sent : done.status();
      if (!out.empty()) RETURN_IF_ERROR(Wait(POLLOUT, deadline));
    }
    RETURN_IF_ERROR(done.status());
    if (*done) return absl::OkStatus();
    RETURN_IF_ERROR(Wait(POLLIN, deadline));
    buffer_.resize(kReadBytes);
    const ssize_t n = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (n == 0) return RedisTlsRefused("closed by the server during the handshake");
    if (n < 0 && errno != EAGAIN && errno != EINTR) return RedisUnreachable(SystemWord(errno));
    if (n > 0) tls_->Feed(std::string_view(buffer_.data(), static_cast<size_t>(n)));
  }
}

absl::Status RedisSocket::Wait(short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.Steady());
    pollfd waiting{fd_, events, 0};
    const int n = poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, kPollMax.count())));
    if (n > 0) return absl::OkStatus();
    if (n < 0 && errno != EINTR) return RedisUnreachable(SystemWord(errno));
    if (left.count() <= 0) return RedisTimeout();
  }
}

absl::Status RedisSocket::SendSome(std::string_view* out) {
  const ssize_t n = send(fd_, out->data(), out->size(), MSG_NOSIGNAL);
  if (n >= 0) {
    out->remove_prefix(static_cast<size_t>(n));
    return absl::OkStatus();
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return absl::OkStatus();
  return RedisUnreachable(SystemWord(errno));
}

absl::StatusOr<std::string> RedisSocket::ReceiveSome() {
  buffer_.resize(kReadBytes);
  const ssize_t n = recv(fd_, buffer_.data(), buffer_.size(), 0);
  if (n == 0) return RedisUnreachable("closed by the server");
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::string();
    return RedisUnreachable(SystemWord(errno));
  }
  const std::string_view arrived(buffer_.data(), static_cast<size_t>(n));
  if (tls_ == nullptr) return std::string(arrived);
  std::string plain;
  tls_->Feed(arrived);
  RETURN_IF_ERROR(tls_->Decrypt(&plain));
  return plain;
}

absl::Status RedisSocket::Exchange(std::string_view out, const Consume& consume, Deadline deadline) {
  std::string encrypted;
  if (tls_ != nullptr) {
    RETURN_IF_ERROR(tls_->Encrypt(out));
    encrypted = tls_->TakeOutput();
    out = encrypted;
  }
  bool content = false;
  while (!content || !out.empty()) {
    if (!out.empty()) {
      if (const absl::Status sent = SendSome(&out); !sent.ok()) {
        // What it said before it closed tells more: a TLS alert, for instance.
        const absl::StatusOr<std::string> last = ReceiveSome();
        return last.ok() ? sent : last.status();
      }
    }
    RETURN_IF_ERROR(Wait(static_cast<short>(POLLIN | (out.empty() ? 0 : POLLOUT)), deadline));
    ASSIGN_OR_RETURN(const std::string arrived, ReceiveSome());
    if (!arrived.empty()) {
      ASSIGN_OR_RETURN(content, consume(arrived));
    }
  }
  return absl::OkStatus();
}

bool RedisSocket::Stale() {
  char byte = 0;
  const ssize_t n = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
  if (n == 0 || tls_ == nullptr) return true;
  // Under TLS it may be a session ticket, which nobody asks for, or the notice that the other side closes.
  const absl::StatusOr<std::string> arrived = ReceiveSome();
  return !arrived.ok() || !arrived->empty();
}

}  // namespace dinh::cache
