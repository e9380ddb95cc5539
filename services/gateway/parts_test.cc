// The edge's pure parts: languages, statuses, sessions, Connect's forms.
#include <set>
#include <string>

#include "dinh/identity/v1/auth_service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "nlohmann/json.hpp"
#include "services/gateway/binding.h"
#include "services/gateway/connect.h"
#include "services/gateway/content_hash.h"
#include "services/gateway/problem.h"
#include "services/gateway/session.h"

namespace dinh::gateway {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Language, VietnameseUnlessEnglishIsPreferred) {
  for (const char* header :
       {"", "vi", "fr", "vi-VN,en;q=0.5", "en;q=0.3, vi;q=0.9", "fr,de;q=0.5", "*", "eng", "en;q=0"}) {
    EXPECT_EQ(ChooseLanguage(header), "vi") << header;
  }
  for (const char* header : {"en", "EN-us", "fr,en;q=0.5", "vi;q=0.2,en;q=0.8"}) {
    EXPECT_EQ(ChooseLanguage(header), "en") << header;
  }
}

TEST(Problem, EscapesAndNeverTellsInternals) {
  const auto answer = Problem(base::NotFound("X", {"“a” <b> \"c\"", "x"}), "vi", "t");
  EXPECT_EQ(json::parse(answer.body)["detail"], "“a” <b> \"c\"");
  const auto internal = Problem(absl::UnknownError("at /srv/dinh.cc:7"), "en", "abc");
  EXPECT_EQ(internal.status, 500);
  EXPECT_THAT(internal.body, Not(HasSubstr("/srv")));
  EXPECT_THAT(internal.body, HasSubstr("abc"));
  // The one answer to "absent or foreign" is the same bytes but for the trace.
  EXPECT_EQ(Problem(base::PermissionDenied(), "vi", "t").body, Problem(base::PermissionDenied(), "vi", "t").body);
}

TEST(Session, CookiesAreFoundExactly) {
  http::HeaderList headers;
  headers.Add("Cookie", "a=1; __Host-dinh-access=tok=en; b=2");
  headers.Add("cookie", "x__Host-dinh-csrf=no; __Host-dinh-csrf=yes");
  EXPECT_EQ(FindCookie(headers, kAccessCookie), "tok=en");
  EXPECT_EQ(FindCookie(headers, kCsrfCookie), "yes");
  EXPECT_FALSE(FindCookie(headers, kRefreshCookie).has_value());
  EXPECT_FALSE(CsrfOk(headers));
  headers.Add("X-CSRF-Token", "yes");
  EXPECT_TRUE(CsrfOk(headers));
  headers.Add("Sec-Fetch-Site", "cross-site");
  EXPECT_FALSE(CsrfOk(headers));
  http::HeaderList empty;
  empty.Add("Cookie", "__Host-dinh-csrf=");
  empty.Add("X-CSRF-Token", "");
  EXPECT_FALSE(CsrfOk(empty));
}

TEST(Session, TokensLeaveTheBody) {
  identity::v1::TokenPair pair;
  pair.set_access_token("secret-a");
  pair.set_refresh_token("secret-r");
  pair.set_expires_in(900);
  pair.set_person("p");
  base::SeededRandom random(1);
  http::ResponseHeaders headers;
  TokensToCookies(&pair, random, &headers);
  EXPECT_THAT(pair.SerializeAsString(), Not(HasSubstr("secret")));
  EXPECT_EQ(pair.person(), "p");
  EXPECT_THAT(headers.lines(),
              HasSubstr("__Host-dinh-access=secret-a; Path=/; Secure; SameSite=Strict; Max-Age=900; HttpOnly"));
  EXPECT_THAT(headers.lines(), HasSubstr("__Host-dinh-refresh=secret-r; Path=/; Secure; SameSite=Strict"));
  const size_t csrf = headers.lines().find(std::string(kCsrfCookie));
  ASSERT_NE(csrf, std::string::npos);
  EXPECT_THAT(headers.lines().substr(csrf), Not(HasSubstr("HttpOnly")));  // the app has to read it
}

TEST(Session, BearerOnly) {
  const auto token = [](std::string_view value) {
    http::HeaderList headers;
    headers.Add("Authorization", value);
    return std::string(BearerToken(headers));
  };
  EXPECT_EQ(token("Bearer abc"), "abc");
  EXPECT_EQ(token("bearer  abc "), "abc");
  EXPECT_EQ(token("Basic abc"), "");
  EXPECT_EQ(token("Bearer"), "");
}

TEST(Connect, StatusesAndCodesOfTheSpecification) {
  const auto code = [](const absl::Status& status) {
    const auto answer = ConnectProblem(status, "t");
    return std::to_string(answer.status) + " " + json::parse(answer.body)["code"].get<std::string>();
  };
  const base::Text text = {"a", "b"};
  EXPECT_EQ(code(base::Error(absl::StatusCode::kCancelled, "X", text)), "499 canceled");
  EXPECT_EQ(code(base::FailedPrecondition("X", text)), "400 failed_precondition");
  EXPECT_EQ(code(base::StaleEtag()), "409 aborted");
  EXPECT_EQ(code(base::Internal("secret")), "500 internal");
  EXPECT_EQ(code(base::Unavailable("X", text)), "503 unavailable");
  EXPECT_THAT(ConnectProblem(base::Internal("secret"), "t").body, Not(HasSubstr("secret")));
}

TEST(Connect, Timeouts) {
  EXPECT_FALSE((*ConnectTimeout("")).has_value());
  EXPECT_EQ((*ConnectTimeout("250"))->count(), 250);
  for (const char* bad : {"-1", "1.5", "x", "12345678901", "1 "}) EXPECT_FALSE(ConnectTimeout(bad).ok()) << bad;
}

TEST(Binding, JsonTypes) {
  for (const char* good :
       {"application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""}) {
    EXPECT_TRUE(IsJson(good)) << good;
  }
  for (const char* bad :
       {"", "text/json", "application/json; charset=latin1", "application/jsonx", "application/json, x"}) {
    EXPECT_FALSE(IsJson(bad)) << bad;
  }
}

TEST(ContentHash, TellsContentsApart) {
  std::set<std::string> tags;
  for (int i = 0; i < 1000; ++i) tags.insert(ContentTag(std::string(static_cast<size_t>(i), 'a')));
  for (int i = 0; i < 1000; ++i) tags.insert(ContentTag("{\"n\":" + std::to_string(i) + "}"));
  EXPECT_EQ(tags.size(), 2000u);
  EXPECT_EQ(ContentTag("đ").size(), 16u);
}

}  // namespace
}  // namespace dinh::gateway
