// TLS over a non-blocking socket (OpenSSL): 1.2 and 1.3, ALPN http/1.1. Internal to libs/http.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct ssl_ctx_st;
struct ssl_st;

namespace dinh::http {

// What one read, write or handshake step came to.
enum class IoState : uint8_t { kOk, kWantRead, kWantWrite, kEnd, kError };
struct IoResult {
  IoState state;
  size_t bytes = 0;  // with kOk
};

// Certificates and settings; shared by connections. Thread-safe.
class TlsContext {
 public:
  // FAILED_PRECONDITION when a file cannot be read or key and certificate do not belong together.
  static absl::StatusOr<std::shared_ptr<TlsContext>> ForServer(const std::string& certificate_file,
                                                               const std::string& key_file);
  // `ca_file` empty: the system's store. Without `verify` any certificate is taken.
  static absl::StatusOr<std::shared_ptr<TlsContext>> ForClient(bool verify, const std::string& ca_file);
  ~TlsContext();

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

// One connection. Not thread-safe. Does not own the socket.
class TlsSession {
 public:
  static std::unique_ptr<TlsSession> Accept(const TlsContext& context, int socket);
  // `host` is checked against the certificate when `context` verifies, and sent as SNI when it is a name.
  static std::unique_ptr<TlsSession> Connect(const TlsContext& context, int socket, const std::string& host);
  ~TlsSession();

  IoResult Handshake();
  IoResult Read(char* out, size_t size);
  IoResult Write(std::string_view bytes);
  // Sends close_notify if it can at once.
  void Close();

 private:
  TlsSession(const TlsContext& context, int socket);
  IoResult Result(int returned);
  int socket_;  // what the session's BIO points at
  ssl_st* const session_;
};

// The same for a plain non-blocking socket.
IoResult SocketRead(int socket, char* out, size_t size);
// `first`, then `second`, in one system call.
IoResult SocketWrite(int socket, std::string_view first, std::string_view second);

}  // namespace dinh::http
