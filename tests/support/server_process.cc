#include "tests/support/server_process.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "libs/http/client.h"
#include "nlohmann/json.hpp"

namespace dinh::testing {
namespace {

constexpr std::chrono::seconds kStartMax{60};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::string ServerProcess::Binary() { return DINH_BINARY_DIR "/bin/dinh"; }
std::string ServerProcess::Resources() { return DINH_SOURCE_DIR "/deploy/data"; }

absl::Status ServerProcess::Start() {
  std::filesystem::create_directories(options_.data_dir);
  std::filesystem::remove(options_.data_dir + "/addresses.json");
  std::vector<std::string> args = options_.wrapper;
  for (const char* arg : {"serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--metrics", "127.0.0.1:0"}) {
    if (args.size() == options_.wrapper.size()) args.push_back(Binary());
    args.emplace_back(arg);
  }
  args.insert(args.end(), {"--data-dir", options_.data_dir});
  if (options_.dev) args.emplace_back("--dev");
  args.insert(args.end(), options_.flags.begin(), options_.flags.end());
  const auto begin = std::chrono::steady_clock::now();
  child_.Start(std::move(args), options_.environment, log_file());
  absl::Status status = WaitReady();
  start_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
  if (!status.ok()) Kill();
  return status;
}

bool ServerProcess::ReadAddresses() {
  const nlohmann::json addresses =
      nlohmann::json::parse(ReadFile(options_.data_dir + "/addresses.json"), nullptr, false);
  if (!addresses.is_object()) return false;
  http_port_ = addresses.value("http", 0);
  grpc_port_ = addresses.value("grpc", 0);
  metrics_port_ = addresses.value("metrics", 0);
  return http_port_ != 0;
}

absl::Status ServerProcess::WaitReady() {
  const auto until = std::chrono::steady_clock::now() + kStartMax;
  while (std::chrono::steady_clock::now() < until) {
    if (!child_.Running()) return absl::UnavailableError("the server ended at start: " + child_.LogTail());
    if (ReadAddresses()) {
      http::ClientOptions options;
      options.port = http_port_;
      options.tls = !options_.tls_ca_file.empty();
      options.tls_ca_file = options_.tls_ca_file;
      http::Client client(options);
      absl::StatusOr<http::ClientResponse> ready = client.Get("/readyz");
      if (ready.ok() && ready->status == 200) return absl::OkStatus();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::DeadlineExceededError("the server did not become ready: " + child_.LogTail());
}

}  // namespace dinh::testing
