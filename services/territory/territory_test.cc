// The service through the real pipeline, on the shipped map.
#include "dinh/territory/v1/service.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/testing/service_harness.h"
#include "libs/testing/sql_coverage.h"
#include "services/territory/module.h"

namespace dinh::territory {
namespace {

DINH_STORE_SQL_IS_COVERED("services/territory");

namespace pb = ::dinh::territory::v1;
using testing::Anonymous;

class TerritoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  void Restart(const std::string& data_dir = "") {
    testing::HarnessOptions options;
    options.data_dir = data_dir;
    options.modules.push_back(MakeTerritoryModule());
    auto harness = testing::ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(harness.ok()) << harness.status();
    harness_ = *std::move(harness);
  }
  absl::StatusOr<pb::Unit> Get(const std::string& code, const std::string& at = "") {
    pb::GetUnitRequest request;
    request.set_code(code);
    request.set_at(at);
    return harness_->Call<pb::Unit>("/dinh.territory.v1.TerritoryService/GetUnit", request, Anonymous());
  }
  absl::StatusOr<pb::ListUnitsResponse> List(const pb::ListUnitsRequest& request) {
    return harness_->Call<pb::ListUnitsResponse>("/dinh.territory.v1.TerritoryService/ListUnits", request, Anonymous());
  }
  std::string ReasonOf(const absl::Status& status) {
    auto detail = base::DetailOf(status);
    return detail ? detail->reason : "";
  }
  std::unique_ptr<testing::ServiceHarness> harness_;
};

TEST_F(TerritoryTest, OldCodeTellsWhatItBecame) {
  auto unit = Get("15952");
  ASSERT_TRUE(unit.ok()) << unit.status();
  EXPECT_EQ(unit->name(), "Hoằng Đồng");
  EXPECT_EQ(unit->valid_to(), "2025-07-01");
  ASSERT_EQ(unit->successors_size(), 1);
  EXPECT_EQ(unit->successors(0).code(), "15865");
  EXPECT_EQ(unit->successors(0).name(), "Hoằng Hóa");
  EXPECT_EQ(Get("15865", "2024-05-01")->name(), "Bút Sơn");
  EXPECT_EQ(Get("15865")->name(), "Hoằng Hóa");
}

TEST_F(TerritoryTest, ErrorsAreNamed) {
  EXPECT_EQ(ReasonOf(Get("99999").status()), "UNIT_NOT_FOUND");
  auto gone = Get("15952", "2026-01-01");
  EXPECT_EQ(ReasonOf(gone.status()), "UNIT_NOT_VALID_AT");
  EXPECT_THAT(base::DetailOf(gone.status())->metadata, ::testing::Contains(::testing::Pair("successor", "15865")));
  EXPECT_EQ(Get("15952", "2026-02-30").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Get("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Get("abc'; --").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TerritoryTest, ListsPageWithoutLossOrRepetition) {
  pb::ListUnitsRequest request;
  request.set_parent("399");
  request.set_at("2024-05-01");
  request.set_page_size(10);
  std::set<std::string> seen;
  int pages = 0;
  do {
    auto page = List(request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const pb::Unit& unit : page->units()) EXPECT_TRUE(seen.insert(unit.code()).second) << unit.code();
    request.set_page_token(page->next_page_token());
    ASSERT_LT(++pages, 10);
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 37u);
  EXPECT_EQ(pages, 4);
}

TEST_F(TerritoryTest, PageTokensHoldToTheirFilter) {
  pb::ListUnitsRequest request;
  request.set_parent("399");
  request.set_at("2024-05-01");
  request.set_page_size(10);
  const std::string token = List(request)->next_page_token();
  request.set_page_token(token);
  request.set_parent("38");
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.set_parent("399");
  request.set_page_token(token + "A");
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.set_page_token("");
  request.set_page_size(-1);
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TerritoryTest, AgenciesOfAnOldCodeAreTodays) {
  pb::ListAgenciesRequest request;
  request.set_unit("15952");
  request.set_kind(pb::Agency::KIND_POLICE);
  auto agencies = harness_->Call<pb::ListAgenciesResponse>("/dinh.territory.v1.TerritoryService/ListAgencies", request,
                                                           Anonymous());
  ASSERT_TRUE(agencies.ok()) << agencies.status();
  ASSERT_EQ(agencies->agencies_size(), 1);
  EXPECT_EQ(agencies->agencies(0).id(), "ca-15865");
}

TEST_F(TerritoryTest, AgenciesComeInPages) {
  pb::ListAgenciesRequest request;
  request.set_unit("15865");
  const auto list = [&] {
    return harness_->Call<pb::ListAgenciesResponse>("/dinh.territory.v1.TerritoryService/ListAgencies", request,
                                                    Anonymous());
  };
  const auto all = list();
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_GE(all->agencies_size(), 2);
  EXPECT_TRUE(all->next_page_token().empty());
  request.set_page_size(1);
  std::vector<std::string> seen;
  do {
    const auto page = list();
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->agencies_size(), 1);
    seen.push_back(page->agencies(0).id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && seen.size() < 100);
  ASSERT_EQ(static_cast<int>(seen.size()), all->agencies_size());
  for (int i = 0; i < all->agencies_size(); ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], all->agencies(i).id());
}

TEST_F(TerritoryTest, ASecondStartAnswersTheSameFromItsStore) {
  testing::TempDir dir;
  Restart(dir.path());
  const std::string first = Get("15865")->SerializeAsString();
  harness_.reset();
  Restart(dir.path());
  EXPECT_EQ(Get("15865")->SerializeAsString(), first);
}

}  // namespace
}  // namespace dinh::territory
