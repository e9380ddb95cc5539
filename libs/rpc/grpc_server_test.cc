#include "libs/rpc/grpc_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "libs/rpc/grpc_fixture.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture
using ::testing::HasSubstr;

TEST_F(GrpcServerTest, UnaryCallsGoThereAndBack) {
  const auto thing = Call("GetThing", "một");
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "một");
  EXPECT_TRUE(Call("FindThing").ok());
  EXPECT_THAT(metrics_.Exposition(), HasSubstr("grpc_client_handled_total{grpc_code=\"OK\",grpc_method=\"FindThing\""));
}

TEST_F(GrpcServerTest, ErrorsArriveWithAllTheirDetails) {
  const absl::Status status = Call("GetThing", "").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  const auto detail = base::DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_FIELD");
  ASSERT_EQ(detail->violations.size(), 1u);
  EXPECT_EQ(detail->violations[0].field, "id");
  EXPECT_THAT(detail->text.vi, HasSubstr("Trường"));
  EXPECT_EQ(Call("NoSuchThing").status().code(), absl::StatusCode::kUnimplemented);
  handlers_.on_find = [](Context&) -> absl::StatusOr<pb::Thing> { return base::Internal("secret cause"); };
  const absl::Status internal = Call("FindThing").status();
  EXPECT_TRUE(absl::IsInternal(internal));
  EXPECT_EQ(internal.ToString().find("secret"), std::string::npos);
}

TEST_F(GrpcServerTest, DeadlineTraceTokenAndRequestIdAreReadFromTheWire) {
  std::chrono::milliseconds left{};
  std::string trace, account, language;
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    left = ctx.Remaining();
    trace = ctx.trace.trace_id;
    account = ctx.principal().id;
    language = ctx.language;
    return pb::Thing();
  };
  RawCall call(*stub_, Path("FindThing"));
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(call.Send(request));
  ASSERT_TRUE(call.HalfClose());
  EXPECT_TRUE(call.Receive<pb::Thing>().has_value());
  EXPECT_TRUE(call.Done().ok());
  EXPECT_GT(left, std::chrono::seconds(5));
  EXPECT_LE(left, kLimit + std::chrono::seconds(1));  // the wire rounds up

  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer citizen");
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  context.AddMetadata("accept-language", "en-GB,en");
  grpc::ByteBuffer out = SerializeToBuffer(request), in;
  Gate done;
  grpc::Status status;
  done.Open();
  stub_->UnaryCall(&context, Path("FindThing"), {}, &out, &in, [&](grpc::Status s) {
    status = std::move(s);
    done.Wait();
  });
  ASSERT_TRUE(done.WaitFor(1));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(account, "account-1");
  EXPECT_EQ(language, "en");
  EXPECT_LE(left, std::chrono::seconds(10));  // no deadline: the platform's
  EXPECT_GT(left, std::chrono::seconds(8));
}

TEST_F(GrpcServerTest, ACallThatTakesTooLongEndsInTimeAndTellsItsHandler) {
  std::atomic<bool> told = false;
  Gate finished;
  finished.Open();
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (ctx.Check().ok() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    told = !ctx.Check().ok();
    finished.Wait();
    return ctx.Check();
  };
  EXPECT_TRUE(absl::IsDeadlineExceeded(Call("FindThing", "x", std::chrono::milliseconds(100)).status()));
  ASSERT_TRUE(finished.WaitFor(1));
  EXPECT_TRUE(told);
}

TEST_F(GrpcServerTest, ReadsAreSentAgainWhenThePeerIsUnavailable) {
  std::atomic<int> calls = 0;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    if (++calls < 3) return base::Unavailable("BUSY", {"Thử lại.", "Try again."});
    return pb::Thing();
  };
  const auto thing = Call("FindThing");
  EXPECT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(calls, 3);
}

TEST_F(GrpcServerTest, AContextWithoutEndCanCall) {
  base::OpContext ctx(clock_, base::OpContext::Deadline::max());
  pb::GetThingRequest request;
  request.set_id("x");
  const auto thing = channel_->Call<pb::Thing>(ctx, Path("GetThing"), request);
  EXPECT_TRUE(thing.ok()) << thing.status();
}

TEST_F(GrpcServerTest, BlockedHandlersBlockNobodyElse) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    return pb::Thing();
  };
  std::vector<std::thread> callers;
  callers.reserve(8);
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  ASSERT_TRUE(gate.WaitFor(4));  // every pool thread is held
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Call("GetThing").ok());
  gate.Open();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcServerTest, AFullPoolRefusesWithADelay) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    return pb::Thing();
  };
  std::vector<std::thread> callers;
  callers.reserve(8);
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  ASSERT_TRUE(gate.WaitFor(4));
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (pool_.queued() < 4 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  const absl::Status refused = Call("FindThing").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  ASSERT_TRUE(base::DetailOf(refused).has_value());
  EXPECT_GT(base::DetailOf(refused)->retry_after_ms, 0);
  gate.Open();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcServerTest, GarbageIsInvalidArgument) {
  RawCall call(*stub_, Path("GetThing"));
  grpc::Slice slice("\xFF\xFF\xFF");
  ASSERT_TRUE(call.Send(grpc::ByteBuffer(&slice, 1)));
  EXPECT_FALSE(call.Receive<pb::Thing>().has_value());
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcServerTest, ASecondServerOnThePortIsRefused) {
  const auto second = GrpcServer::Start({.address = address_}, pipeline_, pool_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(base::DetailOf(second.status())->reason, "ADDRESS_IN_USE");
}

TEST_F(GrpcServerTest, DrainingFinishesWhatRunsAndTakesNothingNew) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    pb::Thing thing;
    thing.set_id("finished");
    return thing;
  };
  absl::StatusOr<pb::Thing> running = absl::UnknownError("");
  std::thread caller([&] { running = Call("FindThing"); });
  ASSERT_TRUE(gate.WaitFor(1));
  std::thread drain([&] { server_->Drain(kLimit); });
  // The port closes while the call still runs.
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < limit) {
    GrpcChannel fresh({.target = address_, .service = "things"}, clock_, nullptr);
    base::OpContext ctx(clock_, clock_.Steady() + std::chrono::milliseconds(500));
    pb::GetThingRequest request;
    request.set_id("x");
    if (!fresh.Call<pb::Thing>(ctx, Path("GetThing"), request).ok()) break;
  }
  EXPECT_LT(std::chrono::steady_clock::now(), limit);
  gate.Open();
  caller.join();
  drain.join();
  ASSERT_TRUE(running.ok()) << running.status();
  EXPECT_EQ(running->id(), "finished");
}

TEST_F(GrpcServerTest, AnUnreachablePeerIsUnavailableWithADelay) {
  server_->Drain(std::chrono::milliseconds(0));
  const absl::Status status = Call("GetThing", "x", std::chrono::seconds(3)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ASSERT_TRUE(base::DetailOf(status).has_value());
  EXPECT_EQ(base::DetailOf(status)->reason, "PEER_UNAVAILABLE");
}

TEST_F(GrpcServerTest, NobodyCallsFromInsideATransactionOrInAUsersNameWithoutAToken) {
  base::OpContext ctx(clock_, clock_.Steady() + kLimit);
  pb::GetThingRequest request;
  request.set_id("x");
  auth::Principal user;
  EXPECT_TRUE(absl::IsInternal(channel_->Call<pb::Thing>(ctx, Path("GetThing"), request, {.as_user = &user}).status()));
  ctx.in_transaction = true;
  EXPECT_TRUE(absl::IsInternal(channel_->Call<pb::Thing>(ctx, Path("GetThing"), request).status()));
}

TEST(GrpcConvertTest, PeersAndAddresses) {
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/payments", "dinh"), "payments");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://other/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/ns/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("https://dinh/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/", "dinh"), "");
  EXPECT_EQ(AddressOfPeer("ipv4:192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B2001:db8::1%5D:4711"), "2001:db8::1");
  EXPECT_EQ(AddressOfPeer("ipv6:[2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(AddressOfPeer("unix:/run/x"), "");
}

TEST(GrpcChannelTest, OnlyIdempotentMethodsAreSentAgain) {
  const std::string config = ServiceConfig({"dinh.testing.v1.ThingService"});
  EXPECT_THAT(config, HasSubstr(R"({"service":"dinh.testing.v1.ThingService","method":"GetThing"})"));
  EXPECT_EQ(config.find("CreateThing"), std::string::npos);
  EXPECT_EQ(config.find("UploadThing"), std::string::npos);
  EXPECT_THAT(config, HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(config, HasSubstr("retryThrottling"));
}

}  // namespace
}  // namespace dinh::rpc
