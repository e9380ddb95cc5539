// Client and server streams over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "libs/rpc/grpc_fixture.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture
using ::testing::HasSubstr;

TEST_F(GrpcServerTest, UploadsStreamIn) {
  RawCall call(*stub_, Path("UploadThing"));
  UploadChunk chunk;
  chunk.mutable_head()->set_file_name("đơn.pdf");
  ASSERT_TRUE(call.Send(chunk));
  chunk.Clear();
  chunk.set_data(std::string(100'000, 'x'));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(call.Send(chunk));
  ASSERT_TRUE(call.HalfClose());
  const auto thing = call.Receive<pb::Thing>();
  EXPECT_TRUE(call.Done().ok());
  ASSERT_TRUE(thing.has_value());
  EXPECT_EQ(thing->number(), 5'000'000);
  EXPECT_EQ(thing->name(), "đơn.pdf");
}

TEST_F(GrpcServerTest, AnUploadThatBreaksOffIsAnErrorForTheHandler) {
  RawCall call(*stub_, Path("UploadThing"));
  UploadChunk chunk;
  chunk.set_data("abc");
  ASSERT_TRUE(call.Send(chunk));
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (handlers_.uploaded < 3 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  call.context().TryCancel();
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::CANCELLED);
  const char* counted = "grpc_server_handled_total{grpc_code=\"Canceled\",grpc_method=\"UploadThing\"";
  while (metrics_.Exposition().find(counted) == std::string::npos && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_THAT(metrics_.Exposition(), HasSubstr(counted));
}

TEST_F(GrpcServerTest, StreamsReachTheClientInOrderAndEnd) {
  std::shared_ptr<StreamSink> source;
  Gate started;
  started.Open();
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    source = sink;
    started.Wait();
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  ASSERT_TRUE(started.WaitFor(1));
  pb::Thing thing;
  for (int i = 0; i < 100; ++i) {
    thing.set_number(i);
    ASSERT_TRUE(source->Write(thing));
  }
  source->Finish(absl::OkStatus());
  ASSERT_TRUE(sink->WaitFor(100));
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->ok()) << *end;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sink->At<pb::Thing>(i).number(), i);
}

TEST_F(GrpcServerTest, TheSourceIsToldWhenTheClientGoes) {
  std::shared_ptr<StreamSink> source;
  Gate started, closed;
  started.Open();
  closed.Open();
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    sink->OnClosed([&] { closed.Wait(); });
    source = sink;
    started.Wait();
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  ASSERT_TRUE(started.WaitFor(1));
  sink->Close();
  ASSERT_TRUE(closed.WaitFor(1));
  EXPECT_FALSE(source->Write(pb::Thing()));
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(absl::IsCancelled(*end)) << *end;
}

TEST_F(GrpcServerTest, ARefusedStreamEndsWithTheReason) {
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>&) {
    return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."});
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(base::DetailOf(*end)->reason, "NOT_NOW");
}

TEST_F(GrpcServerTest, AReaderThatDoesNotReadIsCutOff) {
  std::shared_ptr<StreamSink> source;
  Gate started, closed;
  started.Open();
  closed.Open();
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    sink->OnClosed([&] { closed.Wait(); });
    source = sink;
    started.Wait();
    return absl::OkStatus();
  };
  RawCall call(*stub_, Path("WatchThing"));  // never reads
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(call.Send(request));
  ASSERT_TRUE(started.WaitFor(1));
  pb::Thing thing;
  thing.set_name(std::string(10'000, 'x'));
  int written = 0;
  while (source->Write(thing) && written < 100'000) ++written;
  EXPECT_LT(written, 100'000);
  EXPECT_TRUE(closed.WaitFor(1));
  while (call.Receive<pb::Thing>().has_value()) {
  }
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace dinh::rpc
