#include "services/gateway/openapi/openapi.h"

#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/procedures/v1/upload_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace dinh::gateway {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class OpenApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto* file :
         {identity::v1::SendOtpRequest::descriptor()->file(), payments::v1::OpenChargeRequest::descriptor()->file(),
          procedures::v1::CreateDossierRequest::descriptor()->file(), procedures::v1::Upload::descriptor()->file(),
          territory::v1::GetUnitRequest::descriptor()->file()}) {
      for (int s = 0; s < file->service_count(); ++s) {
        for (int m = 0; m < file->service(s)->method_count(); ++m) Add(*file->service(s)->method(m));
      }
    }
    std::vector<const rpc::MethodEntry*> methods;
    for (const auto& entry : entries_) methods.push_back(entry.get());
    text_ = BuildOpenApi(methods, {.version = "0.1.0"});
    EXPECT_EQ(BuildOpenApi(methods, {.version = "0.1.0"}), text_);
    doc_ = Json::parse(text_);
  }
  void Add(const google::protobuf::MethodDescriptor& method) {
    auto entry = std::make_unique<rpc::MethodEntry>();
    entry->descriptor = &method;
    auto rule = auth::ReadAccessRule(method);
    ASSERT_TRUE(rule.ok()) << rule.status();
    entry->rule = *rule;
    entry->no_side_effects = method.options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS;
    entries_.push_back(std::move(entry));
  }
  // Every "$ref" in the document.
  void Refs(const Json& node, std::set<std::string>* refs) {
    if (node.is_object() && node.contains("$ref")) refs->insert(node["$ref"].get<std::string>());
    if (node.is_structured()) {
      for (const Json& child : node) Refs(child, refs);
    }
  }
  std::vector<std::unique_ptr<rpc::MethodEntry>> entries_;
  std::string text_;
  Json doc_;
};

TEST_F(OpenApiTest, EveryReferenceLeadsSomewhere) {
  std::set<std::string> refs;
  Refs(doc_, &refs);
  EXPECT_GT(refs.size(), 20u);
  for (const std::string& ref : refs) {
    ASSERT_EQ(ref.rfind("#/", 0), 0u) << ref;
    EXPECT_TRUE(doc_.contains(Json::json_pointer(ref.substr(1)))) << ref;
    EXPECT_FALSE(doc_[Json::json_pointer(ref.substr(1))].is_null()) << ref;
  }
}

TEST_F(OpenApiTest, RoutesRulesAndComments) {
  EXPECT_EQ(doc_["openapi"], "3.1.0");
  const Json& unit = doc_["paths"]["/v1/units/{code}"]["get"];
  EXPECT_THAT(unit["description"].get<std::string>(), HasSubstr("UNIT_NOT_FOUND"));
  EXPECT_EQ(unit["parameters"][0]["name"], "code");
  EXPECT_EQ(unit["parameters"][0]["in"], "path");
  EXPECT_EQ(unit["parameters"][1]["name"], "at");
  EXPECT_EQ(unit["parameters"][1]["schema"]["format"], "date");
  EXPECT_EQ(unit["security"][0], Json::object());

  const Json& file = doc_["paths"]["/v1/dossiers"]["post"];
  const Json& body = file["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(body["required"], Json::array({"procedure"}));
  EXPECT_EQ(body["properties"]["attachments"]["maxItems"], 20);
  EXPECT_EQ(body["properties"]["attachments"]["items"]["format"], "uuid");
  EXPECT_EQ(body["properties"]["form"]["x-personal"], true);
  EXPECT_EQ(file["security"], Json::parse(R"([{"bearer": []}])"));
  EXPECT_EQ(file["responses"]["409"]["$ref"], "#/components/responses/Conflict");

  const Json& rate = doc_["paths"]["/v1/dossiers/{code}:rate"]["post"];
  EXPECT_FALSE(rate["requestBody"]["content"]["application/json"]["schema"]["properties"].contains("code"));
  EXPECT_EQ(rate["requestBody"]["content"]["application/json"]["schema"]["properties"]["stars"]["maximum"], 5);
}

TEST_F(OpenApiTest, BodiesThatAreNotJson) {
  EXPECT_TRUE(doc_["paths"]["/v1/attachments"]["post"]["requestBody"]["content"].contains("multipart/form-data"));
  const Json& append = doc_["paths"]["/v1/uploads/{id}"]["patch"];
  EXPECT_TRUE(append["requestBody"]["content"].contains("application/offset+octet-stream"));
  EXPECT_EQ(append["parameters"][0]["name"], "id");
  EXPECT_EQ(append["parameters"][1]["name"], "Upload-Offset");
  EXPECT_EQ(append["parameters"][1]["in"], "header");
  EXPECT_TRUE(doc_["paths"]["/v1/dossiers/{code}/receipt"]["get"]["responses"]["200"]["content"].contains("*/*"));
  EXPECT_TRUE(
      doc_["paths"]["/v1/dossiers/{code}/events"]["get"]["responses"]["200"]["content"].contains("text/event-stream"));
  EXPECT_EQ(doc_["paths"]["/v1/bank/notifications"]["post"]["security"], Json::parse(R"([{"signature": []}])"));
}

TEST_F(OpenApiTest, InternalMethodsAreNotShown) {
  EXPECT_THAT(text_, Not(HasSubstr("PaymentsService_OpenCharge")));
  EXPECT_THAT(text_, HasSubstr("PaymentsService_GetCharge"));
}

TEST(DocsPage, HasNoInlineCode) {
  EXPECT_THAT(std::string(DocsHtml()), Not(HasSubstr("<script>")));
  EXPECT_THAT(std::string(DocsHtml()), Not(HasSubstr("style=")));
  EXPECT_THAT(std::string(DocsHtml()), Not(HasSubstr("onclick")));
}

}  // namespace
}  // namespace dinh::gateway
