// `make bench`: the figures of the README, lines `name: value`. Every ratio has its baseline measured in the same run,
// alternating with it, because absolute times drift on shared machines. Prints what it finds; judges nothing. Arguments
// name the parts to run (transcode, read, submit); none: all.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "dinh/procedures/v1/dossier_service.pb.h"
#include "libs/testing/temp_dir.h"
#include "services/gateway/transcode/transcode_bench.h"
#include "services/standalone/demo/story.h"
#include "tests/bench/measure.h"
#include "tests/bench/submitters.h"
#include "tests/support/server_process.h"

namespace dinh::bench {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kConnections = 64;
constexpr int kRounds = 3;
constexpr int kReadSeconds = 4;
constexpr int kSubmitters = 64;
constexpr int kBatch = 10;  // attachments a submitter uploads before each timed batch
constexpr int kSubmitRounds = 4;
constexpr int kIdleSeconds = 3;
constexpr int kTranscodeRuns = 2000;
constexpr char kReadPath[] = "/v1/procedures/2.000635";

// The hello server as a child; its port.
class HelloServer {
 public:
  explicit HelloServer(const std::string& body_file) {
    int out[2];
    if (pipe(out) != 0) Fail("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      execl(DINH_BINARY_DIR "/bin/bench_hello", "bench_hello", "2", body_file.c_str(), nullptr);
      _exit(127);
    }
    close(out[1]);
    FILE* from = fdopen(out[0], "r");
    if (std::fscanf(from, "%d", &port_) != 1) Fail("the hello server did not start");
    std::fclose(from);
  }
  ~HelloServer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  int port() const { return port_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

double CpuPerRequest(pid_t pid, const std::string& url, double* rate) {
  const int64_t before = CpuMicros(pid);
  const WrkResult result = RunWrk(url, kConnections, kReadSeconds);
  if (result.requests == 0 || result.errors > 0) Fail("wrk: " + std::to_string(result.errors) + " errors at " + url);
  *rate = result.requests_per_s;
  return static_cast<double>(CpuMicros(pid) - before) / static_cast<double>(result.requests);
}

void BenchRead(testing::ServerProcess& server, const std::string& folder) {
  ApiClient client("127.0.0.1", server.http_port());
  const ApiAnswer page = client.Get(kReadPath);
  if (!page.ok()) Fail("GET " + std::string(kReadPath));
  const std::string body_file = folder + "/body";
  std::ofstream(body_file) << page.raw;
  HelloServer hello(body_file);
  std::vector<double> ours, bare, ratios;
  double rate = 0, hello_rate = 0;
  for (int i = 0; i < kRounds; ++i) {
    bare.push_back(
        CpuPerRequest(hello.pid(), "http://127.0.0.1:" + std::to_string(hello.port()) + kReadPath, &hello_rate));
    ours.push_back(
        CpuPerRequest(server.pid(), "http://127.0.0.1:" + std::to_string(server.http_port()) + kReadPath, &rate));
    ratios.push_back(ours.back() / bare.back());
  }
  Print("read_body_bytes", static_cast<double>(page.raw.size()));
  Print("hello_cpu_us", Median(bare));
  Print("gateway_read_cpu_us", Median(ours));
  Print("hello_per_s", hello_rate);
  Print("gateway_read_per_s", rate);
  Print("gateway_read_vs_hello", Median(ratios));
}

void BenchSubmit(testing::ServerProcess& server, const demo::StoryOptions& options, const std::string& folder) {
  Submitters submitters({server.http_port()}, options, kSubmitters);
  std::vector<double> raw;
  double seconds = 0;
  int64_t cpu_us = 0;
  for (int round = 0; round < kSubmitRounds; ++round) {
    raw.push_back(RawSqliteCommitsPerSecond(folder, 1.5));
    submitters.Upload(kBatch);
    const int64_t cpu_before = CpuMicros(server.pid());
    seconds += submitters.Submit();
    cpu_us += CpuMicros(server.pid()) - cpu_before;
  }
  std::vector<double>& latencies_ms = submitters.latencies_ms();
  std::sort(latencies_ms.begin(), latencies_ms.end());
  const auto submitted = static_cast<double>(submitters.submitted());
  const double rate = submitted / seconds;
  Print("fdatasync_us", FdatasyncMicros(folder, 500));
  Print("raw_sqlite_commits_per_s", Median(raw));
  Print("dossier_submits_per_s", rate);
  Print("dossier_submit_cpu_us", static_cast<double>(cpu_us) / submitted);
  Print("dossier_submit_p50_ms", latencies_ms[latencies_ms.size() / 2]);
  Print("dossier_submit_p99_ms", latencies_ms[latencies_ms.size() * 99 / 100]);
  Print("dossier_submit_vs_commit", rate / Median(raw));
}

// Parse + print of one message by both, from the JSON that goes over the wire.
template <typename M>
gateway::transcode::TranscodeFigures Transcode(const std::string& json) {
  M message;
  if (!google::protobuf::util::JsonStringToMessage(json, &message).ok()) Fail("sample of " + message.GetTypeName());
  gateway::transcode::Transcoder transcoder;
  const auto plan = transcoder.Add(M::descriptor());
  if (!plan.ok()) Fail("plan of " + message.GetTypeName());
  return gateway::transcode::MeasureTranscode(transcoder, **plan, message, kTranscodeRuns);
}

void BenchTranscode(testing::ServerProcess& server, const demo::StoryOptions& options) {
  ApiClient client("127.0.0.1", server.http_port());
  const auto procedure = Transcode<procedures::v1::Procedure>(client.Get(kReadPath).raw);
  const std::string id = "0190a5b2-7e3c-7abc-8def-0123456789ab";
  const Json submit = {{"procedure", "2.000635"},
                       {"unit", "15952"},
                       {"form", options.demo.value("story_form", Json::object())},
                       {"subjects", {{{"person", id}, {"relation", "self"}}}},
                       {"attachments", {id}}};
  const auto dossier = Transcode<procedures::v1::CreateDossierRequest>(submit.dump());
  const double theirs = procedure.json_util_parse_us + procedure.json_util_print_us + dossier.json_util_parse_us +
                        dossier.json_util_print_us;
  const double ours = procedure.parse_us + procedure.print_us + dossier.parse_us + dossier.print_us;
  Print("transcode_procedure_ratio", procedure.ratio());
  Print("transcode_submit_ratio", dossier.ratio());
  Print("transcode_json_util_us", theirs);
  Print("transcode_us", ours);
  Print("transcode_vs_jsonutil", theirs / ours);
}

int Run(const std::set<std::string>& parts) {
  Print("machine", MachineName() + "; clients and server share them");
  testing::TempDir dir;
  testing::ServerProcess server({.data_dir = dir.File("data"),
                                 .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000000", "DINH_LOG_LEVEL=warn"}});
  if (absl::Status status = server.Start(); !status.ok()) Fail(std::string(status.ToString()));
  Print("first_start_ms", static_cast<double>(server.start_ms()));
  server.Terminate();
  if (absl::Status status = server.Start(); !status.ok()) Fail(std::string(status.ToString()));
  Print("start_ms", static_cast<double>(server.start_ms()));
  std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
  Print("idle_rss_mb", static_cast<double>(server.RssKib()) / 1024);

  demo::StoryOptions options;
  options.outbox_dir = server.outbox();
  std::ifstream in(testing::ServerProcess::Resources() + "/demo.json");
  options.demo = Json::parse(in, nullptr, false);

  const auto wanted = [&](const char* part) { return parts.empty() || parts.contains(part); };
  if (wanted("transcode")) BenchTranscode(server, options);
  if (wanted("read")) BenchRead(server, dir.path());
  if (wanted("submit")) BenchSubmit(server, options, dir.path());
  Print("loaded_rss_mb", static_cast<double>(server.RssKib()) / 1024);
  return server.Terminate() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dinh::bench

int main(int argc, char** argv) { return dinh::bench::Run({argv + 1, argv + argc}); }
