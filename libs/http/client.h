// A blocking HTTP/1.1 client over one keep-alive connection: for the demo, tests, benches and small tools. It never
// follows redirects and keeps no cookies.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::http {

struct ClientOptions {
  std::string host = "127.0.0.1";  // numeric address or name
  uint16_t port = 80;
  bool tls = false;
  bool tls_verify = true;   // against `tls_ca_file`, or the system's store when it is empty; and the host's name
  std::string tls_ca_file;  // PEM
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};  // of one call, from its start to the last byte of the answer
  size_t response_bytes_max = 64 * 1024 * 1024;
};

using ClientHeaders = std::vector<std::pair<std::string, std::string>>;

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  ClientHeaders headers;  // Host, Content-Length and Transfer-Encoding are the client's
  std::string body;
};

struct ClientResponse {
  int status = 0;
  ClientHeaders headers;
  std::string body;
  // The first field of that name, without regard to case; empty when absent.
  std::string_view Header(std::string_view name) const;
};

class ClientConnection;

// Not thread-safe. Errors: UNAVAILABLE (no connection, or it broke), DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (answer too
// large), DATA_LOSS (malformed or truncated answer), INVALID_ARGUMENT (bad options).
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // One request and its answer. A kept connection that the server had closed meanwhile is opened again once, if not a
  // byte of an answer had come and the method is GET, HEAD, PUT, DELETE or OPTIONS.
  absl::StatusOr<ClientResponse> Send(const ClientRequest& request);
  absl::StatusOr<ClientResponse> Get(std::string_view target, ClientHeaders headers = {});
  absl::StatusOr<ClientResponse> Post(std::string_view target, std::string_view content_type, std::string body,
                                      ClientHeaders headers = {});

  // A body that is sent as it is made. `source` fills the span and returns the bytes it put there, 0 at the end; its
  // error breaks the connection off and is returned. With `length` unknown the body is chunked. An answer that comes
  // before the end (a refusal) ends the sending.
  using Source = std::function<absl::StatusOr<size_t>(std::span<char>)>;
  absl::StatusOr<ClientResponse> SendStream(const ClientRequest& head, const Source& source,
                                            std::optional<uint64_t> length = std::nullopt);

  struct File {
    std::string field;
    std::string filename;
    std::string content_type;
    Source content;
    uint64_t bytes = 0;
  };
  // multipart/form-data: fields, then one file. `boundary` must not occur in the content.
  absl::StatusOr<ClientResponse> Upload(const ClientRequest& head, const ClientHeaders& fields, const File& file,
                                        std::string_view boundary = "dinh-5f1c9a7e3b");

  // For answers without an end (SSE): sends `request`, returns status and headers; then ReadSome gives what has come,
  // empty at the end. `wait` bounds this one read (DEADLINE_EXCEEDED; the connection stays usable).
  absl::StatusOr<ClientResponse> Open(const ClientRequest& request);
  absl::StatusOr<std::string> ReadSome(std::chrono::milliseconds wait);

  // For tests of a server: bytes as they are, and the answer to them. Connects if needed.
  absl::Status SendRaw(std::string_view bytes);
  absl::StatusOr<ClientResponse> ReadResponse(bool to_head_request = false);
  // Everything until the server closes.
  absl::StatusOr<std::string> ReadToEnd();
  // true once the server has closed this connection; waits for it up to `wait`.
  bool WaitClosed(std::chrono::milliseconds wait);
  void ShutdownWrite();  // half-close
  void Reset();          // close with RST: what a lost phone looks like to the kernel
  void Close();
  bool connected() const;

 private:
  absl::Status Connect();
  std::string RenderHead(const ClientRequest& request, std::string_view framing) const;
  absl::StatusOr<ClientResponse> SendOnce(const ClientRequest& request, bool* answer_begun);
  absl::StatusOr<ClientResponse> ReadAnswer(bool to_head_request, bool* answer_begun);
  absl::Status SendBody(const Source& source, std::optional<uint64_t> length);

  ClientOptions options_;
  std::unique_ptr<ClientConnection> connection_;
};

}  // namespace dinh::http
