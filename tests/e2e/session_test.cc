// Logins of a browser: tokens in cookies that scripts cannot read, and changes only with the page's own secret.
#include "gmock/gmock.h"
#include "libs/http/message.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::Json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SessionTest : public PlatformTest {
 protected:
  // Keeps cookies as a browser does.
  class Browser {
   public:
    explicit Browser(demo::ApiClient client) : client_(std::move(client)) {}
    ApiAnswer Send(const std::string& method, const std::string& path, const Json& body,
                   http::ClientHeaders headers = {}) {
      std::string cookies;
      for (const auto& [name, value] : cookies_) cookies += (cookies.empty() ? "" : "; ") + name + "=" + value;
      if (!cookies.empty()) headers.emplace_back("Cookie", cookies);
      headers.emplace_back("Dinh-Session", "cookie");
      ApiAnswer answer = client_.Send(method, path, method == "GET" ? "" : body.dump(),
                                      method == "GET" ? "" : "application/json", headers);
      for (const auto& [name, value] : answer.headers) {
        if (!http::EqualsIgnoreCase(name, "set-cookie")) continue;
        const std::string pair = value.substr(0, value.find(';'));
        const std::string key = pair.substr(0, pair.find('='));
        cookies_[key] = pair.substr(pair.find('=') + 1);
        if (value.find("Max-Age=0") != std::string::npos) cookies_.erase(key);
        set_.push_back(value);
      }
      return answer;
    }
    // With the header that only a page of ours can set.
    ApiAnswer Change(const std::string& path, const Json& body = Json::object()) {
      return Send("POST", path, body, {{"X-CSRF-Token", cookies_["__Host-dinh-csrf"]}});
    }
    std::map<std::string, std::string> cookies_;
    std::vector<std::string> set_;

   private:
    demo::ApiClient client_;
  };

  Browser LoggedIn() {
    Browser browser(Anonymous());
    const Json officer = NewStory().Officer("desk");
    const ApiAnswer tokens = browser.Send("POST", "/v1/auth/password:login",
                                          {{"username", officer.at("username")}, {"password", officer.at("password")}});
    EXPECT_EQ(tokens.status, 200) << tokens.raw;
    for (const char* secret : {"access_token", "refresh_token"}) {
      EXPECT_EQ(tokens.Text(secret), "") << "a token stands in a body that scripts can read";
    }
    return browser;
  }
};

TEST_F(SessionTest, CookiesAreHardToSteal) {
  Browser browser = LoggedIn();
  ASSERT_GE(browser.set_.size(), 3u);
  for (const std::string& cookie : browser.set_) {
    EXPECT_THAT(cookie, AllOf(HasSubstr("__Host-dinh-"), HasSubstr("; Path=/"), HasSubstr("; Secure"),
                              HasSubstr("SameSite=Strict"), Not(HasSubstr("Domain="))));
    const bool for_scripts = cookie.starts_with("__Host-dinh-csrf");
    EXPECT_EQ(cookie.find("HttpOnly") == std::string::npos, for_scripts) << cookie;
  }
}

TEST_F(SessionTest, ReadsByCookieChangesWithTheSecret) {
  Browser browser = LoggedIn();
  EXPECT_EQ(browser.Send("GET", "/v1/me", {}).status, 200);
  ExpectProblem(browser.Send("POST", "/v1/dossiers", Json::object()), 403, "CSRF_TOKEN_MISSING");
  ExpectProblem(browser.Send("POST", "/v1/dossiers", Json::object(), {{"X-CSRF-Token", "doan-mo"}}), 403,
                "CSRF_TOKEN_MISSING");
  ExpectProblem(browser.Change("/v1/dossiers"), 400);  // let in, and looked at
  // From another page, as browsers tell.
  ExpectProblem(
      browser.Send("POST", "/v1/dossiers", Json::object(),
                   {{"X-CSRF-Token", browser.cookies_["__Host-dinh-csrf"]}, {"Sec-Fetch-Site", "cross-site"}}),
      403, "CSRF_TOKEN_MISSING");
}

TEST_F(SessionTest, RefreshAndLogoutByCookie) {
  Browser browser = LoggedIn();
  const std::string first = browser.cookies_["__Host-dinh-refresh"];
  ASSERT_FALSE(first.empty());
  const ApiAnswer refreshed = browser.Change("/v1/auth/token:refresh");
  EXPECT_EQ(refreshed.status, 200) << refreshed.raw;
  EXPECT_NE(browser.cookies_["__Host-dinh-refresh"], first);
  EXPECT_EQ(browser.Send("GET", "/v1/me", {}).status, 200);
  EXPECT_EQ(browser.Change("/v1/auth:logout").status, 200);
  EXPECT_FALSE(browser.cookies_.contains("__Host-dinh-access"));
  EXPECT_FALSE(browser.cookies_.contains("__Host-dinh-refresh"));
  EXPECT_EQ(browser.Send("GET", "/v1/me", {}).status, 401);
}

}  // namespace
}  // namespace dinh::testing
