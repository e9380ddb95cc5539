// The public board through two replicas that share a Redis: what one publishes or takes off, the other shows, whatever
// happens to Redis.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "libs/cache/redis_cache.h"
#include "libs/cache/test_line.h"
#include "libs/cache/test_support.h"
#include "libs/testing/principals.h"
#include "services/feedback/board_test_support.h"
#include "services/feedback/handlers/public_reports.h"

namespace dinh::feedback {
namespace {

using cache::Eventually;
using cache::kStalenessMax;
using std::chrono::steady_clock;

class PublicCacheRedisTest : public BoardTest {
 protected:
  // What one process of the service has.
  struct Replica {
    Replica(PublicCacheRedisTest& test, const cache::RedisOptions& options)
        : node(options),
          kept(&cache, node.clock, node.metrics),
          reports({*test.database_.db, test.board_, test.data_, test.names_, test.page_tokens_, kept}),
          publisher({*test.database_.db, test.store_, test.board_, test.data_, test.names_, test.outbox_, test.random_,
                     test.ids_, test.clock_, test.logger_, node.metrics, HiddenPlaceKey(test.sealer_), kept}) {
      node.channel.Start();
    }
    ~Replica() { node.channel.Stop(); }

    double Hits(const std::string& layer) const {
      return node.Metric("cache_hits_total{group=\"board\",layer=\"" + layer + "\"}");
    }
    // Redis is trusted and the channel proven.
    bool Settled() const {
      return node.Proven() && node.client->available() && node.client->SinceFailure() > cache::kDistrustLasts;
    }

    cache::TestNode node;
    cache::RedisCache cache{{}, node.channel, node.random, node.clock, node.metrics};
    PublicCache kept;
    PublicReports reports;
    Publisher publisher;
  };

  // The codes that the first page shows.
  std::set<std::string> Listed(Replica& replica) {
    rpc::Context ctx(clock_, clock_.Steady() + std::chrono::seconds(60), method_, ::dinh::testing::Anonymous());
    const auto listed = replica.reports.List(ctx, {});
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::set<std::string> codes;
    if (listed.ok()) {
      for (const pb::Report& report : listed->reports()) codes.insert(report.id());
    }
    return codes;
  }
  bool Shows(Replica& replica, const ReportRow& report) { return Listed(replica).contains(report.code); }
  // Asks until it is answered from the process' own layer.
  void Warm(Replica& replica) {
    const double before = std::max(replica.Hits("near"), 0.0);
    ASSERT_TRUE(Eventually([&] {
      Listed(replica);
      return replica.Hits("near") > before;
    }));
  }
  void Settle(Replica& a, Replica& b) {
    ASSERT_TRUE(Eventually([&] { return a.Settled() && b.Settled(); }));
    Warm(a);
    Warm(b);
  }
  void Publish(Replica& replica, const ReportRow& report) {
    PublishNow(report);
    clock_.Advance(1000);
    for (bool more = true; more;) {
      const absl::StatusOr<bool> round = replica.publisher.Round();
      ASSERT_TRUE(round.ok()) << round.status();
      more = *round;
    }
  }
  ReportRow PublishNew(Replica& replica) {
    const ReportRow report = Report();
    Send(report);
    Publish(replica, report);
    return report;
  }
  void Hide(Replica& replica, ReportRow report) {
    report.hidden = true;
    Write([&](db::Tx& tx) { return store_.Update(tx, report); });
    Publish(replica, report);
  }

  rpc::MethodEntry method_;
  auth::PageTokens page_tokens_{*keys_};
  cache::TestRedis redis_;
};

TEST_F(PublicCacheRedisTest, WhatOnePublishesOrHidesTheOtherShows) {
  Replica a(*this, redis_.DefaultOptions()), b(*this, redis_.DefaultOptions());
  Settle(a, b);
  const ReportRow report = PublishNew(a);
  EXPECT_TRUE(Shows(a, report)) << "at once where it was published";
  EXPECT_TRUE(Eventually([&] { return Shows(b, report); }, kStalenessMax));
  Warm(a);
  Warm(b);
  Hide(b, report);
  EXPECT_FALSE(Shows(b, report)) << "gone at once where it was hidden";
  EXPECT_TRUE(Eventually([&] { return !Shows(a, report); }, kStalenessMax));
}

TEST_F(PublicCacheRedisTest, KeysTellNothingOfTheQuestion) {
  Replica a(*this, redis_.DefaultOptions());
  ASSERT_TRUE(Eventually([&] { return a.Settled(); }));
  rpc::Context ctx(clock_, clock_.Steady() + std::chrono::seconds(60), method_, ::dinh::testing::Anonymous());
  pb::ListReportsRequest request;
  request.set_query("nhà ông Lê");
  ASSERT_TRUE(Eventually([&] {
    EXPECT_TRUE(a.reports.List(ctx, request).ok());
    return a.Hits("near") > 0;
  }));
  const cache::RedisReply keys = redis_.Admin({"KEYS", "*"});
  ASSERT_GE(keys.items.size(), 1u);
  for (const cache::RedisReply& key : keys.items) {
    EXPECT_EQ(key.text.find(request.query()), std::string::npos) << key.text;
    EXPECT_EQ(key.text.find("Report"), std::string::npos) << key.text;
  }
}

TEST_F(PublicCacheRedisTest, WithoutRedisAnswersStayRightAndItIsUsedAgain) {
  Replica a(*this, redis_.DefaultOptions()), b(*this, redis_.DefaultOptions());
  Settle(a, b);
  EXPECT_EQ(a.node.Metric("cache_channel_proven"), 1);
  redis_.Kill();
  const ReportRow report = PublishNew(a);
  EXPECT_TRUE(Shows(a, report)) << "at once where it was published";
  EXPECT_TRUE(Eventually([&] { return Shows(b, report); }, kStalenessMax));
  // Each keeps for itself meanwhile, and says so.
  const double spare = std::max(b.Hits("spare"), 0.0);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_TRUE(Shows(b, report));
    return b.Hits("spare") > spare;
  }));
  EXPECT_GT(b.node.Metric("cache_local_only_total"), 0);
  EXPECT_TRUE(Eventually([&] { return b.node.Metric("cache_channel_proven") == 0; }));
  Hide(b, report);
  EXPECT_FALSE(Shows(b, report)) << "gone at once where it was hidden";
  EXPECT_TRUE(Eventually([&] { return !Shows(a, report); }, kStalenessMax));

  redis_.Start();
  Settle(a, b);  // served from what came out of Redis
  const ReportRow later = PublishNew(b);
  EXPECT_TRUE(Shows(b, later));
  EXPECT_TRUE(Eventually([&] { return Shows(a, later); }, kStalenessMax));
}

TEST_F(PublicCacheRedisTest, AFlushedRedisBringsNothingBack) {
  Replica a(*this, redis_.DefaultOptions()), b(*this, redis_.DefaultOptions());
  Settle(a, b);
  const ReportRow report = PublishNew(a);
  redis_.Admin({"FLUSHALL"});
  EXPECT_TRUE(Shows(a, report));
  EXPECT_TRUE(Eventually([&] { return Shows(b, report); }, kStalenessMax));
  Warm(a);
  redis_.Admin({"FLUSHALL"});
  Hide(a, report);
  EXPECT_FALSE(Shows(a, report));
  EXPECT_TRUE(Eventually([&] { return !Shows(b, report); }, kStalenessMax));
  Settle(a, b);
}

// The subscription goes silent without breaking, then the board changes: the message is lost.
TEST_F(PublicCacheRedisTest, AMissedChangeIsServedForTwoSecondsAtMost) {
  cache::TestLine line(redis_.endpoint().socket_path);
  cache::RedisOptions options = redis_.DefaultOptions();
  options.servers = {line.endpoint()};
  Replica a(*this, redis_.DefaultOptions()), far(*this, options);
  bool served_old = false;
  // On a machine that stands still for a second at the wrong moment nothing old is there any more: then once more.
  for (int round = 0; round < 5 && !served_old; ++round) {
    line.Silence(false);
    Settle(a, far);
    line.Silence(true);
    const ReportRow report = PublishNew(a);
    const auto changed_at = steady_clock::now();
    auto last_old = changed_at;
    ASSERT_TRUE(Eventually([&] {
      const auto now = steady_clock::now();
      if (Shows(far, report)) return true;
      served_old = true;
      last_old = now;
      return false;
    }));
    EXPECT_LE(last_old - changed_at, kStalenessMax);
    EXPECT_TRUE(Shows(a, report));
  }
  EXPECT_TRUE(served_old);
}

// Read just before the change, stored just after it: by the versions nobody is ever given it.
TEST_F(PublicCacheRedisTest, WhatWasReadBeforeAChangeAndStoredAfterItIsNotServed) {
  Replica a(*this, redis_.DefaultOptions()), b(*this, redis_.DefaultOptions());
  ASSERT_TRUE(Eventually([&] { return a.Settled() && b.Settled(); }));
  for (const bool redis : {true, false}) {
    if (!redis) redis_.Kill();
    const auto ask = [&](Replica& replica, bool old) {
      rpc::Context ctx(clock_, clock_.Steady() + std::chrono::seconds(60), method_, ::dinh::testing::Anonymous());
      const auto answer = replica.kept.Board<pb::Board>(ctx, pb::GetBoardRequest(), [&]() -> absl::StatusOr<pb::Board> {
        pb::Board board;
        board.set_too_many(old);
        // Without Redis only the process that makes the change knows of it at once.
        if (old) (redis ? b : a).kept.BoardChanged();
        return board;
      });
      return answer.ok() && answer->too_many();
    };
    a.kept.BoardChanged();
    ask(a, false);
    a.kept.BoardChanged();
    EXPECT_TRUE(ask(a, true)) << redis;
    EXPECT_FALSE(ask(a, false)) << redis;
    for (int i = 0; i < 3 && redis; ++i) EXPECT_FALSE(ask(b, false)) << "by way of Redis";
  }
}

}  // namespace
}  // namespace dinh::feedback
