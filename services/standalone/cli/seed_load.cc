// Data for load tests.
#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/app/resources.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "services/feedback/seed.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/data_dir.h"
#include "services/standalone/cli/installation.h"

namespace dinh::standalone {
namespace {

constexpr std::chrono::hours kSeedDeadline{4};
constexpr int64_t kReportsMax = 100'000'000;
constexpr int64_t kPageCacheKib = 262'144;  // one process, one writer, much to index

struct Options {
  Installation installation;
  std::string resource_dir;
  int64_t reports = 1'000'000;
  uint64_t seed = 1;
};

absl::Status Seed(Options& options) {
  ASSIGN_OR_RETURN(const std::string resources, app::FindResources(options.resource_dir));
  RETURN_IF_ERROR(options.installation.Configure());
  ASSIGN_OR_RETURN(std::unique_ptr<DataDir> data_dir, DataDir::Lock(options.installation.data_dir()));
  base::SystemClock clock;
  base::SystemRandom random;
  ASSIGN_OR_RETURN(const bool holds_data, options.installation.HoldsData());
  ASSIGN_OR_RETURN(std::unique_ptr<auth::KeyRing> keys,
                   auth::KeyRing::OpenOrCreate({.folder = data_dir->keys()}, holds_data, clock, random));
  ASSIGN_OR_RETURN(std::unique_ptr<db::Database> database, options.installation.Open("feedback", clock, kPageCacheKib));
  base::OpContext ctx(clock, clock.Steady() + kSeedDeadline);
  feedback::SeedPlan plan;
  plan.reports = options.reports;
  plan.seed = options.seed;
  plan.now = clock.Now();
  plan.progress = [&](int64_t done) {
    std::printf("\r%lld / %lld", static_cast<long long>(done), static_cast<long long>(options.reports));
    std::fflush(stdout);
  };
  RETURN_IF_ERROR(feedback::SeedReports(
      ctx, {.database = *database, .keys = *keys, .random = random, .resource_dir = resources}, plan));
  database->Close();
  return absl::OkStatus();
}

}  // namespace

void AddSeedLoad(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* seed = app.add_subcommand("seed-load", "Fill a stopped installation with made-up reports, for load tests");
  options->installation.Bind(*seed);
  seed->add_option("--resource-dir", options->resource_dir, "shipped data (deploy/data)");
  seed->add_option("--reports", options->reports, "how many")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, kReportsMax));
  seed->add_option("--seed", options->seed, "of what is drawn by chance")->capture_default_str();
  seed->callback([options, &exit_code] {
    const auto begin = std::chrono::steady_clock::now();
    const absl::Status status = Seed(*options);
    if (!status.ok()) {
      app::PrintError(status);
      exit_code = absl::IsInvalidArgument(status) ? kExitUsage : kExitCannotRun;
      return;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("\rĐã tạo %lld phản ánh trong %.0f giây.\n", static_cast<long long>(options->reports), took.count());
    exit_code = kExitOk;
  });
}

}  // namespace dinh::standalone
