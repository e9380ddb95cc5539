#include "libs/http/request_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/random.h"

namespace dinh::http {
namespace {

constexpr ParserLimits kLimits{.header_bytes_max = 1024, .target_bytes_max = 256, .fields_max = 8};
constexpr int kDone = 0, kMore = -1;  // else the status of the refusal

int Head(RequestParser& parser, std::string_view request) {
  switch (parser.ParseHead(request)) {
    case RequestParser::HeadResult::kDone:
      return kDone;
    case RequestParser::HeadResult::kNeedMore:
      return kMore;
    case RequestParser::HeadResult::kError:
      return Describe(parser.error()).status;
  }
  return kMore;
}

int Head(std::string_view request) {
  RequestParser parser(kLimits);
  return Head(parser, request);
}

// All of the body that `request` holds, or "refused" / "incomplete".
std::string Body(std::string_view request, size_t step) {
  RequestParser parser(kLimits);

  size_t have = 0;
  while (Head(parser, request.substr(0, have)) == kMore) {
    if (have == request.size()) return "incomplete";
    have = std::min(have + step, request.size());
  }
  size_t used = parser.head().bytes;
  std::string body;
  for (;;) {
    const RequestParser::BodyPiece piece = parser.ParseBody(request.substr(used, have - used));
    if (piece.failed) return "refused";
    body += piece.data;
    used += piece.consumed;
    if (piece.done) return body;
    if (piece.consumed > 0) continue;
    if (have == request.size()) return "incomplete";
    have = std::min(have + step, request.size());
  }
}

std::string Get(std::string_view fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"; }
std::string Post(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

TEST(RequestParserTest, ReadsAHeadInOneOrManyPieces) {
  const std::string request =
      "POST /v1/a?b=c HTTP/1.1\r\nHost: example.vn:8080\r\nX-Empty:\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\nabcGET";
  for (size_t step : {1u, 2u, 7u, 1000u}) {
    RequestParser parser(kLimits);
    size_t have = 0;
    int result = kMore;
    // Each time at another address, as a growing buffer does.
    for (; result == kMore && have < request.size();) {
      have = std::min(have + step, request.size());
      const std::string copy = request.substr(0, have);
      result = Head(parser, copy);
    }
    ASSERT_EQ(result, kDone);
    const ParsedHead& head = parser.head();
    const char* base = request.data();
    EXPECT_EQ(head.method.In(base), "POST");
    EXPECT_EQ(head.origin.In(base), "/v1/a?b=c");
    EXPECT_EQ(head.authority.In(base), "example.vn:8080");
    ASSERT_EQ(head.fields.size(), 4u);
    EXPECT_EQ(head.fields[1].name.In(base), "X-Empty");
    EXPECT_EQ(head.fields[1].value.In(base), "");
    EXPECT_EQ(head.content_length, 3u);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_TRUE(head.expects_continue);
    EXPECT_EQ(head.bytes, request.size() - 6);
  }
}

TEST(RequestParserTest, TargetForms) {
  RequestParser parser(kLimits);
  const std::string absolute = "GET http://b.vn:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(Head(parser, absolute), kDone);
  EXPECT_EQ(parser.head().authority.In(absolute.data()), "b.vn:81");
  EXPECT_EQ(parser.head().origin.In(absolute.data()), "/x?y");
  EXPECT_EQ(Head("GET http://b.vn HTTP/1.1\r\nHost: a\r\n\r\n"), kDone);
  EXPECT_EQ(Head("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), kDone);
  for (std::string_view bad :
       {"GET * HTTP/1.1", "GET x HTTP/1.1", "GET ftp://a/ HTTP/1.1", "GET http:///x HTTP/1.1", "GET /a#b HTTP/1.1",
        "GET /\x80 HTTP/1.1", "GET /a\"b HTTP/1.1", "GET http://u@b/ HTTP/1.1", "GET http://b?x HTTP/1.1",
        "GET /a\\b HTTP/1.1", "GET  / HTTP/1.1", "GET /a b HTTP/1.1", "GET /\tb HTTP/1.1"}) {
    EXPECT_EQ(Head(std::string(bad) + "\r\nHost: a\r\n\r\n"), 400) << bad;
  }
  EXPECT_EQ(Head("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
}

// Each of these two readers could read differently (RFC 9112, section 11.2).
TEST(RequestParserTest, RefusesWhatCouldSmuggle) {
  EXPECT_EQ(Head(Post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "")), 400);
  EXPECT_EQ(Head(Post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "")), 400);
  EXPECT_EQ(Head(Post("Content-Length: 3\r\nContent-Length: 4\r\n", "")), 400);
  EXPECT_EQ(Head(Post("Content-Length: 3\r\nContent-Length: 3\r\n", "")), 400);
  EXPECT_EQ(Head(Post("Content-Length: 3, 3\r\n", "")), 400);
  for (std::string_view length : {"-1", "+3", "0x3", "3 ", "1e3", "99999999999999999999", "3;a", ""}) {
    const int expected = length == "3 " ? kDone : 400;  // blanks at the end are no part of the value
    EXPECT_EQ(Head(Post("Content-Length: " + std::string(length) + "\r\n", "")), expected) << length;
  }
  for (std::string_view coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked, chunked", "xchunked",
                                  "chunked;a=b", "\"chunked\""}) {
    EXPECT_EQ(Head(Post("Transfer-Encoding: " + std::string(coding) + "\r\n", "")), 501) << coding;
  }
  EXPECT_EQ(Head(Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "")), 400);
  EXPECT_EQ(Head(Post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "")), 501);
  EXPECT_EQ(Head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(Head(Get("Transfer-Encoding : chunked\r\n")), 400);
  EXPECT_EQ(Head(Get(" Content-Length: 3\r\n")), 400);              // folded
  EXPECT_EQ(Head(Get("X: a\r\n b\r\n")), 400);                      // folded
  EXPECT_EQ(Head(Get("X: a\r\n\tb\r\n")), 400);                     //
  EXPECT_EQ(Head(Get("X:\r\n b\r\n")), 400);                        // folded, first line empty
  EXPECT_EQ(Head(Get("X: a\r\n \r\n")), 400);                       // folded, second line empty
  EXPECT_EQ(Head(Get("X:\r\n \r\n")), 400);                         //
  EXPECT_EQ(Head("GET / HTTP/1.1\nHost: a\n\n"), 400);              // bare LF
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"), 400);  //
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), 400);  // bare CR
  EXPECT_EQ(Head(std::string("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 28)), 400);
  EXPECT_EQ(Head(std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)), 400);
  EXPECT_EQ(Head(Get("X: a\x01\r\n")), 400);
  EXPECT_EQ(Head(Get("X(: a\r\n")), 400);
  EXPECT_EQ(Head(Get(": a\r\n")), 400);
  EXPECT_EQ(Head(Get("X\r\n")), 400);
}

TEST(RequestParserTest, HostAndVersionAndExpectation) {
  EXPECT_EQ(Head("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET / HTTP/1.0\r\n\r\n"), kDone);
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(Head("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(Head("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(Head("GET / http/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(Head("GET /\r\n\r\n"), 400);
  EXPECT_EQ(Head("\x16\x03\x01\x02"), 400);  // TLS on a plain port
  EXPECT_EQ(Head(Get("Expect: something\r\n")), 417);
}

TEST(RequestParserTest, Limits) {
  EXPECT_EQ(Head("GET /" + std::string(255, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), kDone);
  EXPECT_EQ(Head("GET /" + std::string(256, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(Head("GET /" + std::string(600, 'a')), 414);  // no need to see its end
  // A method as long as a target, whole and in pieces.
  const std::string method = std::string(100, 'A') + " /" + std::string(250, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(Head(method), 501);
  EXPECT_EQ(Head(std::string(32, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"), kDone);
  RequestParser in_pieces(kLimits);
  int outcome = kMore;
  for (size_t have = 10; have < method.size() && outcome == kMore; have += 10) {
    outcome = Head(in_pieces, std::string_view(method).substr(0, have));
  }
  EXPECT_NE(outcome, kDone);
  EXPECT_NE(outcome, kMore);
  EXPECT_EQ(Head(Get("X: " + std::string(1100, 'a') + "\r\n")), 431);
  EXPECT_EQ(Head(Get("X: " + std::string(900, 'a') + "\r\n")), kDone);
  std::string many;
  for (int i = 0; i < 7; ++i) many += "X: a\r\n";
  EXPECT_EQ(Head(Get(many)), kDone);
  EXPECT_EQ(Head(Get(many + "X: a\r\n")), 431);
  // Field by field, as a slow client sends them.
  RequestParser parser(kLimits);
  std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
  int result = Head(parser, request);
  for (int i = 0; i < 5 && result == kMore; ++i) {
    request += "X: " + std::string(300, 'a') + "\r\n";
    result = Head(parser, request);
  }
  EXPECT_EQ(result, 431);
}

TEST(RequestParserTest, BodiesInEverySplit) {
  const std::string sized = Post("Content-Length: 11\r\n", "hello world");
  const std::string chunked =
      Post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n6;a=\"b;\\\"\"\r\n world\r\n0\r\nTrailer: x\r\n\r\n");
  const std::string empty = Post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n");
  for (size_t step = 1; step < 40; ++step) {
    EXPECT_EQ(Body(sized, step), "hello world") << step;
    EXPECT_EQ(Body(chunked, step), "hello world") << step;
    EXPECT_EQ(Body(empty, step), "") << step;
  }
}

TEST(RequestParserTest, RefusesBadChunks) {
  for (std::string_view bad :
       {"5\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n", "5;\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
        "5\r\nhello\r\n0\r\nBad Trailer: x\r\n\r\n"}) {
    for (size_t step : {1u, 3u, 1000u}) {
      EXPECT_EQ(Body(Post("Transfer-Encoding: chunked\r\n", bad), step), "refused") << bad << " / " << step;
    }
  }
  EXPECT_EQ(Body(Post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"), 1), "incomplete");
}

// No input may crash it, and how it is split must not matter to what is read.
TEST(RequestParserFuzzTest, MutatedRequestsReadTheSameHoweverTheyAreSplit) {
  base::SeededRandom random(112);
  const std::vector<std::string> seeds = {
      Post("Content-Length: 11\r\nX: y\r\n", "hello world"),
      Post("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: x\r\n\r\n")};
  const std::vector<std::string> tokens = {
      "\r\n", "\n", "\r", ":", " ", "0\r\n", "\r\n\r\n", "Content-Length: 2\r\n", "chunked", ";", "\"", "\t"};
  for (int round = 0; round < 6000; ++round) {
    std::string request = seeds[round % 2];
    for (uint64_t edits = random.Below(5); edits > 0; --edits) {
      const size_t at = random.Below(request.size() + 1);
      switch (random.Below(3)) {
        case 0:
          request.insert(at, tokens[random.Below(tokens.size())]);
          break;
        case 1:
          request.erase(at, 1 + random.Below(4));
          break;
        default:
          if (at < request.size()) request[at] = static_cast<char>(random.Below(256));
      }
    }
    RequestParser parser(kLimits);
    const int whole = Head(parser, request);
    if (whole != kDone) {
      Body(request, 1 + random.Below(9));
      continue;
    }
    EXPECT_EQ(Body(request, 100000), Body(request, 1 + random.Below(9))) << request;
  }
}

}  // namespace
}  // namespace dinh::http
