// The service that stands for feedback in the tests of GeoReport v2.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dinh/feedback/v1/open311_service.pb.h"
#include "libs/base/status.h"
#include "libs/testing/fake_service.h"

namespace dinh::gateway::open311 {

namespace pb = dinh::feedback::v1;

inline constexpr base::Micros kApril14 = 1'271'255'858'000'000;  // 2010-04-14T06:37:38-08:00

// What the service was asked last, and the examples of the specification as its answers.
struct FakeOpen311 {
  pb::CreateServiceRequestRequest created;
  pb::CreateServiceRequestUpdateRequest update;
  pb::ListServiceRequestsRequest listed;
  pb::ListServiceRequestUpdatesRequest listed_updates;
  pb::ListServiceRequestsResponse requests;
  std::string request_id, account, address;
  bool token_only = false;

  std::unique_ptr<dinh::testing::FakeService> Make() {
    auto service = std::make_unique<dinh::testing::FakeService>("feedback");
    const auto name = [](const char* method) { return std::string("dinh.feedback.v1.Open311Service.") + method; };
    service->On<pb::ListServicesRequest, pb::ListServicesResponse>(
        name("ListServices"), [](rpc::Context& ctx, const auto&) -> absl::StatusOr<pb::ListServicesResponse> {
          pb::ListServicesResponse response;
          pb::Service& one = *response.add_services();
          one.set_service_code("road.pothole");
          one.set_service_name(ctx.language == "en" ? "Pothole" : "Ổ gà, sụt lún");
          one.set_description("Mặt đường hỏng");
          one.set_metadata(true);
          one.set_type("realtime");
          one.set_keywords("lorem, ipsum, dolor");
          one.set_group("street");
          response.add_services()->set_service_code("002");
          return response;
        });
    service->On<pb::GetServiceDefinitionRequest, pb::ServiceDefinition>(
        name("GetServiceDefinition"), [](rpc::Context&, const auto& request) -> absl::StatusOr<pb::ServiceDefinition> {
          if (request.service_code() != "road.pothole") {
            return base::InvalidField("service_code", {"không có loại này.", "there is no such service."},
                                      "CATEGORY_UNKNOWN");
          }
          pb::ServiceDefinition definition;
          definition.set_service_code(request.service_code());
          pb::Attribute& one = *definition.add_attributes();
          one.set_variable(true);
          one.set_code("WHISHETN");
          one.set_datatype("singlevaluelist");
          one.set_required(true);
          one.set_order(1);
          one.set_description("What is the ticket/tag/DL number?");
          pb::AttributeValue& ford = *one.add_values();
          ford.set_key("123");
          ford.set_name("Ford");
          pb::AttributeValue& other = *one.add_values();
          other.set_key("124");
          other.set_name("Chrysler");
          definition.add_attributes()->set_code("note");
          return definition;
        });
    service->On<pb::CreateServiceRequestRequest, pb::CreateServiceRequestResponse>(
        name("CreateServiceRequest"), [this](rpc::Context& ctx, const auto& request) { return Create(ctx, request); });
    service->On<pb::ListServiceRequestsRequest, pb::ListServiceRequestsResponse>(
        name("ListServiceRequests"),
        [this](rpc::Context&, const auto& request) -> absl::StatusOr<pb::ListServiceRequestsResponse> {
          listed = request;
          if (request.service_request_ids_size() > 0 && request.service_request_ids(0) == "PA-NONE") {
            return pb::ListServiceRequestsResponse();
          }
          return requests;
        });
    service->On<pb::GetTokenRequest, pb::GetTokenResponse>(
        name("GetToken"), [](rpc::Context&, const auto& request) -> absl::StatusOr<pb::GetTokenResponse> {
          if (request.token() != "12345")
            return base::NotFound("TOKEN_UNKNOWN", {"Không có mã này.", "No such token."});
          pb::GetTokenResponse response;
          response.set_token(request.token());
          response.set_service_request_id("638344");
          return response;
        });
    service->On<pb::ListServiceRequestUpdatesRequest, pb::ListServiceRequestUpdatesResponse>(
        name("ListServiceRequestUpdates"),
        [this](rpc::Context&, const auto& request) -> absl::StatusOr<pb::ListServiceRequestUpdatesResponse> {
          listed_updates = request;
          pb::ListServiceRequestUpdatesResponse response;
          pb::ServiceRequestUpdate& one = *response.add_updates();
          one.set_update_id("638344-1");
          one.set_service_request_id("638344");
          one.set_status("closed");
          one.set_updated_at(kApril14);
          one.set_description("Đã vá xong <b>ổ gà</b>");
          one.set_media_path("/v1/report-photos/p2");
          return response;
        });
    service->On<pb::CreateServiceRequestUpdateRequest, pb::CreateServiceRequestUpdateResponse>(
        name("CreateServiceRequestUpdate"),
        [this](rpc::Context&, const auto& request) -> absl::StatusOr<pb::CreateServiceRequestUpdateResponse> {
          update = request;
          if (request.service_request_id() == "PA-FOREIGN") return base::PermissionDenied();
          pb::CreateServiceRequestUpdateResponse response;
          response.set_update_id("638344-2");
          return response;
        });
    return service;
  }

  absl::StatusOr<pb::CreateServiceRequestResponse> Create(rpc::Context& ctx,
                                                          const pb::CreateServiceRequestRequest& request) {
    created = request;
    request_id = ctx.claim != nullptr ? ctx.claim->request_id : "";
    account = ctx.principal().id;
    address = ctx.principal().address;
    if (request.api_key() == "wrong") {
      return base::Unauthenticated("API_KEY_INVALID", {"api_key không đúng.", "The api_key is not valid."});
    }
    if (request.service_code() == "none") {
      return base::InvalidField("service_code", {"không có loại này.", "there is no such service."},
                                "CATEGORY_UNKNOWN");
    }
    if (request.description() == "unanswered") {
      return base::InvalidField("answers.depth", {"hãy trả lời.", "answer this."});
    }
    if (request.description() == "too fast") {
      return base::ResourceExhausted("TOO_MANY_REPORTS", {"Gửi quá nhanh.", "Too fast."}, 2500);
    }
    if (request.description() == "closed") {
      return base::FailedPrecondition("LEGAL_CHANNEL", {"Hãy gửi đơn.", "Use the legal channel."});
    }
    if (request.description() == "broken") return base::Internal("SELECT secret");
    pb::CreateServiceRequestResponse response;
    response.set_service_request_id(token_only ? "" : "293944");
    response.set_token("12345");
    response.set_service_notice("Xử lý trong 24 giờ");
    return response;
  }
};

}  // namespace dinh::gateway::open311
