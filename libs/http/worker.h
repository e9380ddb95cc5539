// One I/O thread: its event loop, its connections and their one coarse clock. Internal to libs/http.
#pragma once

#include <utility>  // before Asio, which forgets it under gcc 12

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libs/http/address.h"
#include "libs/http/request_parser.h"
#include "libs/http/server.h"
#include "libs/http/tls.h"

namespace dinh::http {

using TimePoint = std::chrono::steady_clock::time_point;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

class Connection;

// What all I/O threads of a server share. Thread-safe.
struct ServerCore {
  ServerCore(const ServerOptions& the_options, Handler& the_handler, const base::Clock& the_clock, AddressSet proxies)
      : options(the_options),
        handler(the_handler),
        clock(the_clock),
        trusted(std::move(proxies)),
        parser_limits{the_options.header_bytes_max, the_options.target_bytes_max, the_options.header_fields_max} {}

  const ServerOptions options;
  Handler& handler;
  const base::Clock& clock;
  const AddressSet trusted;
  const ParserLimits parser_limits;
  std::atomic<bool> draining{false};

  // false: over a limit (nothing was counted).
  bool Enter(const AddressBytes& peer);
  void Leave(const AddressBytes& peer);
  size_t open() const { return open_.load(std::memory_order_relaxed); }
  // Bytes of a buffered body; false: too many of all together (nothing was charged).
  bool Charge(size_t bytes);
  size_t buffered_bytes() const { return buffered_bytes_.load(std::memory_order_relaxed); }
  void Refund(size_t bytes) { buffered_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::map<AddressBytes, size_t> per_address_;
  std::atomic<size_t> open_{0};
  std::atomic<size_t> buffered_bytes_{0};
};

// Counters are written by the I/O thread alone, so that a request costs no shared cache line.
struct WorkerCounters {
  std::atomic<uint64_t> accepted{0}, refused{0}, requests{0}, protocol_errors{0}, timeouts{0};
  static void Increment(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

class Worker final : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(std::shared_ptr<ServerCore> core);
  ~Worker();

  void Start();
  // Any thread: runs `f` on the I/O thread. false after Shutdown (then f is dropped here).
  template <typename F>
  bool Post(F&& f) {
    std::lock_guard lock(post_mutex_);
    if (stopped_) return false;
    boost::asio::post(io_, std::forward<F>(f));
    return true;
  }
  bool OnThread() const { return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed); }

  // Any thread: takes over an accepted socket; `refused`: it only gets to hear that there are too many.
  void Adopt(Socket socket, std::shared_ptr<TlsContext> tls, const AddressBytes& peer, bool refused);
  // Any thread.
  void Drain();
  // Any thread: closes the connection that has been idle for longest, if there is one.
  void EvictIdle();
  // Any thread but the I/O thread: closes everything, ends the thread and waits for it. Idempotent.
  void Shutdown();
  size_t connections() const { return open_.load(std::memory_order_relaxed); }

  ServerCore& core() { return *core_; }
  boost::asio::io_context& io() { return io_; }
  WorkerCounters& counters() { return counters_; }

  // I/O thread only.
  std::string_view Date(TimePoint now);
  void Remove(Connection* connection);

 private:
  void ArmTick();
  void Tick();
  void CloseAll();

  const std::shared_ptr<ServerCore> core_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::steady_timer timer_{io_};
  bool ticking_ = false;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> due_;
  std::atomic<size_t> open_{0};
  WorkerCounters counters_;
  std::string date_;
  TimePoint date_until_{};
  std::mutex post_mutex_;
  bool stopped_ = false;
  std::atomic<std::thread::id> thread_id_{};
  std::thread thread_;
};

}  // namespace dinh::http
