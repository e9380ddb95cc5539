#include "libs/auth/audit.h"

#include <atomic>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/random.h"
#include "libs/db/test_support.h"

namespace dinh::auth {
namespace {

AuditRow Row(const std::string& subject, const std::string& resource = "dossiers/1") {
  return {.caller_kind = CallerKind::kOfficer,
          .caller = "officer-1",
          .person = "person-9",
          .method = "dinh.procedures.v1.DossierService/GetDossier",
          .subject = subject,
          .resource = resource,
          .outcome = absl::StatusCode::kPermissionDenied,
          .reason = "inbox",
          .trace = "0123456789abcdef0123456789abcdef"};
}

class AuditTest : public db::EngineTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(AuditLog::EnsureSchema(*store_.db).ok());
    ASSERT_TRUE(AuditLog::EnsureSchema(*store_.db).ok()) << "again at the next start";
  }
  std::vector<AuditRecord> Of(const std::string& subject, int64_t before = 0, int limit = 100) {
    auto ctx = store_.Context();
    const auto list = log_.ListBySubject(*ctx, subject, before, limit);
    EXPECT_TRUE(list.ok()) << list.status();
    return *list;
  }

  db::TestDatabase store_{GetParam()};
  base::SystemRandom random_;
  base::IdGenerator ids_{store_.clock, random_};
  AuditLog log_{*store_.db, store_.clock, ids_};
};

DINH_BOTH_ENGINES(AuditTest);

TEST_P(AuditTest, ARowComesBackAsItWasWritten) {
  auto ctx = store_.Context();
  ASSERT_TRUE(store_.db->Transact(*ctx, [&](db::Tx& tx) { return log_.Append(tx, Row("p1")); }).ok());
  const auto list = Of("p1");
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].sequence, 0) << "not chained inside the commit";
  EXPECT_TRUE(base::IsUuid(list[0].id));
  EXPECT_LT(std::abs(store_.clock.Now() - list[0].at), 60 * base::kMicrosPerSecond);
  const AuditRow& row = list[0].row;
  EXPECT_EQ(row.caller_kind, CallerKind::kOfficer);
  EXPECT_EQ(row.caller, "officer-1");
  EXPECT_EQ(row.person, "person-9");
  EXPECT_EQ(row.method, "dinh.procedures.v1.DossierService/GetDossier");
  EXPECT_EQ(row.subject, "p1");
  EXPECT_EQ(row.resource, "dossiers/1");
  EXPECT_EQ(row.outcome, absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(row.reason, "inbox");
  EXPECT_EQ(row.trace, "0123456789abcdef0123456789abcdef");
}

TEST_P(AuditTest, ARowLivesAndDiesWithItsTransaction) {
  auto ctx = store_.Context();
  EXPECT_FALSE(store_.db
                   ->Transact(*ctx,
                              [&](db::Tx& tx) -> absl::Status {
                                RETURN_IF_ERROR(log_.Append(tx, Row("p1")));
                                return absl::AbortedError("changed its mind");
                              })
                   .ok());
  EXPECT_TRUE(Of("p1").empty());
}

TEST_P(AuditTest, LongAndControlTextsAreTamed) {
  AuditRow row = Row("p1");
  row.reason = std::string(255, 'a') + "đđđ";
  row.resource = "a\nb\x01";
  auto ctx = store_.Context();
  ASSERT_TRUE(store_.db->Transact(*ctx, [&](db::Tx& tx) { return log_.Append(tx, row); }).ok());
  const auto list = Of("p1");
  EXPECT_EQ(list[0].row.reason, std::string(255, 'a'));
  EXPECT_EQ(list[0].row.resource, "a b ");
}

TEST_P(AuditTest, PagesThroughOnePersonsAccessesNewestFirst) {
  auto ctx = store_.Context();
  ASSERT_TRUE(store_.db
                  ->Transact(*ctx,
                             [&](db::Tx& tx) -> absl::Status {
                               for (int i = 0; i < 25; ++i) {
                                 RETURN_IF_ERROR(log_.Append(tx, {Row("p1", std::to_string(i)), Row("p2"), Row("")}));
                               }
                               return absl::OkStatus();
                             })
                  .ok());
  std::vector<std::string> seen;
  int64_t before = 0;
  for (auto page = Of("p1", 0, 10); !page.empty(); page = Of("p1", before, 10)) {
    for (const auto& record : page) seen.push_back(record.row.resource);
    before = page.back().number;
  }
  ASSERT_EQ(seen.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], std::to_string(24 - i));
  EXPECT_TRUE(Of("").empty()) << "rows about nobody are nobody's";
  EXPECT_TRUE(Of("p1", 0, 0).empty());
}

// A log grows for years: none of its questions may read it from end to end.
TEST_P(AuditTest, EveryQuestionHasItsIndex) {
  const std::vector<std::pair<std::string, std::string>> questions = {
      {"SELECT number FROM audit WHERE sequence IS NULL ORDER BY number LIMIT 1", "audit_pending"},
      {"SELECT reason FROM audit WHERE subject = 'p' AND subject <> '' AND number < 9 ORDER BY number DESC LIMIT 1",
       "audit_by_subject"},
      {"SELECT reason FROM audit WHERE sequence > 7 AND subject <> '' ORDER BY sequence LIMIT 1", "audit_to_hand_on"},
      {"SELECT reason FROM audit WHERE sequence > 7 ORDER BY sequence LIMIT 1", "audit_by_sequence"}};
  for (const auto& [sql, index] : questions) {
    const std::string plan = store_.Plan(sql);
    EXPECT_THAT(plan, ::testing::HasSubstr(index)) << sql;
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("TEMP B-TREE"))) << sql;
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("Sort"))) << sql;
  }
}

TEST_P(AuditTest, SubmitReturnsWhenItsRowsAreThere) {
  AuditWriter writer(log_, store_.clock);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(writer.Submit({Row("p1"), Row("p1")}).ok());
    EXPECT_EQ(Of("p1").size(), static_cast<size_t>(2 * (i + 1)));
  }
  EXPECT_TRUE(writer.Submit({}).ok());
}

TEST_P(AuditTest, ManyAtOnceShareBatches) {
  AuditWriter writer(log_, store_.clock);
  constexpr int kThreads = 16, kEach = 50;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) good += writer.Submit({Row("p" + std::to_string(t))}).ok();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
  EXPECT_EQ(store_.Number("SELECT COUNT(*) FROM audit"), kThreads * kEach);
  EXPECT_LT(writer.batches(), kThreads * kEach / 2);
}

TEST_P(AuditTest, TheCallbackComesAfterTheCommit) {
  AuditWriter writer(log_, store_.clock);
  std::promise<int64_t> found;
  writer.SubmitAsync({Row("p1")}, [&](const absl::Status& status) {
    found.set_value(status.ok() ? store_.Number("SELECT COUNT(*) FROM audit") : -1);
  });
  EXPECT_EQ(found.get_future().get(), 1);
}

TEST_P(AuditTest, AFullQueueRefuses) {
  AuditWriter writer(log_, store_.clock, {.gather = std::chrono::milliseconds(0), .queue_rows_max = 2});
  std::atomic<int> refused{0}, written{0};
  const absl::Status status = writer.Submit({Row("p"), Row("p"), Row("p")});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(db::ReasonOf(status), "AUDIT_BACKLOG");
  EXPECT_GT(base::DetailOf(status)->retry_after_ms, 0);
  EXPECT_TRUE(writer.Submit({Row("p")}).ok());
}

TEST_P(AuditTest, StopWritesWhatIsQueuedAndThenRefuses) {
  std::atomic<int> written{0};
  AuditWriter writer(log_, store_.clock, {.gather = std::chrono::milliseconds(100), .batch_rows_max = 10});
  for (int i = 0; i < 100; ++i) {
    writer.SubmitAsync({Row("p1")}, [&](const absl::Status& status) { written += status.ok(); });
  }
  writer.Stop();
  EXPECT_EQ(written, 100);
  EXPECT_EQ(store_.Number("SELECT COUNT(*) FROM audit"), 100);
  EXPECT_EQ(db::ReasonOf(writer.Submit({Row("p1")})), "AUDIT_STOPPED");
  writer.Stop();
}

TEST_P(AuditTest, AFailedBatchIsToldToEverybodyInIt) {
  AuditWriter writer(log_, store_.clock);
  store_.db->Close();
  EXPECT_EQ(writer.Submit({Row("p1")}).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace dinh::auth
