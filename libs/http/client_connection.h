// The client's socket: plain or TLS, with deadlines. Internal to libs/http.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/http/client.h"
#include "libs/http/response_parser.h"
#include "libs/http/tls.h"

namespace dinh::http {

class ClientConnection {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static absl::StatusOr<std::unique_ptr<ClientConnection>> Open(const ClientOptions& options, TimePoint deadline);
  ~ClientConnection();

  // All of it. UNAVAILABLE when the other side has gone. With `stop_on_answer` it returns OK early, and
  // `answer_waiting` becomes true, once the other side has said something.
  absl::Status Send(std::string_view bytes, TimePoint deadline, bool stop_on_answer = false);
  // Waits for more and appends it to input(). false: the other side has ended.
  absl::StatusOr<bool> Receive(TimePoint deadline);
  std::string& input() { return input_; }
  bool answer_waiting() const { return answer_waiting_; }
  // Without waiting: the other side has closed, or said something nobody asked for.
  bool Stale();
  void ShutdownWrite();
  void CloseWithReset();

  std::unique_ptr<ResponseParser> open_answer;  // of Client::Open
  bool used = false;                            // has carried an answer already

 private:
  explicit ClientConnection(int socket) : socket_(socket) {}
  static absl::StatusOr<int> ConnectSocket(const ClientOptions& options, TimePoint deadline);
  absl::Status Handshake(const ClientOptions& options, TimePoint deadline);

  int socket_;
  std::shared_ptr<TlsContext> tls_context_;
  std::unique_ptr<TlsSession> tls_;
  std::string input_;
  bool answer_waiting_ = false;
};

}  // namespace dinh::http
