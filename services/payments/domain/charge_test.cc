#include "services/payments/domain/charge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::payments {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::Micros kNow = 1'770'944'400LL * base::kMicrosPerSecond;
constexpr std::string_view kAgency = "ubnd-15865";

Charge New(base::Vnd amount = 16000) {
  Charge charge;
  charge.id = "c1";
  charge.agency = kAgency;
  charge.purpose = "dossier";
  charge.collecting_account = "a1";
  charge.amount_vnd = amount;
  return charge;
}

Charge InState(ChargeState state) {
  Charge charge = New();
  charge.state = state;
  if (state == ChargeState::kPartPaid) charge.paid_vnd = 6000;
  if (state == ChargeState::kPaid) charge.paid_vnd = 16000;
  return charge;
}

Posting Move(TransferReason reason, Account debit, Account credit, base::Vnd amount) {
  return {reason, std::move(debit), std::move(credit), amount};
}

const Account kBank = BankAccount("a1", kAgency);
const Account kReceivable = ReceivableAccount(kAgency);
const Account kFees = FeesAccount(kAgency, "dossier");
const Account kSuspense = SuspenseAccount(kAgency);

TEST(Charge, OpensAndIsPaidInTwoParts) {
  Charge charge = New();
  auto change = Apply({ChargeEventKind::kOpen, kNow}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kChargeOpened, kReceivable, kFees, 16000)));
  EXPECT_EQ(charge.opened_at, kNow);
  EXPECT_EQ(charge.outstanding_vnd(), 16000);

  change = Apply({ChargeEventKind::kPay, kNow + 1, 10000}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(charge.state, ChargeState::kPartPaid);
  EXPECT_EQ(charge.outstanding_vnd(), 6000);
  EXPECT_FALSE(charge.settled_at);
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kChargePaid, kBank, kReceivable, 10000)));

  change = Apply({ChargeEventKind::kPay, kNow + 2, 6000, Source::kSuspense}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(charge.state, ChargeState::kPaid);
  EXPECT_EQ(charge.paid_vnd, 16000);
  EXPECT_EQ(charge.outstanding_vnd(), 0);
  EXPECT_EQ(charge.settled_at, kNow + 2);
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kSuspenseAssigned, kSuspense, kReceivable, 6000)));
}

TEST(Charge, CancellingTakesTheDutyBackAndReleasesWhatWasPaid) {
  Charge charge = InState(ChargeState::kPartPaid);
  const auto change = Apply({ChargeEventKind::kCancel, kNow}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->released_vnd, 6000);
  EXPECT_EQ(charge.paid_vnd, 0);
  EXPECT_EQ(charge.settled_at, kNow);
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kChargeClosed, kFees, kReceivable, 10000),
                                            Move(TransferReason::kPaymentReleased, kFees, kSuspense, 6000)));
}

TEST(Charge, RefundingReleasesEverything) {
  Charge charge = InState(ChargeState::kPaid);
  const auto change = Apply({ChargeEventKind::kRefund, kNow}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->released_vnd, 16000);
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kPaymentReleased, kFees, kSuspense, 16000)));
}

TEST(Charge, ReopeningAsksAgain) {
  Charge charge = InState(ChargeState::kOpen);
  ASSERT_TRUE(Apply({ChargeEventKind::kExpire, kNow}, charge).ok());
  EXPECT_EQ(charge.settled_at, kNow);
  const auto change = Apply({ChargeEventKind::kReopen, kNow + 1}, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(charge.state, ChargeState::kOpen);
  EXPECT_FALSE(charge.settled_at);
  EXPECT_THAT(change->postings, ElementsAre(Move(TransferReason::kChargeOpened, kReceivable, kFees, 16000)));
}

// Every state with every event: what the table has works, everything else is refused and changes nothing.
TEST(Charge, NothingMovesOutsideTheTable) {
  using enum ChargeState;
  using Kind = ChargeEventKind;
  int allowed = 0;
  for (ChargeState state : {kNone, kOpen, kPartPaid, kPaid, kCancelled, kExpired, kRefunded}) {
    for (Kind kind : {Kind::kOpen, Kind::kPay, Kind::kCancel, Kind::kExpire, Kind::kReopen, Kind::kRefund}) {
      Charge charge = InState(state);
      const Charge before = charge;
      bool in_table = false;
      for (const ChargeEdge& edge : ChargeEdges()) in_table |= edge.event == kind && edge.from == state;
      const base::Vnd amount = kind == Kind::kPay ? before.outstanding_vnd() : 0;
      const auto change = Apply({kind, kNow, amount}, charge);
      EXPECT_EQ(change.ok(), in_table) << ChargeStateName(state) << " " << ChargeEventName(kind);
      allowed += change.ok();
      if (change.ok()) continue;
      EXPECT_EQ(charge, before);
      const auto detail = base::DetailOf(change.status());
      ASSERT_TRUE(detail);
      const bool paid = state == kPaid || state == kRefunded;
      EXPECT_EQ(detail->reason, kind == Kind::kPay              ? "CHARGE_NOT_PAYABLE"
                                : kind == Kind::kCancel && paid ? "CHARGE_PAID"
                                                                : "CHARGE_STATE");
      EXPECT_EQ(change.status().code(), absl::StatusCode::kFailedPrecondition);
    }
  }
  EXPECT_EQ(allowed, 9);
}

TEST(Charge, AmountsNobodyMayAskForAreDefects) {
  for (base::Vnd amount : {-1, 0, 16001}) {
    Charge charge = InState(ChargeState::kOpen);
    EXPECT_EQ(Apply({ChargeEventKind::kPay, kNow, amount}, charge).status().code(), absl::StatusCode::kInternal);
    EXPECT_EQ(charge, InState(ChargeState::kOpen));
  }
  Charge nothing = New(0);
  EXPECT_FALSE(Apply({ChargeEventKind::kOpen, kNow}, nothing).ok());
}

TEST(Charge, NamesReadBack) {
  for (const ChargeEdge& edge : ChargeEdges()) {
    EXPECT_EQ(ParseChargeState(ChargeStateName(edge.to)), edge.to);
    EXPECT_FALSE(ChargeStateText(edge.to).vi.empty());
  }
  EXPECT_EQ(ParseChargeState("lost"), std::nullopt);
  EXPECT_THAT(ChargeStateDiagram(), testing::HasSubstr("    open --> part_paid : pay [amount < outstanding]\n"));
}

}  // namespace
}  // namespace dinh::payments
