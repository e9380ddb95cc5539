// GeoReport v2 over real sockets, before a service that stands for feedback.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dinh/feedback/v1/open311_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/http/client.h"
#include "libs/http/multipart.h"
#include "libs/http/url.h"
#include "libs/testing/service_harness.h"
#include "nlohmann/json.hpp"
#include "services/gateway/edge_test_service.h"
#include "services/gateway/module.h"
#include "services/gateway/open311/open311_test_service.h"
#include "services/gateway/open311/xml_test_util.h"

namespace dinh::gateway::open311 {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kForm[] = "application/x-www-form-urlencoded; charset=utf-8";
constexpr char kExampleBody[] =
    "api_key=xyz&jurisdiction_id=city.gov&service_code=001&lat=37.76524078&long=-122.4212043"
    "&address_string=1234+5th+street&email=smit333%40sfgov.edu&device_id=tt222111&account_id=123456&first_name=john"
    "&last_name=smith&phone=0912345678&description=A+large+sinkhole+is+destroying+the+street"
    "&media_url=http%3A%2F%2Ffarm3.static.flickr.com%2F2002%2F2212426634_5ed477a060.jpg"
    "&attribute[WHISPAWN]=123456&attribute[WHISDORN]=COISL001";

class Open311Test : public ::testing::Test {
 protected:
  void SetUp() override {
    Start([](GatewayConfig&) {}, true);
  }
  void TearDown() override {
    client_.reset();
    gateway_->Close(std::chrono::seconds(2));
    harness_.reset();
  }

  void Start(const std::function<void(GatewayConfig&)>& adjust, bool with_feedback) {
    dinh::testing::HarnessOptions harness;
    if (with_feedback) harness.modules.push_back(fake_.Make());
    auto gateway = MakeGatewayModule();
    gateway_ = gateway.get();
    harness.modules.push_back(std::move(gateway));
    harness.settings = {"DINH_GATEWAY_ADDRESS=127.0.0.1:0"};
    harness.adjust = [this](app::HostParts& parts) { parts.authenticator = &authenticator_; };
    auto started = dinh::testing::ServiceHarness::Start(std::move(harness));
    ASSERT_TRUE(started.ok()) << started.status();
    harness_ = *std::move(started);
    adjust(gateway_->config());
    const absl::Status opened = gateway_->Open();
    ASSERT_TRUE(opened.ok()) << opened;
    http::ClientOptions client;
    client.port = static_cast<uint16_t>(gateway_->port());
    client_ = std::make_unique<http::Client>(client);
  }

  http::ClientResponse Send(std::string method, const std::string& resource, std::string body = "",
                            http::ClientHeaders headers = {}) {
    auto response = client_->Send({std::move(method), "/open311/v2/" + resource, std::move(headers), std::move(body)});
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : http::ClientResponse{};
  }
  http::ClientResponse Get(const std::string& resource, http::ClientHeaders headers = {}) {
    return Send("GET", resource, "", std::move(headers));
  }
  http::ClientResponse Post(const std::string& resource, std::string body, http::ClientHeaders headers = {},
                            std::string type = kForm) {
    headers.emplace_back("Content-Type", std::move(type));
    return Send("POST", resource, std::move(body), std::move(headers));
  }
  static json Json(const http::ClientResponse& response) {
    EXPECT_EQ(response.Header("content-type"), "application/json; charset=utf-8");
    return json::parse(response.body, nullptr, false);
  }
  static XmlElement Xml(const http::ClientResponse& response) {
    EXPECT_EQ(response.Header("content-type"), "text/xml; charset=utf-8");
    EXPECT_THAT(response.body, StartsWith("<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
    const auto root = ParseXml(response.body);
    EXPECT_TRUE(root.has_value()) << response.body;
    return root.value_or(XmlElement{});
  }
  // Descriptions of an answer that is an array of errors with the status of the answer.
  static std::vector<std::string> Errors(const http::ClientResponse& response) {
    std::vector<std::string> texts;
    for (const json& error : Json(response)) {
      EXPECT_EQ(error["code"], response.status);
      texts.push_back(error["description"]);
    }
    EXPECT_FALSE(texts.empty()) << response.body;
    return texts;
  }

  FakeOpen311 fake_;
  TestAuthenticator authenticator_;
  GatewayModule* gateway_ = nullptr;
  std::unique_ptr<dinh::testing::ServiceHarness> harness_;
  std::unique_ptr<http::Client> client_;
};

TEST_F(Open311Test, Services) {
  const auto answer = Get("services.json?jurisdiction_id=city.gov");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json services = Json(answer);
  EXPECT_EQ(services[0], json::parse(R"({"service_code":"road.pothole","service_name":"Ổ gà, sụt lún",
    "description":"Mặt đường hỏng","metadata":true,"type":"realtime","keywords":"lorem, ipsum, dolor",
    "group":"street"})"));
  EXPECT_EQ(services[1], json::parse(R"({"service_code":"002","service_name":null,"description":null,"metadata":false,
    "type":null,"keywords":null,"group":null})"));

  const XmlElement root = Xml(Get("services.xml", {{"Accept-Language", "en"}}));
  EXPECT_EQ(root.name, "services");
  ASSERT_THAT(root.Names(), ElementsAre("service", "service"));
  EXPECT_THAT(root.children[0].Names(),
              ElementsAre("service_code", "service_name", "description", "metadata", "type", "keywords", "group"));
  EXPECT_EQ(root.children[0]["service_name"].text, "Pothole");
  EXPECT_EQ(root.children[0]["metadata"].text, "true");
}

TEST_F(Open311Test, ServiceDefinition) {
  EXPECT_EQ(Json(Get("services/road.pothole.json")), json::parse(R"({"service_code":"road.pothole","attributes":[
    {"variable":true,"code":"WHISHETN","datatype":"singlevaluelist","required":true,"datatype_description":null,
     "order":1,"description":"What is the ticket/tag/DL number?",
     "values":[{"key":"123","name":"Ford"},{"key":"124","name":"Chrysler"}]},
    {"variable":false,"code":"note","datatype":null,"required":false,"datatype_description":null,"order":0,
     "description":null,"values":[]}]})"));
  const XmlElement root = Xml(Get("services/road%2Epothole.xml"));
  EXPECT_EQ(root.name, "service_definition");
  EXPECT_EQ(root["service_code"].text, "road.pothole");
  ASSERT_THAT(root["attributes"].Names(), ElementsAre("attribute", "attribute"));
  const XmlElement& values = root["attributes"].children[0]["values"];
  ASSERT_THAT(values.Names(), ElementsAre("value", "value"));
  EXPECT_EQ(values.children[1]["name"].text, "Chrysler");
  const auto unknown = Get("services/none.json", {{"Accept-Language", "en"}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(Errors(unknown), ElementsAre("service_code: there is no such service."));
}

TEST_F(Open311Test, PostRequest) {
  const auto answer = Post("requests.xml", kExampleBody, {{"Idempotency-Key", "k1"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("cache-control"), "no-store");
  const XmlElement root = Xml(answer);
  EXPECT_EQ(root.name, "service_requests");
  ASSERT_THAT(root.Names(), ElementsAre("request"));
  EXPECT_THAT(root.children[0].Names(), ElementsAre("service_request_id", "service_notice", "account_id"));
  EXPECT_EQ(root.children[0]["service_request_id"].text, "293944");
  EXPECT_EQ(fake_.request_id, "k1");
  EXPECT_EQ(fake_.address, "127.0.0.1");

  const pb::CreateServiceRequestRequest& got = fake_.created;
  EXPECT_EQ(got.api_key(), "xyz");
  EXPECT_EQ(got.service_code(), "001");
  EXPECT_DOUBLE_EQ(got.lat(), 37.76524078);
  EXPECT_DOUBLE_EQ(got.long_(), -122.4212043);
  EXPECT_EQ(got.address_string(), "1234 5th street");
  EXPECT_EQ(got.email(), "smit333@sfgov.edu");
  EXPECT_EQ(got.device_id() + got.account_id() + got.first_name() + got.last_name(), "tt222111123456johnsmith");
  EXPECT_EQ(got.phone(), "0912345678");
  EXPECT_EQ(got.description(), "A large sinkhole is destroying the street");
  EXPECT_EQ(got.media_url(), "http://farm3.static.flickr.com/2002/2212426634_5ed477a060.jpg");
  EXPECT_EQ(got.attributes().at("WHISPAWN"), "123456");
  EXPECT_EQ(got.attributes_size(), 2);

  EXPECT_EQ(
      Json(Post("requests.json", kExampleBody)),
      json::parse(R"([{"service_request_id":"293944","service_notice":"Xử lý trong 24 giờ","account_id":null}])"));
  fake_.token_only = true;
  EXPECT_EQ(Json(Post("requests.json", kExampleBody))[0]["token"], "12345");
  EXPECT_FALSE(Json(Post("requests.json", kExampleBody))[0].contains("service_request_id"));
}

TEST_F(Open311Test, PostRequestInOtherWays) {
  http::MultipartWriter writer("b0undary");
  std::string body = writer.Field("service_code", "001");
  body += writer.Field("address_id", "HD-07");
  body += writer.Field("description", "Ổ gà") + writer.End();
  EXPECT_EQ(Post("requests.json?api_key=q", body, {{"Authorization", "Bearer citizen"}}, writer.ContentType()).status,
            200);
  EXPECT_EQ(fake_.created.api_key(), "q");
  EXPECT_EQ(fake_.created.address_id(), "HD-07");
  EXPECT_FALSE(fake_.created.has_lat());
  EXPECT_EQ(fake_.account, "account-1");
  // Names the specification does not have, and empty optional arguments, change nothing.
  EXPECT_EQ(Post("requests.json", "service_code=1&address_string=x&lat=&long=&title=t&deviceid=d&email=").status, 200);
  EXPECT_FALSE(fake_.created.has_lat());
}

TEST_F(Open311Test, PostRequestRefused) {
  const http::ClientHeaders english = {{"Accept-Language", "en"}};
  const auto missing = Post("requests.json", "lat=1&long=2", english);
  EXPECT_EQ(missing.status, 400);
  EXPECT_THAT(Errors(missing), ElementsAre(StartsWith("service_code: This field is required")));
  const auto place = Post("requests.json", "service_code=1", english);
  EXPECT_EQ(place.status, 400);
  EXPECT_THAT(Errors(place), ElementsAre(HasSubstr("address_string, or address_id")));
  EXPECT_THAT(Errors(Post("requests.json", "service_code=1&lat=1", english)),
              ElementsAre("long: lat and long go together."));
  EXPECT_THAT(Errors(Post("requests.json", "service_code=1&lat=x&long=1e999", english)),
              ElementsAre(StartsWith("lat: "), StartsWith("long: ")));
  EXPECT_THAT(Errors(Post("requests.json", "service_code=1&lat=NaN&long=0x10", english)),
              ElementsAre(StartsWith("lat: "), StartsWith("long: ")));
  EXPECT_THAT(Errors(Post("requests.json", "service_code=1&address_string=x&attribute[a]=" + std::string(1001, 'x'))),
              ElementsAre(StartsWith("attribute[a]: ")));

  EXPECT_THAT(Errors(Post("requests.json", "service_code=1&address_string=x&description=unanswered")),
              ElementsAre("attribute[depth]: hãy trả lời."));

  const auto key = Post("requests.xml", "service_code=1&address_string=x&api_key=wrong");
  EXPECT_EQ(key.status, 403);
  const XmlElement root = Xml(key);
  EXPECT_EQ(root.name, "errors");
  ASSERT_THAT(root.Names(), ElementsAre("error"));
  EXPECT_THAT(root.children[0].Names(), ElementsAre("code", "description"));
  EXPECT_EQ(root.children[0]["code"].text, "403");
  EXPECT_EQ(root.children[0]["description"].text, "api_key không đúng.");

  EXPECT_EQ(Post("requests.json", "service_code=none&address_string=x").status, 404);
  const auto fast = Post("requests.json", "service_code=1&address_string=x&description=too+fast");
  EXPECT_EQ(fast.status, 429);
  EXPECT_EQ(fast.Header("retry-after"), "3");
  EXPECT_THAT(Errors(fast), ElementsAre("Gửi quá nhanh."));
  EXPECT_EQ(Post("requests.json", "service_code=1&address_string=x&description=closed").status, 400);
  const auto broken = Post("requests.json", "service_code=1&address_string=x&description=broken");
  EXPECT_EQ(broken.status, 500);
  EXPECT_THAT(broken.body, Not(HasSubstr("secret")));
  EXPECT_EQ(Post("requests.json", kExampleBody, {{"Authorization", "Bearer old"}}).status, 401);
}

TEST_F(Open311Test, BadForms) {
  for (const char* body : {"a=%zz", "lat=1&lat=2", "description=%FF", "attribute[=1", "=1"}) {
    EXPECT_EQ(Post("requests.json", body).status, 400) << body;
    EXPECT_EQ(Xml(Post("requests.xml", body)).name, "errors") << body;
  }
  EXPECT_EQ(Post("requests.json", R"({"service_code":"1"})", {}, "application/json").status, 400);
  EXPECT_EQ(Post("requests.json", "<x/>", {}, "text/xml").status, 400);
  EXPECT_EQ(Errors(Send("POST", "requests.json")).size(), 1u);  // no body at all: the place is missing
  const auto large = Post("requests.json", "description=" + std::string(64 * 1024, 'x'));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(Errors(large).size(), 1u);
}

TEST_F(Open311Test, OddTexts) {
  const auto post = [&](const std::string& text) {
    return Post("requests.json",
                http::EncodeQuery({{"service_code", "1"}, {"address_string", "x"}, {"description", text}}));
  };
  EXPECT_THAT(Errors(post(std::string(10'000, 'x'))), ElementsAre(StartsWith("description: ")));
  EXPECT_EQ(post("o\xCC\x82\xCC\x89 ga\xCC\x80 \xF0\x9F\x95\xB3").status, 200);  // NFD
  EXPECT_EQ(fake_.created.description(), "ổ gà \xF0\x9F\x95\xB3");
  EXPECT_EQ(post("<script>alert(1)</script> & \"x\"").status, 200);
  EXPECT_EQ(fake_.created.description(), "<script>alert(1)</script> & \"x\"");
  EXPECT_EQ(post("a\x01").status, 400);
  std::string longest;
  for (int i = 0; i < 4000; ++i) longest += "ổ";  // 36,000 bytes when encoded
  EXPECT_EQ(post(longest).status, 200);
}

TEST_F(Open311Test, GetRequests) {
  pb::ServiceRequest& full = *fake_.requests.add_requests();
  full.set_service_request_id("638344");
  full.set_status("closed");
  full.set_status_notes("Duplicate request.");
  full.set_service_name("Sidewalk and Curb Issues");
  full.set_service_code("006");
  full.set_description("Vỉa hè <hỏng> & ngập \x01");
  full.set_requested_at(kApril14);
  full.set_updated_at(kApril14);
  full.set_expected_at(kApril14 + 86'400 * base::kMicrosPerSecond);
  full.set_address("8TH AVE and JUDAH ST");
  full.set_address_id("545483");
  full.set_lat(37.762221815);
  full.set_long_(-122.4651145);
  full.set_has_point(true);
  full.set_media_path("/v1/report-photos/p1");
  fake_.requests.add_requests()->set_status("open");

  const auto answer =
      Get("requests.json?start_date=2010-05-24T00:00:00Z&end_date=2010-06-24T00:00:00%2B07:00&status=open,closed"
          "&service_code=006,%20007&jurisdiction_id=city.gov&page=2&page_size=100");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json list = Json(answer);
  EXPECT_EQ(list[0], json::parse(R"({"service_request_id":"638344","status":"closed",
    "status_notes":"Duplicate request.","service_name":"Sidewalk and Curb Issues","service_code":"006",
    "description":"Vỉa hè <hỏng> & ngập \u0001","agency_responsible":null,"service_notice":null,
    "requested_datetime":"2010-04-14T21:37:38+07:00","updated_datetime":"2010-04-14T21:37:38+07:00",
    "expected_datetime":"2010-04-15T21:37:38+07:00","address":"8TH AVE and JUDAH ST","address_id":"545483",
    "zipcode":null,"lat":37.762221815,"long":-122.4651145,"media_url":"/v1/report-photos/p1"})"));
  for (const char* empty : {"lat", "long", "media_url", "requested_datetime", "expected_datetime"}) {
    EXPECT_TRUE(list[1].at(empty).is_null()) << empty;
  }
  const pb::ListServiceRequestsRequest& asked = fake_.listed;
  EXPECT_EQ(asked.start(), 1'274'659'200 * base::kMicrosPerSecond);
  EXPECT_EQ(asked.end(), 1'277'337'600 * base::kMicrosPerSecond - 7 * 3600 * base::kMicrosPerSecond);
  EXPECT_THAT(asked.statuses(), ElementsAre("open", "closed"));
  EXPECT_THAT(asked.service_codes(), ElementsAre("006", "007"));
  EXPECT_EQ(asked.page() * 1000 + asked.page_size(), 2100);

  const XmlElement root = Xml(Get("requests.xml"));
  EXPECT_EQ(root.name, "service_requests");
  ASSERT_THAT(root.Names(), ElementsAre("request", "request"));
  EXPECT_THAT(root.children[0].Names(),
              ElementsAre("service_request_id", "status", "status_notes", "service_name", "service_code", "description",
                          "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
                          "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url"));
  EXPECT_EQ(root.children[0].Names(), root.children[1].Names());
  EXPECT_EQ(root.children[0]["description"].text, "Vỉa hè <hỏng> & ngập ");
  EXPECT_EQ(root.children[0]["lat"].text, "37.762221815");
  EXPECT_EQ(fake_.listed.start(), 0);
  EXPECT_EQ(fake_.listed.page_size(), 0);
}

TEST_F(Open311Test, GetRequestsById) {
  fake_.requests.add_requests()->set_service_request_id("638344");
  EXPECT_EQ(Get("requests.json?service_request_id=638344,638349&start_date=nonsense&page=x").status, 200);
  EXPECT_THAT(fake_.listed.service_request_ids(), ElementsAre("638344", "638349"));
  EXPECT_EQ(Json(Get("requests/638344.json"))[0]["service_request_id"], "638344");
  EXPECT_THAT(fake_.listed.service_request_ids(), ElementsAre("638344"));
  const auto none = Get("requests/PA-NONE.json");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(Errors(none), ElementsAre(StartsWith("service_request_id: ")));
  EXPECT_EQ(Json(Get("requests.json?service_request_id=PA-NONE")), json::array());
}

TEST_F(Open311Test, BadFilters) {
  for (const char* query :
       {"start_date=2010-05-24", "end_date=2010-05-24T00:00:00", "page=-1", "page=x", "page_size=99999999999",
        "page_size=1.5", "page=21", "status=fixed", "status=open&status=closed"}) {
    EXPECT_EQ(Get(std::string("requests.json?") + query).status, 400) << query;
  }
  EXPECT_THAT(Errors(Get("requests.json?start_date=x&end_date=y&page=z")),
              ElementsAre(StartsWith("start_date: "), StartsWith("end_date: "), StartsWith("page: ")));
  EXPECT_THAT(Errors(Get("requests.json?status=fixed")), ElementsAre(StartsWith("status: ")));
  EXPECT_EQ(Get("requests.json?start_date=1900-01-01T00:00:00Z").status, 200);
  EXPECT_EQ(fake_.listed.start(), 1);  // 0 would mean the last 90 days
}

TEST_F(Open311Test, Tokens) {
  EXPECT_EQ(Json(Get("tokens/12345.json")), json::parse(R"([{"service_request_id":"638344","token":"12345"}])"));
  EXPECT_EQ(Xml(Get("tokens/12345.xml")).children[0]["token"].text, "12345");
  EXPECT_EQ(Get("tokens/1.json").status, 404);
}

TEST_F(Open311Test, Updates) {
  const std::string query = "?start_date=2010-05-24T00:00:00Z&end_date=2010-06-24T00:00:00Z&jurisdiction_id=city.gov";
  EXPECT_EQ(Json(Get("servicerequestupdates.json" + query)), json::parse(R"([{"update_id":"638344-1",
    "service_request_id":"638344","status":"closed","updated_datetime":"2010-04-14T21:37:38+07:00",
    "description":"Đã vá xong <b>ổ gà</b>","media_url":"/v1/report-photos/p2"}])"));
  EXPECT_EQ(fake_.listed_updates.end() - fake_.listed_updates.start(), int64_t{31} * 86'400 * base::kMicrosPerSecond);
  const XmlElement root = Xml(Get("servicerequestupdates.xml"));
  EXPECT_EQ(root.name, "service_request_updates");
  ASSERT_THAT(root.Names(), ElementsAre("request_update"));
  EXPECT_EQ(root.children[0]["description"].text, "Đã vá xong <b>ổ gà</b>");

  const std::string body =
      "api_key=k&jurisdiction_id=fms&service_request_id=638344&update_id=35&status=CLOSED"
      "&updated_datetime=2010-06-24T00:00:00%2B01:00&description=Fixed&email=a%40example.com&account_id=1";
  const auto posted = Post("servicerequestupdates.xml", body);
  ASSERT_EQ(posted.status, 200) << posted.body;
  const XmlElement made = Xml(posted);
  EXPECT_EQ(made.name, "service_request_updates");
  ASSERT_THAT(made.Names(), ElementsAre("request_update"));
  EXPECT_THAT(made.children[0].Names(), ElementsAre("update_id"));
  EXPECT_EQ(fake_.update.ShortDebugString().find("CLOSED"), std::string::npos);
  EXPECT_EQ(fake_.update.api_key() + fake_.update.service_request_id() + fake_.update.update_id(), "k63834435");
  EXPECT_EQ(fake_.update.description(), "Fixed");
  EXPECT_EQ(Json(Post("servicerequestupdates.json", body)), json::parse(R"([{"update_id":"638344-2"}])"));
  EXPECT_THAT(Errors(Post("servicerequestupdates.json", "update_id=1")),
              ElementsAre(StartsWith("service_request_id: "), StartsWith("description: ")));
  EXPECT_EQ(Post("servicerequestupdates.json", "service_request_id=PA-FOREIGN&description=x").status, 403);
}

TEST_F(Open311Test, AddressesAndMethods) {
  EXPECT_EQ(Get("services.JSON").status, 200);
  EXPECT_EQ(Get("services.Xml").status, 200);
  for (const char* path : {"services", "services/", "services.csv", "services.json/", "services/.json", "nothing.json",
                           "tokens.json", "requests/a/b.json", "", ".json", "services.json.gz", "Services.json",
                           "servicerequestupdates/1.xml", "services/road.pothole"}) {
    const auto answer = Get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_THAT(answer.body, HasSubstr("404")) << path;
  }
  EXPECT_EQ(Xml(Get("services.csv")).name, "errors");
  EXPECT_THAT(Xml(Get("services/road.pothole")).children[0]["description"].text, HasSubstr(".xml"));
  EXPECT_EQ(Get("services/%zz.json").status, 400);
  EXPECT_EQ(Get("services/%FF.json").status, 400);
  const auto wrong = Send("DELETE", "requests/1.json");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.Header("allow"), "GET, HEAD");
  EXPECT_EQ(Errors(wrong).size(), 1u);
  EXPECT_EQ(Send("PUT", "requests.xml").Header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(Post("services.json", "a=1").status, 405);
  const auto options = Send("OPTIONS", "requests.json");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.Header("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(Send("OPTIONS", "nothing.json").status, 404);
  const auto head = Send("HEAD", "services.json");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
}

TEST_F(Open311Test, HeadersMetricsAndLogAreThoseOfTheEdge) {
  const auto answer = Get("services.xml");
  EXPECT_EQ(answer.Header("cache-control"), "public, max-age=60");
  EXPECT_EQ(answer.Header("vary"), "Accept-Language, Authorization, Cookie");
  EXPECT_EQ(answer.Header("x-content-type-options"), "nosniff");
  EXPECT_THAT(std::string(answer.Header("content-security-policy")), HasSubstr("sandbox"));
  EXPECT_THAT(std::string(answer.Header("traceparent")), StartsWith("00-"));
  EXPECT_EQ(Get("services.xml", {{"If-None-Match", std::string(answer.Header("etag"))}}).status, 304);
  EXPECT_EQ(Get("services.xml", {{"Authorization", "Bearer citizen"}}).Header("cache-control"), "no-store");
  // A page of another site can make a browser send a form with our cookie, but not the CSRF token.
  EXPECT_EQ(Post("requests.json", kExampleBody, {{"Cookie", "__Host-dinh-access=citizen"}}).status, 403);
  EXPECT_EQ(fake_.created.api_key(), "");

  Get("requests/PA-SECRET.json?api_key=hidden");
  Post("requests.json", "description=hidden&lat=1&long=x");
  Get("nothing/PA-SECRET.json");
  const std::string metrics = harness_->metrics().Exposition();
  EXPECT_THAT(metrics, HasSubstr(R"(route="/open311/v2/requests/{service_request_id}.{format}",status="404")"));
  EXPECT_THAT(metrics, HasSubstr(R"(method="POST",route="/open311/v2/requests.{format}",status="400")"));
  EXPECT_THAT(harness_->Log(), HasSubstr("/open311/v2/requests.{format}"));
  for (const std::string& text : {metrics, harness_->Log()}) {
    EXPECT_THAT(text, Not(HasSubstr("PA-SECRET")));
    EXPECT_THAT(text, Not(HasSubstr("hidden")));
  }
}

TEST_F(Open311Test, StandsInTheOpenApiPage) {
  auto page = client_->Send({"GET", "/openapi.json", {}, ""});
  ASSERT_TRUE(page.ok()) << page.status();
  const json paths = json::parse(page->body)["paths"];
  const json& requests = paths["/open311/v2/requests.{format}"];
  EXPECT_THAT(std::string(requests["post"]["summary"]), StartsWith("Makes a report"));
  EXPECT_THAT(std::string(requests["get"]["summary"]), StartsWith("Public reports"));
  EXPECT_EQ(paths["/open311/v2/services/{service_code}.{format}"]["get"]["parameters"].size(), 2u);
}

class Open311UrlTest : public Open311Test {
 protected:
  void SetUp() override {
    Start([](GatewayConfig& config) { config.public_url = "https://dinh.example.vn/"; }, true);
  }
};

TEST_F(Open311UrlTest, PhotosHaveThePublicAddress) {
  const json updates = Json(Get("servicerequestupdates.json", {{"X-Forwarded-Host", "evil.example"}}));
  EXPECT_EQ(updates[0]["media_url"], "https://dinh.example.vn/v1/report-photos/p2");
  gateway_->Close(std::chrono::seconds(2));
  for (const char* url : {"dinh.example.vn", "ftp://x", "https://x?y=1"}) {
    gateway_->config().public_url = url;
    EXPECT_FALSE(gateway_->Open().ok()) << url;
  }
}

class Open311AbsentTest : public Open311Test {
 protected:
  void SetUp() override {
    Start([](GatewayConfig&) {}, false);
  }
};

TEST_F(Open311AbsentTest, WithoutFeedbackThereIsNothing) {
  const auto answer = Get("services.json");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(json::parse(answer.body)["reason"], "NO_SUCH_ROUTE");
}

}  // namespace
}  // namespace dinh::gateway::open311
