// Several replicas behind one target: calls are spread, and restarts lose none.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/rpc/grpc_fixture.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the tests' own fixture

// One process of the service.
class Replica {
 public:
  explicit Replica(std::string name) : name_(std::move(name)) {
    const auto method = [](const char* m) { return "dinh.testing.v1.ThingService." + std::string(m); };
    table_.Unary<pb::GetThingRequest, pb::Thing>(method("FindThing"), [this](Context&, const pb::GetThingRequest&) {
      ++calls;
      return on_find ? on_find() : Thing();
    });
    table_.Unary<options::v1::SignedRequest, pb::Thing>(
        method("NotifyThing"), [this](Context&, const options::v1::SignedRequest&) { return Thing(); });
    table_.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
    EXPECT_TRUE(pipeline_.Add("things", table_).ok());
    Start();
  }
  ~Replica() {
    server_.reset();
    pool_.Stop();
  }
  // On the port it had before.
  void Start() {
    auto server = GrpcServer::Start({.address = "127.0.0.1:" + std::to_string(port_)}, pipeline_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    port_ = server_->port();
  }
  // Lets calls in flight end.
  void Drain() {
    server_->Drain(kLimit);
    server_.reset();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::function<absl::StatusOr<pb::Thing>()> on_find;
  std::atomic<int> calls = 0;

 private:
  absl::StatusOr<pb::Thing> Thing() const {
    pb::Thing thing;
    thing.set_name(name_);
    return thing;
  }
  const std::string name_;
  base::SystemClock clock_;
  base::SeededRandom random_{1};
  NoTokens tokens_;
  MethodTable table_;
  Pipeline pipeline_{{.clock = clock_, .random = random_, .authenticator = tokens_}};
  HandlerPool pool_{{.max_threads = 8, .max_queue = 64}, nullptr};
  int port_ = 0;
  std::unique_ptr<GrpcServer> server_;
};

// Passes bytes on to a replica, until the line is cut: what a process that was killed looks like.
class Line {
 public:
  explicit Line(const std::string& to) : to_(static_cast<uint16_t>(std::stoi(to.substr(to.rfind(':') + 1)))) {
    sockaddr_in at = Loopback(0);
    socklen_t size = sizeof at;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~Line() { Cut(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Every connection breaks, and no new one comes about. Once or more.
  void Cut() {
    if (!acceptor_.joinable()) return;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (const int fd : ends_) shutdown(fd, SHUT_RDWR);
    for (std::thread& pump : pumps_) pump.join();
    for (const int fd : ends_) close(fd);
    close(listener_);
  }

 private:
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
  }
  void Accept() {
    for (int client; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
      const int server = socket(AF_INET, SOCK_STREAM, 0);
      const sockaddr_in at = Loopback(to_);
      EXPECT_EQ(connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
      for (const auto& [from, into] : {std::pair(client, server), std::pair(server, client)}) {
        ends_.push_back(from);
        pumps_.emplace_back([from = from, into = into] { Pump(from, into); });
      }
    }
  }
  static void Pump(int from, int into) {
    std::array<char, 4096> bytes;
    for (ssize_t n; (n = read(from, bytes.data(), bytes.size())) > 0;) {
      if (send(into, bytes.data(), static_cast<size_t>(n), MSG_NOSIGNAL) != n) break;
    }
    shutdown(into, SHUT_RDWR);
  }

  const uint16_t to_;
  const int listener_ = socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::thread acceptor_;
  std::vector<int> ends_;  // of Accept until it has ended
  std::vector<std::thread> pumps_;
};

class ReplicasTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef DINH_SANITIZE
    // Debian's gRPC is not built for the thread sanitizer and reports races of its own.
    if (std::string(DINH_SANITIZE) == "thread") GTEST_SKIP();
#endif
    replicas_ = {std::make_unique<Replica>("a"), std::make_unique<Replica>("b")};
    Connect("ipv4:" + replicas_[0]->address() + "," + replicas_[1]->address());
  }
  void Connect(const std::string& target) {
    channel_ = std::make_unique<GrpcChannel>(
        GrpcChannelOptions{.target = target, .service = "things", .services = {"dinh.testing.v1.ThingService"}}, clock_,
        nullptr);
  }
  absl::StatusOr<pb::Thing> Find(std::chrono::milliseconds limit = kLimit) {
    base::OpContext ctx(clock_, clock_.Steady() + limit);
    pb::GetThingRequest request;
    request.set_id("x");
    return channel_->Call<pb::Thing>(ctx, Path("FindThing"), request);
  }
  // Not idempotent: never sent twice.
  absl::StatusOr<pb::Thing> Notify() {
    base::OpContext ctx(clock_, clock_.Steady() + kLimit);
    return channel_->Call<pb::Thing>(ctx, Path("NotifyThing"), options::v1::SignedRequest());
  }
  bool WaitForBoth() {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    for (std::map<std::string, int> seen; std::chrono::steady_clock::now() < limit;) {
      const auto thing = Find();
      if (thing.ok()) ++seen[thing->name()];
      if (seen.size() == 2) return true;
    }
    return false;
  }

  base::SystemClock clock_;
  std::array<std::unique_ptr<Replica>, 2> replicas_;
  std::unique_ptr<GrpcChannel> channel_;
};

TEST_F(ReplicasTest, CallsAreSpread) {
  ASSERT_TRUE(WaitForBoth());
  std::map<std::string, int> seen;
  for (int i = 0; i < 40; ++i) ++seen[Find()->name()];
  EXPECT_EQ(seen["a"], 20);
  EXPECT_EQ(seen["b"], 20);
}

TEST_F(ReplicasTest, ARollingRestartUnderLoadLosesNoCall) {
  ASSERT_TRUE(WaitForBoth());
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::mutex mutex;
  std::vector<absl::Status> failed;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      while (!stop) {
        const absl::Status status = i % 2 == 0 ? Find().status() : Notify().status();
        ++answered;
        std::lock_guard lock(mutex);
        if (!status.ok()) failed.push_back(status);
      }
    });
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& replica : replicas_) {
      replica->Drain();
      replica->Start();
      // The next one goes when this one is used again, as a rolling restart waits for readiness.
      const int before = replica->calls;
      const auto limit = std::chrono::steady_clock::now() + kLimit;
      while (replica->calls < before + 10 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
      EXPECT_GE(replica->calls, before + 10);
    }
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed.size(), 0u) << failed[0] << " and others, of " << answered;
  EXPECT_GT(answered, 100);
}

TEST_F(ReplicasTest, AKilledReplicaCostsNoIdempotentCall) {
  Line line(replicas_[0]->address());
  Connect("ipv4:" + line.address() + "," + replicas_[1]->address());
  ASSERT_TRUE(WaitForBoth());
  // The line is cut while both replicas have calls under way.
  Gate arrived;
  for (const auto& replica : replicas_) {
    replica->on_find = [&] {
      arrived.Wait();
      return pb::Thing();
    };
  }
  std::array<absl::Status, 4> found;
  std::vector<std::thread> callers;
  for (absl::Status& status : found) callers.emplace_back([&] { status = Find().status(); });
  ASSERT_TRUE(arrived.WaitFor(4));
  line.Cut();
  ASSERT_TRUE(arrived.WaitFor(6)) << "two of them are sent again";
  arrived.Open();
  for (std::thread& caller : callers) caller.join();
  for (const absl::Status& status : found) EXPECT_TRUE(status.ok()) << status;
  // From now on the other one gets everything, also what is never sent twice.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Find().ok());
    const auto notified = Notify();
    EXPECT_TRUE(notified.ok()) << notified.status();
    EXPECT_EQ(notified->name(), "b");
  }
}

TEST_F(ReplicasTest, ACallWaitsForAReplicaThatRestarts) {
  Connect("ipv4:" + replicas_[0]->address());
  ASSERT_TRUE(Find().ok());
  for (const bool idempotent : {true, false}) {
    replicas_[0]->Drain();
    absl::Status status = absl::UnknownError("");
    std::atomic<bool> done = false;
    std::thread caller([&] {
      status = idempotent ? Find().status() : Notify().status();
      done = true;
    });
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_FALSE(done) << "it failed at once";
    replicas_[0]->Start();
    caller.join();
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_F(ReplicasTest, ARunningCallIsNotGivenUp) {
  // The target of one address is written as gRPC writes peers: it must still be known that the call was sent.
  for (const std::string& target : {"ipv4:" + replicas_[0]->address(), replicas_[0]->address()}) {
    channel_ = std::make_unique<GrpcChannel>(
        GrpcChannelOptions{.target = target, .service = "things", .connect_wait = std::chrono::milliseconds(50)},
        clock_, nullptr);
    replicas_[0]->on_find = [] {
      Gate never;
      never.Wait(std::chrono::milliseconds(300));
      return pb::Thing();
    };
    EXPECT_TRUE(Find().ok());
  }
}

TEST_F(ReplicasTest, RetriesStopAtTheDeadlineAndAtTheirNumber) {
  ASSERT_TRUE(WaitForBoth());
  for (const auto& replica : replicas_) {
    replica->calls = 0;
    replica->on_find = [] {
      return absl::StatusOr<pb::Thing>(base::Unavailable("STARTING", {"Đang khởi động.", "Starting."}));
    };
  }
  EXPECT_TRUE(absl::IsUnavailable(Find().status()));
  EXPECT_EQ(replicas_[0]->calls + replicas_[1]->calls, 3);
  // 100 tokens, and nothing is repeated below 50 of them: overload is not made worse.
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 10; ++n) EXPECT_FALSE(Find().ok());
    });
  }
  for (std::thread& caller : callers) caller.join();
  const int before = replicas_[0]->calls + replicas_[1]->calls;
  EXPECT_FALSE(Find().ok());
  EXPECT_EQ(replicas_[0]->calls + replicas_[1]->calls, before + 1);
}

}  // namespace
}  // namespace dinh::rpc
