// Server streams and local calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/rpc/local_channel.h"
#include "libs/rpc/pipeline_fixture.h"

namespace dinh::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(PipelineTest, StreamsRunUntilTheSourceOrTheClientEndsThem) {
  std::shared_ptr<StreamSink> source;
  std::shared_ptr<Context> context;
  handlers_.on_stream = [&](const std::shared_ptr<Context>& ctx, const std::shared_ptr<StreamSink>& sink) {
    pb::Thing thing;
    thing.set_id("during the handler");
    EXPECT_TRUE(sink->Write(thing));
    source = sink;
    context = ctx;
    return absl::OkStatus();
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink).ok());
  pb::Thing thing;
  thing.set_id("later");
  EXPECT_TRUE(source->Write(thing));
  EXPECT_THAT(sink->ids, ElementsAre("during the handler", "later"));
  bool told = false;
  source->OnClosed([&] { told = true; });
  sink->closed();
  EXPECT_TRUE(told);
  EXPECT_TRUE(context->cancelled()->load());
  EXPECT_FALSE(source->Write(thing));
  EXPECT_THAT(log_, HasSubstr("CANCELLED"));
}

TEST_F(PipelineTest, AStreamEndsWithTheLoginItBeganWith) {
  LogIn();
  std::shared_ptr<StreamSink> source;
  handlers_.on_stream = [&](const std::shared_ptr<Context>& ctx, const std::shared_ptr<StreamSink>& sink) {
    ctx->ScopeByPrincipal();
    source = sink;
    return absl::OkStatus();
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink).ok());
  pb::Thing thing;
  thing.set_id("mine");
  EXPECT_TRUE(source->Write(thing));
  authenticator_.revoked = true;
  thing.set_id("no longer mine");
  EXPECT_FALSE(source->Write(thing));
  EXPECT_THAT(sink->ids, ElementsAre("mine"));
  ASSERT_TRUE(sink->finished.has_value());
  EXPECT_TRUE(absl::IsUnauthenticated(*sink->finished));
}

TEST_F(PipelineTest, OneLoginHasAFewStreamsOnly) {
  LogIn();
  std::vector<std::shared_ptr<StreamSink>> open;
  handlers_.on_stream = [&](const std::shared_ptr<Context>& ctx, const std::shared_ptr<StreamSink>& sink) {
    ctx->ScopeByPrincipal();
    open.push_back(sink);
    return absl::OkStatus();
  };
  pb::GetThingRequest request;
  request.set_id("x");
  const auto watch = [&] {
    return pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, std::make_shared<ListSink>());
  };
  for (int i = 0; i < kStreamsPerPrincipalMax; ++i) ASSERT_TRUE(watch().ok()) << i;
  EXPECT_TRUE(absl::IsResourceExhausted(watch()));
  open.pop_back();
  EXPECT_TRUE(watch().ok()) << "a place is free again";
  EXPECT_TRUE(absl::IsResourceExhausted(watch()));
  head_.credentials = {};
  EXPECT_TRUE(watch().ok()) << "others are not concerned";
}

TEST_F(PipelineTest, AStreamThatIsRefusedSendsNothing) {
  handlers_.on_stream = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    sink->Write(pb::Thing());
    return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."});
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  EXPECT_TRUE(
      absl::IsInvalidArgument(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink)));
  request.set_id("x");
  EXPECT_TRUE(
      absl::IsFailedPrecondition(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink)));
  EXPECT_THAT(sink->ids, IsEmpty());
  EXPECT_FALSE(sink->finished.has_value());
}

TEST_F(PipelineTest, AStreamWhoseSourceLetsGoEnds) {
  handlers_.on_stream = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>&) {
    return absl::OkStatus();
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink).ok());
  ASSERT_TRUE(sink->finished.has_value());
  EXPECT_TRUE(absl::IsInternal(*sink->finished));
}

TEST_F(PipelineTest, AStreamThatEndsAtShutdownIsNoErrorOfOurs) {
  std::shared_ptr<StreamSink> source;
  handlers_.on_stream = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    source = sink;
    return absl::OkStatus();
  };
  pb::GetThingRequest request;
  request.set_id("x");
  const BoundMethod& method = *pipeline_->Find(Path("WatchThing"));
  ASSERT_TRUE(pipeline_->ServerStream(method, head_, request, std::make_shared<ListSink>()).ok());
  source->Finish(absl::CancelledError("the service stops"));
  EXPECT_THAT(log_, HasSubstr(R"("code":"CANCELLED")"));
  EXPECT_THAT(log_, HasSubstr(R"("level":"warn")"));
  ASSERT_TRUE(pipeline_->ServerStream(method, head_, request, std::make_shared<ListSink>()).ok());
  source->Finish(absl::UnknownError("a defect"));
  EXPECT_THAT(log_, HasSubstr(R"("level":"error")"));
}

TEST_F(PipelineTest, LocalCallsPassThePipelineAsPeerOrAsUser) {
  LocalChannel channel("payments", "things", *pipeline_);
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(2));
  ctx.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", false};
  pb::GetThingRequest request;
  request.set_id("x");
  std::chrono::milliseconds left{};
  std::string trace;
  handlers_.on_unary = [&](Context& inner) -> absl::StatusOr<pb::Thing> {
    left = inner.Remaining();
    trace = inner.trace.trace_id;
    inner.ScopeByPrincipal();
    pb::Thing thing;
    thing.set_id(inner.principal().id);
    return thing;
  };
  absl::StatusOr<pb::Thing> thing = channel.Call<pb::Thing>(ctx, Path("PeerThing"), request);
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "payments");
  EXPECT_EQ(left, std::chrono::seconds(2));
  EXPECT_EQ(trace, ctx.trace.trace_id);
  EXPECT_THAT(steps_.log, Not(::testing::Contains(HasSubstr("admit"))));

  auth::Principal user;
  user.kind = auth::CallerKind::kCitizen;
  user.id = "account-9";
  thing = channel.Call<pb::Thing>(ctx, Path("GetOwnThing"), request, {.as_user = &user});
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "account-9");
  EXPECT_TRUE(
      absl::IsPermissionDenied(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request, {.as_user = &user}).status()));

  LocalChannel stranger("feedback", "things", *pipeline_);
  EXPECT_TRUE(absl::IsPermissionDenied(stranger.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
  request.clear_id();
  EXPECT_TRUE(absl::IsInvalidArgument(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
  request.set_id("x");
  ctx.in_transaction = true;
  EXPECT_TRUE(absl::IsInternal(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
}

TEST_F(PipelineTest, LocalCallsLeaveTheCallersRequestAsItWas) {
  LocalChannel channel("payments", "things", *pipeline_);
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(2));
  auth::Principal user;
  user.kind = auth::CallerKind::kCitizen;
  user.id = "account-9";
  handlers_.on_unary = [&](Context& inner) -> absl::StatusOr<pb::Thing> {
    inner.ScopeByPrincipal();
    return pb::Thing();
  };
  pb::CreateThingRequest request;
  request.set_name("E\xCC\x82 a");
  request.add_parts()->set_id("p");
  ASSERT_TRUE(channel.Call<pb::Thing>(ctx, Path("CreateThing"), request, {.as_user = &user}).ok());
  EXPECT_EQ(request.name(), "E\xCC\x82 a");
}

TEST_F(PipelineTest, APathOfSeveralServicesNeedsTheServicesName) {
  MethodTable second;
  Fill(second, handlers_);
  ASSERT_TRUE(pipeline_->Add("other", second).ok());
  EXPECT_EQ(pipeline_->Find(Path("GetThing")), nullptr);
  ASSERT_NE(pipeline_->Find("other", Path("GetThing")), nullptr);
  EXPECT_NE(pipeline_->Find("things", Path("GetThing")), pipeline_->Find("other", Path("GetThing")));
}

}  // namespace
}  // namespace dinh::rpc
