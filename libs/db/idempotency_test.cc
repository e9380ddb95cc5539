#include "libs/db/idempotency.h"

#include <gtest/gtest.h>

#include <thread>

#include "google/protobuf/wrappers.pb.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

using google::protobuf::StringValue;

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {{1, "items", "CREATE TABLE items (id BIGINT NOT NULL);"}};
  return migrations;
}

std::string Turn(std::string_view text) { return std::string(text.rbegin(), text.rend()); }

std::unique_ptr<base::IdempotencyClaim> Claim(const std::string& request_id, const std::string& body = "body") {
  auto claim = std::make_unique<base::IdempotencyClaim>();
  claim->principal = "person/1";
  claim->method = "dinh.x.v1.X/Do";
  claim->request_id = request_id;
  claim->body_hash = body;
  claim->seal = [](std::string_view plain) { return Turn(plain); };
  claim->open = [](std::string_view sealed) -> absl::StatusOr<std::string> { return Turn(sealed); };
  return claim;
}

class IdempotencyTest : public EngineTest {
 protected:
  absl::StatusOr<StringValue> Do(base::OpContext& ctx, const std::string& answer) {
    return t_.db->Transact(ctx, [&](Tx& tx) -> absl::StatusOr<StringValue> {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO items (id) VALUES (1)").status());
      StringValue value;
      value.set_value(answer);
      return value;
    });
  }
  absl::StatusOr<StringValue> Do(std::unique_ptr<base::IdempotencyClaim> claim, const std::string& answer,
                                 bool* replayed = nullptr) {
    auto ctx = t_.Context();
    ctx->claim = std::move(claim);
    auto result = Do(*ctx, answer);
    if (replayed != nullptr) *replayed = ctx->replayed;
    EXPECT_EQ(ctx->claim == nullptr, result.ok());
    return result;
  }
  int64_t Items() { return t_.Number("SELECT COUNT(*) FROM items"); }
  TestDatabase t_{GetParam(), Schema()};
};
DINH_BOTH_ENGINES(IdempotencyTest);

TEST_P(IdempotencyTest, AReplayGetsTheFirstAnswer) {
  bool replayed = true;
  ASSERT_EQ(Do(Claim("r1"), "first", &replayed)->value(), "first");
  EXPECT_FALSE(replayed);
  ASSERT_EQ(Do(Claim("r1"), "second", &replayed)->value(), "first");
  EXPECT_TRUE(replayed);
  EXPECT_EQ(Items(), 1);
  EXPECT_EQ(t_.db->stats().replays, 1);
  ASSERT_EQ(Do(Claim("r2"), "other", &replayed)->value(), "other");
  EXPECT_FALSE(replayed);
}

TEST_P(IdempotencyTest, AReplayAfterARestart) {
  ASSERT_TRUE(Do(Claim("r1"), "first").ok());
  t_.db.reset();
  t_.Open();
  EXPECT_EQ(Do(Claim("r1"), "second")->value(), "first");
  EXPECT_EQ(Items(), 1);
}

TEST_P(IdempotencyTest, AnswersAreSealed) {
  ASSERT_TRUE(Do(Claim("r1"), "plain words").ok());
  EXPECT_EQ(t_.RowsHolding("idempotency", "answer", "plain words"), 0);
  EXPECT_EQ(t_.RowsHolding("idempotency", "answer", "sdrow nialp"), 1);
}

TEST_P(IdempotencyTest, AnotherBodyIsRefused) {
  ASSERT_TRUE(Do(Claim("r1", "one"), "first").ok());
  const absl::Status status = Do(Claim("r1", "two"), "second").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(Items(), 1);
}

TEST_P(IdempotencyTest, AnotherCallerOrMethodIsAnotherClaim) {
  ASSERT_TRUE(Do(Claim("r1"), "first").ok());
  auto other = Claim("r1");
  other->principal = "person/2";
  EXPECT_EQ(Do(std::move(other), "second")->value(), "second");
  other = Claim("r1");
  other->method = "dinh.x.v1.X/Undo";
  EXPECT_EQ(Do(std::move(other), "third")->value(), "third");
  // No two different triples run together into one text.
  auto left = Claim("c"), right = Claim("bc");
  left->principal = "ab";
  right->principal = "a";
  EXPECT_NE(ClaimKey(*left), ClaimKey(*right));
}

TEST_P(IdempotencyTest, ErrorsAreNotStored) {
  auto ctx = t_.Context();
  ctx->claim = Claim("r1");
  const auto refused = t_.db->Transact(*ctx, [](Tx&) -> absl::StatusOr<StringValue> { return base::StaleEtag(); });
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(Do(Claim("r1"), "now")->value(), "now");
}

TEST_P(IdempotencyTest, InFlightIsAborted) {
  auto outer = t_.Context();
  outer->claim = Claim("r1");
  const auto result = t_.db->Transact(*outer, [&](Tx&) -> absl::StatusOr<StringValue> {
    std::thread([&] {
      const absl::Status status = Do(Claim("r1"), "second").status();
      EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
      EXPECT_EQ(ReasonOf(status), "REQUEST_IN_FLIGHT");
      EXPECT_GT(base::DetailOf(status)->retry_after_ms, 0);
    }).join();
    StringValue value;
    value.set_value("first");
    return value;
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Do(Claim("r1"), "third")->value(), "first");
}

TEST_P(IdempotencyTest, WithoutStoredAnswerAReplayIsRefused) {
  auto claim = Claim("r1");
  claim->store_answer = false;
  ASSERT_TRUE(Do(std::move(claim), "secret").ok());
  claim = Claim("r1");
  claim->store_answer = false;
  const absl::Status status = Do(std::move(claim), "again").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ALREADY_DONE");
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM idempotency WHERE answer IS NOT NULL"), 0);
  EXPECT_EQ(Items(), 1);
}

TEST_P(IdempotencyTest, ASecondTransactOfTheOperationClaimsNothing) {
  auto ctx = t_.Context();
  ctx->claim = Claim("r1");
  ASSERT_TRUE(Do(*ctx, "first").ok());
  ASSERT_TRUE(Do(*ctx, "second").ok());
  EXPECT_EQ(Items(), 2);
}

TEST_P(IdempotencyTest, TheHookRunsInEachTransactionButNotInReplays) {
  struct Hook : CommitHook {
    absl::Status BeforeCommit(Tx& tx) override { return tx.Exec("INSERT INTO items (id) VALUES (2)").status(); }
  } hook;
  for (int i = 0; i < 2; ++i) {
    auto ctx = t_.Context();
    ctx->claim = Claim("r1");
    ctx->commit_hook = &hook;
    ASSERT_TRUE(Do(*ctx, "first").ok());
  }
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items WHERE id = 2"), 1);
}

TEST_P(IdempotencyTest, AFailingHookRollsBack) {
  struct Hook : CommitHook {
    absl::Status BeforeCommit(Tx&) override { return base::Unavailable("AUDIT", {"x", "x"}); }
  } hook;
  auto ctx = t_.Context();
  ctx->claim = Claim("r1");
  ctx->commit_hook = &hook;
  EXPECT_EQ(ReasonOf(Do(*ctx, "first").status()), "AUDIT");
  EXPECT_EQ(Items(), 0);
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM idempotency"), 0);
}

TEST_P(IdempotencyTest, AfterThirtyDaysAClaimIsForgotten) {
  base::FakeClock clock(1'700'000'000 * base::kMicrosPerSecond);
  t_.db.reset();
  auto db = t_.TryOpen(clock);
  ASSERT_TRUE(db.ok());
  const auto count = [&] {
    auto ctx = TestContext(clock);
    return (*db)
        ->Read(*ctx,
               [](Tx& tx) {
                 return tx.QueryOne("SELECT COUNT(*) FROM idempotency", {}, [](const Row& row) { return row.Int(0); });
               })
        .value()
        .value();
  };
  const auto run = [&](const std::string& id) {
    auto ctx = TestContext(clock);
    ctx->claim = Claim(id);
    const auto done = (*db)->Transact(*ctx, [](Tx&) -> absl::StatusOr<StringValue> { return StringValue(); });
    EXPECT_TRUE(done.ok()) << done.status();
    return ctx->replayed;
  };
  for (int i = 0; i < kSweepRowsMax + 10; ++i) run(std::to_string(i));
  clock.Advance(kClaimLifetime - base::kMicrosPerSecond);
  EXPECT_TRUE(run("0"));
  clock.Advance(90 * base::kMicrosPerSecond);
  EXPECT_FALSE(run("0"));  // expired: a new claim
  // A sweep follows each commit while there is more, at most kSweepRowsMax rows at a time; the writer has finished it
  // before it starts the next commit.
  EXPECT_TRUE(run("0"));
  EXPECT_LE(count(), 10);
  EXPECT_TRUE(run("0"));
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace dinh::db
