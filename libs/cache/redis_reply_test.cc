#include "libs/cache/redis_reply.h"

#include <gtest/gtest.h>

#include "libs/base/random.h"
#include "libs/cache/redis_errors.h"
#include "libs/cache/redis_options.h"
#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

TEST(RedisBatch, WritesCommandsWithAnyBytes) {
  const std::string binary("\0\r\n$", 4);
  RedisBatch batch;
  batch.Add({"GET", "a"}).Add({"SET", binary, ""});
  EXPECT_EQ(batch.commands(), 2u);
  EXPECT_EQ(batch.bytes(), "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nSET\r\n$4\r\n" + binary + "\r\n$0\r\n\r\n");
}

TEST(RedisReplyReader, ReadsEveryKindWhateverThePieces) {
  const std::string wire =
      "+OK\r\n-WRONGTYPE not that\r\n:-42\r\n$-1\r\n$5\r\nab\r\nc\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*-1\r\n$-1\r\n*0\r\n";
  for (size_t piece = 1; piece <= wire.size(); ++piece) {
    RedisReplyReader reader;
    std::vector<RedisReply> replies;
    for (size_t at = 0; at < wire.size(); at += piece) {
      ASSERT_TRUE(reader.Feed(std::string_view(wire).substr(at, piece)).ok());
      for (;;) {
        auto reply = reader.Next();
        ASSERT_TRUE(reply.ok()) << reply.status();
        if (!reply->has_value()) break;
        replies.push_back(**reply);
      }
    }
    ASSERT_EQ(replies.size(), 7u) << piece;
    EXPECT_EQ(replies[0].type, RedisReply::Type::kStatus);
    EXPECT_EQ(replies[0].text, "OK");
    EXPECT_TRUE(replies[1].is_error());
    EXPECT_EQ(replies[2].integer, -42);
    EXPECT_TRUE(replies[3].is_nil());
    EXPECT_EQ(replies[4].text, "ab\r\nc");
    ASSERT_EQ(replies[5].items.size(), 3u);
    EXPECT_EQ(replies[5].items[1].items[0].text, "x");
    EXPECT_TRUE(replies[5].items[1].items[1].is_nil());
    EXPECT_TRUE(replies[5].items[2].is_nil());
    EXPECT_TRUE(replies[6].is_array());
    EXPECT_TRUE(replies[6].items.empty());
  }
}

TEST(RedisReplyReader, AnnouncedSizesAreNotBelieved) {
  for (const std::string wire : {"*2147483647\r\n", "*200001\r\n", "*-7\r\n", "*99999999999999999999\r\n",
                                 "*100001\r\n*100001\r\n", "HTTP/1.1 400 Bad Request\r\n", "$-2\r\n", ":12x\r\n"}) {
    RedisReplyReader reader;
    (void)reader.Feed(wire);
    EXPECT_EQ(ReasonOf(reader.Next().status()), "REDIS_PROTOCOL") << wire;
  }
  RedisReplyReader reader;
  const std::string piece(1 << 20, 'x');
  ASSERT_TRUE(reader.Feed("$500000000\r\n").ok());
  absl::Status status;
  size_t fed = 0;
  while (status.ok() && fed < 4 * kRedisReplyBytesMax) {
    status = reader.Feed(piece);
    if (status.ok()) status = reader.Next().status();
    fed += piece.size();
  }
  EXPECT_EQ(ReasonOf(status), "REDIS_PROTOCOL");
  EXPECT_LE(fed, kRedisReplyBytesMax + 2 * piece.size());
}

TEST(RedisReplyReader, GarbageEndsInAnErrorOrWaitsForMore) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    base::SeededRandom random(seed);
    constexpr std::string_view kAlphabet = "+-:$*0123456789\r\n\r\nax";
    std::string wire;
    for (uint64_t n = random.Below(200); n > 0; --n) wire += kAlphabet[random.Below(kAlphabet.size())];
    RedisReplyReader reader;
    if (!reader.Feed(wire).ok()) continue;
    size_t replies = 0;
    for (; replies <= wire.size(); ++replies) {
      const auto reply = reader.Next();
      if (!reply.ok() || !reply->has_value()) break;
    }
    EXPECT_LE(replies, wire.size() / 3) << wire;  // the shortest is "+\r\n"
  }
}

TEST(RedisErrors, NothingButTheFirstWordIsRepeated) {
  const absl::Status status = RedisErrorOf("WRONGTYPE Operation against key secret-key");
  EXPECT_EQ(status.message().find("secret"), absl::string_view::npos);
  EXPECT_NE(status.message().find("WRONGTYPE"), absl::string_view::npos);
  EXPECT_EQ(RedisErrorCode("password123 is wrong"), "ERR");
  EXPECT_EQ(RedisErrorCode(""), "ERR");
  EXPECT_EQ(ReasonOf(RedisErrorOf("NOAUTH Authentication required.")), "REDIS_AUTH_REFUSED");
  EXPECT_EQ(ReasonOf(RedisErrorOf("LOADING Redis is loading")), "REDIS_NOT_READY");
  EXPECT_EQ(RedisReason(RedisTimeout()), "REDIS_TIMEOUT");
  EXPECT_EQ(RedisReason(absl::InternalError("x")), "OTHER");
}

}  // namespace
}  // namespace dinh::cache
