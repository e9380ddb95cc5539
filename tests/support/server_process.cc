#include "tests/support/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "libs/http/client.h"
#include "nlohmann/json.hpp"

extern char** environ;

namespace dinh::testing {
namespace {

constexpr std::chrono::seconds kStartMax{60};
constexpr std::chrono::seconds kStopMax{40};
constexpr size_t kLogTailBytes = 4000;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string ServerProcess::Binary() { return DINH_BINARY_DIR "/bin/dinh"; }
std::string ServerProcess::Resources() { return DINH_SOURCE_DIR "/deploy/data"; }

ServerProcess::~ServerProcess() { Kill(); }

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
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).substr(0, 5) != "DINH_") environment.emplace_back(*entry);
  }
  environment.insert(environment.end(), options_.environment.begin(), options_.environment.end());
  std::vector<char*> argv = Pointers(args), envp = Pointers(environment);

  const auto begin = std::chrono::steady_clock::now();
  const int log = open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the test
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(log);
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
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return absl::UnavailableError("the server ended at start: " + LogTail());
    }
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
  return absl::DeadlineExceededError("the server did not become ready: " + LogTail());
}

void ServerProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int ServerProcess::Terminate() {
  if (pid_ <= 0) return -1;
  kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + kStopMax;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      Kill();
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int64_t ServerProcess::RssKib() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind("VmRSS:", 0) == 0) return std::strtoll(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

std::string ServerProcess::LogTail() const {
  const std::string log = ReadFile(log_file());
  return log.size() > kLogTailBytes ? log.substr(log.size() - kLogTailBytes) : log;
}

}  // namespace dinh::testing
