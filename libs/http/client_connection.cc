#include "libs/http/client_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libs/base/status.h"

namespace dinh::http {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

absl::Status Gone(std::string_view what) {
  return base::Error(absl::StatusCode::kUnavailable, "HTTP_CONNECTION",
                     {.vi = "Không nói chuyện được với máy chủ; hãy kiểm tra máy chủ có đang chạy không.",
                      .en = "The server cannot be reached (" + std::string(what) + "); check that it is running."});
}

absl::Status TooLate() {
  return base::Error(
      absl::StatusCode::kDeadlineExceeded, "HTTP_TIMEOUT",
      {.vi = "Máy chủ không trả lời kịp; hãy thử lại.", .en = "The server did not answer in time; try again."});
}

// What poll() saw; DEADLINE_EXCEEDED when nothing happened in time.
absl::StatusOr<short> Wait(int socket, short events, ClientConnection::TimePoint deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{socket, events, 0};
    const int n = poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000)));
    if (n > 0) return waiting.revents;
    if (n < 0 && errno != EINTR) return Gone(std::strerror(errno));
    if (n == 0 && std::chrono::steady_clock::now() >= deadline) return TooLate();
  }
}

short EventOf(IoState state) { return state == IoState::kWantWrite ? POLLOUT : POLLIN; }

}  // namespace

absl::StatusOr<int> ClientConnection::ConnectSocket(const ClientOptions& options, TimePoint deadline) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (const int error = getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
      error != 0) {
    return Gone(gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  absl::Status last = Gone("no address");
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return Gone(std::strerror(errno));
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int error = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      const absl::StatusOr<short> ready = Wait(fd, POLLOUT, deadline);
      socklen_t size = sizeof(error);
      if (ready.ok()) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (!ready.ok()) {
        close(fd);
        return ready.status();
      }
    }
    if (error == 0) return fd;
    last = Gone(std::strerror(error));
    close(fd);
  }
  return last;
}

absl::StatusOr<std::unique_ptr<ClientConnection>> ClientConnection::Open(const ClientOptions& options,
                                                                         TimePoint deadline) {
  deadline = std::min(deadline, std::chrono::steady_clock::now() + options.connect_timeout);
  ASSIGN_OR_RETURN(const int fd, ConnectSocket(options, deadline));
  std::unique_ptr<ClientConnection> out(new ClientConnection(fd));
  if (options.tls) RETURN_IF_ERROR(out->Handshake(options, deadline));
  return out;
}

absl::Status ClientConnection::Handshake(const ClientOptions& options, TimePoint deadline) {
  ASSIGN_OR_RETURN(tls_context_, TlsContext::ForClient(options.tls_verify, options.tls_ca_file));
  tls_ = TlsSession::Connect(*tls_context_, socket_, options.host);
  for (;;) {
    const IoResult result = tls_->Handshake();
    if (result.state == IoState::kOk) return absl::OkStatus();
    if (result.state == IoState::kEnd || result.state == IoState::kError) return Gone("TLS handshake refused");
    RETURN_IF_ERROR(Wait(socket_, EventOf(result.state), deadline).status());
  }
}

ClientConnection::~ClientConnection() {
  if (tls_ != nullptr) tls_->Close();
  close(socket_);
}

absl::Status ClientConnection::Send(std::string_view bytes, TimePoint deadline, bool stop_on_answer) {
  while (!bytes.empty()) {
    if (stop_on_answer && tls_ == nullptr) {
      pollfd peek{socket_, POLLIN, 0};
      if (poll(&peek, 1, 0) > 0 && (peek.revents & POLLIN) != 0) {
        answer_waiting_ = true;
        return absl::OkStatus();
      }
    }
    const IoResult result = tls_ != nullptr ? tls_->Write(bytes) : SocketWrite(socket_, bytes, {});
    if (result.state == IoState::kOk) {
      bytes.remove_prefix(result.bytes);
      continue;
    }
    if (result.state == IoState::kEnd || result.state == IoState::kError) return Gone("broken while sending");
    const short also = stop_on_answer ? POLLIN : 0;
    ASSIGN_OR_RETURN(const short seen, Wait(socket_, static_cast<short>(EventOf(result.state) | also), deadline));
    if (stop_on_answer && (seen & POLLIN) != 0 && result.state != IoState::kWantRead) {
      answer_waiting_ = true;
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ClientConnection::Receive(TimePoint deadline) {
  const size_t had = input_.size();
  for (;;) {
    input_.resize(had + kReadBytes);
    const IoResult result = tls_ != nullptr ? tls_->Read(input_.data() + had, kReadBytes)
                                            : SocketRead(socket_, input_.data() + had, kReadBytes);
    input_.resize(had + (result.state == IoState::kOk ? result.bytes : 0));
    if (result.state == IoState::kOk) return true;
    if (result.state == IoState::kEnd) return false;
    if (result.state == IoState::kError) return Gone("broken while reading");
    RETURN_IF_ERROR(Wait(socket_, EventOf(result.state), deadline).status());
  }
}

bool ClientConnection::Stale() {
  pollfd peek{socket_, POLLIN, 0};
  return !input_.empty() || poll(&peek, 1, 0) > 0;
}

void ClientConnection::ShutdownWrite() { shutdown(socket_, SHUT_WR); }

void ClientConnection::CloseWithReset() {
  const linger hard{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  tls_.reset();
}

}  // namespace dinh::http
