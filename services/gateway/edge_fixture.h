// The gateway over real sockets before a small service of every kind of binding, behind the real pipeline. For tests.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/http/client.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/testing/service_harness.h"
#include "nlohmann/json.hpp"
#include "services/gateway/edge_test_service.h"
#include "services/gateway/module.h"

namespace dinh::gateway {

// Where the service is: in the gateway's own process, or in another one, to which everything is passed on over gRPC.
enum class Shape { kStandalone, kCluster };

class EdgeTest : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
#ifdef DINH_SANITIZE
    // Debian's gRPC is not built for the thread sanitizer and reports races of its own.
    if (std::string(DINH_SANITIZE) == "thread" && GetParam() == Shape::kCluster) GTEST_SKIP();
#endif
    Start([](GatewayConfig&) {});
  }
  void TearDown() override {
    handlers_.DropSinks();
    client_.reset();
    if (harness_ == nullptr) return;
    gateway_->Close(std::chrono::seconds(2));
    to_owner_.reset();
    harness_.reset();
    owner_server_.reset();
    owner_.reset();
  }

  void Start(const std::function<void(GatewayConfig&)>& adjust) {
    dinh::testing::HarnessOptions harness;
    if (GetParam() == Shape::kStandalone) harness.modules.push_back(std::make_unique<EdgeModule>(handlers_));
    auto gateway = MakeGatewayModule();
    gateway_ = gateway.get();
    harness.modules.push_back(std::move(gateway));
    harness.settings = {"DINH_GATEWAY_ADDRESS=127.0.0.1:0"};
    harness.adjust = [this](app::HostParts& parts) { parts.authenticator = &authenticator_; };
    auto started = dinh::testing::ServiceHarness::Start(std::move(harness));
    ASSERT_TRUE(started.ok()) << started.status();
    harness_ = *std::move(started);
    if (GetParam() == Shape::kCluster) StartOwner();
    gateway_->config().address = "127.0.0.1:0";
    adjust(gateway_->config());
    const absl::Status opened = gateway_->Open();
    ASSERT_TRUE(opened.ok()) << opened;
    http::ClientOptions client;
    client.port = static_cast<uint16_t>(gateway_->port());
    client_ = std::make_unique<http::Client>(client);
  }

  // The service's own process.
  void StartOwner() {
    dinh::testing::HarnessOptions harness;
    harness.modules.push_back(std::make_unique<EdgeModule>(handlers_));
    harness.adjust = [this](app::HostParts& parts) { parts.authenticator = &authenticator_; };
    auto started = dinh::testing::ServiceHarness::Start(std::move(harness));
    ASSERT_TRUE(started.ok()) << started.status();
    owner_ = *std::move(started);
    auto server = rpc::GrpcServer::Start({.address = "127.0.0.1:0", .insecure_forwarding = true},
                                         owner_->host().pipeline(), owner_->host().pool());
    ASSERT_TRUE(server.ok()) << server.status();
    owner_server_ = *std::move(server);
    rpc::GrpcChannelOptions channel;
    channel.target = "127.0.0.1:" + std::to_string(owner_server_->port());
    channel.service = "edge";
    to_owner_ = std::make_unique<rpc::GrpcChannel>(channel, harness_->clock(), nullptr);
    const absl::Status added = harness_->host().pipeline().AddForwarded("edge", remote_, *to_owner_);
    ASSERT_TRUE(added.ok()) << added;
  }

  http::ClientResponse Send(std::string method, std::string target, std::string body = "",
                            http::ClientHeaders headers = {}, std::string type = "application/json") {
    if (!body.empty()) headers.emplace_back("Content-Type", type);
    auto response = client_->Send({std::move(method), std::move(target), std::move(headers), std::move(body)});
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : http::ClientResponse{};
  }
  http::ClientResponse Get(std::string target, http::ClientHeaders headers = {}) {
    return Send("GET", std::move(target), "", std::move(headers));
  }
  static nlohmann::json Body(const http::ClientResponse& response) {
    return nlohmann::json::parse(response.body, nullptr, false);
  }
  static std::string Reason(const http::ClientResponse& response) { return Body(response).value("reason", ""); }
  static std::string Field(const http::ClientResponse& response) {
    const nlohmann::json body = Body(response);
    return body.contains("violations") ? body["violations"][0].value("field", "") : "";
  }

  EdgeHandlers handlers_;
  TestAuthenticator authenticator_;
  const rpc::MethodTable remote_ = rpc::MethodTable::Remote({"dinh.testing.v1.EdgeService"});
  GatewayModule* gateway_ = nullptr;
  std::unique_ptr<dinh::testing::ServiceHarness> owner_;
  std::unique_ptr<rpc::GrpcServer> owner_server_;
  std::unique_ptr<rpc::GrpcChannel> to_owner_;
  std::unique_ptr<dinh::testing::ServiceHarness> harness_;
  std::unique_ptr<http::Client> client_;
};

inline std::string ShapeName(const ::testing::TestParamInfo<Shape>& shape) {
  return shape.param == Shape::kStandalone ? "Standalone" : "Cluster";
}

}  // namespace dinh::gateway
