#include "libs/http/worker.h"

#include "libs/http/connection.h"

namespace dinh::http {

bool ServerCore::Enter(const AddressBytes& peer) {
  std::lock_guard lock(mutex_);
  if (open_.load(std::memory_order_relaxed) >= options.connections_max) return false;
  size_t& of_address = per_address_[peer];
  if (of_address >= options.connections_per_address_max && !trusted.Contains(peer)) return false;
  ++of_address;
  open_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void ServerCore::Leave(const AddressBytes& peer) {
  std::lock_guard lock(mutex_);
  open_.fetch_sub(1, std::memory_order_relaxed);
  const auto it = per_address_.find(peer);
  if (--it->second == 0) per_address_.erase(it);
}

bool ServerCore::Charge(size_t bytes) {
  if (buffered_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= options.buffered_bytes_max) return true;
  Refund(bytes);
  return false;
}

Worker::Worker(std::shared_ptr<ServerCore> core) : core_(std::move(core)) {}

Worker::~Worker() = default;

void Worker::Start() {
  thread_ = std::thread([this] {
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    io_.run();
  });
}

void Worker::Adopt(Socket socket, std::shared_ptr<TlsContext> tls, const AddressBytes& peer, bool refused) {
  const bool posted =
      Post([self = shared_from_this(), socket = std::move(socket), tls = std::move(tls), peer, refused]() mutable {
        boost::system::error_code ignored;
        socket.native_non_blocking(true, ignored);
        socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
        std::unique_ptr<TlsSession> session =
            tls != nullptr ? TlsSession::Accept(*tls, socket.native_handle()) : nullptr;
        auto connection = std::make_shared<Connection>(self, std::move(socket), std::move(session), peer);
        self->connections_.emplace(connection.get(), connection);
        self->open_.store(self->connections_.size(), std::memory_order_relaxed);
        self->ArmTick();
        if (refused) {
          WorkerCounters::Increment(self->counters_.refused);
          connection->StartRefused();
        } else {
          WorkerCounters::Increment(self->counters_.accepted);
          connection->Start();
        }
      });
  if (!posted && !refused) core_->Leave(peer);
}

void Worker::Remove(Connection* connection) {
  connections_.erase(connection);
  open_.store(connections_.size(), std::memory_order_relaxed);
}

// Runs only while there are connections: an idle server does not wake up.
void Worker::ArmTick() {
  if (ticking_ || connections_.empty()) return;
  ticking_ = true;
  timer_.expires_after(core_->options.tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    ticking_ = false;
    if (!error) Tick();
  });
}

void Worker::Tick() {
  const TimePoint now = core_->clock.Steady();
  for (const auto& [raw, connection] : connections_) {
    if (connection->Due(now)) due_.push_back(connection);
  }
  for (const auto& connection : due_) connection->OnTick(now);
  due_.clear();
  ArmTick();
}

void Worker::Drain() {
  Post([self = shared_from_this()] {
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [raw, connection] : self->connections_) all.push_back(connection);
    for (const auto& connection : all) connection->OnDrain();
  });
}

void Worker::EvictIdle() {
  Post([self = shared_from_this()] {
    std::shared_ptr<Connection> oldest;
    for (const auto& [raw, connection] : self->connections_) {
      if (raw->Idle() && (oldest == nullptr || raw->deadline() < oldest->deadline())) oldest = connection;
    }
    if (oldest != nullptr) oldest->Close();
  });
}

void Worker::CloseAll() {
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> connection = connections_.begin()->second;
    connection->Close();
  }
}

void Worker::Shutdown() {
  if (!thread_.joinable()) return;
  Post([this] {
    {
      std::lock_guard lock(post_mutex_);
      stopped_ = true;
    }
    CloseAll();
    timer_.cancel();
    work_.reset();
  });
  // What was posted before runs to its end; nothing is left behind that could keep this object alive.
  thread_.join();
}

std::string_view Worker::Date(TimePoint now) {
  if (now >= date_until_) {
    const base::Micros wall = core_->clock.Now();
    date_ = HttpDate(wall / base::kMicrosPerSecond);
    date_until_ = now + std::chrono::microseconds(base::kMicrosPerSecond - wall % base::kMicrosPerSecond);
  }
  return date_;
}

}  // namespace dinh::http
