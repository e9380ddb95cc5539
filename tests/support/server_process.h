// The real `dinh serve` as a child process, on ports of its own and a folder of the test's. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/child_process.h"

namespace dinh::testing {

class ServerProcess {
 public:
  struct Options {
    std::string data_dir;
    std::vector<std::string> flags;        // more of them
    std::vector<std::string> environment;  // "NAME=value", added to this process'
    std::vector<std::string> wrapper;      // e.g. {"strace", "-f", …}: what runs the binary
    bool dev = true;
    std::string tls_ca_file;  // it serves HTTPS with a certificate of this issuer; empty: plain HTTP
  };
  explicit ServerProcess(Options options) : options_(std::move(options)) {}
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it and waits (≤ 60 s) until /readyz answers 200. An error carries the end of its log.
  absl::Status Start();
  // As of ChildProcess.
  void Kill() { child_.Kill(); }
  int Terminate() { return child_.Terminate(); }
  bool running() const { return child_.pid() > 0; }

  uint16_t http_port() const { return http_port_; }
  uint16_t grpc_port() const { return grpc_port_; }
  uint16_t metrics_port() const { return metrics_port_; }
  pid_t pid() const { return child_.pid(); }
  const std::string& data_dir() const { return options_.data_dir; }
  std::string outbox() const { return options_.data_dir + "/outbox"; }
  std::string log_file() const { return options_.data_dir + ".log"; }
  int64_t start_ms() const { return start_ms_; }  // from fork to ready
  int64_t RssKib() const { return child_.RssKib(); }

  static std::string Binary();     // build/<preset>/bin/dinh
  static std::string Resources();  // deploy/data

 private:
  absl::Status WaitReady();
  bool ReadAddresses();

  const Options options_;
  ChildProcess child_;
  uint16_t http_port_ = 0, grpc_port_ = 0, metrics_port_ = 0;
  int64_t start_ms_ = 0;
};

}  // namespace dinh::testing
