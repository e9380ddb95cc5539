// What the HTTP edge promises whatever the method: limits, tokens, idempotency, uploads that go wrong, Connect, headers
// and event streams.
#include <sqlite3.h>

#include <filesystem>
#include <thread>

#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "gmock/gmock.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kMiB = 1024 * 1024;

class EdgeInputTest : public PlatformTest {
 protected:
  http::Client RawClient() {
    http::ClientOptions options;
    options.port = server_->http_port();
    return http::Client(options);
  }
  // Rows of a table of the procedures service, read beside the running server.
  static int64_t Rows(const std::string& table) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    int64_t rows = -1;
    const std::string path = server_->data_dir() + "/db/procedures.sqlite";
    if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK &&
        sqlite3_prepare_v2(db, ("SELECT COUNT(*) FROM " + table).c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      rows = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rows;
  }
  static int64_t BlobFiles() {
    int64_t files = 0;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(server_->data_dir() + "/procedures/files", error)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }
};

TEST_F(EdgeInputTest, BadTokensAreRefusedAlike) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  const std::string good = a.token();
  ASSERT_EQ(a.Get("/v1/me").status, 200);
  const size_t dot = good.rfind('.');
  std::string other_signature = good;
  other_signature[dot + 5] = other_signature[dot + 5] == 'A' ? 'B' : 'A';
  const std::string claims = good.substr(good.find('.') + 1, dot - good.find('.') - 1);
  const std::string none = base::Base64UrlEncode(R"({"alg":"none","typ":"JWT"})") + "." + claims + ".";
  const std::string hmac = base::Base64UrlEncode(R"({"alg":"HS256","typ":"JWT"})") + "." + claims + "." +
                           base::Base64UrlEncode(base::HmacSha256("", claims));
  const std::string foreign_key = base::Base64UrlEncode(R"({"alg":"EdDSA","kid":"khong-co","typ":"JWT"})") + "." +
                                  claims + "." + good.substr(dot + 1);
  const std::string expired =
      good.substr(0, good.find('.') + 1) + base::Base64UrlEncode(R"({"sub":"x","exp":1})") + good.substr(dot);
  for (const std::string& token : {other_signature, none, hmac, foreign_key, expired, good + "x", good.substr(0, dot),
                                   std::string("x"), std::string(9000, 'a'), std::string("..")}) {
    ApiClient client = Anonymous();
    client.set_token(token);
    SCOPED_TRACE(token.substr(0, 60));
    ExpectProblem(client.Get("/v1/me"), 401);
    EXPECT_THAT(client.Get("/v1/me").Header("WWW-Authenticate"), HasSubstr("Bearer"));
    // A bad token is bad on public pages too: nobody is silently taken for somebody else.
    EXPECT_EQ(client.Get("/v1/units/15865").status, 401);
  }
  ApiClient basic = Anonymous();
  ExpectProblem(basic.Get("/v1/me", {{"Authorization", "Basic YTpi"}}), 401);
}

TEST_F(EdgeInputTest, IdempotencyKeys) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  ApiClient b = village.Citizen("citizen_b");
  const Json filing = Village::GeneralFiling();
  const int64_t before = Rows("dossiers");
  const ApiAnswer first = village.File(a, filing, "khoa-1");
  const ApiAnswer again = village.File(a, filing, "khoa-1");
  EXPECT_EQ(again.raw, first.raw);
  const ApiAnswer quoted = a.Post("/v1/dossiers", filing, {{"Idempotency-Key", "\"khoa-1\""}});
  EXPECT_EQ(quoted.Text("code"), first.Text("code"));
  EXPECT_EQ(Rows("dossiers"), before + 1);
  Json changed = filing;
  changed["form"]["content"] = "Đề nghị khác";
  ExpectProblem(a.Post("/v1/dossiers", changed, {{"Idempotency-Key", "khoa-1"}}), 422, "IDEMPOTENCY_KEY_REUSED");
  // Keys are each login's own: somebody else's is another request.
  const ApiAnswer others = b.Post("/v1/dossiers", filing, {{"Idempotency-Key", "khoa-1"}});
  EXPECT_EQ(others.status, 200) << others.raw;
  EXPECT_NE(others.Text("code"), first.Text("code"));
  for (const std::string& key : {std::string(65, 'k'), std::string("khóa"), std::string("a b\tc")}) {
    SCOPED_TRACE(key);
    ExpectProblem(a.Post("/v1/dossiers", filing, {{"Idempotency-Key", key}}), 400, "INVALID_REQUEST_ID");
  }
  EXPECT_EQ(Rows("dossiers"), before + 2);
  // The same at once from many sides: one dossier.
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::string> codes;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, token = a.token()] {
      ApiClient client = Anonymous();
      client.set_token(token);
      ApiAnswer answer = client.Post("/v1/dossiers", filing, {{"Idempotency-Key", "khoa-2"}});
      // In flight, for as long as the first one's commit takes on this disk.
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (answer.status == 409 && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        answer = client.Post("/v1/dossiers", filing, {{"Idempotency-Key", "khoa-2"}});
      }
      std::lock_guard lock(mutex);
      EXPECT_EQ(answer.status, 200) << answer.raw;
      codes.insert(answer.Text("code"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(codes.size(), 1u);
  EXPECT_EQ(Rows("dossiers"), before + 3);
}

TEST_F(EdgeInputTest, MediaTypesAndSizes) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  const std::string body = Village::GeneralFiling().dump();
  ExpectProblem(a.Send("POST", "/v1/dossiers", body, ""), 415);
  for (const char* type : {"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
                           "application/json; charset=latin1"}) {
    SCOPED_TRACE(type);
    ExpectProblem(a.Send("POST", "/v1/dossiers", body, type), 415);
  }
  ExpectProblem(a.Send("POST", "/v1/attachments", "{}", "application/json"), 415);
  const std::string large = "{\"procedure\": \"" + std::string(kMiB + 1, 'a') + "\"}";
  ExpectProblem(a.Send("POST", "/v1/dossiers", large, "application/json"), 413);
  ExpectProblem(a.Get("/v1/dossiers", {{"X-Lap", std::string(17 * 1024, 'a')}}), 431);
  ExpectProblem(Anonymous().Get("/v1/units?query=" + std::string(8 * 1024, 'a')), 414);
  ExpectProblem(Anonymous().Get("/v1/units/15865", {{"Accept", "text/html"}}), 406);
  const ApiAnswer method = Anonymous().Send("DELETE", "/v1/units/15865", "", "");
  ExpectProblem(method, 405, "METHOD_NOT_ALLOWED");
  EXPECT_THAT(method.Header("Allow"), HasSubstr("GET"));
  ExpectProblem(Anonymous().Send("PUT", "/v1/dossiers", "{}", "application/json"), 405);
  ExpectProblem(Anonymous().Get("/v1/khong-co"), 404, "NO_SUCH_ROUTE");
}

TEST_F(EdgeInputTest, RequestsThatAreNoHttp) {
  for (const char* bytes :
       {"\x16\x03\x01\x02\x00\x01", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "XYZZY\r\n\r\n",
        "GET /v1/units/15865 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /v1/dossiers HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/dossiers HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/dossiers HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /v1/units/15865 HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n",
        "GET /v1/units/\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    SCOPED_TRACE(bytes);
    http::Client client = RawClient();
    ASSERT_TRUE(client.SendRaw(bytes).ok());
    client.ShutdownWrite();
    const absl::StatusOr<std::string> answer = client.ReadToEnd();
    if (!answer.ok() || answer->empty()) continue;  // hung up on: fine
    EXPECT_THAT(*answer, HasSubstr("HTTP/1.1 ")) << *answer;
    EXPECT_THAT(answer->substr(9, 1), AnyOf("4", "5"));
    EXPECT_THAT(answer->substr(9, 3), Not(AnyOf("500", "502")));
  }
  EXPECT_EQ(Anonymous().Get("/healthz").status, 200);
}

TEST_F(EdgeInputTest, UploadsThatAreNoPapersLeaveNothing) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  const int64_t rows = Rows("attachments"), files = BlobFiles();
  const std::string pdf = demo::SamplePdf("DINH-EDGE");
  const std::tuple<const char*, std::string, const char*> uploads[] = {
      {"html", "<html><script>alert(1)</script></html>", "FILE_TYPE_REFUSED"},
      {"exe", std::string("MZ\x90\0\3\0\0\0", 8) + std::string(200, '\0'), "FILE_TYPE_REFUSED"},
      {"zip before pdf", "PK\x03\x04" + pdf, ""},
      {"svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "FILE_TYPE_REFUSED"},
      {"empty", "", "FILE_EMPTY"},
      {"cut pdf", pdf.substr(0, pdf.size() / 2), ""},
  };
  for (const auto& [what, bytes, reason] : uploads) {
    SCOPED_TRACE(what);
    ExpectProblem(a.Upload("/v1/attachments", "giay.pdf", "application/pdf", bytes), 400, reason);
  }
  ExpectProblem(a.Upload("/v1/attachments", "to.pdf", "application/pdf", "%PDF-1.4\n" + std::string(21 * kMiB, 'x')),
                413);
  const std::string no_file = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n";
  ExpectProblem(a.Send("POST", "/v1/attachments", no_file, "multipart/form-data; boundary=b"), 400);
  ExpectProblem(a.Send("POST", "/v1/attachments", "--b\r\nkhong phai", "multipart/form-data; boundary=b"), 400);
  ExpectProblem(a.Send("POST", "/v1/attachments", "", "multipart/form-data; boundary=b"), 400);
  EXPECT_EQ(Rows("attachments"), rows);
  EXPECT_EQ(BlobFiles(), files);
  // A name that wants out of its folder is only a name.
  const ApiAnswer named = a.Upload("/v1/attachments", "../../../etc/passwd\".pdf", "text/html", pdf);
  ASSERT_EQ(named.status, 200) << named.raw;
  EXPECT_EQ(named.Text("content_type"), "application/pdf");
  EXPECT_EQ(named.Text("file_name").find('/'), std::string::npos) << named.raw;
  // What readers of PDF let pass behind the end does no harm: it is given out as a file to be saved, never as a page.
  const ApiAnswer trailed = a.Upload("/v1/attachments", "x.pdf", "text/html", pdf + "<script>alert(1)</script>");
  if (trailed.status == 200) {
    const ApiAnswer given = a.Get("/v1/attachments/" + trailed.Text("id"));
    EXPECT_EQ(given.Header("Content-Type"), "application/pdf");
    EXPECT_THAT(given.Header("Content-Disposition"), HasSubstr("attachment"));
    EXPECT_THAT(given.Header("Content-Security-Policy"), HasSubstr("sandbox"));
  }
  const ApiAnswer back = a.Get("/v1/attachments/" + named.Text("id"));
  EXPECT_EQ(back.raw, pdf);
  EXPECT_THAT(back.Header("Content-Disposition"), HasSubstr("attachment"));
  EXPECT_EQ(back.Header("X-Content-Type-Options"), "nosniff");
}

TEST_F(EdgeInputTest, UploadsThatBreakOffLeaveNothing) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  const int64_t rows = Rows("attachments"), files = BlobFiles();
  const std::string pdf = "%PDF-1.4\n" + std::string(2 * kMiB, 'x') + "\n%%EOF\n";
  for (const size_t sent : {size_t{0}, size_t{100}, size_t{70'000}, size_t{kMiB}, pdf.size() - 3}) {
    http::Client client = RawClient();
    const std::string head =
        "POST /v1/attachments HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + a.token() +
        "\r\nContent-Type: multipart/form-data; boundary=gach\r\nContent-Length: " + std::to_string(pdf.size() + 300) +
        "\r\n\r\n--gach\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: "
        "application/pdf\r\n\r\n";
    ASSERT_TRUE(client.SendRaw(head + pdf.substr(0, sent)).ok());
    client.Reset();
  }
  // What was begun is cleared away when the loss is seen; nothing else is written meanwhile.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (BlobFiles() != files && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(BlobFiles(), files);
  EXPECT_EQ(Rows("attachments"), rows);
  EXPECT_FALSE(village.Upload(a).empty()) << "and the next one goes through";
}

TEST_F(EdgeInputTest, ConnectInBothCodecs) {
  const std::string path = "/dinh.territory.v1.TerritoryService/GetUnit";
  const ApiAnswer json = Anonymous().Send("POST", path, R"({"code":"15865"})", "application/json");
  ASSERT_EQ(json.status, 200) << json.raw;
  EXPECT_EQ(json.Text("code"), "15865");
  territory::v1::GetUnitRequest request;
  request.set_code("15865");
  const ApiAnswer binary = Anonymous().Send("POST", path, request.SerializeAsString(), "application/proto");
  ASSERT_EQ(binary.status, 200) << binary.raw;
  EXPECT_EQ(binary.Header("Content-Type"), "application/proto");
  territory::v1::Unit unit;
  ASSERT_TRUE(unit.ParseFromString(binary.raw));
  EXPECT_EQ(unit.name(), json.Text("name"));
  const ApiAnswer get = Anonymous().Get(path + "?encoding=json&message=" + http::PercentEncode(R"({"code":"15865"})"));
  EXPECT_EQ(get.raw, json.raw);
  // Errors have Connect's own form, in both codecs.
  const std::tuple<std::string, std::string, int, std::string> bad[] = {
      {R"({"code":"khong"})", "application/json", 400, "invalid_argument"},
      {R"({"code":)", "application/json", 400, "invalid_argument"},
      {R"({"la":1})", "application/json", 400, "invalid_argument"},
      {"\xFF\xFF\xFF", "application/proto", 400, "invalid_argument"},
      {R"({"code":"99999"})", "application/json", 404, "not_found"},
  };
  for (const auto& [body, type, status, code] : bad) {
    const ApiAnswer answer = Anonymous().Send("POST", path, body, type);
    SCOPED_TRACE(body);
    EXPECT_EQ(answer.status, status) << answer.raw;
    EXPECT_EQ(answer.Text("code"), code) << answer.raw;
    EXPECT_EQ(answer.Header("Content-Type"), "application/json");
  }
  EXPECT_EQ(Anonymous().Send("POST", "/dinh.identity.v1.PersonService/GetMe", "{}", "application/json").Text("code"),
            "unauthenticated");
  EXPECT_EQ(Anonymous().Send("POST", path, "{}", "text/plain").status, 415);
  const ApiAnswer late = Anonymous().Send("POST", path, R"({"code":"15865"})", "application/json",
                                          {{"Connect-Timeout-Ms", "khong-phai-so"}});
  EXPECT_EQ(late.status, 400) << late.raw;
  // Methods with side effects are not for GET.
  EXPECT_EQ(Anonymous().Get("/dinh.identity.v1.AuthService/SendOtp?encoding=json&message=%7B%7D").status, 405);
}

TEST_F(EdgeInputTest, HeadersOfEveryAnswer) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  const ApiAnswer answers[] = {a.Get("/v1/me"),
                               Anonymous().Get("/v1/procedures/2.000635"),
                               Anonymous().Get("/khong-co"),
                               Anonymous().Get("/docs"),
                               Anonymous().Get("/openapi.json"),
                               Anonymous().Get("/healthz"),
                               Anonymous().Send("POST", "/v1/dossiers", "{", "application/json")};
  for (const ApiAnswer& answer : answers) {
    EXPECT_EQ(answer.Header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer.Header("Referrer-Policy"), "no-referrer");
    EXPECT_THAT(answer.Header("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(answer.Header("Content-Security-Policy"), Not(HasSubstr("unsafe-inline")));
    EXPECT_EQ(answer.Header("Server").find("Beast"), std::string::npos);
  }
  // CORS is off: no origin is let in, whatever it says.
  for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:8080"}) {
    EXPECT_EQ(Anonymous().Get("/v1/units/15865", {{"Origin", origin}}).Header("Access-Control-Allow-Origin"), "");
    const ApiAnswer preflight = Anonymous().Send("OPTIONS", "/v1/dossiers", "", "",
                                                 {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
    EXPECT_EQ(preflight.Header("Access-Control-Allow-Origin"), "");
    EXPECT_LT(preflight.status, 300);
  }
  // Personal data is kept nowhere; the catalogue may be, and is answered 304.
  for (const char* path : {"/v1/me", "/v1/dossiers", "/v1/charges", "/v1/me/logins", "/v1/me/accesses"}) {
    EXPECT_EQ(a.Get(path).Header("Cache-Control"), "no-store") << path;
  }
  for (const char* path : {"/v1/procedures/2.000635", "/v1/units/15865", "/v1/procedures?query=trich%20luc",
                           "/v1/procedures/2.000635/qr", "/openapi.json"}) {
    SCOPED_TRACE(path);
    const ApiAnswer first = Anonymous().Get(path);
    ASSERT_EQ(first.status, 200);
    ASSERT_THAT(first.Header("ETag"), Not(IsEmpty()));
    const ApiAnswer same = Anonymous().Get(path, {{"If-None-Match", first.Header("ETag")}});
    EXPECT_EQ(same.status, 304);
    EXPECT_THAT(same.raw, IsEmpty());
    EXPECT_EQ(Anonymous().Get(path, {{"If-None-Match", "\"other\""}}).status, 200);
  }
  EXPECT_THAT(Anonymous().Get("/v1/procedures/2.000635").Header("Cache-Control"), HasSubstr("public"));
  // English for who asks for it.
  const ApiAnswer english = Anonymous().Get("/v1/units/99999", {{"Accept-Language", "en-GB,en;q=0.9"}});
  EXPECT_EQ(english.Header("Content-Language"), "en");
  EXPECT_EQ(Anonymous().Get("/v1/units/99999").Header("Content-Language"), "vi");
}

TEST_F(EdgeInputTest, PagesBelongToWhoAskedForThem) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  ApiClient b = village.Citizen("citizen_b");
  for (int i = 0; i < 3; ++i) {
    village.File(a, Village::GeneralFiling());
    village.File(b, Village::GeneralFiling());
  }
  const ApiAnswer first = a.Get("/v1/dossiers?page_size=2");
  const std::string token = first.Text("next_page_token");
  ASSERT_FALSE(token.empty()) << first.raw;
  EXPECT_EQ(a.Get("/v1/dossiers?page_size=2&page_token=" + token).status, 200);
  EXPECT_EQ(a.Get("/v1/dossiers?page_size=1&page_token=" + token).status, 200) << "the size may change";
  ExpectProblem(b.Get("/v1/dossiers?page_size=2&page_token=" + token), 400, "PAGE_TOKEN_MISMATCH");
  ExpectProblem(a.Get("/v1/dossiers?states=1&page_token=" + token), 400, "PAGE_TOKEN_MISMATCH");
  ExpectProblem(a.Get("/v1/charges?page_token=" + token), 400, "PAGE_TOKEN_MISMATCH");
  std::string tampered = token;
  tampered[tampered.size() / 2] = tampered[tampered.size() / 2] == 'A' ? 'B' : 'A';
  ExpectProblem(a.Get("/v1/dossiers?page_token=" + tampered), 400, "PAGE_TOKEN_MISMATCH");
  ExpectProblem(a.Get("/v1/dossiers?page_size=-1"), 400);
  EXPECT_EQ(a.Get("/v1/dossiers?page_size=100000").status, 200) << "coerced to the maximum";
}

// Events until `count` of them have come, or nothing more.
std::string ReadEvents(http::Client& client, int count) {
  std::string text;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto seen = [&] {
    int events = 0;
    for (size_t at = text.find("data:"); at != std::string::npos; at = text.find("data:", at + 1)) ++events;
    return events;
  };
  while (seen() < count && std::chrono::steady_clock::now() < until) {
    const auto some = client.ReadSome(std::chrono::milliseconds(500));
    if (some.ok()) text += *some;
  }
  return text;
}

TEST_F(EdgeInputTest, EventsResumeWhereTheyWere) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  ApiClient desk = village.Officer("desk");
  const Village::Accepted dossier = village.FileAndAccept(a, desk);
  const auto open = [&](const std::string& last) {
    http::ClientRequest request;
    request.target = "/v1/dossiers/" + dossier.code + "/events";
    request.headers = {{"Authorization", "Bearer " + a.token()}};
    if (!last.empty()) request.headers.emplace_back("Last-Event-ID", last);
    http::Client client = RawClient();
    const auto head = client.Open(request);
    EXPECT_TRUE(head.ok() && head->status == 200) << head.status();
    const std::string type = head.ok() ? std::string(head->Header("Content-Type")) : "";
    EXPECT_THAT(type, HasSubstr("text/event-stream"));
    return client;
  };
  http::Client all = open("");
  const std::string past = ReadEvents(all, 2);
  EXPECT_THAT(past, HasSubstr(dossier.code));
  const size_t id = past.rfind("id:");
  ASSERT_NE(id, std::string::npos) << past;
  std::string last = past.substr(id + 3, past.find('\n', id) - id - 3);
  last.erase(0, last.find_first_not_of(' '));
  all.Reset();
  // What happened while nobody listened comes at once, and only that.
  ASSERT_EQ(village.Pay(dossier).status, 200);
  http::Client resumed = open(last);
  const std::string fresh = ReadEvents(resumed, 1);
  EXPECT_THAT(fresh, HasSubstr("data:"));
  EXPECT_THAT(fresh, Not(HasSubstr("id: " + last + "\n")));
  EXPECT_THAT(fresh, Not(HasSubstr("\"national_state\":1,")));
  for (const char* nonsense : {"khong-phai-so", "-1", "99999999999999999999"}) {
    const ApiAnswer answer = a.Get("/v1/dossiers/" + dossier.code + "/events", {{"Last-Event-ID", nonsense}});
    SCOPED_TRACE(nonsense);
    ExpectProblem(answer, 400);
  }
}

}  // namespace
}  // namespace dinh::testing
