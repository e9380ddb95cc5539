#include "services/procedures/domain/fees.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::procedures {
namespace {

using ::testing::HasSubstr;

FeeRule Page() {
  FeeRule rule;
  rule.kind = FeeKind::kPerPage;
  rule.label = {"Phí chứng thực", "Certification"};
  rule.unit = {"bản", "copies"};
  rule.tiers = {{1, 2000}, {3, 1000}};
  rule.cap_vnd = 200'000;
  return rule;
}

FeeRule PerCopy(base::Vnd amount) {
  FeeRule rule;
  rule.kind = FeeKind::kPerUnit;
  rule.label = {"Lệ phí bản sao", "Copies"};
  rule.unit = {"bản", "copies"};
  rule.amount_vnd = amount;
  return rule;
}

FeeRule Fixed(base::Vnd amount, std::vector<Channel> channels = {}) {
  FeeRule rule;
  rule.label = {"Lệ phí", "Fee"};
  rule.amount_vnd = amount;
  rule.channels = std::move(channels);
  return rule;
}

base::Vnd Amount(const FeeSchedule& schedule, const FeeInput& input) {
  const auto result = EvaluateFees(schedule, input);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->amount_vnd : -1;
}

TEST(Fees, CertifiedCopiesByPagesTable) {
  const FeeSchedule schedule{{Page()}, {}, {}};
  ASSERT_TRUE(CheckFees(schedule).ok());
  // pages a copy, copies, đồng (Thông tư 226/2016/TT-BTC)
  const std::vector<std::tuple<int, int, base::Vnd>> table = {
      {1, 1, 2000},     {2, 1, 4000},     {3, 1, 5000},      {4, 1, 6000},      {10, 1, 12000},   {10, 3, 36000},
      {198, 1, 200000}, {199, 1, 200000}, {1000, 1, 200000}, {1000, 2, 400000}, {197, 1, 199000}, {1, 200, 400000}};
  for (const auto& [pages, copies, expected] : table) {
    EXPECT_EQ(Amount(schedule, {Channel::kDesk, {{"pages", pages}, {"copies", copies}}, ""}), expected)
        << pages << " pages, " << copies << " copies";
  }
}

TEST(Fees, PerCopyAndItsExplanation) {
  const FeeSchedule schedule{{PerCopy(8000)}, {}, {}};
  const auto result = EvaluateFees(schedule, {Channel::kOnline, {{"copies", 2}}, ""});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->amount_vnd, 16000);
  ASSERT_EQ(result->lines.size(), 1u);
  EXPECT_EQ(result->lines[0].text.vi, "Lệ phí bản sao: 2 bản × 8.000 đ");
  EXPECT_EQ(Amount(schedule, {Channel::kOnline, {}, ""}), 8000) << "an absent count is one";
}

TEST(Fees, ByChannel) {
  const FeeSchedule schedule{{Fixed(15000, {Channel::kDesk, Channel::kPost}), Fixed(7000, {Channel::kOnline})}, {}, {}};
  EXPECT_EQ(Amount(schedule, {Channel::kDesk, {}, ""}), 15000);
  EXPECT_EQ(Amount(schedule, {Channel::kOnline, {}, ""}), 7000);
  EXPECT_EQ(Amount(schedule, {Channel::kPost, {}, ""}), 15000);
}

TEST(Fees, RulesAddUpAndFreeSaysSo) {
  EXPECT_EQ(Amount({{Fixed(5000), PerCopy(8000)}, {}, {}}, {Channel::kDesk, {{"copies", 3}}, ""}), 29000);
  const auto free = EvaluateFees({}, {Channel::kOnline, {}, ""});
  ASSERT_TRUE(free.ok());
  EXPECT_EQ(free->amount_vnd, 0);
  EXPECT_EQ(free->lines[0].text.vi, "Miễn phí");
}

TEST(Fees, Exemptions) {
  const FeeSchedule schedule{{PerCopy(8000)}, {{"poor_household", {"Hộ nghèo", "Poor household"}}}, {}};
  const auto exempt = EvaluateFees(schedule, {Channel::kOnline, {{"copies", 2}}, "poor_household"});
  ASSERT_TRUE(exempt.ok());
  EXPECT_EQ(exempt->amount_vnd, 0);
  EXPECT_THAT(exempt->lines[0].text.vi, HasSubstr("Hộ nghèo"));
  EXPECT_TRUE(absl::IsInvalidArgument(EvaluateFees(schedule, {Channel::kOnline, {}, "friend"}).status()));
}

TEST(Fees, CountsAndOverflowAreRefused) {
  const FeeSchedule schedule{{PerCopy(8000)}, {}, {}};
  for (int64_t count : {int64_t{0}, int64_t{-1}, int64_t{10'001}, INT64_MAX, INT64_MIN}) {
    EXPECT_TRUE(absl::IsInvalidArgument(EvaluateFees(schedule, {Channel::kDesk, {{"copies", count}}, ""}).status()))
        << count;
  }
  const FeeSchedule dear{{PerCopy(base::kVndMax)}, {}, {}};
  EXPECT_TRUE(absl::IsFailedPrecondition(EvaluateFees(dear, {Channel::kDesk, {{"copies", 10'000}}, ""}).status()));
}

TEST(Fees, BrokenSchedulesAreRefused) {
  FeeRule no_tiers = Page();
  no_tiers.tiers.clear();
  FeeRule late = Page();
  late.tiers = {{2, 100}};
  FeeRule mixed = Page();
  mixed.tiers = {{1, 2000}, {1, 1000}};
  FeeRule no_unit = PerCopy(1);
  no_unit.unit = {};
  for (const FeeRule& rule : {no_tiers, late, mixed, no_unit, Fixed(0), Fixed(-1)}) {
    EXPECT_FALSE(CheckFees({{rule}, {}, {}}).ok());
  }
  EXPECT_FALSE(CheckFees({{}, {{"", {"a", "b"}}}, {}}).ok());
}

}  // namespace
}  // namespace dinh::procedures
