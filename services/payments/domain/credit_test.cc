#include "services/payments/domain/credit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace dinh::payments {
namespace {

constexpr base::Micros kNow = 1'770'944'400LL * base::kMicrosPerSecond;
constexpr base::Micros kHour = 3600 * base::kMicrosPerSecond;
constexpr std::string_view kAgency = "ubnd-15865";

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ok() ? "OK" : "?");
}

Charge Open(base::Vnd amount = 16000) {
  Charge charge;
  charge.id = "c1";
  charge.reference = MakeReference(5);
  charge.agency = kAgency;
  charge.purpose = "dossier";
  charge.collecting_account = "a1";
  charge.amount_vnd = amount;
  EXPECT_TRUE(Apply({ChargeEventKind::kOpen, kNow - kHour}, charge).ok());
  return charge;
}

CreditFacts Facts(std::optional<Charge> charge) {
  CreditFacts facts;
  facts.account = CollectingAccount{"a1", std::string(kAgency)};
  facts.fallback_agency = "ubnd-15889";
  if (charge) facts.references.valid = {charge->reference};
  facts.charge = std::move(charge);
  return facts;
}

Credit Of(base::Vnd amount, base::Micros booked_at = kNow) { return {"k1", amount, booked_at}; }

base::Vnd IntoBank(const Settlement& settlement) {
  base::Vnd sum = 0;
  for (const Posting& posting : settlement.postings) {
    if (posting.debit.kind == AccountKind::kBank) sum += posting.amount_vnd;
  }
  return sum;
}

base::Vnd Sum(const Settlement& settlement, TransferReason reason) {
  base::Vnd sum = 0;
  for (const Posting& posting : settlement.postings) sum += posting.reason == reason ? posting.amount_vnd : 0;
  return sum;
}

TEST(Settle, ExactUnderOver) {
  auto exact = Settle(Of(16000), Facts(Open()), kNow);
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(exact->disposition, Disposition::kExact);
  EXPECT_EQ(exact->charge->state, ChargeState::kPaid);
  EXPECT_EQ(exact->held_vnd, 0);
  EXPECT_EQ(exact->postings.size(), 1u);

  auto under = Settle(Of(15999), Facts(Open()), kNow);
  ASSERT_TRUE(under.ok());
  EXPECT_EQ(under->disposition, Disposition::kUnder);
  EXPECT_EQ(under->charge->state, ChargeState::kPartPaid);
  EXPECT_EQ(under->held_vnd, 0);
  auto rest = Settle(Of(1), Facts(under->charge), kNow);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->disposition, Disposition::kExact);
  EXPECT_EQ(rest->charge->state, ChargeState::kPaid);

  auto over = Settle(Of(20000), Facts(Open()), kNow);
  ASSERT_TRUE(over.ok());
  EXPECT_EQ(over->disposition, Disposition::kOver);
  EXPECT_EQ(over->charge->state, ChargeState::kPaid);
  EXPECT_EQ(over->held_vnd, 4000);
  EXPECT_EQ(Sum(*over, TransferReason::kCreditHeld), 4000);
}

TEST(Settle, WhatPaysNothingIsHeldWhole) {
  const auto held = [](const CreditFacts& facts) {
    const auto settlement = Settle(Of(16000), facts, kNow);
    EXPECT_TRUE(settlement.ok()) << settlement.status();
    EXPECT_EQ(settlement->held_vnd, 16000);
    EXPECT_FALSE(settlement->charge);
    EXPECT_EQ(IntoBank(*settlement), 16000);
    return settlement->disposition;
  };
  CreditFacts facts = Facts(std::nullopt);
  EXPECT_EQ(held(facts), Disposition::kUnknownMemo);
  facts.references.damaged = {"LP222222223"};
  EXPECT_EQ(held(facts), Disposition::kBadCheck);
  facts.references.valid = {MakeReference(6)};
  EXPECT_EQ(held(facts), Disposition::kUnknownReference);
  facts.references.valid.push_back(MakeReference(7));
  EXPECT_EQ(held(facts), Disposition::kAmbiguousMemo);

  facts = Facts(Open());
  facts.account->id = "a2";
  EXPECT_EQ(held(facts), Disposition::kWrongAccount);
  facts.account = std::nullopt;
  EXPECT_EQ(held(facts), Disposition::kUnknownAccount);

  Charge paid = Open();
  ASSERT_TRUE(Apply({ChargeEventKind::kPay, kNow, 16000}, paid).ok());
  EXPECT_EQ(held(Facts(paid)), Disposition::kAlreadyPaid);
  ASSERT_TRUE(Apply({ChargeEventKind::kRefund, kNow}, paid).ok());
  EXPECT_EQ(held(Facts(paid)), Disposition::kRefunded);
  Charge cancelled = Open();
  ASSERT_TRUE(Apply({ChargeEventKind::kCancel, kNow}, cancelled).ok());
  EXPECT_EQ(held(Facts(cancelled)), Disposition::kCancelled);
}

TEST(Settle, MoneyOfAnotherAgencysAccountStaysInItsBooks) {
  CreditFacts facts = Facts(Open());
  facts.account = CollectingAccount{"a9", "ca-15865"};
  const auto other = Settle(Of(16000), facts, kNow);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->agency, "ca-15865");
  EXPECT_EQ(other->postings[0].debit.code, "bank:a9");
  EXPECT_EQ(other->postings[0].credit.code, "suspense:ca-15865");
  facts.account = std::nullopt;
  const auto unknown = Settle(Of(16000), facts, kNow);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->agency, "ubnd-15889");
  EXPECT_EQ(unknown->postings[0].debit.code, "bank:unregistered:ubnd-15889");
}

TEST(Settle, WhoPaidInTimeIsNotLate) {
  Charge charge = Open();
  charge.expires_at = kNow;
  // Not yet swept, but booked after the end: it expires now.
  auto late = Settle(Of(16000, kNow + 1), Facts(charge), kNow + kHour);
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->disposition, Disposition::kLate);
  EXPECT_EQ(late->charge->state, ChargeState::kExpired);
  EXPECT_EQ(late->held_vnd, 16000);
  EXPECT_EQ(Sum(*late, TransferReason::kChargeClosed), 16000);
  // Expired, but the bank told late of a payment in time.
  auto in_time = Settle(Of(16000, kNow), Facts(late->charge), kNow + kHour);
  ASSERT_TRUE(in_time.ok());
  EXPECT_EQ(in_time->disposition, Disposition::kExact);
  EXPECT_EQ(in_time->charge->state, ChargeState::kPaid);
  EXPECT_EQ(in_time->changes.size(), 2u);
  // Expired and late.
  auto again = Settle(Of(16000, kNow + 1), Facts(late->charge), kNow + kHour);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->disposition, Disposition::kLate);
  EXPECT_FALSE(again->charge);
  // Part-paid, then late: the part is released as well.
  Charge part = Open();
  part.expires_at = kNow;
  ASSERT_TRUE(Apply({ChargeEventKind::kPay, kNow - 1, 6000}, part).ok());
  auto released = Settle(Of(10000, kNow + 1), Facts(part), kNow + kHour);
  ASSERT_TRUE(released.ok());
  EXPECT_EQ(released->released_vnd, 6000);
  EXPECT_EQ(released->held_vnd, 10000);
}

TEST(Settle, AmountsMustBePositive) {
  EXPECT_FALSE(Settle(Of(0), Facts(Open()), kNow).ok());
  EXPECT_FALSE(Settle(Of(-1), Facts(Open()), kNow).ok());
}

TEST(Disposition, NamesReadBackAndTellWhatToDo) {
  for (int i = 1; i <= 13; ++i) {
    const auto disposition = static_cast<Disposition>(i);
    EXPECT_EQ(ParseDisposition(DispositionName(disposition)), disposition);
    EXPECT_FALSE(DispositionText(disposition).vi.empty());
    EXPECT_FALSE(DispositionText(disposition).en.empty());
  }
  EXPECT_EQ(ParseDisposition("lost"), std::nullopt);
}

TEST(Suspense, IsAssignedInPartsOrGivenBack) {
  SuspenseItem item{"s1", std::string(kAgency), "a1", 20000, 20000};
  Charge charge = Open();
  auto change = Assign(kNow, item, charge);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(charge.state, ChargeState::kPaid);
  EXPECT_EQ(item.remaining_vnd, 4000);
  EXPECT_EQ(item.state, SuspenseState::kOpen);

  Charge paid = charge;
  EXPECT_EQ(ReasonOf(Assign(kNow, item, paid).status()), "CHARGE_NOT_PAYABLE");
  EXPECT_EQ(paid, charge);
  EXPECT_EQ(item.remaining_vnd, 4000);

  ASSERT_TRUE(Apply(SuspenseEventKind::kDecideRefund, item).ok());
  EXPECT_EQ(item.state, SuspenseState::kRefundDue);
  EXPECT_EQ(ReasonOf(Apply(SuspenseEventKind::kDecideRefund, item).status()), "SUSPENSE_RESOLVED");
  Charge other = Open();
  EXPECT_EQ(ReasonOf(Assign(kNow, item, other).status()), "SUSPENSE_RESOLVED");
  change = Apply(SuspenseEventKind::kRefundSent, item);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->postings[0].amount_vnd, 4000);
  EXPECT_EQ(change->postings[0].credit.code, "bank:a1");
  EXPECT_EQ(item.state, SuspenseState::kRefunded);

  SuspenseItem foreign{"s2", "ca-15865", "a9", 16000, 16000};
  EXPECT_EQ(ReasonOf(Assign(kNow, foreign, other).status()), "SUSPENSE_OTHER_AGENCY");
  SuspenseItem whole{"s3", std::string(kAgency), "a1", 6000, 6000};
  ASSERT_TRUE(Assign(kNow, whole, other).ok());
  EXPECT_EQ(whole.state, SuspenseState::kAssigned);
  EXPECT_EQ(other.state, ChargeState::kPartPaid);
  for (SuspenseState state : {SuspenseState::kOpen, SuspenseState::kAssigned, SuspenseState::kRefunded}) {
    EXPECT_EQ(ParseSuspenseState(SuspenseStateName(state)), state);
  }
}

// Thousands of seeded steps of everything that can happen; after each run the books agree with every record, and every
// đồng the bank told of stands somewhere.
class Commune {
 public:
  explicit Commune(uint64_t seed) : random_(seed) {}

  void Step() {
    now_ += static_cast<base::Micros>(random_() % kHour);
    switch (random_() % 8) {
      case 0:
        return OpenOne();
      case 1:
        return Do(ChargeEventKind::kCancel);
      case 2:
        return Do(ChargeEventKind::kRefund);
      case 3:
        return Do(ChargeEventKind::kExpire);
      case 4:
        return Resolve();
      default:
        return Receive();
    }
  }

  std::vector<std::string> Verify() {
    std::map<std::string, base::Vnd> receivable, fees, suspense, refunds;
    for (const Charge& charge : charges_) {
      receivable[ReceivableAccount(charge.agency).code] += charge.outstanding_vnd();
      fees[FeesAccount(charge.agency, charge.purpose).code] += charge.outstanding_vnd() + charge.paid_vnd;
    }
    for (const SuspenseItem& item : items_) {
      if (item.state == SuspenseState::kOpen) suspense[SuspenseAccount(item.agency).code] += item.remaining_vnd;
      if (item.state == SuspenseState::kRefundDue) refunds[RefundsAccount(item.agency).code] += item.remaining_vnd;
      if (item.state == SuspenseState::kRefunded) sent_ += item.remaining_vnd;
    }
    verifier_.Expect(AccountKind::kReceivable, receivable, "charges");
    verifier_.Expect(AccountKind::kFees, fees, "charges");
    verifier_.Expect(AccountKind::kSuspense, suspense, "items");
    verifier_.Expect(AccountKind::kRefunds, refunds, "items");
    base::Vnd bank = 0;
    for (const char* code : {"bank:a1", "bank:a2", "bank:unregistered:ubnd-15889"}) bank += verifier_.Balance(code);
    std::vector<std::string> problems = verifier_.Finish();
    if (bank != received_ - sent_) problems.push_back("money was lost");
    return problems;
  }

 private:
  void Write(const std::vector<Posting>& postings) {
    for (const Posting& posting : postings) {
      char id[16];
      snprintf(id, sizeof(id), "%09d", ++transfers_);
      verifier_.Add({id, posting});
    }
  }
  void Keep(const std::string& agency, const std::string& account, base::Vnd amount) {
    if (amount > 0) items_.push_back({std::to_string(items_.size()), agency, account, amount, amount});
  }
  Charge* Any() { return charges_.empty() ? nullptr : &charges_[random_() % charges_.size()]; }

  void OpenOne() {
    Charge charge;
    charge.id = std::to_string(charges_.size());
    charge.reference = MakeReference(random_() % kReferenceCount);
    charge.agency = kAgency;
    charge.purpose = random_() % 2 ? "dossier" : "market";
    charge.collecting_account = random_() % 2 ? "a1" : "a2";
    charge.amount_vnd = static_cast<base::Vnd>(random_() % 100 + 1) * 1000;
    if (random_() % 2) charge.expires_at = now_ + 20 * kHour;
    const auto change = Apply({ChargeEventKind::kOpen, now_}, charge);
    ASSERT_TRUE(change.ok());
    Write(change->postings);
    charges_.push_back(charge);
  }
  void Do(ChargeEventKind kind) {
    Charge* charge = Any();
    if (charge == nullptr) return;
    const auto change = Apply({kind, now_}, *charge);
    if (!change.ok()) return;
    Write(change->postings);
    Keep(charge->agency, charge->collecting_account, change->released_vnd);
  }
  void Receive() {
    CreditFacts facts = Facts(std::nullopt);
    Charge* charge = Any();
    if (charge != nullptr && random_() % 4 != 0) {
      facts.references.valid = {charge->reference};
      facts.charge = *charge;
      facts.account->id = charge->collecting_account;
    }
    if (random_() % 10 == 0) facts.account->id = "a2";
    if (random_() % 20 == 0) facts.account = std::nullopt;
    const base::Vnd due = charge == nullptr ? 0 : charge->outstanding_vnd();
    const base::Vnd amount = random_() % 2 && due > 0 ? due : static_cast<base::Vnd>(random_() % 120 + 1) * 1000;
    const auto settlement = Settle({"k", amount, now_ - static_cast<base::Micros>(random_() % kHour)}, facts, now_);
    ASSERT_TRUE(settlement.ok()) << settlement.status();
    ASSERT_EQ(IntoBank(*settlement), amount);
    received_ += amount;
    Write(settlement->postings);
    Keep(settlement->agency, facts.account ? facts.account->id : "", settlement->held_vnd);
    if (settlement->charge) {
      Keep(charge->agency, charge->collecting_account, settlement->released_vnd);
      *charge = *settlement->charge;
    }
  }
  void Resolve() {
    if (items_.empty() || charges_.empty()) return;
    SuspenseItem& item = items_[random_() % items_.size()];
    Charge* charge = Any();
    absl::StatusOr<SuspenseChange> change;
    switch (random_() % 3) {
      case 0:
        change = Assign(now_, item, *charge);
        break;
      case 1:
        change = Apply(SuspenseEventKind::kDecideRefund, item);
        break;
      default:
        change = Apply(SuspenseEventKind::kRefundSent, item);
    }
    if (change.ok()) Write(change->postings);
  }

  std::mt19937_64 random_;
  base::Micros now_ = kNow;
  std::vector<Charge> charges_;
  std::vector<SuspenseItem> items_;
  LedgerVerifier verifier_;
  int transfers_ = 0;
  base::Vnd received_ = 0;
  base::Vnd sent_ = 0;
};

TEST(Ledger, NothingIsLostWhateverHappens) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Commune commune(seed);
    for (int step = 0; step < 1500; ++step) commune.Step();
    EXPECT_THAT(commune.Verify(), testing::IsEmpty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dinh::payments
