#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "libs/app/lifecycle.h"
#include "libs/app/print_error.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/dev_accounts.h"
#include "services/standalone/cli/process.h"

namespace dinh::standalone {
namespace {

void Announce(const Process& process, bool dev) {
  std::printf("Đình đang chạy.\n  HTTP    %s   (API: /docs, /openapi.json)\n", process.HttpUrl().c_str());
  if (process.grpc_port() != 0) std::printf("  gRPC    %s\n", process.GrpcAddress().c_str());
  if (process.metrics_port() != 0) std::printf("  metrics http://%s/metrics\n", process.MetricsAddress().c_str());
  std::printf("  Dữ liệu %s\n", process.data_dir().path().c_str());
  if (dev) PrintDevAccounts(process.resources(), process.data_dir().outbox());
  std::printf("Ctrl-C để dừng.\n");
  std::fflush(stdout);
}

int Serve(Process& process) {
  if (absl::Status status = process.Configure(config::ProcessEnvironment()); !status.ok()) {
    app::PrintError(status);
    return kExitUsage;
  }
  if (process.registry().print_requested()) {
    std::printf("%s", process.registry().Print().c_str());
    return kExitOk;
  }
  app::Lifecycle lifecycle;
  if (absl::Status status = process.Start(); !status.ok()) {
    app::PrintError(status);
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitCannotRun;
  }
  Announce(process, process.settings().dev);
  lifecycle.WaitForStop([&process] { process.Reload(); });
  std::printf("\nĐang dừng: hoàn tất các yêu cầu dở dang …\n");
  std::fflush(stdout);
  process.Stop();
  std::printf("Đã dừng.\n");
  return kExitOk;
}

}  // namespace

void AddServe(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Run the whole platform in this process until Ctrl-C");
  auto process = std::make_shared<Process>();
  process->Bind(*command);
  command->callback([process, &exit_code] { exit_code = Serve(*process); });
}

}  // namespace dinh::standalone
