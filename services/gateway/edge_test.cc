// The gateway over real sockets, with a small service of every kind of binding behind the real pipeline.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dinh/testing/v1/edge.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/strings.h"
#include "libs/http/client.h"
#include "libs/http/sse.h"
#include "libs/http/url.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/testing/service_harness.h"
#include "nlohmann/json.hpp"
#include "services/gateway/edge_test_service.h"
#include "services/gateway/module.h"

namespace dinh::gateway {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
  static json Body(const http::ClientResponse& response) { return json::parse(response.body, nullptr, false); }
  static std::string Reason(const http::ClientResponse& response) { return Body(response).value("reason", ""); }
  static std::string Field(const http::ClientResponse& response) {
    const json body = Body(response);
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

TEST_P(EdgeTest, ReadsByPathWithTagsAndCaching) {
  const auto book = Get("/v1/testing/books/2.000635");
  ASSERT_EQ(book.status, 200) << book.body;
  EXPECT_EQ(book.body, R"({"code":"2.000635","title":"Sách","price_vnd":"9007199254740993","etag":"r7"})");
  EXPECT_EQ(book.Header("content-type"), "application/json");
  EXPECT_EQ(book.Header("cache-control"), "public, max-age=60");
  EXPECT_THAT(std::string(book.Header("etag")), StartsWith("\"r7."));
  EXPECT_THAT(std::string(book.Header("traceparent")), StartsWith("00-"));

  const auto same = Get("/v1/testing/books/2.000635", {{"If-None-Match", std::string(book.Header("etag"))}});
  EXPECT_EQ(same.status, 304);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(same.Header("etag"), book.Header("etag"));
  EXPECT_EQ(Get("/v1/testing/books/x", {{"Authorization", "Bearer citizen"}}).Header("cache-control"), "no-store");
  EXPECT_THAT(Get("/v1/testing/books/x", {{"Accept-Language", "en-GB,en;q=0.9,vi;q=0.2"}}).body, HasSubstr("Book"));

  const auto head = Send("HEAD", "/v1/testing/books/2.000635");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
  const auto trace =
      Get("/v1/testing/books/x", {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}});
  EXPECT_THAT(std::string(trace.Header("traceparent")), StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
}

TEST_P(EdgeTest, EveryAnswerCarriesTheSecurityHeaders) {
  for (const char* target : {"/v1/testing/books/x", "/v1/nothing", "/", "/healthz", "/docs", "/openapi.json"}) {
    const auto answer = Get(target);
    EXPECT_EQ(answer.Header("x-content-type-options"), "nosniff") << target;
    EXPECT_EQ(answer.Header("referrer-policy"), "no-referrer") << target;
    EXPECT_FALSE(answer.Header("permissions-policy").empty()) << target;
    const std::string policy(answer.Header("content-security-policy"));
    EXPECT_THAT(policy, HasSubstr("default-src 'none'")) << target;
    EXPECT_THAT(policy, Not(HasSubstr("unsafe-inline"))) << target;
    EXPECT_TRUE(answer.Header("strict-transport-security").empty()) << target;  // no TLS
    EXPECT_TRUE(answer.Header("access-control-allow-origin").empty()) << target;
  }
}

TEST_P(EdgeTest, PathTemplates) {
  EXPECT_EQ(Body(Get("/v1/testing/books/a%2Fb%20c:d"))["code"], "a/b c:d");
  const auto peek = Body(Get("/v1/testing/shelves/7/books/x:peek"));
  EXPECT_EQ(peek["code"], "x");
  EXPECT_EQ(peek["shelf"]["name"], "shelves/7");
  EXPECT_EQ(Body(Get("/v1/testing/files/a/b%2Fc/%C4%90"))["title"], "a/b%2Fc/Đ");
  EXPECT_EQ(Get("/v1/testing/books/%zz").status, 400);
  EXPECT_EQ(Field(Get("/v1/testing/books/%zz")), "code");
  EXPECT_EQ(Field(Get("/v1/testing/books/%FF")), "code");
  EXPECT_EQ(Get("/v1/testing/books/").status, 404);
  EXPECT_EQ(Get("/v1//testing/books").status, 404);
  EXPECT_EQ(Reason(Get("/v1/nothing")), "NO_SUCH_ROUTE");
  const auto wrong = Send("DELETE", "/v1/testing/books");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.Header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(Get("/v1/testing/books/x:lend").status, 200);  // no such verb for GET: part of the code
}

TEST_P(EdgeTest, QueryParameters) {
  const auto asked =
      Body(Get("/v1/testing/books?page_size=5&colours=COLOUR_RED&colours=2&filter.tags=a&filter.tags=b+c"
               "&filter.after=2026-02-13T00%3A00%3A00Z&filter.pages=9&lent=true&weight=1.5&coverHash=AQI"))["asked"];
  EXPECT_EQ(asked["page_size"], 5);
  EXPECT_EQ(asked["colours"], json::parse(R"(["COLOUR_RED","COLOUR_GREEN"])"));
  EXPECT_EQ(asked["filter"]["tags"], json::parse(R"(["a","b c"])"));
  EXPECT_EQ(asked["filter"]["after"], "2026-02-13T00:00:00Z");
  EXPECT_EQ(asked["filter"]["pages"], 9);
  EXPECT_EQ(asked["lent"], true);
  EXPECT_EQ(asked["cover_hash"], "AQI=");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"nope=1", "nope"},
      {"page_size=x", "page_size"},
      {"page_size=1&pageSize=2", "page_size"},
      {"lent=yes", "lent"},
      {"colours=BLUE", "colours"},
      {"filter=x", "filter"},
      {"filter.nope=1", "filter.nope"},
      {"labels.a=1", "labels.a"},
      {"filter.after=gestern", "filter.after"},
      {"page_size=-1", "page_size"},
      {"a%ZZ=1", "query"},
      {"page_size.x=1", "page_size.x"},
  };
  for (const auto& [query, field] : bad) {
    const auto answer = Get("/v1/testing/books?" + query);
    EXPECT_EQ(answer.status, 400) << query << answer.body;
    EXPECT_EQ(Field(answer), field) << query;
  }
  EXPECT_EQ(Field(Get("/v1/testing/books/x?code=y")), "code");
}

TEST_P(EdgeTest, BodiesAndTheirRefusals) {
  const http::ClientHeaders login = {{"Authorization", "Bearer citizen"}};
  const auto book = Send("POST", "/v1/testing/books?dry_run=true", R"({"code":"a","priceVnd":5})", login);
  EXPECT_EQ(book.status, 200) << book.body;
  EXPECT_EQ(book.body, R"({"code":"a","price_vnd":"5"})");
  EXPECT_EQ(book.Header("cache-control"), "no-store");
  EXPECT_EQ(Body(Send("POST", "/v1/testing/books/x:lend", R"({"reader":"r"})"))["title"], "r");
  EXPECT_EQ(Body(Send("POST", "/v1/testing/books/x:lend"))["code"], "x");
  EXPECT_EQ(Field(Send("POST", "/v1/testing/books/x:lend", R"({"code":"y"})")), "code");
  EXPECT_EQ(Field(Send("POST", "/v1/testing/books/x:lend?reader=r", "{}")), "reader");
  EXPECT_EQ(Send("POST", "/v1/testing/books/x:lend", "{}", {{"If-Match", "\"r7.0123456789abcdef\""}}).status, 200);
  const auto stale = Send("POST", "/v1/testing/books/x:lend", "{}", {{"If-Match", "\"r6\""}});
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(Reason(stale), "STALE_ETAG");

  const auto malformed = Send("POST", "/v1/testing/books", R"({"code":)", login);
  EXPECT_EQ(malformed.status, 400);
  EXPECT_EQ(malformed.Header("content-type"), "application/problem+json");
  EXPECT_EQ(malformed.Header("content-language"), "vi");
  EXPECT_EQ(Reason(malformed), "MALFORMED_JSON");
  EXPECT_EQ(Field(Send("POST", "/v1/testing/books", R"({"nope":1})", login)), "book.nope");
  EXPECT_EQ(Field(Send("POST", "/v1/testing/books", R"({"title":")" + std::string(101, 'x') + "\"}", login)),
            "book.title");
  const auto type = Send("POST", "/v1/testing/books", "a=b", login, "application/x-www-form-urlencoded");
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(Get("/v1/testing/books/x", {{"Accept", "application/xml"}}).status, 406);
  const auto large = Send("POST", "/v1/testing/books", std::string(1024 * 1024 + 1, ' '), login);
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(Reason(large), "BODY_TOO_LARGE");
  EXPECT_EQ(Send("POST", "/v1/testing/books", "{}").status, 401);
  // A stranger is told to log in, not what is wrong with the body.
  EXPECT_EQ(Send("POST", "/v1/testing/books", "{nonsense").status, 401);
  EXPECT_EQ(Send("POST", "/dinh.testing.v1.EdgeService/CreateBook", "{nonsense").status, 401);
  const auto bad = Send("POST", "/v1/testing/books", "{}", {{"Authorization", "Bearer nonsense"}});
  EXPECT_EQ(bad.status, 401);
  EXPECT_FALSE(bad.Header("www-authenticate").empty());
  EXPECT_EQ(Send("POST", "/v1/testing/books", "{}", {{"Authorization", "Basic YTpi"}}).status, 401);
}

TEST_P(EdgeTest, ErrorsAreProblemsWithTheStatusOfTheTable) {
  const std::vector<std::tuple<int, std::string, int>> table = {
      {3, "BAD", 400},  {3, "IDEMPOTENCY_KEY_REUSED", 422},
      {16, "BAD", 401}, {7, "BAD", 403},
      {5, "BAD", 404},  {9, "BAD", 409},
      {10, "BAD", 409}, {8, "BAD", 429},
      {14, "BAD", 503}, {4, "BAD", 504},
      {12, "BAD", 501},
  };
  for (const auto& [code, reason, http] : table) {
    const json request = {{"code", code}, {"reason", reason}, {"retry_after_ms", 1500}};
    const auto answer = Send("POST", "/v1/testing/fail", request.dump());
    EXPECT_EQ(answer.status, http) << code;
    EXPECT_EQ(Reason(answer), reason);
    EXPECT_EQ(answer.Header("retry-after"), "2");
    EXPECT_EQ(answer.Header("ratelimit").empty(), http != 429);
  }
  const auto english = Send("POST", "/v1/testing/fail", R"({"code":9,"reason":"BAD"})", {{"Accept-Language", "en"}});
  const json problem = Body(english);
  EXPECT_EQ(problem["type"], "about:blank");
  EXPECT_EQ(problem["detail"], "Test error.");
  EXPECT_EQ(problem["metadata"]["limit"], "5");
  EXPECT_EQ(problem["trace_id"].get<std::string>().size(), 32u);
  EXPECT_THAT(std::string(english.Header("traceparent")), HasSubstr(problem["trace_id"].get<std::string>()));

  const auto internal = Send("POST", "/v1/testing/fail", R"({"code":13})");
  EXPECT_EQ(internal.status, 500);
  EXPECT_THAT(internal.body, Not(HasSubstr("SELECT")));
  EXPECT_THAT(internal.body, Not(HasSubstr("passwd")));
}

TEST_P(EdgeTest, RawBodiesAndSignedRequests) {
  const auto cover = Get("/v1/testing/books/x/cover");
  EXPECT_EQ(cover.body, "<svg/>");
  EXPECT_EQ(cover.Header("content-type"), "image/svg+xml");
  EXPECT_EQ(cover.Header("cache-control"), "public, max-age=300");
  EXPECT_THAT(std::string(cover.Header("content-security-policy")), HasSubstr("sandbox"));
  EXPECT_EQ(Get("/v1/testing/books/named/cover").Header("content-disposition"),
            "attachment; filename*=UTF-8''b%C3%ACa%20s%C3%A1ch.svg");
  const auto bad = Get("/v1/testing/books/bad/cover");
  EXPECT_EQ(bad.Header("content-type"), "application/octet-stream");
  EXPECT_TRUE(bad.Header("x-evil").empty());

  const auto signed_body = Send("POST", "/v1/testing/notifications", "not json at all",
                                {{"X-Dinh-Signature", "abc"}, {"X-Other", "no"}}, "text/plain");
  EXPECT_EQ(signed_body.status, 200) << signed_body.body;
  EXPECT_EQ(Body(signed_body)["title"], "not json at all");
  EXPECT_EQ(Body(signed_body)["tags"], json::parse(R"(["content-type=text/plain","x-dinh-signature=abc"])"));
}

TEST_P(EdgeTest, Connect) {
  const std::string path = "/dinh.testing.v1.EdgeService/";
  const auto book = Send("POST", path + "GetBook", R"({"code":"c"})", {{"Connect-Protocol-Version", "1"}});
  EXPECT_EQ(book.status, 200);
  EXPECT_EQ(Body(book)["code"], "c");
  tpb::GetBookRequest request;
  request.set_code("binary");
  const auto binary = Send("POST", path + "GetBook", request.SerializeAsString(), {}, "application/proto");
  tpb::Book answer;
  ASSERT_TRUE(answer.ParseFromString(binary.body));
  EXPECT_EQ(answer.code(), "binary");
  EXPECT_EQ(binary.Header("content-type"), "application/proto");

  const std::string message = http::PercentEncode(R"({"code":"q"})");
  const std::string read = path + "GetBook?connect=v1&encoding=json&message=" + message;
  const auto first = Get(read);
  EXPECT_EQ(Body(first)["code"], "q");
  const auto same = Get(read, {{"If-None-Match", std::string(first.Header("etag"))}});
  EXPECT_EQ(same.status, 304);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(Get(read, {{"If-None-Match", "\"other\""}}).status, 200);
  const std::string encoded = base::Base64UrlEncode(request.SerializeAsString());
  EXPECT_EQ(Get(path + "GetBook?encoding=proto&base64=1&message=" + encoded).status, 200);
  EXPECT_EQ(Get(path + "LendBook?encoding=json&message=%7B%7D").status, 405);
  EXPECT_EQ(Get(path + "GetBook?encoding=xml&message=%7B%7D").status, 400);

  const auto missing = Send("POST", path + "GetBook", R"({"code":"absent"})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(Body(missing)["code"], "not_found");
  EXPECT_EQ(Body(missing)["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(missing.Header("content-type"), "application/json");
  EXPECT_EQ(Body(Send("POST", path + "Fail", R"({"code":9,"reason":"X"})"))["code"], "failed_precondition");
  EXPECT_EQ(Send("POST", path + "Fail", R"({"code":9,"reason":"X"})").status, 400);
  EXPECT_EQ(Body(Send("POST", path + "GetBook", R"({"nope":1})"))["code"], "invalid_argument");
  EXPECT_EQ(Send("POST", path + "GetBook", "\xFF\xFF", {}, "application/proto").status, 400);
  EXPECT_EQ(Send("POST", path + "GetBook", "x", {}, "text/plain").status, 415);
  EXPECT_EQ(Send("POST", path + "GetBook", "{}", {{"Connect-Timeout-Ms", "x"}}).status, 400);
  EXPECT_EQ(Send("POST", path + "GetBook", "{}", {{"Connect-Timeout-Ms", "0"}}).status, 504);
  EXPECT_EQ(Send("POST", "/dinh.testing.v1.EdgeService/Nope", "{}").status, 404);
}

TEST_P(EdgeTest, Events) {
  auto head = client_->Open({"GET", "/v1/testing/books/x/events", {{"Last-Event-ID", "1"}}, ""});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->status, 200);
  EXPECT_THAT(std::string(head->Header("content-type")), StartsWith("text/event-stream"));
  EXPECT_EQ(head->Header("x-content-type-options"), "nosniff");
  http::SseParser parser;
  std::vector<http::SseEvent> events;
  while (events.size() < 2) {
    auto bytes = client_->ReadSome(std::chrono::seconds(5));
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    parser.Feed(*bytes);
    while (auto event = parser.Next()) events.push_back(*event);
  }
  EXPECT_EQ(events[0].id, "2");
  EXPECT_EQ(events[1].id, "3");
  EXPECT_EQ(json::parse(events[0].data)["text"], "dòng một\ndòng hai");
  client_->Reset();
  EXPECT_TRUE(handlers_.WaitClosed());

  EXPECT_EQ(Get("/v1/testing/books/secret/events").status, 403);
  EXPECT_EQ(Field(Get("/v1/testing/books/x/events", {{"Last-Event-ID", "x"}})), "Last-Event-ID");
  const auto ended = Get("/v1/testing/books/ends/events");
  EXPECT_THAT(ended.body, HasSubstr("id: 3"));
  const auto failed = Get("/v1/testing/books/fails/events");
  EXPECT_THAT(failed.body, HasSubstr("event: error"));
  EXPECT_THAT(failed.body, HasSubstr("STALE_ETAG"));
}

std::string RandomBytes(size_t size) {
  base::SeededRandom random(7);
  return random.Bytes(size);
}

TEST_P(EdgeTest, UploadsAreStreamed) {
  const std::string content = RandomBytes(3 * 1024 * 1024 + 17);
  size_t at = 0;
  http::Client::File file = {"file", "đơn.pdf", "application/pdf",
                             [&](std::span<char> out) -> absl::StatusOr<size_t> {
                               const size_t n = std::min(out.size(), content.size() - at);
                               std::copy_n(content.data() + at, n, out.data());
                               at += n;
                               return n;
                             },
                             content.size()};
  auto answer = client_->Upload({"POST", "/v1/testing/uploads", {}, ""}, {{"purpose", "giấy tờ"}}, file);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json body = Body(*answer);
  EXPECT_EQ(body["bytes"], std::to_string(content.size()));
  EXPECT_EQ(body["file_name"], "đơn.pdf");
  EXPECT_EQ(body["fields"]["purpose"], "giấy tờ");
  EXPECT_EQ(body["sha256"], base::HexEncode(base::Sha256(content)));
}

TEST_P(EdgeTest, BadUploads) {
  const std::string type = "multipart/form-data; boundary=b";
  const auto part = [](std::string head, std::string body) {
    return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::string file = part("name=\"file\"; filename=\"a\"", "x");
  const auto upload = [&](std::string body) { return Send("POST", "/v1/testing/uploads", std::move(body), {}, type); };
  EXPECT_EQ(upload(file + "--b--\r\n").status, 200);
  EXPECT_EQ(Reason(upload(part("name=\"a\"", "x") + "--b--\r\n")), "FILE_MISSING");
  EXPECT_EQ(Reason(upload(file + file + "--b--\r\n")), "UNEXPECTED_PART");
  EXPECT_EQ(upload(file).status, 400);  // the last boundary is missing
  EXPECT_EQ(upload("garbage").status, 400);
  EXPECT_EQ(Send("POST", "/v1/testing/uploads", "{}").status, 415);
  EXPECT_EQ(Send("POST", "/v1/testing/uploads").status, 415);
  const auto large =
      upload(part("name=\"file\"; filename=\"a\"", std::string(20 * 1024 * 1024 + 1, 'x')) + "--b--\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(Reason(large), "UPLOAD_TOO_LARGE");

  // Broken off in the middle: the handler is told, and nothing was finished.
  ASSERT_TRUE(client_
                  ->SendRaw("POST /v1/testing/uploads HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
                            "\r\nContent-Length: 100000\r\n\r\n" + file.substr(0, 60))
                  .ok());
  client_->Reset();
  const absl::Status broken = handlers_.WaitBroken();
  EXPECT_FALSE(broken.ok());
}

TEST_P(EdgeTest, UploadsGoOnFromAnOffset) {
  const std::string type = "application/offset+octet-stream", path = "/v1/testing/appends/a%20b";
  const auto append = [&](std::string body, http::ClientHeaders headers, bool login = true) {
    if (login) headers.emplace_back("Authorization", "Bearer citizen");
    if (body.empty()) headers.emplace_back("Content-Type", type);
    return Send("PATCH", path, std::move(body), std::move(headers), type);
  };
  const std::string content = RandomBytes(200'000);
  const auto answer = append(content, {{"Upload-Offset", "17"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Body(answer)["id"], "a b");
  EXPECT_EQ(Body(answer)["sha256"], base::HexEncode(base::Sha256(content)));
  EXPECT_EQ(answer.Header("upload-offset"), "200017");
  EXPECT_EQ(answer.Header("upload-length"), "1000000");
  EXPECT_EQ(append("", {{"Upload-Offset", "5"}}).Header("upload-offset"), "5") << "no bytes are no mistake";
  for (const char* offset : {"", "-1", "x", "1x", "99999999999999999999"}) {
    EXPECT_EQ(Field(append("x", {{"Upload-Offset", offset}})), "Upload-Offset") << offset;
  }
  EXPECT_EQ(Field(append("x", {})), "Upload-Offset");
  EXPECT_EQ(Field(append("x", {{"Upload-Offset", "1"}, {"Upload-Offset", "1"}})), "Upload-Offset");
  EXPECT_EQ(append("x", {}, false).status, 401) << "who he is comes before what he says";
  EXPECT_EQ(Send("PATCH", path, "{}", {{"Upload-Offset", "0"}}).status, 415);
  EXPECT_EQ(
      Reason(Send("PATCH", path + "?id=c", "x", {{"Upload-Offset", "0"}, {"Authorization", "Bearer citizen"}}, type)),
      "UNKNOWN_FIELD");

  // Broken off in the middle: the handler gets what has arrived.
  ASSERT_TRUE(client_
                  ->SendRaw("PATCH " + path +
                            " HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\nAuthorization: Bearer citizen\r\n" +
                            "Content-Type: " + type + "\r\nContent-Length: 300000\r\n\r\n" + content)
                  .ok());
  client_->ShutdownWrite();
  EXPECT_EQ(handlers_.WaitBroken().message(), "200000");
}

TEST_P(EdgeTest, PagesAndHealth) {
  EXPECT_EQ(Get("/healthz").body, R"({"status":"ok"})");
  EXPECT_EQ(Get("/readyz").status, 200);
  const auto docs = Get("/docs");
  EXPECT_EQ(docs.status, 200);
  EXPECT_THAT(std::string(docs.Header("content-security-policy")), HasSubstr("script-src 'self'"));
  EXPECT_EQ(Get("/docs", {{"If-None-Match", std::string(docs.Header("etag"))}}).status, 304);
  EXPECT_EQ(Send("POST", "/docs", "{}").status, 405);
  const json openapi = Body(Get("/openapi.json"));
  EXPECT_EQ(openapi["openapi"], "3.1.0");
  EXPECT_TRUE(openapi["paths"].contains("/v1/testing/books/{code}"));
  gateway_->Close(std::chrono::seconds(1));
}

TEST_P(EdgeTest, MetricsCountByTemplate) {
  Get("/v1/testing/books/secret-code-1");
  Get("/v1/nothing/secret-code-2");
  const std::string text = harness_->metrics().Exposition();
  EXPECT_THAT(
      text,
      HasSubstr("http_server_requests_total{method=\"GET\",route=\"/v1/testing/books/{code}\",status=\"200\"} 1"));
  EXPECT_THAT(text, HasSubstr("route=\"other\",status=\"404\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("secret-code")));
}

TEST_P(EdgeTest, CookieSessionsNeedTheCsrfToken) {
  const std::string cookies = "__Host-dinh-access=citizen; __Host-dinh-csrf=t0ken";
  const std::string body = R"({"code":"a"})";
  EXPECT_EQ(Reason(Send("POST", "/v1/testing/books", body, {{"Cookie", cookies}})), "CSRF_TOKEN_MISSING");
  EXPECT_EQ(Send("POST", "/v1/testing/books", body, {{"Cookie", cookies}, {"X-CSRF-Token", "other"}}).status, 403);
  EXPECT_EQ(Send("POST", "/v1/testing/books", body, {{"Cookie", cookies}, {"X-CSRF-Token", "t0ken"}}).status, 200);
  EXPECT_EQ(Send("POST", "/v1/testing/books", body,
                 {{"Cookie", cookies}, {"X-CSRF-Token", "t0ken"}, {"Sec-Fetch-Site", "cross-site"}})
                .status,
            403);
  EXPECT_EQ(Get("/v1/testing/books/x", {{"Cookie", cookies}}).Header("cache-control"), "no-store");
  const auto expired = Get("/v1/testing/books/x", {{"Cookie", "__Host-dinh-access=old"}});
  EXPECT_EQ(expired.status, 401);
  EXPECT_THAT(std::string(expired.Header("set-cookie")), HasSubstr("Max-Age=0"));
}

class CorsTest : public EdgeTest {
 protected:
  void SetUp() override {
    Start([](GatewayConfig& config) { config.cors_origins = {"https://app.example.vn"}; });
  }
};

TEST_P(CorsTest, ExactOriginsOnly) {
  const auto good = Get("/v1/testing/books/x", {{"Origin", "https://app.example.vn"}});
  EXPECT_EQ(good.Header("access-control-allow-origin"), "https://app.example.vn");
  EXPECT_TRUE(good.Header("access-control-allow-credentials").empty());
  for (const char* origin : {"https://app.example.vn.evil.vn", "http://app.example.vn", "null"}) {
    EXPECT_TRUE(Get("/v1/testing/books/x", {{"Origin", origin}}).Header("access-control-allow-origin").empty());
  }
  const auto preflight = Send("OPTIONS", "/v1/testing/books", "",
                              {{"Origin", "https://app.example.vn"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_THAT(std::string(preflight.Header("access-control-allow-headers")), HasSubstr("Idempotency-Key"));
}

std::string ShapeName(const ::testing::TestParamInfo<Shape>& shape) {
  return shape.param == Shape::kStandalone ? "Standalone" : "Cluster";
}
INSTANTIATE_TEST_SUITE_P(Shapes, EdgeTest, ::testing::Values(Shape::kStandalone, Shape::kCluster), ShapeName);
INSTANTIATE_TEST_SUITE_P(Shapes, CorsTest, ::testing::Values(Shape::kStandalone), ShapeName);

}  // namespace
}  // namespace dinh::gateway
