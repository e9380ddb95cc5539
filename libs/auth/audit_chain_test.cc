#include "libs/auth/audit_chain.h"

#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/auth/audit_hash.h"
#include "libs/base/random.h"
#include "libs/base/strings.h"
#include "libs/db/test_support.h"

namespace dinh::auth {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

class AuditChainTest : public db::EngineTest {
 protected:
  void SetUp() override { ASSERT_TRUE(AuditLog::EnsureSchema(*store_.db).ok()); }

  void Write(int rows) {
    auto ctx = store_.Context();
    ASSERT_TRUE(store_.db
                    ->Transact(*ctx,
                               [&](db::Tx& tx) -> absl::Status {
                                 for (int i = 0; i < rows; ++i) {
                                   AuditRow row;
                                   row.caller_kind = CallerKind::kOfficer;
                                   row.caller = "officer-" + std::to_string(i);
                                   row.person = "person";
                                   row.method = "method";
                                   row.subject = i % 2 == 0 ? "p1" : "";
                                   row.resource = "r" + std::to_string(i);
                                   row.reason = "reason";
                                   row.trace = "trace";
                                   RETURN_IF_ERROR(log_.Append(tx, row));
                                 }
                                 return absl::OkStatus();
                               })
                    .ok());
  }
  int64_t Chain(const KeyRing& ring, AuditChainer::Options options = {}) {
    AuditChainer chainer(*store_.db, ring, store_.clock, "procedures", std::move(options));
    const auto rows = chainer.ChainAll();
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.value_or(-1);
  }
  void Chained(int rows) {
    Write(rows);
    ASSERT_EQ(Chain(*ring_), rows);
  }
  AuditReport Verify(const std::vector<AuditHead>& anchors = {}, const std::string& service = "procedures") {
    auto ctx = store_.Context();
    const auto report = AuditVerify(*ctx, *store_.db, *ring_, service, anchors);
    EXPECT_TRUE(report.ok()) << report.status();
    return *report;
  }
  std::vector<std::pair<AuditProblemKind, int64_t>> Problems(const std::vector<AuditHead>& anchors = {}) {
    std::vector<std::pair<AuditProblemKind, int64_t>> out;
    for (const AuditProblem& problem : Verify(anchors).problems) {
      EXPECT_FALSE(problem.text.vi.empty());
      EXPECT_FALSE(problem.text.en.empty());
      out.emplace_back(problem.kind, problem.sequence);
    }
    return out;
  }
  void Sql(const std::string& sql) {
    const auto changed = store_.Exec(sql);
    ASSERT_TRUE(changed.ok()) << changed.status() << sql;
    ASSERT_GT(*changed, 0) << sql;
  }
  AuditHead Newest() { return Verify().newest; }
  // The chain from `from` on made again as someone would who has the file but not the keys: hashes fit, signatures do
  // not.
  void RechainFrom(int64_t from) {
    auto ctx = store_.Context();
    const auto result = store_.db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
      std::string hash = GenesisHash("procedures");
      if (from > 1) {
        RETURN_IF_ERROR(tx.Query("SELECT hash FROM audit WHERE sequence = $1", {from - 1},
                                 [&](const db::Row& row) { hash = row.Text(0); }));
      }
      int64_t last = from - 1;
      std::vector<AuditRecord> records;
      RETURN_IF_ERROR(
          tx.Query("SELECT number, sequence, id, at, caller_kind, caller, person, method, subject, resource, "
                   "outcome, reason, trace FROM audit WHERE sequence >= $1 ORDER BY sequence",
                   {from}, [&](const db::Row& row) {
                     AuditRecord r;
                     r.number = row.Int(0);
                     r.sequence = row.Int(1);
                     r.id = row.Text(2);
                     r.at = row.Int(3);
                     r.row = {static_cast<CallerKind>(row.Int(4)),
                              row.Text(5),
                              row.Text(6),
                              row.Text(7),
                              row.Text(8),
                              row.Text(9),
                              static_cast<absl::StatusCode>(row.Int(10)),
                              row.Text(11),
                              row.Text(12)};
                     records.push_back(r);
                   }));
      for (const AuditRecord& record : records) {
        hash = ChainHash(hash, record);
        last = record.sequence;
        RETURN_IF_ERROR(tx.Exec("UPDATE audit SET hash = $1 WHERE sequence = $2", {db::BlobView{hash}, last}).status());
      }
      return tx.Exec("UPDATE audit_chain SET sequence = $1, hash = $2", {last, db::BlobView{hash}}).status();
    });
    ASSERT_TRUE(result.ok()) << result;
  }

  db::TestDatabase store_{GetParam()};
  base::SystemRandom random_;
  base::IdGenerator ids_{store_.clock, random_};
  AuditLog log_{*store_.db, store_.clock, ids_};
  std::unique_ptr<KeyRing> ring_ = KeyRing::Ephemeral(store_.clock, random_);
};

using P = std::pair<AuditProblemKind, int64_t>;

DINH_BOTH_ENGINES(AuditChainTest);

TEST_P(AuditChainTest, AnEmptyLogIsWhole) {
  const AuditReport report = Verify();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.rows, 0);
  EXPECT_EQ(report.newest.sequence, 0);
  EXPECT_EQ(Chain(*ring_), 0);
}

TEST_P(AuditChainTest, AnUntouchedLogIsWhole) {
  Chained(10);
  Chained(7);
  Write(3);
  const AuditReport report = Verify();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.rows, 17);
  EXPECT_EQ(report.unchained, 3);
  EXPECT_EQ(report.heads, 1) << "the newest head covers the one before";
  EXPECT_EQ(report.newest.sequence, 17);
  EXPECT_EQ(Chain(*ring_), 3);
  EXPECT_EQ(Chain(*ring_), 0);
  EXPECT_TRUE(Verify().ok());
}

// Two replicas of a service on one database: both write audit rows and both chain.
TEST_P(AuditChainTest, ReplicasOnOneDatabaseMakeOneChain) {
  constexpr int kEach = 60;
  db::TestDatabase other(&store_);
  AuditLog other_log(*other.db, other.clock, ids_);
  const auto replica = [&](db::Database& database, AuditLog& log) {
    AuditChainer chainer(database, *ring_, store_.clock, "procedures",
                         {.interval = std::chrono::milliseconds(1), .batch_rows = 7});
    AuditWriter writer(log, store_.clock);
    chainer.Start();
    for (int i = 0; i < kEach; ++i) {
      auto ctx = store_.Context();
      EXPECT_TRUE(
          database.Transact(*ctx, [&](db::Tx& tx) { return log.Append(tx, AuditRow{.method = "dinh.x.v1.X/Change"}); })
              .ok());
      EXPECT_TRUE(writer.Submit({AuditRow{.method = "dinh.x.v1.X/Read"}}).ok());
    }
    writer.Stop();
    chainer.Stop();  // a last round chains what is there
  };
  std::thread second([&] { replica(*other.db, other_log); });
  replica(*store_.db, log_);
  second.join();
  const AuditReport report = Verify();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.rows, 4 * kEach);
  EXPECT_EQ(report.unchained, 0);
}

TEST_P(AuditChainTest, LongLogsKeepAHeadForEveryThousandRows) {
  Write(2 * kHeadEvery + 300);
  EXPECT_EQ(Chain(*ring_, {.batch_rows = 100}), 2 * kHeadEvery + 300);
  const AuditReport report = Verify();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.heads, 3);
  Sql("UPDATE audit SET reason = 'x' WHERE sequence = 1500");
  EXPECT_THAT(Problems(), Contains(P(AuditProblemKind::kRowChanged, 1500)));
}

TEST_P(AuditChainTest, KeysMayRotate) {
  Chained(5);
  ASSERT_TRUE(ring_->Rotate(KeyPurpose::kAuditHead).ok());
  EXPECT_TRUE(Verify().ok());
  Chained(5);
  EXPECT_TRUE(Verify().ok());
}

TEST_P(AuditChainTest, EveryColumnIsCovered) {
  Chained(9);
  const std::vector<std::pair<std::string, std::string>> changes = {{"number", "number + 1000"},
                                                                    {"id", "'00000000-0000-7000-8000-000000000000'"},
                                                                    {"at", "at + 1"},
                                                                    {"caller_kind", "2"},
                                                                    {"caller", "'someone'"},
                                                                    {"person", "''"},
                                                                    {"method", "'other'"},
                                                                    {"subject", "'p9'"},
                                                                    {"resource", "'r9'"},
                                                                    {"outcome", "7"},
                                                                    {"reason", "''"},
                                                                    {"trace", "'x'"},
                                                                    {"hash", "(SELECT hash FROM audit_head)"},
                                                                    {"hash", "NULL"},
                                                                    {"sequence", "NULL"},
                                                                    {"sequence", "-5"},
                                                                    {"sequence", "5000"}};
  for (const auto& [column, value] : changes) {
    Sql("CREATE TABLE kept AS SELECT * FROM audit WHERE sequence = 5");
    Sql("UPDATE audit SET " + column + " = " + value + " WHERE sequence = 5");
    const auto problems = Problems();
    ASSERT_FALSE(problems.empty()) << column;
    EXPECT_EQ(problems[0].second, 5) << column;
    Sql("DELETE FROM audit WHERE id = (SELECT id FROM kept) OR number = (SELECT number FROM kept) OR sequence = 5");
    Sql("INSERT INTO audit SELECT * FROM kept");
    ASSERT_TRUE(store_.Exec("DROP TABLE kept").ok());
    ASSERT_THAT(Problems(), IsEmpty()) << "restored after " << column;
  }
  // The columns tried above are all there are.
  EXPECT_EQ(store_.Number(GetParam() == db::Engine::kSqlite
                              ? "SELECT COUNT(*) FROM pragma_table_info('audit')"
                              : "SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 'audit' AND "
                                "table_schema = current_schema()"),
            14);
}

TEST_P(AuditChainTest, ADeletedRowIsMissing) {
  Chained(9);
  Sql("DELETE FROM audit WHERE sequence = 5");
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kRowMissing, 5));
}

TEST_P(AuditChainTest, TheFirstRowDeletedIsMissing) {
  Chained(9);
  Sql("DELETE FROM audit WHERE sequence = 1");
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kRowMissing, 1));
}

TEST_P(AuditChainTest, ADeletedRowWhoseSuccessorsMoveUpIsSeen) {
  Chained(9);
  Sql("DELETE FROM audit WHERE sequence = 5");
  Sql("UPDATE audit SET sequence = sequence - 1 WHERE sequence > 5");
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kRowChanged, 5));
  RechainFrom(5);
  EXPECT_THAT(Problems(), Contains(P(AuditProblemKind::kTailMissing, 9))) << "the head was signed for nine rows";
}

TEST_P(AuditChainTest, ADeletedTailIsMissing) {
  Chained(9);
  Sql("DELETE FROM audit WHERE sequence > 6");
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kTailMissing, 9));
  RechainFrom(6);
  EXPECT_THAT(Problems(), Contains(P(AuditProblemKind::kTailMissing, 9)));
}

TEST_P(AuditChainTest, ADeletedTailIsStillSeenAfterNewRows) {
  Chained(9);
  Sql("DELETE FROM audit WHERE sequence > 6");
  Chained(3);
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kRowMissing, 7));
}

TEST_P(AuditChainTest, EverythingDeletedIsSeen) {
  Chained(9);
  Sql("DELETE FROM audit");
  EXPECT_EQ(Problems()[0], P(AuditProblemKind::kTailMissing, 9));
}

TEST_P(AuditChainTest, SwappedRowsAreSeen) {
  Chained(9);
  Sql("UPDATE audit SET sequence = 100 WHERE sequence = 3");
  Sql("UPDATE audit SET sequence = 3 WHERE sequence = 6");
  Sql("UPDATE audit SET sequence = 6 WHERE sequence = 100");
  const auto problems = Problems();
  EXPECT_EQ(problems[0], P(AuditProblemKind::kRowChanged, 3));
  EXPECT_THAT(problems, Contains(P(AuditProblemKind::kRowChanged, 6)));
}

TEST_P(AuditChainTest, AChangedRowWithAChainMadeAgainDoesNotMatchItsHead) {
  Chained(9);
  Sql("UPDATE audit SET subject = 'p9' WHERE sequence = 4");
  RechainFrom(4);
  EXPECT_EQ(Problems(), (std::vector<P>{{AuditProblemKind::kHeadMismatch, 9}}));
}

TEST_P(AuditChainTest, AHeadSignedByAnotherKeyIsForged) {
  Chained(9);
  Sql("UPDATE audit SET subject = 'p9' WHERE sequence = 4");
  RechainFrom(4);
  // The whole log signed again with a key of one's own.
  const auto thief = KeyRing::Ephemeral(store_.clock, random_);
  AuditHead head{"procedures", 9, "", 1, "", ""};
  auto ctx = store_.Context();
  ASSERT_TRUE(store_.db
                  ->Transact(*ctx,
                             [&](db::Tx& tx) -> absl::Status {
                               RETURN_IF_ERROR(tx.Query("SELECT hash FROM audit WHERE sequence = 9", {},
                                                        [&](const db::Row& row) { head.hash = row.Text(0); }));
                               SignHead(*thief->Current(KeyPurpose::kAuditHead), &head);
                               return tx
                                   .Exec("UPDATE audit_head SET hash = $1, at = $2, key_id = $3, signature = $4",
                                         {db::BlobView{head.hash}, head.at, head.key_id, db::BlobView{head.signature}})
                                   .status();
                             })
                  .ok());
  EXPECT_EQ(Problems(), (std::vector<P>{{AuditProblemKind::kHeadForged, 9}}));
  // Under the name of the true key.
  Sql("UPDATE audit_head SET key_id = '" + ring_->Current(KeyPurpose::kAuditHead)->info.id + "'");
  EXPECT_EQ(Problems(), (std::vector<P>{{AuditProblemKind::kHeadForged, 9}}));
}

TEST_P(AuditChainTest, EveryColumnOfAHeadIsCovered) {
  Chained(9);
  for (const std::string change :
       {"sequence = 8", "at = at + 1", "key_id = 'x'", "hash = signature", "signature = hash", "sequence = 12"}) {
    Sql("CREATE TABLE kept AS SELECT * FROM audit_head");
    Sql("UPDATE audit_head SET " + change);
    EXPECT_THAT(Problems(), Not(IsEmpty())) << change;
    Sql("DELETE FROM audit_head");
    Sql("INSERT INTO audit_head SELECT * FROM kept");
    ASSERT_TRUE(store_.Exec("DROP TABLE kept").ok());
    ASSERT_THAT(Problems(), IsEmpty()) << change;
  }
}

TEST_P(AuditChainTest, ADeletedHeadIsMissing) {
  Chained(9);
  Sql("DELETE FROM audit_head");
  EXPECT_THAT(Problems(), Contains(P(AuditProblemKind::kHeadMissing, 9)));
}

TEST_P(AuditChainTest, RowsAppendedWithFittingHashesHaveNoHead) {
  Chained(9);
  Write(1);
  Sql("UPDATE audit SET sequence = 10 WHERE sequence IS NULL");
  RechainFrom(10);
  EXPECT_EQ(Problems(), (std::vector<P>{{AuditProblemKind::kTailUnsigned, 10}}));
}

TEST_P(AuditChainTest, AHeadOfAnotherServicesLogDoesNotPass) {
  Chained(9);
  EXPECT_FALSE(Verify({}, "payments").ok());
}

TEST_P(AuditChainTest, ALogPutBackAsAWholeIsSeenByAHeadKeptElsewhere) {
  Chained(9);
  ASSERT_TRUE(store_.Exec("CREATE TABLE a AS SELECT * FROM audit").ok());
  ASSERT_TRUE(store_.Exec("CREATE TABLE c AS SELECT * FROM audit_chain").ok());
  ASSERT_TRUE(store_.Exec("CREATE TABLE h AS SELECT * FROM audit_head").ok());
  Chained(3);
  const auto kept = ParseHead(FormatHead(Newest()));
  ASSERT_TRUE(kept.ok());
  EXPECT_THAT(Problems({*kept}), IsEmpty());
  for (const auto& [table, copy] : {std::pair("audit", "a"), {"audit_chain", "c"}, {"audit_head", "h"}}) {
    Sql("DELETE FROM " + std::string(table));
    Sql("INSERT INTO " + std::string(table) + " SELECT * FROM " + copy);
  }
  EXPECT_THAT(Problems(), IsEmpty()) << "alone, a whole earlier state is a whole log";
  EXPECT_EQ(Problems({*kept}), (std::vector<P>{{AuditProblemKind::kAnchorMismatch, 12}}));
  Chained(5);
  EXPECT_EQ(Problems({*kept}), (std::vector<P>{{AuditProblemKind::kAnchorMismatch, 12}})) << "and after new rows";
}

TEST_P(AuditChainTest, HeadLines) {
  Chained(2);
  const std::string line = FormatHead(Newest());
  const auto head = ParseHead(" " + line + "\n");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(FormatHead(*head), line);
  EXPECT_TRUE(HeadSignatureValid(*ring_, *head));
  for (const std::string& bad : {std::string(), line + " x", line.substr(1), std::string("a b c d e f")}) {
    const auto parsed = ParseHead(bad);
    EXPECT_TRUE(!parsed.ok() || !HeadSignatureValid(*ring_, *parsed)) << bad;
  }
}

TEST_P(AuditChainTest, ChainedRowsCanBeHandedOn) {
  Write(4);
  auto ctx = store_.Context();
  EXPECT_THAT(*log_.ListChainedAfter(*ctx, 0, 10), IsEmpty());
  EXPECT_EQ(Chain(*ring_), 4);
  const auto rows = log_.ListChainedAfter(*ctx, 0, 10);
  ASSERT_EQ(rows->size(), 2u) << "only rows that name a subject";
  EXPECT_EQ((*rows)[0].sequence, 1);
  EXPECT_EQ((*rows)[1].sequence, 3);
  EXPECT_EQ(log_.ListChainedAfter(*ctx, 1, 10)->size(), 1u);
}

TEST_P(AuditChainTest, WritersAndTwoChainersAtOnceMakeOneChain) {
  AuditWriter writer(log_, store_.clock);
  std::atomic<int64_t> heads{0}, errors{0};
  AuditChainer::Options options{.interval = std::chrono::milliseconds(1), .batch_rows = 7};
  options.on_head = [&](const AuditHead&) { ++heads; };
  options.on_error = [&](const absl::Status&) { ++errors; };
  AuditChainer one(*store_.db, *ring_, store_.clock, "procedures", options);
  AuditChainer two(*store_.db, *ring_, store_.clock, "procedures", options);
  one.Start();
  two.Start();
  constexpr int kThreads = 8, kEach = 60;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        AuditRow row;
        row.caller = std::to_string(t);
        EXPECT_TRUE(writer.Submit({row}).ok());
        if (i % 20 == 0) {
          EXPECT_THAT(Problems(), IsEmpty()) << "a log that grows is whole at every moment";
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  writer.Stop();
  one.Stop();
  two.Stop();
  EXPECT_EQ(errors, 0);
  EXPECT_GT(heads, 0);
  const AuditReport report = Verify();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.rows, kThreads * kEach);
  EXPECT_EQ(report.unchained, 0) << "stopping chains what is left";
}

TEST_P(AuditChainTest, ProblemsAreCounted) {
  Chained(60);
  Sql("UPDATE audit SET reason = 'x'");
  EXPECT_EQ(Problems().size(), kAuditProblemsMax);
}

// Not a limit, a record: what an audit row adds to a write, and what chaining costs beside it.
TEST_P(AuditChainTest, Costs) {
  constexpr int kRows = 20'000;
  const auto record = [](const std::string& name, auto&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const auto spent = std::chrono::steady_clock::now() - start;
    std::cout << name << ": " << std::chrono::duration<double, std::micro>(spent).count() / kRows << "\n";
  };
  record("audit_append_us", [&] { Write(kRows); });
  record("audit_chain_us", [&] { EXPECT_EQ(Chain(*ring_), kRows); });
  record("audit_verify_us", [&] { EXPECT_TRUE(Verify().ok()); });
}

}  // namespace
}  // namespace dinh::auth
