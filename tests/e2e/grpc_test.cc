// The gRPC port of the real server, as another system of the district would use it.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_channel.h"
#include "tests/e2e/access_cast.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using google::protobuf::Message;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

constexpr std::chrono::seconds kLimit{10};

class GrpcTest : public PlatformTest {
 protected:
  void SetUp() override {
    PlatformTest::SetUp();
    channel_ =
        grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->grpc_port()), grpc::InsecureChannelCredentials());
    stub_ = std::make_unique<grpc::GenericStub>(channel_);
  }

  static grpc::ByteBuffer ToBuffer(const Message& message) {
    const grpc::Slice slice(message.SerializeAsString());
    return grpc::ByteBuffer(&slice, 1);
  }
  static bool FromBuffer(const grpc::ByteBuffer& buffer, Message* message) {
    grpc::Slice slice;
    return buffer.DumpToSingleSlice(&slice).ok() &&
           message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }

  struct CallOptions {
    std::string token;
    std::chrono::milliseconds deadline = kLimit;
    std::string language;
  };
  grpc::Status Call(const std::string& path, const Message& request, Message* response, const CallOptions& options) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + options.deadline);
    if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
    if (!options.language.empty()) context.AddMetadata("accept-language", options.language);
    grpc::CompletionQueue queue;
    grpc::ByteBuffer out;
    grpc::Status status;
    auto reader = stub_->PrepareUnaryCall(&context, path, ToBuffer(request), &queue);
    reader->StartCall();
    reader->Finish(&out, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    if (status.ok() && !FromBuffer(out, response)) return grpc::Status(grpc::INTERNAL, "the answer cannot be read");
    return status;
  }
  grpc::Status Call(const std::string& path, const Message& request, Message* response) {
    return Call(path, request, response, CallOptions());
  }

  static google::rpc::Status DetailsOf(const grpc::Status& status) {
    google::rpc::Status details;
    EXPECT_TRUE(details.ParseFromString(status.error_details())) << "no google.rpc.Status in grpc-status-details-bin";
    return details;
  }
  template <typename T>
  static std::optional<T> Detail(const grpc::Status& status) {
    const google::rpc::Status details = DetailsOf(status);
    for (const google::protobuf::Any& any : details.details()) {
      T detail;
      if (any.UnpackTo(&detail)) return detail;
    }
    return std::nullopt;
  }
  static std::string ReasonOf(const grpc::Status& status) {
    const auto info = Detail<google::rpc::ErrorInfo>(status);
    EXPECT_TRUE(info.has_value()) << status.error_message();
    EXPECT_TRUE(!info || info->domain() == "dinh");
    return info ? info->reason() : "";
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST_F(GrpcTest, HealthPerServiceAndForAll) {
  for (const char* service : {"", "dinh.territory.v1.TerritoryService", "dinh.procedures.v1.DossierService",
                              "dinh.identity.v1.AuthService", "dinh.payments.v1.PaymentsService"}) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status = Call("/grpc.health.v1.Health/Check", request, &response);
    ASSERT_TRUE(status.ok()) << service << ": " << status.error_message();
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING) << service;
  }
  grpc::health::v1::HealthCheckRequest unknown;
  unknown.set_service("dinh.khongco.v1.Service");
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_EQ(Call("/grpc.health.v1.Health/Check", unknown, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(GrpcTest, ReflectionListsTheContract) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLimit);
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  auto stream = stub_->PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  stream->StartCall(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  const auto ask = [&](const grpc::reflection::v1alpha::ServerReflectionRequest& request) {
    grpc::reflection::v1alpha::ServerReflectionResponse response;
    grpc::ByteBuffer answer;
    stream->Write(ToBuffer(request), nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    stream->Read(&answer, nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    EXPECT_TRUE(FromBuffer(answer, &response));
    return response;
  };
  grpc::reflection::v1alpha::ServerReflectionRequest list;
  list.set_list_services("*");
  std::vector<std::string> names;
  const grpc::reflection::v1alpha::ServerReflectionResponse listed = ask(list);
  for (const auto& service : listed.list_services_response().service()) names.push_back(service.name());
  for (const auto* method : AllMethods()) EXPECT_THAT(names, Contains(method->service()->full_name()));
  EXPECT_THAT(names, Contains("grpc.health.v1.Health"));
  grpc::reflection::v1alpha::ServerReflectionRequest symbol;
  symbol.set_file_containing_symbol("dinh.procedures.v1.Dossier");
  EXPECT_GT(ask(symbol).file_descriptor_response().file_descriptor_proto_size(), 0);
  grpc::reflection::v1alpha::ServerReflectionRequest absent;
  absent.set_file_containing_symbol("dinh.khongco.v1.Gi");
  EXPECT_EQ(ask(absent).error_response().error_code(), static_cast<int>(grpc::StatusCode::NOT_FOUND));
  context.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
}

TEST_F(GrpcTest, PublicReads) {
  territory::v1::GetUnitRequest unit_request;
  unit_request.set_code("15952");
  unit_request.set_at("2024-05-01");
  territory::v1::Unit unit;
  ASSERT_TRUE(Call("/dinh.territory.v1.TerritoryService/GetUnit", unit_request, &unit).ok());
  EXPECT_EQ(unit.name(), "Hoằng Đồng");
  procedures::v1::GetProcedureRequest request;
  request.set_code("2.000635");
  procedures::v1::Procedure procedure;
  ASSERT_TRUE(Call("/dinh.procedures.v1.CatalogueService/GetProcedure", request, &procedure).ok());
  EXPECT_EQ(procedure.fees(0).amount_vnd(), 8000);
}

TEST_F(GrpcTest, ErrorsCarryTheirDetails) {
  territory::v1::GetUnitRequest request;
  territory::v1::Unit unit;
  const std::string path = "/dinh.territory.v1.TerritoryService/GetUnit";
  request.set_code("khong");
  const grpc::Status invalid = Call(path, request, &unit);
  EXPECT_EQ(invalid.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(invalid), "INVALID_FIELD");
  const auto bad = Detail<google::rpc::BadRequest>(invalid);
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->field_violations(0).field(), "code");
  const auto localized = Detail<google::rpc::LocalizedMessage>(invalid);
  ASSERT_TRUE(localized.has_value());
  EXPECT_EQ(localized->locale(), "vi");
  request.set_code("99999");
  const grpc::Status absent = Call(path, request, &unit);
  EXPECT_EQ(absent.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(absent), "UNIT_NOT_FOUND");
  EXPECT_EQ(Call("/dinh.territory.v1.TerritoryService/KhongCo", request, &unit).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call("/khong.co/Gi", request, &unit).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcTest, UserTokensAndDeadlines) {
  Village village = NewVillage();
  const std::string token = village.Citizen("citizen_a").token();
  identity::v1::GetMeRequest request;
  identity::v1::Me me;
  const std::string path = "/dinh.identity.v1.PersonService/GetMe";
  ASSERT_TRUE(Call(path, request, &me, {.token = token}).ok());
  EXPECT_EQ(me.kind(), "citizen");
  EXPECT_EQ(me.persons(0).full_name(), "Công dân Một");
  const grpc::Status anonymous = Call(path, request, &me);
  EXPECT_EQ(anonymous.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(anonymous), "LOGIN_REQUIRED");
  EXPECT_EQ(Call(path, request, &me, {.token = token + "x"}).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call(path, request, &me, {.token = token, .deadline = std::chrono::milliseconds(-1000)}).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  procedures::v1::GetDossierRequest foreign;
  foreign.set_code("H56.15865-260101-9999");
  procedures::v1::Dossier dossier;
  const grpc::Status denied =
      Call("/dinh.procedures.v1.DossierService/GetDossier", foreign, &dossier, {.token = token});
  EXPECT_EQ(denied.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(denied), "PERMISSION_DENIED");
}

// Nobody becomes a peer by asking for it: without a certificate the internal methods are closed to every user.
TEST_F(GrpcTest, InternalMethodsAreClosedToUsers) {
  Village village = NewVillage();
  const std::string tokens[] = {"", village.Citizen("citizen_a").token(), village.Officer("admin").token()};
  int internal = 0;
  for (const auto* method : AllMethods()) {
    if (!HttpRuleOf(*method).verb.empty() || method->server_streaming()) continue;
    ++internal;
    const std::unique_ptr<Message> request(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type())->New());
    const std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->output_type())->New());
    for (const std::string& token : tokens) {
      const grpc::Status status =
          Call("/" + method->service()->full_name() + "/" + method->name(), *request, response.get(), {.token = token});
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method->full_name();
    }
  }
  EXPECT_GE(internal, 5);
}

TEST_F(GrpcTest, ThePlatformsOwnChannel) {
  const base::SystemClock clock;
  rpc::GrpcChannelOptions options;
  options.target = "127.0.0.1:" + std::to_string(server_->grpc_port());
  options.service = "territory";
  options.services = {"dinh.territory.v1.TerritoryService"};
  rpc::GrpcChannel channel(options, clock, nullptr);
  base::OpContext ctx(clock, clock.Steady() + kLimit);
  territory::v1::GetUnitRequest request;
  request.set_code("15865");
  const auto unit = channel.Call<territory::v1::Unit>(ctx, "/dinh.territory.v1.TerritoryService/GetUnit", request);
  ASSERT_TRUE(unit.ok()) << unit.status();
  EXPECT_EQ(unit->name(), "Hoằng Hóa");
  request.set_code("99999");
  const auto absent = channel.Call<territory::v1::Unit>(ctx, "/dinh.territory.v1.TerritoryService/GetUnit", request);
  EXPECT_TRUE(absl::IsNotFound(absent.status()));
  EXPECT_EQ(base::DetailOf(absent.status())->reason, "UNIT_NOT_FOUND");
}

}  // namespace
}  // namespace dinh::testing
