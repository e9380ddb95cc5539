// `make cluster`: PostgreSQL, Redis, Prometheus and two of each process on loopback; the story through one gateway, a
// report's life through both; then everything stops. With --keep it runs until Ctrl-C.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "libs/http/client.h"
#include "libs/testing/temp_dir.h"
#include "nlohmann/json.hpp"
#include "services/standalone/demo/story.h"
#include "tests/support/cluster.h"
#include "tests/support/report_life.h"

namespace dinh::testing {
namespace {

void Say(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

int Fail(const std::string& what, const absl::Status& status) {
  std::fprintf(stderr, "cluster: %s: %s\n", what.c_str(), std::string(status.ToString()).c_str());
  return 1;
}

// How many of its targets Prometheus finds up.
int Up(uint16_t port) {
  http::ClientOptions options;
  options.port = port;
  http::Client client(options);
  const absl::StatusOr<http::ClientResponse> answer = client.Get("/api/v1/query?query=sum(up)");
  if (!answer.ok()) return 0;
  const nlohmann::json body = nlohmann::json::parse(answer->body, nullptr, false);
  if (!body.is_object() || body.at("data").at("result").empty()) return 0;
  return std::stoi(body.at("data").at("result").at(0).at("value").at(1).get<std::string>());
}

absl::Status AwaitScrapes(Cluster& cluster) {
  const int wanted = static_cast<int>(cluster.replicas().size());
  for (int tries = 0; tries < 200; ++tries) {
    if (Up(cluster.prometheus_port()) == wanted) return absl::OkStatus();
    usleep(50'000);
  }
  return absl::DeadlineExceededError("Prometheus does not see all " + std::to_string(wanted) + " processes");
}

void Describe(Cluster& cluster) {
  for (Replica* replica : cluster.replicas()) {
    std::printf("  %-12s pid %-7d metrics http://127.0.0.1:%d/metrics", replica->name().c_str(), replica->child().pid(),
                replica->metrics_port());
    if (replica->http_port() != 0) std::printf("  HTTP http://127.0.0.1:%d", replica->http_port());
    if (replica->http_port() == 0) std::printf("  gRPC 127.0.0.1:%d", replica->grpc_port());
    std::printf("\n");
  }
  std::printf("  Prometheus   http://127.0.0.1:%d\n  PostgreSQL   %s\n", cluster.prometheus_port(),
              cluster.postgres().Dsn().c_str());
}

int Run(bool keep) {
  TempDir dir;
  Cluster cluster({.folder = dir.path(), .prometheus = true});
  if (absl::Status status = cluster.Start(); !status.ok()) return Fail("start", status);
  Say("Cụm đang chạy: hai bản của mỗi tiến trình.");
  Describe(cluster);
  demo::StoryOptions options = cluster.StoryOptionsFor(0);
  options.say = Say;
  demo::Story story(options);
  for (const auto& [name, step] : story.Steps()) {
    if (absl::Status status = (story.*step)(); !status.ok()) return Fail(name, status);
  }
  const auto report = PlayReportLife(cluster.StoryOptionsFor(0), cluster.StoryOptionsFor(1), Say);
  if (!report.ok()) return Fail("report", report.status());
  if (absl::Status status = AwaitScrapes(cluster); !status.ok()) return Fail("metrics", status);
  Say("Prometheus thấy mọi tiến trình.");
  if (keep) {
    Say("Ctrl-C để dừng.");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    int received = 0;
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    sigwait(&signals, &received);
  }
  if (absl::Status status = cluster.Stop(); !status.ok()) return Fail("stop", status);
  Say("Xong: mọi bước đều thành, mọi tiến trình đã dừng.");
  return 0;
}

}  // namespace
}  // namespace dinh::testing

int main(int argc, char** argv) { return dinh::testing::Run(argc > 1 && std::strcmp(argv[1], "--keep") == 0); }
