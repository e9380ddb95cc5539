#include "libs/http/url.h"

#include <gtest/gtest.h>

#include "libs/base/random.h"

namespace dinh::http {
namespace {

TEST(PercentTest, DecodesAndRefusesBadEscapes) {
  EXPECT_EQ(*PercentDecode("tr%C3%ADch%20l%E1%BB%A5c"), "trích lục");
  EXPECT_EQ(*PercentDecode("a+b"), "a+b");
  EXPECT_EQ(*PercentDecode("%2F%2f"), "//");
  EXPECT_EQ(*PercentDecode(""), "");
  for (std::string_view bad : {"%", "a%", "a%2", "%zz", "%2", "%%20", "%00", "x%0", "%-1"}) {
    EXPECT_EQ(PercentDecode(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(PercentTest, EncodesEverythingButUnreserved) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("trích/lục ?&=+%"), "tr%C3%ADch%2Fl%E1%BB%A5c%20%3F%26%3D%2B%25");
}

TEST(PercentTest, RoundTripsRandomBytes) {
  base::SeededRandom random(20260213);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = random.Bytes(random.Below(40));
    std::erase(bytes, '\0');
    EXPECT_EQ(*PercentDecode(PercentEncode(bytes)), bytes);
    const absl::StatusOr<Parameters> query = ParseQuery(EncodeQuery({{"k" + bytes, bytes}, {"k", ""}}));
    ASSERT_TRUE(query.ok());
    EXPECT_EQ(*query, (Parameters{{"k" + bytes, bytes}, {"k", ""}}));
  }
}

TEST(QueryTest, Parses) {
  EXPECT_EQ(*ParseQuery(""), Parameters{});
  EXPECT_EQ(*ParseQuery("query=ban+sao%20trich&page_size=20&&flag"),
            (Parameters{{"query", "ban sao trich"}, {"page_size", "20"}, {"flag", ""}}));
  EXPECT_EQ(*ParseQuery("a=1=2&a="), (Parameters{{"a", "1=2"}, {"a", ""}}));
}

TEST(QueryTest, Refuses) {
  for (std::string_view bad : {"=1", "a=%", "%=1", "a=1&=", "a=%00"}) {
    EXPECT_EQ(ParseQuery(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  std::string many;
  for (size_t i = 0; i < kQueryParametersMax; ++i) many += "a&";
  EXPECT_EQ(ParseQuery(many)->size(), kQueryParametersMax);
  EXPECT_FALSE(ParseQuery(many + "a").ok());
}

TEST(UrlTest, Parses) {
  const absl::StatusOr<Url> plain = ParseUrl("http://127.0.0.1:8080/v1/me?x=1");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->target, "/v1/me?x=1");
  EXPECT_FALSE(plain->tls);
  const absl::StatusOr<Url> tls = ParseUrl("https://[::1]");
  ASSERT_TRUE(tls.ok());
  EXPECT_EQ(tls->host, "::1");
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->target, "/");
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(ParseUrl("http://a?b")->target, "/?b");
  EXPECT_EQ(ParseUrl("http://[::1]:81/")->port, 81);
}

TEST(UrlTest, Refuses) {
  for (std::string_view bad : {"", "ftp://a", "http://", "http://:80", "http://a:", "http://a:0", "http://a:65536",
                               "http://a:8x", "http://u@a/", "http://a/#f", "http://a/ b", "http://[::1",
                               "http://[::1]x", "http://[::1]:", "http://[[1]", "http://a]b/"}) {
    EXPECT_FALSE(ParseUrl(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace dinh::http
