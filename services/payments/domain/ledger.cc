#include "services/payments/domain/ledger.h"

#include <utility>

#include "libs/base/status.h"

namespace dinh::payments {
namespace {

constexpr size_t kProblemsMax = 1000;  // a broken ledger is told once, not a million times

std::string Code(std::string_view kind, std::string_view name) { return std::string(kind) + ":" + std::string(name); }

const TransferRule* FindRule(TransferReason reason) {
  for (const TransferRule& rule : TransferRules()) {
    if (rule.reason == reason) return &rule;
  }
  return nullptr;
}

}  // namespace

Account BankAccount(std::string_view collecting_account, std::string_view agency) {
  return {Code("bank", collecting_account), AccountKind::kBank, std::string(agency)};
}
Account UnregisteredBankAccount(std::string_view agency) { return BankAccount(Code("unregistered", agency), agency); }
Account ReceivableAccount(std::string_view agency) {
  return {Code("receivable", agency), AccountKind::kReceivable, std::string(agency)};
}
Account FeesAccount(std::string_view agency, std::string_view purpose) {
  return {Code(Code("fees", agency), purpose), AccountKind::kFees, std::string(agency)};
}
Account SuspenseAccount(std::string_view agency) {
  return {Code("suspense", agency), AccountKind::kSuspense, std::string(agency)};
}
Account RefundsAccount(std::string_view agency) {
  return {Code("refunds", agency), AccountKind::kRefunds, std::string(agency)};
}

AccountType TypeOf(AccountKind kind) {
  switch (kind) {
    case AccountKind::kBank:
    case AccountKind::kReceivable:
      return AccountType::kAsset;
    case AccountKind::kFees:
      return AccountType::kIncome;
    case AccountKind::kSuspense:
    case AccountKind::kRefunds:
      break;
  }
  return AccountType::kLiability;
}

std::string_view AccountKindName(AccountKind kind) {
  switch (kind) {
    case AccountKind::kBank:
      return "bank";
    case AccountKind::kReceivable:
      return "receivable";
    case AccountKind::kFees:
      return "fees";
    case AccountKind::kSuspense:
      return "suspense";
    case AccountKind::kRefunds:
      return "refunds";
  }
  return "unknown";
}

const std::vector<TransferRule>& TransferRules() {
  using enum AccountKind;
  static const std::vector<TransferRule> rules = {
      {TransferReason::kChargeOpened, kReceivable, kFees, "charge_opened"},
      {TransferReason::kChargePaid, kBank, kReceivable, "charge_paid"},
      {TransferReason::kChargeClosed, kFees, kReceivable, "charge_closed"},
      {TransferReason::kPaymentReleased, kFees, kSuspense, "payment_released"},
      {TransferReason::kCreditHeld, kBank, kSuspense, "credit_held"},
      {TransferReason::kSuspenseAssigned, kSuspense, kReceivable, "suspense_assigned"},
      {TransferReason::kRefundDecided, kSuspense, kRefunds, "refund_decided"},
      {TransferReason::kRefundPaid, kRefunds, kBank, "refund_paid"},
  };
  return rules;
}

std::string_view TransferReasonName(TransferReason reason) {
  const TransferRule* rule = FindRule(reason);
  return rule == nullptr ? "unknown" : rule->name;
}

std::optional<TransferReason> ParseTransferReason(std::string_view name) {
  for (const TransferRule& rule : TransferRules()) {
    if (rule.name == name) return rule.reason;
  }
  return std::nullopt;
}

absl::Status CheckPosting(const Posting& posting) {
  const TransferRule* rule = FindRule(posting.reason);
  if (rule == nullptr) return base::Internal("posting without a known reason");
  const std::string name(rule->name);
  if (posting.amount_vnd <= 0 || posting.amount_vnd > base::kVndMax) {
    return base::Internal("posting " + name + ": amount out of range");
  }
  if (posting.debit.kind != rule->debit || posting.credit.kind != rule->credit) {
    return base::Internal("posting " + name + ": " + posting.debit.code + " and " + posting.credit.code +
                          " are not its kinds of account");
  }
  if (posting.debit.agency.empty() || posting.debit.agency != posting.credit.agency) {
    return base::Internal("posting " + name + ": the two accounts belong to two agencies");
  }
  return absl::OkStatus();
}

base::Vnd LedgerVerifier::Book::balance() const {
  return TypeOf(account.kind) == AccountType::kAsset ? debits - credits : credits - debits;
}

void LedgerVerifier::Move(const Account& account, base::Vnd amount, bool debit, const std::string& transfer) {
  const auto [it, fresh] = books_.try_emplace(account.code, Book{account});
  Book& book = it->second;
  if (!fresh && book.account != account) {
    problems_.push_back("transfer " + transfer + ": account " + account.code + " has changed its kind or agency");
  }
  base::Vnd& side = debit ? book.debits : book.credits;
  const std::optional<base::Vnd> sum = base::AddVnd(side, amount);
  if (!sum) {
    problems_.push_back("transfer " + transfer + ": account " + account.code + " overflows");
    return;
  }
  side = *sum;
}

void LedgerVerifier::Add(const Transfer& transfer) {
  ++transfers_;
  if (problems_.size() >= kProblemsMax) return;
  if (transfer.id.empty() || (!last_id_.empty() && transfer.id <= last_id_)) {
    problems_.push_back("transfer " + transfer.id + ": out of order or twice");
  }
  last_id_ = transfer.id;
  if (const absl::Status status = CheckPosting(transfer.posting); !status.ok()) {
    problems_.push_back("transfer " + transfer.id + ": " +
                        std::string(status.message().data(), status.message().size()));
    return;
  }
  Move(transfer.posting.debit, transfer.posting.amount_vnd, true, transfer.id);
  Move(transfer.posting.credit, transfer.posting.amount_vnd, false, transfer.id);
  turnover_ = base::AddVnd(turnover_, transfer.posting.amount_vnd).value_or(base::kVndMax);
}

void LedgerVerifier::Expect(AccountKind kind, std::map<std::string, base::Vnd> balances_vnd, std::string_view source) {
  expected_.insert_or_assign(kind, Expectation{std::move(balances_vnd), std::string(source)});
}

base::Vnd LedgerVerifier::Balance(std::string_view account_code) const {
  const auto it = books_.find(account_code);
  return it == books_.end() ? 0 : it->second.balance();
}

std::vector<std::string> LedgerVerifier::Finish() const {
  std::vector<std::string> problems = problems_;
  base::Vnd debits = 0;
  base::Vnd credits = 0;
  for (const auto& [code, book] : books_) {
    debits += book.debits;
    credits += book.credits;
    if (book.balance() < 0) problems.push_back("account " + code + " is below zero: " + std::to_string(book.balance()));
  }
  if (debits != credits) {
    problems.push_back("debits " + std::to_string(debits) + " and credits " + std::to_string(credits) + " differ");
  }
  for (const auto& [kind, expectation] : expected_) {
    std::map<std::string, base::Vnd> expected = expectation.balances;
    for (const auto& [code, book] : books_) {
      if (book.account.kind == kind) expected.try_emplace(code, 0);
    }
    for (const auto& [code, balance] : expected) {
      if (Balance(code) == balance) continue;
      problems.push_back("account " + code + " holds " + std::to_string(Balance(code)) + " but " + expectation.source +
                         " say " + std::to_string(balance));
    }
  }
  return problems;
}

}  // namespace dinh::payments
