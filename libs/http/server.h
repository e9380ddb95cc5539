// HTTP/1.1 server: connections on a few I/O threads, requests to one Handler, answers from any thread.
//
// Requests of one connection are handled in order, one at a time (pipelined ones wait). A handler that answers inside
// OnRequest costs no thread hop, no timer and one write. Sources: RFC 9110, RFC 9112; limits: libs/base/limits.h.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/limits.h"
#include "libs/http/body.h"
#include "libs/http/message.h"

namespace dinh::http {

// What becomes of a request's body; decided when its header is complete.
struct BodyPlan {
  enum class Kind : uint8_t { kBuffer, kStream, kReject };
  Kind kind = Kind::kBuffer;
  uint64_t bytes_max = 0;          // beyond: 413
  std::shared_ptr<BodySink> sink;  // kStream; null: the exchange makes a BodyReader
  Response rejection;              // kReject
  std::shared_ptr<void> context;   // handed to the exchange: what the handler found out already (the route)

  // Whole in memory, OnRequest after the last byte.
  static BodyPlan Buffer(uint64_t bytes_max);
  // OnRequest at once; the body comes through Exchange::body_reader(), for a handler thread that may block.
  static BodyPlan Read(uint64_t bytes_max);
  // OnRequest at once; the body goes to `sink`.
  static BodyPlan Stream(std::shared_ptr<BodySink> sink, uint64_t bytes_max);
  // Answer now (413, 415, 401 …); the body is not read, the connection ends.
  static BodyPlan Reject(Response response);
};

// A response sent piece by piece (SSE, downloads). Thread-safe. Dropping it without Close() aborts the connection, so
// that the client sees a broken answer and not a short one.
class ResponseStream {
 public:
  enum class Event : uint8_t {
    kDraining,  // the server stops: end soon; it is cut off at the deadline
    kClosed,    // the last event: client gone, too slow, or all sent
  };
  using Done = std::function<void(bool sent)>;

  virtual ~ResponseStream() = default;
  // Queues `bytes`. `done` (may be empty) is called once, when they were given to the kernel or will never be, on the
  // I/O thread or this one: it must not block. false when the stream is over. A client that lets more than
  // ServerOptions::stream_queue_bytes_max pile up is cut off.
  virtual bool Write(std::string bytes, Done done) = 0;
  bool Write(std::string bytes) { return Write(std::move(bytes), Done()); }
  // Queues `bytes` and waits until they were sent: backpressure for a handler thread. Never on an I/O thread.
  bool WriteAndWait(std::string bytes);
  // The end of the answer, after what is queued.
  virtual void Close() = 0;
  // Cuts the connection: the client sees a broken answer.
  virtual void Abort() = 0;
  virtual bool closed() const = 0;
  // Set once, soon after StartStream; called at once when the event was before. On the I/O thread: must not block.
  virtual void OnEvent(std::function<void(Event)> callback) = 0;
};

struct StreamHead {
  int status = 200;
  ResponseHeaders headers;
  std::optional<uint64_t>
      content_length;  // known: sent as such (writing another number of bytes breaks off); else chunked
  // Sent whenever nothing else was for so long (SSE comments). Empty: none.
  std::string heartbeat;
  std::chrono::milliseconds heartbeat_interval{0};
};

// One request and its one answer. Respond and StartStream may be called from any thread; the first call counts, later
// ones return false or null. The views of request() live as long as this object, also after the answer.
class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  virtual const Request& request() const = 0;
  // false when there was an answer already (or the connection is gone and nobody will see this one: true all the same).
  virtual bool Respond(Response response) = 0;
  virtual std::shared_ptr<ResponseStream> StartStream(StreamHead head) = 0;
  // Null unless the plan was BodyPlan::Read. Valid as long as this object.
  virtual BodyReader* body_reader() const = 0;
  // After BodySink::OnData returned false. Any thread.
  virtual void ResumeBody() = 0;
  // What BodyPlan::context was.
  const std::shared_ptr<void>& context() const { return context_; }

 protected:
  Exchange() = default;
  // The last ExchangePtr is letting go (the object still lives during this call).
  virtual void OnLastHolderGone() {}
  // References that are no holders: the server's own. `delete this` at the last of both kinds.
  void Reference() { count_.fetch_add(kReference, std::memory_order_relaxed); }
  void Unreference() {
    if ((count_.fetch_sub(kReference, std::memory_order_acq_rel) & (kHolder - 1)) == kReference) delete this;
  }
  // true for the only reference there is; what others did before letting go is visible then.
  bool Unshared() const { return count_.load(std::memory_order_acquire) == kReference; }
  std::shared_ptr<void> context_;

 private:
  friend class ExchangePtr;
  // Each holder counts as a reference, too.
  static constexpr uint64_t kReference = 1, kHolder = uint64_t{1} << 32;
  void Hold() { count_.fetch_add(kHolder + kReference, std::memory_order_relaxed); }
  void LetGo() {
    if (count_.fetch_sub(kHolder, std::memory_order_acq_rel) >> 32 == 1) OnLastHolderGone();
    Unreference();
  }
  std::atomic<uint64_t> count_{0};
};

// Shared ownership of an Exchange by handlers, counted inside the object: the server can tell when nobody holds it, and
// then answers with 500 if nobody has, and uses the object again.
class ExchangePtr {
 public:
  ExchangePtr() = default;
  explicit ExchangePtr(Exchange* exchange) : exchange_(exchange) {
    if (exchange_ != nullptr) exchange_->Hold();
  }
  ExchangePtr(const ExchangePtr& other) : ExchangePtr(other.exchange_) {}
  ExchangePtr(ExchangePtr&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}
  ExchangePtr& operator=(ExchangePtr other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
  }
  ~ExchangePtr() {
    if (exchange_ != nullptr) exchange_->LetGo();
  }

  Exchange* get() const { return exchange_; }
  Exchange* operator->() const { return exchange_; }
  Exchange& operator*() const { return *exchange_; }
  explicit operator bool() const { return exchange_ != nullptr; }
  void reset() { *this = ExchangePtr(); }

 private:
  Exchange* exchange_ = nullptr;
};

// Called on the I/O threads, several at the same time: must not block.
class Handler {
 public:
  virtual ~Handler() = default;
  // For requests with a body only, before any of it is read and before "100 Continue".
  virtual BodyPlan PlanBody(const Request& /*head*/) { return BodyPlan::Buffer(base::kJsonBodyBytesMax); }
  // Must lead to exactly one answer; 504 is sent for it after ServerOptions::handler_timeout.
  virtual void OnRequest(ExchangePtr exchange) = 0;
  // What is said to requests that the server itself refuses. `head` is null when there was none to read.
  virtual Response OnProtocolError(ProtocolError error, const Request* /*head*/) { return ProblemResponse(error); }
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // numeric address, "localhost" or "" (every address)
  uint16_t port = 0;               // 0: any free one, see Server::port()
  int io_threads = 2;

  // Over: 503 with Retry-After, and the longest idle connection makes room for the next try.
  size_t connections_max = base::kHttpConnectionsMax;
  size_t connections_per_address_max = 1024;  // generous: a carrier's NAT is one address; not for proxies
  uint32_t header_bytes_max = base::kHttpHeaderBytesMax;
  uint32_t target_bytes_max = base::kHttpTargetBytesMax;
  uint32_t header_fields_max = 100;
  size_t stream_queue_bytes_max = base::kMiB;
  // Of all buffered request bodies together (streamed ones have their own small queues). Over: 503 with Retry-After.
  size_t buffered_bytes_max = 256 * base::kMiB;

  std::chrono::milliseconds header_timeout = base::kHttpHeaderTimeout;  // first byte to end of header; TLS handshake
  std::chrono::milliseconds idle_timeout = base::kHttpIdle;
  std::chrono::milliseconds body_stall = base::kUploadIdle;  // without a byte
  std::chrono::milliseconds body_window{10'000};             // the least rate holds on average over each such window
  size_t body_bytes_per_second_min = base::kUploadBytesPerSecondMin;
  // Behind the pipeline's own deadline (base::kUnaryDeadlineMax), whose error says more.
  std::chrono::milliseconds handler_timeout = base::kUnaryDeadlineMax + std::chrono::seconds(5);
  std::chrono::milliseconds write_stall{30'000};  // a client that takes no byte of its answer
  std::chrono::milliseconds linger{5'000};        // reading on after a refusal, so that the client gets to see it
  std::chrono::milliseconds tick{250};            // how exactly the times above are kept

  // "10.0.0.0/8", "192.0.2.1", "::1": peers whose X-Forwarded-For and X-Forwarded-Proto are believed.
  std::vector<std::string> trusted_proxies;

  std::string tls_certificate_file;  // PEM chain; empty: no TLS
  std::string tls_key_file;          // PEM
};

struct ServerStats {
  uint64_t connections_open = 0;
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;  // over a limit
  uint64_t requests = 0;
  uint64_t protocol_errors = 0;  // answered by the server itself
  uint64_t buffered_bytes = 0;   // of request bodies, now
  uint64_t timeouts = 0;         // connections ended for slowness, other than idle ones
};

class ServerImpl;

// Thread-safe.
class Server {
 public:
  // Binds, listens and serves. `handler` and `clock` outlive the server. INVALID_ARGUMENT for bad options,
  // FAILED_PRECONDITION when the address is taken or may not be used, or the TLS files are no good.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options, Handler& handler,
                                                       const base::Clock& clock);
  // Stop(0).
  ~Server();

  uint16_t port() const;
  // Reads certificate and key again; connections from now on use them. On an error the old ones stay.
  absl::Status ReloadTls();
  ServerStats stats() const;
  // Drains: accepts no more, closes idle connections at once, lets requests in flight finish (their answers say
  // `Connection: close`), tells streams; cuts off what is left after `deadline`. The handler is not called any more
  // when this returns; exchanges that are still held may be answered and dropped at any time. Idempotent.
  void Stop(std::chrono::milliseconds deadline);

 private:
  explicit Server(std::unique_ptr<ServerImpl> impl);
  std::unique_ptr<ServerImpl> impl_;
};

}  // namespace dinh::http
