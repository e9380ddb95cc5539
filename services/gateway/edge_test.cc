// The gateway over real sockets, with a small service of every kind of binding behind the real pipeline.
#include <string>

#include "dinh/testing/v1/edge.pb.h"
#include "gmock/gmock.h"
#include "libs/base/strings.h"
#include "libs/http/sse.h"
#include "libs/http/url.h"
#include "services/gateway/edge_fixture.h"

namespace dinh::gateway {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

INSTANTIATE_TEST_SUITE_P(Shapes, EdgeTest, ::testing::Values(Shape::kStandalone, Shape::kCluster), ShapeName);
INSTANTIATE_TEST_SUITE_P(Shapes, CorsTest, ::testing::Values(Shape::kStandalone), ShapeName);

}  // namespace
}  // namespace dinh::gateway
