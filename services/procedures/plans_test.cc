// How PostgreSQL finds what a request asks for among many dossiers: by an index, never by a walk.
#include "libs/auth/key_ring.h"
#include "libs/auth/sealer.h"
#include "libs/db/test_support.h"
#include "libs/testing/plan_check.h"
#include "services/procedures/store.h"
#include "services/procedures/test_support.h"

namespace dinh::procedures {
namespace {

using ::testing::IsEmpty;

TEST(ProceduresPlansTest, NoRequestWalksThroughALargeTable) {
  if (::dinh::testing::TestEngine() != db::Engine::kPostgres) GTEST_SKIP() << "PostgreSQL's plans";
  db::TestDatabase database(db::Engine::kPostgres, Migrations());
  const int64_t rows = ::dinh::testing::PlanRows();
  auto ctx = db::TestContext(database.clock, std::chrono::minutes(10));
  for (const absl::Status& filled :
       {::dinh::testing::FillSeries(*database.db, *ctx, "dossiers", rows,
                                    {{"id", "'d' || lpad(CAST(n AS TEXT), 9, '0')"},
                                     {"code", "'H' || n"},
                                     {"filer_person", "'p' || n % 50000"},
                                     {"receiving_agency", "'a' || n % 200"},
                                     {"state", "n % 10 + 1"},
                                     {"tracking_hash", "'t' || n"},
                                     {"charge", "'c' || n"},
                                     {"submitted_at", "n"}}),
        ::dinh::testing::FillSeries(
            *database.db, *ctx, "timeline", 2 * rows,
            {{"dossier", "'d' || lpad(CAST((n + 1) / 2 AS TEXT), 9, '0')"}, {"position", "n % 2"}}),
        ::dinh::testing::FillSeries(*database.db, *ctx, "attachments", rows,
                                    {{"id", "'f' || n"},
                                     {"blob", "'b' || n"},
                                     {"owner_account", "'o' || n % 50000"},
                                     {"dossier",
                                      "CASE WHEN n % 100 = 0 THEN NULL ELSE "
                                      "'d' || lpad(CAST(n AS TEXT), 9, '0') END"},
                                     {"created_at", "n"}})}) {
    ASSERT_TRUE(filled.ok()) << filled;
  }
  base::SeededRandom random(1);
  const auto keys = auth::KeyRing::Ephemeral(database.clock, random);
  const auth::Sealer sealer(*keys, random);
  const Store store(sealer);
  const absl::Status asked = database.db->Transact(*ctx, [&](db::Tx& tx) {
    ::dinh::testing::PlanTx plans(tx, {"dossiers", "timeline", "attachments"});
    // What is sealed in the rows is none: only how they are found counts.
    (void)store.ByCode(plans, "H77");
    (void)store.ById(plans, "d000000077");
    (void)store.ByTracking(plans, "token");
    (void)store.ByCharge(plans, "c77");
    DossierFilter mine;
    mine.filer_person = "p77";
    (void)store.List(plans, mine, 1);
    DossierFilter inbox;
    inbox.inboxes = {Inbox{.agency = "a7"}};
    for (const std::vector<int>& states : {std::vector<int>{}, {3}}) {
      inbox.states = states;
      (void)store.List(plans, inbox, 1);
    }
    DossierRow row;
    row.id = "d000000077";
    (void)store.Timeline(plans, row);
    (void)store.Attachments(plans, row);
    (void)store.Attachment(plans, "f77");
    (void)store.CountUnused(plans, "o100");
    (void)store.RemoveUnused(plans, 1, 10);
    EXPECT_THAT(plans.walks, IsEmpty());
    EXPECT_GE(plans.seen.size(), 10u);
    return absl::OkStatus();
  });
  EXPECT_TRUE(asked.ok()) << asked;
}

}  // namespace
}  // namespace dinh::procedures
