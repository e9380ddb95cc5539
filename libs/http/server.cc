#include "libs/http/server.h"

#include <utility>  // before Asio, which forgets it under gcc 12

#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <thread>

#include "libs/base/status.h"
#include "libs/http/connection.h"
#include "libs/http/worker.h"

namespace dinh::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kIoThreadsMax = 64;
constexpr size_t kRefusedAtOnceMax = 256;               // more than these do not even get to hear why
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the process has no descriptor left
constexpr std::chrono::milliseconds kDrainPoll{2};

absl::Status BadOption(std::string_view name) {
  return base::Error(absl::StatusCode::kInvalidArgument, "BAD_HTTP_OPTION",
                     {.vi = "Cấu hình HTTP không hợp lệ: " + std::string(name) + "; hãy sửa cấu hình.",
                      .en = "Invalid HTTP option " + std::string(name) + "; correct the configuration."},
                     {{"option", std::string(name)}});
}

absl::Status BindFailed(const ServerOptions& options, const error_code& error) {
  const std::string address = options.host + ":" + std::to_string(options.port);
  return base::Error(absl::StatusCode::kFailedPrecondition, "HTTP_BIND_FAILED",
                     {.vi = "Không mở được cổng HTTP " + address +
                            "; cổng đang bị chiếm hoặc không được phép dùng, hãy chọn cổng khác.",
                      .en = "Cannot listen for HTTP on " + address + " (" + error.message() +
                            "); stop what uses the port, or choose another."},
                     {{"address", address}});
}

absl::Status Check(const ServerOptions& options) {
  if (options.io_threads < 1 || options.io_threads > kIoThreadsMax) return BadOption("io_threads");
  if (options.header_bytes_max < 256) return BadOption("header_bytes_max");
  if (options.connections_max < 1) return BadOption("connections_max");
  if (options.tick.count() < 1) return BadOption("tick");
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) return BadOption("tls_key_file");
  return absl::OkStatus();
}

AddressBytes ToBytes(const boost::asio::ip::address& address) {
  AddressBytes out{};
  ParseAddress(address.to_string(), &out);
  return out;
}

}  // namespace

BodyPlan BodyPlan::Buffer(uint64_t bytes_max) {
  BodyPlan plan;
  plan.bytes_max = bytes_max;
  return plan;
}

BodyPlan BodyPlan::Read(uint64_t bytes_max) { return Stream(nullptr, bytes_max); }

BodyPlan BodyPlan::Stream(std::shared_ptr<BodySink> sink, uint64_t bytes_max) {
  BodyPlan plan;
  plan.kind = Kind::kStream;
  plan.sink = std::move(sink);
  plan.bytes_max = bytes_max;
  return plan;
}

BodyPlan BodyPlan::Reject(Response response) {
  BodyPlan plan;
  plan.kind = Kind::kReject;
  plan.rejection = std::move(response);
  return plan;
}

class ServerImpl {
 public:
  ServerImpl(const ServerOptions& options, Handler& handler, const base::Clock& clock, AddressSet trusted)
      : core_(std::make_shared<ServerCore>(options, handler, clock, std::move(trusted))) {
    for (int i = 0; i < options.io_threads; ++i) workers_.push_back(std::make_shared<Worker>(core_));
    acceptor_ = std::make_unique<tcp::acceptor>(workers_[0]->io());
    pause_ = std::make_unique<boost::asio::steady_timer>(workers_[0]->io());
  }

  absl::Status Listen() {
    if (!core_->options.tls_certificate_file.empty()) RETURN_IF_ERROR(ReloadTls());
    const ServerOptions& options = core_->options;
    error_code error;
    boost::asio::ip::address address = boost::asio::ip::make_address(options.host.empty()          ? "::"
                                                                     : options.host == "localhost" ? "127.0.0.1"
                                                                                                   : options.host,
                                                                     error);
    if (error) return BadOption("host");
    if (absl::Status status = Open(address); status.ok() || !options.host.empty()) return status;
    return Open(boost::asio::ip::address_v4::any());  // a machine without IPv6
  }

  void Start() {
    for (const auto& worker : workers_) worker->Start();
    workers_[0]->Post([this] { Accept(); });
  }

  uint16_t port() const { return port_; }

  absl::Status ReloadTls() {
    const ServerOptions& options = core_->options;
    if (options.tls_certificate_file.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(std::shared_ptr<TlsContext> fresh,
                     TlsContext::ForServer(options.tls_certificate_file, options.tls_key_file));
    std::lock_guard lock(tls_mutex_);
    tls_ = std::move(fresh);
    return absl::OkStatus();
  }

  ServerStats stats() const {
    ServerStats stats;
    stats.connections_open = core_->open();
    stats.buffered_bytes = core_->buffered_bytes();
    for (const auto& worker : workers_) {
      const WorkerCounters& counters = worker->counters();
      stats.connections_accepted += counters.accepted.load(std::memory_order_relaxed);
      stats.connections_refused += counters.refused.load(std::memory_order_relaxed);
      stats.requests += counters.requests.load(std::memory_order_relaxed);
      stats.protocol_errors += counters.protocol_errors.load(std::memory_order_relaxed);
      stats.timeouts += counters.timeouts.load(std::memory_order_relaxed);
    }
    return stats;
  }

  void Stop(std::chrono::milliseconds deadline) {
    std::lock_guard lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
    core_->draining.store(true);
    workers_[0]->Post([this] {
      error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (const auto& worker : workers_) worker->Drain();
    // Real time, whatever clock the limits run on: this thread really waits.
    const TimePoint until = std::chrono::steady_clock::now() + deadline;
    while (AnyOpen() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kDrainPoll);
    for (const auto& worker : workers_) worker->Shutdown();
  }

 private:
  bool AnyOpen() const {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->connections() > 0; });
  }

  absl::Status Open(const boost::asio::ip::address& address) {
    const tcp::endpoint endpoint(address, core_->options.port);
    error_code error, ignored;
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && address.is_v6() && address.is_unspecified()) {
      acceptor_->set_option(boost::asio::ip::v6_only(false), error);
    }
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(boost::asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_->local_endpoint(error).port();
    if (!error) return absl::OkStatus();
    acceptor_->close(ignored);
    return BindFailed(core_->options, error);
  }

  void Accept() {
    const std::shared_ptr<Worker>& worker = workers_[next_++ % workers_.size()];
    acceptor_->async_accept(worker->io(), [this, worker](const error_code& error, Socket accepted) {
      OnAccept(error, std::move(accepted), worker);
    });
  }

  void OnAccept(const error_code& error, Socket accepted, const std::shared_ptr<Worker>& worker) {
    if (error == boost::asio::error::operation_aborted || !acceptor_->is_open()) return;
    if (error) {
      // Out of descriptors or memory: trying again at once would spin.
      pause_->expires_after(kAcceptPause);
      pause_->async_wait([this](const error_code& cancelled) {
        if (!cancelled) Accept();
      });
      return;
    }
    error_code failed;
    const tcp::endpoint remote = accepted.remote_endpoint(failed);
    if (!failed) Place(std::move(accepted), ToBytes(remote.address()), worker);
    Accept();
  }

  void Place(Socket accepted, const AddressBytes& peer, const std::shared_ptr<Worker>& worker) {
    const bool refused = !core_->Enter(peer);
    if (refused && core_->open() >= core_->options.connections_max) worker->EvictIdle();
    if (refused && worker->connections() * workers_.size() > core_->options.connections_max + kRefusedAtOnceMax) return;
    std::shared_ptr<TlsContext> tls;
    {
      std::lock_guard lock(tls_mutex_);
      tls = tls_;
    }
    worker->Adopt(std::move(accepted), std::move(tls), peer, refused);
  }

  const std::shared_ptr<ServerCore> core_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<boost::asio::steady_timer> pause_;
  uint16_t port_ = 0;
  size_t next_ = 0;
  std::mutex tls_mutex_;
  std::shared_ptr<TlsContext> tls_;
  std::mutex stop_mutex_;
  bool stopped_ = false;
};

Server::Server(std::unique_ptr<ServerImpl> impl) : impl_(std::move(impl)) {}

Server::~Server() { Stop(std::chrono::milliseconds(0)); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler& handler,
                                                      const base::Clock& clock) {
  RETURN_IF_ERROR(Check(options));
  ASSIGN_OR_RETURN(AddressSet trusted, AddressSet::Parse(options.trusted_proxies));
  auto impl = std::make_unique<ServerImpl>(options, handler, clock, std::move(trusted));
  RETURN_IF_ERROR(impl->Listen());
  impl->Start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->port(); }
absl::Status Server::ReloadTls() { return impl_->ReloadTls(); }
ServerStats Server::stats() const { return impl_->stats(); }
void Server::Stop(std::chrono::milliseconds deadline) { impl_->Stop(deadline); }

}  // namespace dinh::http
