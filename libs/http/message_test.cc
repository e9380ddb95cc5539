#include "libs/http/message.h"

#include <gtest/gtest.h>

namespace dinh::http {
namespace {

TEST(HeaderListTest, FindsWithoutRegardToCase) {
  HeaderList headers;
  headers.Add("Content-Type", "application/json");
  headers.Add("Accept", "a, B ;q=1,c");
  headers.Add("ACCEPT", "d");
  EXPECT_EQ(headers.Get("content-type"), "application/json");
  EXPECT_EQ(headers.Get("missing"), "");
  EXPECT_FALSE(headers.Find("missing").has_value());
  EXPECT_EQ(headers.Count("accept"), 2u);
  EXPECT_TRUE(headers.HasToken("accept", "A"));
  EXPECT_TRUE(headers.HasToken("accept", "d"));
  EXPECT_TRUE(headers.HasToken("accept", "b ;q=1"));
  EXPECT_FALSE(headers.HasToken("accept", "b"));
}

TEST(ResponseHeadersTest, CannotBeSplitOrBreakFraming) {
  ResponseHeaders headers;
  headers.Add("X-Name", "a\r\nSet-Cookie: evil\0x");
  headers.Add("Bad Name", "x");
  headers.Add("Bad\r\nName", "x");
  headers.Add("", "x");
  headers.Add("content-length", "5");
  headers.Add("Transfer-Encoding", "chunked");
  headers.Add("Connection", "close");
  EXPECT_EQ(headers.lines(), "X-Name: a  Set-Cookie: evil\r\n");
  ResponseHeaders more;
  more.Add("ETag", "\"1\"");
  headers.AddAll(more);
  EXPECT_EQ(headers.Find("etag"), "\"1\"");
  EXPECT_EQ(headers.Find("x-name"), "a  Set-Cookie: evil");
  EXPECT_FALSE(headers.Find("x").has_value());
}

TEST(HttpDateTest, IsImfFixdate) {
  EXPECT_EQ(HttpDate(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // the example of RFC 9110
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(1'770'940'799), "Thu, 12 Feb 2026 23:59:59 GMT");
}

TEST(ProblemTest, EveryErrorIsValidJsonWithItsStatus) {
  for (int i = 0; i <= static_cast<int>(ProtocolError::kVersion); ++i) {
    const auto error = static_cast<ProtocolError>(i);
    const ProtocolErrorInfo& info = Describe(error);
    const Response response = ProblemResponse(error);
    EXPECT_EQ(response.status, info.status);
    EXPECT_FALSE(ReasonPhrase(info.status).empty());
    EXPECT_EQ(response.headers.Find("content-type"), "application/problem+json");
    for (std::string_view text : {info.reason, info.title, info.vi, info.en}) {
      EXPECT_FALSE(text.empty());
      for (char c : text) EXPECT_TRUE(c != '"' && c != '\\' && (static_cast<unsigned char>(c) >= 0x20)) << text;
    }
    EXPECT_NE(response.body.find("\"status\":" + std::to_string(info.status) + ","), std::string::npos);
  }
}

}  // namespace
}  // namespace dinh::http
