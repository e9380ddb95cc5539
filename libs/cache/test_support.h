// For tests of what talks to Redis: a redis-server of the test's own, on a socket or port in a folder of its own, that
// can be killed, started again and made to hang; Sentinel with a replica; and a line to it that can be cut silently.
// Needs the program redis-server (Debian package redis-server), never its service. Header-only.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "libs/cache/redis_client.h"
#include "libs/cache/redis_connection.h"
#include "libs/cache/redis_pubsub.h"
#include "libs/cache/test_certificates.h"
#include "libs/db/test_support.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

inline constexpr std::chrono::seconds kTestPatience{20};

// Polls until `condition` holds; false when it never did.
template <typename Condition>
bool Eventually(const Condition& condition, std::chrono::milliseconds patience = kTestPatience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ok() ? "OK" : "");
}

// A TCP port of 127.0.0.1 that nobody uses at this moment: never one that the kernel gives to outgoing connections
// (32768 and above), which could be taken before, or while, a server is down. Each process begins elsewhere.
inline uint16_t FreePort() {
  constexpr uint32_t kFirst = 12'000, kCount = 20'000, kSlice = 100;
  static std::atomic<uint32_t> next{static_cast<uint32_t>(getpid()) * kSlice};
  for (uint32_t tries = 0; tries < kCount; ++tries) {
    const auto port = static_cast<uint16_t>(kFirst + next++ % kCount);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
  std::abort();
}

// A child process that never outlives the test. Not thread-safe.
class TestChild {
 public:
  TestChild() = default;
  ~TestChild() { Kill(); }
  TestChild(const TestChild&) = delete;
  TestChild& operator=(const TestChild&) = delete;

  void Start(std::vector<std::string> args, const std::string& log_file) {
    Kill();
    std::vector<char*> argv;
    argv.reserve(args.size() + 1);
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(log);
  }
  // SIGKILL and wait: nothing is saved, connections break.
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void Signal(int signal) const {
    if (pid_ > 0) kill(pid_, signal);
  }
  bool running() const { return pid_ > 0; }

 private:
  pid_t pid_ = -1;
};

struct TestRedisOptions {
  bool tcp = false;  // else a unix socket
  bool tls = false;  // on TCP
  bool client_certificate = false;
  std::string password;          // of the default user
  std::vector<std::string> acl;  // "user <name> on >password ~* …"
  uint16_t replica_of = 0;       // a port of 127.0.0.1; TCP then
};

class TestRedis {
 public:
  explicit TestRedis(TestRedisOptions options = {}) : options_(std::move(options)) {
    options_.tcp = options_.tcp || options_.tls || options_.replica_of != 0;
    if (options_.tcp) endpoint_ = {.host = "127.0.0.1", .port = FreePort()};
    if (!options_.tcp) endpoint_ = {.host = {}, .socket_path = folder_.File("redis.sock")};
    if (options_.tls) certificates_.emplace(folder_.path());
    Start();
  }

  // At the same address as before. Aborts when it does not answer.
  void Start() {
    std::string port = "0", tls_port = "0";
    if (options_.tcp) (options_.tls ? tls_port : port) = std::to_string(endpoint_.port);
    std::vector<std::string> args = {"redis-server",
                                     "--port",
                                     port,
                                     "--bind",
                                     "127.0.0.1",
                                     "--save",
                                     "",
                                     "--appendonly",
                                     "no",
                                     "--dir",
                                     folder_.path(),
                                     "--repl-diskless-sync-delay",
                                     "0"};
    const auto add = [&args](std::initializer_list<std::string> more) { args.insert(args.end(), more); };
    if (!options_.tcp) add({"--unixsocket", endpoint_.socket_path});
    if (options_.tls) {
      add({"--tls-port", tls_port, "--tls-cert-file", certificates_->server.certificate, "--tls-key-file",
           certificates_->server.key, "--tls-ca-cert-file", certificates_->ca.certificate, "--tls-auth-clients",
           options_.client_certificate ? "yes" : "no"});
    }
    if (!options_.password.empty()) add({"--requirepass", options_.password});
    if (!options_.acl.empty()) {
      std::ofstream acl(folder_.File("users.acl"));
      for (const std::string& user : options_.acl) acl << user << "\n";
      if (!options_.password.empty()) acl << "user default on >" << options_.password << " ~* &* +@all\n";
      acl.close();
      add({"--aclfile", folder_.File("users.acl")});
      // The two ways to name users exclude each other.
      if (!options_.password.empty()) args.erase(args.end() - 4, args.end() - 2);
    }
    if (options_.replica_of != 0) add({"--replicaof", "127.0.0.1 " + std::to_string(options_.replica_of)});
    child_.Start(args, log_file());
    if (!Eventually([this] { return Admin({"PING"}).text == "PONG"; })) {
      std::cerr << "redis-server did not start:\n" << Log() << std::endl;
      std::abort();
    }
  }
  void Kill() { child_.Kill(); }
  void Freeze() const { child_.Signal(SIGSTOP); }
  void Thaw() const { child_.Signal(SIGCONT); }

  // One command over a connection of its own, past all that is tested. An error is a reply with its text.
  RedisReply Admin(const RedisBatch& command) const {
    const base::SystemClock clock;
    const auto deadline = clock.Steady() + std::chrono::seconds(2);
    std::shared_ptr<RedisTlsContext> tls;
    if (options_.tls) tls = *RedisTlsContext::Load(TlsOptions());
    RedisReply failed{.type = RedisReply::Type::kError, .text = {}, .items = {}};
    auto connection = RedisConnection::Open(endpoint_, tls.get(), {.password = options_.password, .identify = false},
                                            clock, deadline);
    if (!connection.ok()) return failed;
    auto replies = (*connection)->Run(command, deadline);
    return replies.ok() ? replies->front() : failed;
  }

  const RedisEndpoint& endpoint() const { return endpoint_; }
  TestCertificates& certificates() { return *certificates_; }
  RedisTlsOptions TlsOptions() const {
    if (!options_.tls) return {};
    RedisTlsOptions tls{.enabled = true, .ca_file = certificates_->ca.certificate};
    if (options_.client_certificate) {
      tls.certificate_file = certificates_->client.certificate;
      tls.key_file = certificates_->client.key;
    }
    return tls;
  }
  RedisOptions DefaultOptions() const {
    RedisOptions options = ClientOptions();
    options.connect_timeout = RedisOptions().connect_timeout;
    options.command_timeout = RedisOptions().command_timeout;
    return options;
  }
  RedisOptions ClientOptions() const {
    RedisOptions options;
    options.servers = {endpoint_};
    options.password = options_.password;
    options.tls = TlsOptions();
    // A machine that runs many tests at once answers late; who tests the deadlines sets them.
    options.connect_timeout = options.command_timeout = std::chrono::seconds(5);
    return options;
  }
  const std::string& folder() const { return folder_.path(); }

 private:
  std::string log_file() const { return folder_.File("redis.log"); }
  std::string Log() const {
    std::ifstream in(log_file());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  db::TestFolder folder_;
  TestRedisOptions options_;
  RedisEndpoint endpoint_;
  std::optional<TestCertificates> certificates_;
  TestChild child_;
};

// A master, a replica of it, and one Sentinel that watches them and takes half a second to give up on the master.
class TestSentinel {
 public:
  TestSentinel() : master_({.tcp = true}), replica_({.replica_of = master_.endpoint().port}) {
    if (!Eventually([this] {
          const std::string info = master_.Admin({"INFO", "replication"}).text;
          return info.find("connected_slaves:1") != std::string::npos && info.find("state=online") != std::string::npos;
        })) {
      std::abort();
    }
    endpoint_ = {.host = "127.0.0.1", .port = FreePort()};
    const std::string file = folder_.File("sentinel.conf");
    std::ofstream conf(file);
    conf << "port " << endpoint_.port << "\nbind 127.0.0.1\ndir " << folder_.path() << "\nsentinel monitor " << name()
         << " 127.0.0.1 " << master_.endpoint().port << " 1\nsentinel down-after-milliseconds " << name()
         << " 500\nsentinel failover-timeout " << name() << " 2000\n";
    conf.close();
    child_.Start({"redis-server", file, "--sentinel"}, folder_.File("sentinel.log"));
    if (!Eventually([this] { return Ask({"SENTINEL", "REPLICAS", name()}).items.size() == 1; })) std::abort();
  }

  static std::string name() { return "dinh-master"; }
  TestRedis& master() { return master_; }
  TestRedis& replica() { return replica_; }
  RedisOptions ClientOptions() const {
    RedisOptions options;
    // The first one is never there.
    options.servers = {{.host = {}, .socket_path = folder_.File("nobody.sock")}, endpoint_};
    options.master_name = name();
    return options;
  }
  RedisReply Ask(const RedisBatch& command) const {
    const base::SystemClock clock;
    const auto deadline = clock.Steady() + std::chrono::seconds(2);
    auto connection = RedisConnection::Open(endpoint_, nullptr, {.identify = false}, clock, deadline);
    if (!connection.ok()) return {};
    auto replies = (*connection)->Run(command, deadline);
    return replies.ok() ? replies->front() : RedisReply{};
  }

 private:
  db::TestFolder folder_;
  TestRedis master_, replica_;
  RedisEndpoint endpoint_;
  TestChild child_;
};

// What one process of the platform has: a client and a channel, with metrics and a log of its own.
struct TestNode {
  explicit TestNode(const RedisOptions& options)
      : logger(clock, "test", telemetry::Level::kDebug,
               [this](std::string_view line) {
                 std::lock_guard lock(log_mutex);
                 log.append(line).append("\n");
               }),
        client(*RedisClient::Create(options, clock, logger, metrics)),
        channel(*client, "test", clock, random, logger, metrics) {}
  ~TestNode() { channel.Stop(); }

  bool Proven() const { return channel.proof().good; }
  double Metric(std::string_view line) const {
    const std::string text = metrics.Exposition();
    const size_t at = text.find("\n" + std::string(line) + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + line.size() + 2);
  }
  std::string Log() {
    std::lock_guard lock(log_mutex);
    return log;
  }

  base::SystemClock clock;
  base::SystemRandom random;
  telemetry::Metrics metrics;
  std::mutex log_mutex;
  std::string log;
  telemetry::Logger logger;
  std::unique_ptr<RedisClient> client;
  RedisPubSub channel;
};

}  // namespace dinh::cache
