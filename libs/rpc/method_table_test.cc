#include "libs/rpc/method_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "grpc/health/v1/health.pb.h"
#include "libs/rpc/pipeline_fixture.h"

namespace dinh::rpc {
namespace {

TEST(MethodTableTest, RefusesWhatDoesNotFit) {
  Steps steps;
  Handlers handlers(steps);
  struct Row {
    const char* what;
    std::function<void(MethodTable&)> fill;
  };
  const std::vector<Row> rows = {
      {"a method without an access rule",
       [](MethodTable& t) {
         t.Unary<grpc::health::v1::HealthCheckRequest, grpc::health::v1::HealthCheckResponse>(
             "grpc.health.v1.Health.Check",
             [](Context&, const grpc::health::v1::HealthCheckRequest&)
                 -> absl::StatusOr<grpc::health::v1::HealthCheckResponse> { return absl::UnknownError(""); });
       }},
      {"a method twice",
       [&](MethodTable& t) {
         Fill(t, handlers);
         t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get);
       }},
      {"an unknown method",
       [&](MethodTable& t) { t.Unary("dinh.testing.v1.ThingService.No", &handlers, &Handlers::Get); }},
      {"wrong messages",
       [&](MethodTable& t) { t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Create); }},
      {"a method missing",
       [&](MethodTable& t) { t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get); }},
      {"another kind of stream",
       [&](MethodTable& t) {
         t.ServerStream(kService + std::string("GetThing"), &handlers, pb::Thing::default_instance(), &Handlers::Watch);
         t.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
       }},
  };
  for (const Row& row : rows) {
    MethodTable table;
    row.fill(table);
    EXPECT_FALSE(table.Complete().ok()) << row.what;
    base::FakeClock clock(1);
    base::SeededRandom random(1);
    FakeAuthenticator authenticator(steps);
    Pipeline pipeline({.clock = clock, .random = random, .authenticator = authenticator});
    EXPECT_TRUE(absl::IsFailedPrecondition(pipeline.Add("things", table))) << row.what;
  }
  MethodTable table;
  table.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get);
  table.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
  EXPECT_TRUE(table.Complete().ok()) << table.Complete();
}

}  // namespace
}  // namespace dinh::rpc
