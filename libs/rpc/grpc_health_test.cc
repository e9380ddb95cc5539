// What gRPC itself defines: health and reflection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "libs/rpc/grpc_fixture.h"
#include "libs/rpc/health_server.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture
namespace reflection = ::grpc::reflection::v1alpha;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::Contains;

TEST_F(GrpcServerTest, HealthIsToldPerServiceAndWatched) {
  RawCall check(*stub_, "/grpc.health.v1.Health/Check");
  HealthCheckRequest request;
  request.set_service("dinh.testing.v1.ThingService");
  ASSERT_TRUE(check.Send(request));
  const auto answer = check.Receive<HealthCheckResponse>();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status(), HealthCheckResponse::SERVING);
  EXPECT_TRUE(check.Done().ok());

  RawCall unknown(*stub_, "/grpc.health.v1.Health/Check");
  request.set_service("no.such.Service");
  ASSERT_TRUE(unknown.Send(request));
  EXPECT_FALSE(unknown.Receive<HealthCheckResponse>().has_value());
  EXPECT_EQ(unknown.Done().error_code(), grpc::StatusCode::NOT_FOUND);

  RawCall watch(*stub_, "/grpc.health.v1.Health/Watch");
  request.set_service("");
  ASSERT_TRUE(watch.Send(request));
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::SERVING);
  server_->health().Set("", false);
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::NOT_SERVING);
  server_->health().Set("", true);
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::SERVING);
  server_->Drain(std::chrono::seconds(1));
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch.Receive<HealthCheckResponse>().has_value());
  EXPECT_EQ(watch.Done().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, ProbesHaveAPortOfTheirOwn) {
  auto probes = HealthServer::Start("127.0.0.1:0", server_->health());
  ASSERT_TRUE(probes.ok()) << probes.status();
  const std::string address = "127.0.0.1:" + std::to_string((*probes)->port());
  EXPECT_EQ(base::DetailOf(HealthServer::Start(address, server_->health()).status())->reason, "ADDRESS_IN_USE");
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  HealthCheckRequest request;
  const auto check = [&] {
    RawCall call(stub, "/grpc.health.v1.Health/Check");
    EXPECT_TRUE(call.Send(request));
    const auto answer = call.Receive<HealthCheckResponse>();
    EXPECT_TRUE(call.Done().ok());
    return answer.has_value() ? answer->status() : HealthCheckResponse::UNKNOWN;
  };
  EXPECT_EQ(check(), HealthCheckResponse::SERVING);
  for (const std::string& path : {Path("GetThing"), std::string("/grpc.health.v1.Health/Watch")}) {
    RawCall other(stub, path);
    other.Send(request);
    EXPECT_FALSE(other.Receive<pb::Thing>().has_value());
    EXPECT_EQ(other.Done().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
  // A process that drains still answers its probes.
  server_->Drain(std::chrono::milliseconds(1));
  EXPECT_EQ(check(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(GrpcServerTest, ReflectionKnowsTheTables) {
  for (const char* path : {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                           "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"}) {
    RawCall call(*stub_, path);
    reflection::ServerReflectionRequest request;
    request.set_list_services("");
    ASSERT_TRUE(call.Send(request));
    auto answer = call.Receive<reflection::ServerReflectionResponse>();
    ASSERT_TRUE(answer.has_value());
    std::vector<std::string> names;
    for (const auto& service : answer->list_services_response().service()) names.push_back(service.name());
    EXPECT_THAT(names, Contains("dinh.testing.v1.ThingService"));
    EXPECT_THAT(names, Contains("grpc.health.v1.Health"));

    request.set_file_containing_symbol("dinh.testing.v1.ThingService");
    ASSERT_TRUE(call.Send(request));
    answer = call.Receive<reflection::ServerReflectionResponse>();
    ASSERT_TRUE(answer.has_value());
    google::protobuf::DescriptorPool pool;  // what a client builds from the answer
    for (const std::string& bytes : answer->file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(bytes));
      ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();
    }
    EXPECT_NE(pool.FindMethodByName("dinh.testing.v1.ThingService.UploadThing"), nullptr);

    request.set_file_containing_symbol("no.such.Symbol");
    ASSERT_TRUE(call.Send(request));
    answer = call.Receive<reflection::ServerReflectionResponse>();
    EXPECT_EQ(answer->error_response().error_code(), static_cast<int>(grpc::StatusCode::NOT_FOUND));
    ASSERT_TRUE(call.HalfClose());
    EXPECT_TRUE(call.Done().ok());
  }
}

}  // namespace
}  // namespace dinh::rpc
