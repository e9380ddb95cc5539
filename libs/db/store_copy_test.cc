#include "libs/db/store_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/db/append_only.h"
#include "libs/db/test_support.h"
#include "libs/db/text_index.h"

namespace dinh::db {
namespace {

using ::testing::HasSubstr;

// A parent behind its child in the alphabet, a key of two columns, a row that the migration writes itself.
std::vector<Migration> Steps() {
  return {{1, "rooms",
           "CREATE TABLE rooms (id TEXT NOT NULL PRIMARY KEY, area DOUBLE PRECISION, note TEXT, seal BLOB);\n"
           "CREATE TABLE guests (room TEXT NOT NULL REFERENCES rooms (id), place BIGINT NOT NULL, name TEXT NOT NULL, "
           "here SMALLINT NOT NULL, PRIMARY KEY (room, place));\n"
           "CREATE TABLE head (id SMALLINT NOT NULL PRIMARY KEY, last BIGINT NOT NULL);\n"
           "INSERT INTO head (id, last) VALUES (1, 0);\n"
           "CREATE TABLE tries (at BIGINT NOT NULL, who TEXT NOT NULL);\n"
           "CREATE TABLE books (id TEXT NOT NULL PRIMARY KEY, vnd BIGINT NOT NULL);",
           1}};
}

class StoreCopyTest : public EngineTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(EnsureAppendOnly(*from_.db, "books").ok());
    ASSERT_TRUE(TextIndex("some_text").EnsureSchema(*from_.db).ok());
    for (const char* sql : {"INSERT INTO rooms (id, area, note, seal) VALUES ('b', 12.5, 'Phòng ''trên''', NULL)",
                            "INSERT INTO rooms (id, area, note, seal) VALUES ('a', NULL, NULL, CAST('' AS @))",
                            "INSERT INTO rooms (id, area, note, seal) VALUES ('', -0.1, '', CAST('xy' AS @))",
                            "UPDATE head SET last = 7", "INSERT INTO books (id, vnd) VALUES ('one', 1), ('two', 2)"}) {
      std::string text = sql;
      if (const size_t at = text.find('@'); at != std::string::npos) {
        text.replace(at, 1, GetParam() == Engine::kSqlite ? "BLOB" : "BYTEA");
      }
      ASSERT_TRUE(from_.Exec(text).ok()) << text;
    }
    auto ctx = from_.Context();
    const absl::Status filled = from_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
      for (int i = 0; i < 1500; ++i) {
        RETURN_IF_ERROR(tx.ExecLater("INSERT INTO guests (room, place, name, here) VALUES ($1, $2, $3, $4)",
                                     {i % 3 == 0   ? ""
                                      : i % 3 == 1 ? "a"
                                                   : "b",
                                      i - 700, "Khách", i % 2}));
      }
      for (int i = 0; i < 600; ++i) RETURN_IF_ERROR(tx.ExecLater("INSERT INTO tries (at, who) VALUES (5, 'x')"));
      return TextIndex("some_text").Put(tx, 1, "mot hai");
    });
    ASSERT_TRUE(filled.ok()) << filled;
    // A claim: its number is an identity.
    auto claimed = from_.Context();
    claimed->claim = std::make_unique<base::IdempotencyClaim>();
    claimed->claim->request_id = "r1";
    ASSERT_TRUE(from_.db->Transact(*claimed, [](Tx&) { return absl::OkStatus(); }).ok());
  }
  absl::StatusOr<std::unique_ptr<Database>> Target() {
    RETURN_IF_ERROR(PrepareTarget(to_));
    PostgresOptions options = to_;
    options.copying = true;
    ASSIGN_OR_RETURN(std::unique_ptr<Database> to, OpenPostgres(options, clock_));
    RETURN_IF_ERROR(to->Migrate(Steps()));
    RETURN_IF_ERROR(EnsureAppendOnly(*to, "books"));
    RETURN_IF_ERROR(TextIndex("some_text").EnsureSchema(*to));
    return to;
  }
  static std::string Everything(Database& database) {
    const base::SystemClock clock;
    auto ctx = TestContext(clock);
    std::string all;
    const absl::Status read = database.Read(*ctx, [&](Tx& tx) -> absl::Status {
      all.clear();
      const auto add = [&](const Row& row) {
        for (int i = 0; i < 4; ++i) all += (row.IsNull(i) ? "NULL" : "[" + row.Text(i) + "]") + " ";
      };
      RETURN_IF_ERROR(tx.Query("SELECT id, area, note, seal FROM rooms ORDER BY id", {}, add));
      RETURN_IF_ERROR(tx.Query("SELECT room, place, name, here FROM guests ORDER BY room, place", {}, add));
      RETURN_IF_ERROR(tx.Query("SELECT id, last, 0, 0 FROM head", {}, add));
      RETURN_IF_ERROR(tx.Query("SELECT COUNT(*), 0, 0, 0 FROM tries", {}, add));
      RETURN_IF_ERROR(tx.Query("SELECT id, vnd, 0, 0 FROM books ORDER BY id", {}, add));
      return tx.Query("SELECT number, claim, body_hash, created_at FROM idempotency ORDER BY number", {}, add);
    });
    return read.ok() ? all : read.ToString();
  }

  base::SystemClock clock_;
  TestDatabase from_{GetParam(), Steps()};
  PostgresOptions to_ = TestPostgresOptions();
};
DINH_BOTH_ENGINES(StoreCopyTest);

TEST_P(StoreCopyTest, EveryRowIsThereAndNumbersGoOn) {
  auto to = Target();
  ASSERT_TRUE(to.ok()) << to.status();
  const auto copied = CopyStore(*from_.db, **to, {.clock = clock_, .progress = {}});
  ASSERT_TRUE(copied.ok()) << copied.status();
  int64_t rows = 0;
  for (const CopiedTable& table : *copied) {
    EXPECT_EQ(table.source_rows, table.target_rows) << table.table;
    rows += table.target_rows;
  }
  EXPECT_EQ(rows, 3 + 1500 + 1 + 2 + 600 + 1);
  EXPECT_EQ(Everything(**to), Everything(*from_.db));
  auto ctx = from_.Context();
  EXPECT_EQ(*LookAtTarget(to_), CopyTarget::kUnfinished);
  EXPECT_EQ(ReasonOf(OpenPostgres(to_, clock_).status()), "COPY_UNFINISHED");
  ASSERT_TRUE(FinishCopies(*ctx, {to->get()}).ok());
  EXPECT_EQ(*LookAtTarget(to_), CopyTarget::kInUse);
  const auto opened = OpenPostgres(to_, clock_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  auto claimed = from_.Context();
  claimed->claim = std::make_unique<base::IdempotencyClaim>();
  claimed->claim->request_id = "r2";
  EXPECT_TRUE((*opened)->Transact(*claimed, [](Tx&) { return absl::OkStatus(); }).ok()) << "a number of its own";
}

TEST_P(StoreCopyTest, WhatWasStoppedAnywhereGoesOn) {
  absl::Status stopped = absl::CancelledError("not run");
  int runs = 0;
  while (!stopped.ok()) {
    ASSERT_LT(++runs, 100);
    auto to = Target();
    ASSERT_TRUE(to.ok()) << to.status();
    // Each run dies with its second batch.
    int batches = 0;
    const auto copied =
        CopyStore(*from_.db, **to, {.clock = clock_, .progress = [&](const std::string&, int64_t) {
                                      return ++batches < 2 ? absl::OkStatus() : absl::CancelledError("on purpose");
                                    }});
    stopped = copied.status();
    ASSERT_TRUE(copied.ok() || absl::IsCancelled(stopped)) << stopped;
    if (copied.ok()) {
      EXPECT_EQ(Everything(**to), Everything(*from_.db));
    }
  }
  EXPECT_GT(runs, 3);
}

TEST_P(StoreCopyTest, UnlikeSchemasAreRefused) {
  ASSERT_TRUE(from_.db->MigrateComponent("extra", {{1, "x", "CREATE TABLE x (a BIGINT PRIMARY KEY);", 1}}).ok());
  auto to = Target();
  ASSERT_TRUE(to.ok()) << to.status();
  const absl::Status refused = CopyStore(*from_.db, **to, {.clock = clock_, .progress = {}}).status();
  EXPECT_EQ(ReasonOf(refused), "SOURCE_SCHEMA_DIFFERS");
  EXPECT_THAT(base::DetailOf(refused)->text.en, HasSubstr("extra 1"));
}

TEST_P(StoreCopyTest, ATableWithoutAPlaceIsRefused) {
  ASSERT_TRUE(from_.Exec("CREATE TABLE notes (a BIGINT PRIMARY KEY)").ok());
  auto to = Target();
  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_EQ(ReasonOf(CopyStore(*from_.db, **to, {.clock = clock_, .progress = {}}).status()), "SOURCE_TABLE_UNKNOWN");
}

TEST(CopyTargetTest, IsEmptyUnfinishedOrInUse) {
  const base::SystemClock clock;
  const PostgresOptions options = TestPostgresOptions();
  EXPECT_EQ(*LookAtTarget(options), CopyTarget::kEmpty);
  ASSERT_TRUE(PrepareTarget(options).ok());
  ASSERT_TRUE(PrepareTarget(options).ok());
  EXPECT_EQ(*LookAtTarget(options), CopyTarget::kUnfinished);
  const TestDatabase used(Engine::kPostgres, Steps());
  EXPECT_EQ(*LookAtTarget(used.postgres), CopyTarget::kInUse);
}

// The service's own role owns its schema; the copy is made by somebody else.
TEST(CopyTargetTest, TablesBelongToTheOwnerOfTheirSchema) {
  const base::SystemClock clock;
  PostgresOptions options = TestPostgresOptions();
  const std::string role = "role_" + options.schema;
  ASSERT_TRUE(ProvisionPostgres(options.dsn, {{options.schema, role, "secret"}}).ok());
  ASSERT_TRUE(PrepareTarget(options).ok());
  options.copying = true;
  auto to = OpenPostgres(options, clock);
  ASSERT_TRUE(to.ok()) << to.status();
  ASSERT_TRUE((*to)->Migrate(Steps()).ok());
  ASSERT_TRUE(EnsureAppendOnly(**to, "books").ok());
  auto ctx = TestContext(clock);
  const absl::Status finished = FinishCopies(*ctx, {to->get()});
  ASSERT_TRUE(finished.ok()) << finished;
  options.copying = false;
  options.dsn = postgres_test::PostgresServer::Shared().DsnOf(role, "secret");
  const auto own = OpenPostgres(options, clock);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_TRUE(
      (*own)->Transact(*ctx, [](Tx& tx) { return tx.Exec("INSERT INTO rooms (id) VALUES ('x')").status(); }).ok());
  EXPECT_TRUE((*own)
                  ->Migrate([] {
                    std::vector<Migration> steps = Steps();
                    steps.push_back({2, "more", "ALTER TABLE rooms ADD COLUMN more BIGINT;", 1});
                    return steps;
                  }())
                  .ok());
}

}  // namespace
}  // namespace dinh::db
