#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/lifecycle.h"
#include "libs/app/print_error.h"
#include "libs/app/resources.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/process.h"
#include "services/standalone/demo/story.h"

namespace dinh::standalone {
namespace {

struct DemoOptions {
  std::string url_host;  // "127.0.0.1:8080": a platform that runs already; empty: a fresh one of its own
  std::string outbox;
};

// A folder of the demo's own, gone at its end.
class ScratchDir {
 public:
  ScratchDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dinh-demo-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~ScratchDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int Play(const std::string& host, uint16_t port, const std::string& outbox, const std::string& resources) {
  demo::StoryOptions options;
  options.host = host;
  options.port = port;
  options.outbox_dir = outbox;
  std::ifstream in(resources + "/demo.json");
  options.demo = demo::Json::parse(in, nullptr, false);
  options.say = [](std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  };
  demo::Story story(std::move(options));
  for (const auto& [name, step] : story.Steps()) {
    if (absl::Status status = (story.*step)(); !status.ok()) {
      std::fprintf(stderr, "Bước \"%s\" không thành: %s\n", name.c_str(), std::string(status.message()).c_str());
      return kExitFound;
    }
  }
  std::printf("Xong: mọi bước đều thành.\n");
  return kExitOk;
}

int PlayAgainstFreshPlatform() {
  ScratchDir scratch;
  Process process;
  CLI::App flags;
  process.Bind(flags);
  app::Lifecycle lifecycle;
  if (absl::Status status = process.Configure({"DINH_DINH_DATA_DIR=" + scratch.path(), "DINH_DINH_GRPC=127.0.0.1:0",
                                               "DINH_DINH_METRICS=", "DINH_GATEWAY_ADDRESS=127.0.0.1:0",
                                               "DINH_DINH_DEV=true", "DINH_LOG_FILE=" + scratch.path() + "/demo.log"});
      !status.ok()) {
    app::PrintError(status);
    return kExitUsage;
  }
  if (absl::Status status = process.Start(); !status.ok()) {
    app::PrintError(status);
    return kExitCannotRun;
  }
  const int code =
      Play("127.0.0.1", static_cast<uint16_t>(process.http_port()), process.data_dir().outbox(), process.resources());
  process.Stop();
  return code;
}

int Demo(const DemoOptions& options) {
  if (options.url_host.empty()) return PlayAgainstFreshPlatform();
  absl::StatusOr<std::pair<std::string, uint16_t>> address = app::SplitAddress(options.url_host);
  absl::StatusOr<std::string> resources = app::FindResources("");
  if (!address.ok() || !resources.ok()) {
    app::PrintError(address.ok() ? resources.status() : address.status());
    return kExitUsage;
  }
  return Play(address->first, address->second, options.outbox, *resources);
}

}  // namespace

void AddDemo(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("demo", "Play the story of the README over HTTP, step by step");
  auto options = std::make_shared<DemoOptions>();
  command->add_option("--against", options->url_host,
                      "host:port of a platform that runs in development mode (default: a fresh one of its own)");
  command->add_option("--outbox", options->outbox, "that platform's <data-dir>/outbox")->default_str("var/outbox");
  options->outbox = "var/outbox";
  command->callback([options, &exit_code] { exit_code = Demo(*options); });
}

}  // namespace dinh::standalone
