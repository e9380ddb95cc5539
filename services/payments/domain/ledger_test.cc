#include "services/payments/domain/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::payments {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kAgency = "ubnd-15865";

Posting Opened(base::Vnd amount) {
  return {TransferReason::kChargeOpened, ReceivableAccount(kAgency), FeesAccount(kAgency, "dossier"), amount};
}
Posting Paid(base::Vnd amount) {
  return {TransferReason::kChargePaid, BankAccount("a1", kAgency), ReceivableAccount(kAgency), amount};
}
Transfer At(std::string id, Posting posting) { return {std::move(id), std::move(posting)}; }

TEST(Ledger, EveryReasonHasItsPairOfAccounts) {
  EXPECT_EQ(TransferRules().size(), 8u);
  for (const TransferRule& rule : TransferRules()) {
    EXPECT_EQ(ParseTransferReason(rule.name), rule.reason);
    EXPECT_EQ(TransferReasonName(rule.reason), rule.name);
    EXPECT_NE(rule.debit, rule.credit);
  }
  EXPECT_EQ(ParseTransferReason("gift"), std::nullopt);
}

TEST(Ledger, PostingsThatBreakARuleAreRefused) {
  EXPECT_TRUE(CheckPosting(Opened(1)).ok());
  EXPECT_TRUE(CheckPosting(Opened(base::kVndMax)).ok());
  EXPECT_FALSE(CheckPosting(Opened(0)).ok());
  EXPECT_FALSE(CheckPosting(Opened(-5)).ok());
  EXPECT_FALSE(CheckPosting(Opened(base::kVndMax + 1)).ok());
  Posting wrong = Opened(5);
  std::swap(wrong.debit, wrong.credit);
  EXPECT_FALSE(CheckPosting(wrong).ok());
  wrong = Opened(5);
  wrong.credit = FeesAccount("ca-15865", "dossier");
  EXPECT_FALSE(CheckPosting(wrong).ok()) << "two agencies";
  wrong = Opened(5);
  wrong.reason = static_cast<TransferReason>(99);
  EXPECT_FALSE(CheckPosting(wrong).ok());
  wrong = {TransferReason::kChargeOpened, ReceivableAccount(""), FeesAccount("", "x"), 5};
  EXPECT_FALSE(CheckPosting(wrong).ok());
}

TEST(LedgerVerifier, ASoundLedger) {
  LedgerVerifier verifier;
  verifier.Add(At("1", Opened(16000)));
  verifier.Add(At("2", Paid(10000)));
  verifier.Add(At("3", Paid(6000)));
  verifier.Expect(AccountKind::kReceivable, {}, "charges");
  verifier.Expect(AccountKind::kBank, {{"bank:a1", 16000}}, "credits");
  EXPECT_THAT(verifier.Finish(), IsEmpty());
  EXPECT_EQ(verifier.Balance("fees:ubnd-15865:dossier"), 16000);
  EXPECT_EQ(verifier.Balance("bank:a1"), 16000);
  EXPECT_EQ(verifier.Balance("nowhere"), 0);
  EXPECT_EQ(verifier.transfers(), 3);
  EXPECT_EQ(verifier.accounts(), 3);
  EXPECT_EQ(verifier.turnover_vnd(), 32000);
}

TEST(LedgerVerifier, TellsWhatIsWrong) {
  {
    LedgerVerifier verifier;
    verifier.Add(At("1", Opened(16000)));
    verifier.Add(At("2", Paid(16001)));
    EXPECT_THAT(verifier.Finish(), ElementsAre(HasSubstr("receivable:ubnd-15865 is below zero: -1")));
  }
  {
    LedgerVerifier verifier;
    verifier.Add(At("2", Opened(1)));
    verifier.Add(At("2", Opened(1)));
    verifier.Add(At("1", Opened(1)));
    EXPECT_THAT(verifier.Finish(), ElementsAre(HasSubstr("transfer 2: out of order"), HasSubstr("transfer 1: out")));
  }
  {
    LedgerVerifier verifier;
    Posting moved = Opened(7);
    moved.debit.agency = moved.credit.agency = "ca-15865";
    verifier.Add(At("1", Opened(7)));
    verifier.Add(At("2", moved));
    EXPECT_THAT(verifier.Finish(), testing::Contains(HasSubstr("has changed its kind or agency")));
  }
  {
    LedgerVerifier verifier;
    verifier.Add(At("1", Opened(7)));
    verifier.Expect(AccountKind::kReceivable, {{"receivable:ubnd-15865", 8}}, "open charges");
    verifier.Expect(AccountKind::kSuspense, {{"suspense:ubnd-15865", 3}}, "suspense items");
    verifier.Expect(AccountKind::kFees, {}, "standing charges");
    EXPECT_THAT(verifier.Finish(), testing::UnorderedElementsAre(HasSubstr("holds 7 but open charges say 8"),
                                                                 HasSubstr("holds 0 but suspense items say 3"),
                                                                 HasSubstr("holds 7 but standing charges say 0")));
  }
  {
    LedgerVerifier verifier;
    for (int i = 0; i < 3; ++i) verifier.Add(At(std::to_string(i), Opened(base::kVndMax)));
    EXPECT_THAT(verifier.Finish(), testing::Contains(HasSubstr("overflows")));
  }
}

}  // namespace
}  // namespace dinh::payments
