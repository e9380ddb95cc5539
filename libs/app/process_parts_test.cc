// The parts that a process puts around its host: signals, metrics, limits, audit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "libs/app/audit.h"
#include "libs/app/host.h"
#include "libs/app/lifecycle.h"
#include "libs/app/metrics_server.h"
#include "libs/app/rate_limits.h"
#include "libs/cache/rate_limiter.h"
#include "libs/http/client.h"
#include "libs/testing/fake_service.h"
#include "libs/testing/principals.h"
#include "libs/testing/temp_dir.h"

namespace dinh::app {
namespace {

namespace pb = ::dinh::testing::v1;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kLimit{10};

TEST(LifecycleTest, ReloadsOnHangupAndEndsOnTerm) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    Lifecycle lifecycle;
    std::mutex mutex;
    std::condition_variable changed;
    int reloads = 0;
    int ended_by = 0;
    std::thread waiter([&] {
      ended_by = lifecycle.WaitForStop([&] {
        std::lock_guard lock(mutex);
        ++reloads;
        changed.notify_all();
      });
    });
    for (int expected = 1; expected <= 2; ++expected) {
      kill(getpid(), SIGHUP);
      std::unique_lock lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, kLimit, [&] { return reloads == expected; }));
    }
    kill(getpid(), SIGTERM);
    waiter.join();
    EXPECT_EQ(ended_by, SIGTERM);
    EXPECT_FALSE(lifecycle.StopPending());
    kill(getpid(), SIGINT);
    EXPECT_TRUE(lifecycle.StopPending());
    EXPECT_EQ(lifecycle.WaitForStop(nullptr), SIGINT);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(MetricsServerTest, ShowsTheMetricsAndNothingElse) {
  base::SystemClock clock;
  telemetry::Metrics metrics;
  metrics.AddCounter("dinh_test_total", "for the test").With({}).Increment();
  auto server = MetricsServer::Start("127.0.0.1:0", metrics, clock);
  ASSERT_TRUE(server.ok()) << server.status();
  http::Client client({.port = static_cast<uint16_t>((*server)->port())});
  auto page = client.Get("/metrics");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->body, HasSubstr("dinh_test_total 1"));
  EXPECT_EQ(client.Get("/")->status, 404);
  EXPECT_EQ(client.Post("/metrics", "text/plain", "x")->status, 405);
}

TEST(MetricsServerTest, ReadsAddresses) {
  const auto v6 = SplitAddress("[::1]:80");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->first, "::1");
  EXPECT_EQ(v6->second, 80);
  for (const char* bad : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ""}) {
    EXPECT_FALSE(SplitAddress(bad).ok()) << bad;
  }
}

class RateLimitsTest : public ::testing::Test {
 protected:
  int AdmittedOf(RateLimits& limits, auth::RateClass rate, const std::string& principal, int calls) {
    int admitted = 0;
    for (int i = 0; i < calls; ++i) admitted += limits.Admit(rate, principal, "192.0.2.1") == 0 ? 1 : 0;
    return admitted;
  }
  base::FakeClock clock_{1'000'000'000};
  cache::LocalRateLimiter limiter_{{}, clock_};
};

TEST_F(RateLimitsTest, TightForOneGenerousForAnAddress) {
  RateLimits limits(limiter_, 100);
  const int one = AdmittedOf(limits, auth::RateClass::kWrite, "account-1", 1000);
  EXPECT_LT(one, 100);
  EXPECT_GT(one, 10);
  int all = one;
  for (int i = 2; i <= 10; ++i) all += AdmittedOf(limits, auth::RateClass::kWrite, "account-" + std::to_string(i), one);
  EXPECT_EQ(all, 10 * one);  // ten neighbours behind one address do not disturb each other
  EXPECT_GT(limits.Admit(auth::RateClass::kWrite, "account-1", "192.0.2.1"), 0);
  clock_.Advance(60 * base::kMicrosPerSecond);
  EXPECT_EQ(limits.Admit(auth::RateClass::kWrite, "account-1", "192.0.2.1"), 0);
}

TEST_F(RateLimitsTest, LoginsAreTighterPeersAreFreeAndTheFactorScales) {
  RateLimits limits(limiter_, 100);
  EXPECT_LT(AdmittedOf(limits, auth::RateClass::kAuth, "a", 1000),
            AdmittedOf(limits, auth::RateClass::kRead, "a", 1000));
  EXPECT_EQ(AdmittedOf(limits, auth::RateClass::kNone, "a", 1000), 1000);
  RateLimits raised(limiter_, 1000);
  EXPECT_GT(AdmittedOf(raised, auth::RateClass::kWrite, "b", 1000),
            AdmittedOf(limits, auth::RateClass::kWrite, "c", 1000));
}

// A store, and one method that reads personal data.
class ThingsModule final : public ServiceModule {
 public:
  std::string_view name() const override { return "things"; }
  absl::Status Init(Platform& platform) override {
    return platform.OpenDatabase({{1, "things", "CREATE TABLE things (id TEXT PRIMARY KEY);", 1}}).status();
  }
  void RegisterMethods(rpc::MethodTable& table) override {
    table.Unary<pb::GetThingRequest, pb::Thing>(
        "dinh.testing.v1.ThingService.GetOwnThing",
        [](rpc::Context& ctx, const pb::GetThingRequest& request) -> absl::StatusOr<pb::Thing> {
          RETURN_IF_ERROR(ctx.CheckScope({.owner_persons = {"person-1"}}));
          ctx.AuditSubject("person-1", "things/" + request.id());
          ctx.audit_reason = "test";
          return pb::Thing();
        });
    table.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
  }
};

TEST(AuditTest, WhoReadWhoseDataReachesIdentity) {
  dinh::testing::TempDir dir;
  base::SystemClock clock;
  base::SeededRandom random(1);
  base::IdGenerator ids(clock, random);
  telemetry::Logger logger(clock, "test", telemetry::Level::kError, [](std::string_view) {});
  telemetry::Metrics metrics;
  const std::unique_ptr<auth::KeyRing> keys = auth::KeyRing::Ephemeral(clock, random);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<identity::v1::AccessRecord> records;
  auto identity = std::make_unique<dinh::testing::FakeService>("identity");
  identity->On<identity::v1::RecordAccessesRequest, identity::v1::RecordAccessesResponse>(
      "dinh.identity.v1.PersonService.RecordAccesses",
      [&](rpc::Context&,
          const identity::v1::RecordAccessesRequest& request) -> absl::StatusOr<identity::v1::RecordAccessesResponse> {
        std::lock_guard lock(mutex);
        records.insert(records.end(), request.records().begin(), request.records().end());
        changed.notify_all();
        identity::v1::RecordAccessesResponse response;
        if (!records.empty()) response.set_last_sequence(records.back().sequence());
        return response;
      });
  Audit audit(clock, ids, *keys, logger);
  std::vector<std::unique_ptr<ServiceModule>> modules;
  modules.push_back(std::make_unique<ThingsModule>());
  modules.push_back(std::move(identity));
  Host host({.data_dir = dir.path(),
             .clock = clock,
             .random = random,
             .ids = ids,
             .logger = logger,
             .metrics = metrics,
             .keys = *keys,
             .audit = audit.Provider()},
            std::move(modules));
  ASSERT_TRUE(host.Prepare().ok());
  ASSERT_TRUE(host.Start().ok());
  audit.StartForwarding(host);

  const auth::Principal reader = dinh::testing::Citizen("account-1", "person-1");
  const auth::Principal stranger = dinh::testing::Citizen("account-2", "person-2");
  for (const auth::Principal* who : {&reader, &stranger}) {
    rpc::CallHead head;
    head.principal = who;
    pb::GetThingRequest request;
    request.set_id("x");
    pb::Thing thing;
    const absl::Status status = host.pipeline().Unary(
        *host.pipeline().Find("/dinh.testing.v1.ThingService/GetOwnThing"), head, request, &thing);
    EXPECT_EQ(status.ok(), who == &reader) << status;
  }
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, kLimit, [&] { return !records.empty(); }));
    EXPECT_EQ(records[0].person(), "person-1");
    EXPECT_EQ(records[0].caller_kind(), "citizen");
    EXPECT_EQ(records[0].resource(), "things/x");
    EXPECT_EQ(records[0].method(), "dinh.testing.v1.ThingService/GetOwnThing");
    EXPECT_EQ(records[0].reason(), "test");
  }
  audit.Stop();
  base::OpContext ctx(clock, clock.Steady() + kLimit);
  const auto report = auth::AuditVerify(ctx, *host.database("things"), *keys, "things");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->rows, 2);  // the read and the refusal
  host.Stop();
}

}  // namespace
}  // namespace dinh::app
