// The double-entry ledger of collected fees: accounts, transfers between two of them, and the rules every transfer must
// obey. A transfer is written once and never changed; a mistake is righted by another transfer.
//
// What it is: the sub-ledger of collection. It answers, to the đồng, "what was owed, what came in, to which charge did
// it go, what lies unexplained, what must go back". What it is not: the agency's accounts under the regime for public
// bodies (Thông tư 24/2024/TT-BTC); when the agency moves money from its bank account to the Treasury, that is written
// there, not here. Therefore the bank account here is a clearing account: what the bank told us came in, less what we
// told it to give back.
//
// Chart, one set per collecting agency:
//   bank:<collecting account>   asset      credits the bank has notified
//   bank:unregistered:<agency>  asset      the same, on accounts nobody has registered
//   receivable:<agency>         asset      what open charges still lack
//   fees:<agency>:<purpose>     income     charges that stand, paid or not: the duty to pay arises when the charge is
//                                          opened (the dossier is accepted), so income and receivable arise together.
//                                          By purpose, since fees (lệ phí) go to the budget whole and charges for
//                                          services (phí) may be kept in part (Luật Phí và lệ phí 97/2015/QH13)
//   suspense:<agency>           liability  money that came in and is not (or no longer) anybody's payment
//   refunds:<agency>            liability  money an officer has decided to give back, until the bank has sent it
//
// Assets = liabilities + income at every moment, because each transfer has both its sides. No account is ever below
// zero on its normal side: a receivable below zero would be a charge paid twice, a suspense below zero money given away
// twice.
//
// Amounts are whole đồng (base::Vnd). Pure; values; Verifier is not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"

namespace dinh::payments {

enum class AccountKind { kBank = 1, kReceivable = 2, kFees = 3, kSuspense = 4, kRefunds = 5 };
enum class AccountType { kAsset, kLiability, kIncome };

struct Account {
  std::string code;  // "receivable:ubnd-15865"
  AccountKind kind = AccountKind::kSuspense;
  std::string agency;
  auto operator<=>(const Account&) const = default;
};

Account BankAccount(std::string_view collecting_account, std::string_view agency);
// Credits to bank accounts that no agency has registered still need a home: one agency is named to look after them.
Account UnregisteredBankAccount(std::string_view agency);
Account ReceivableAccount(std::string_view agency);
Account FeesAccount(std::string_view agency, std::string_view purpose);
Account SuspenseAccount(std::string_view agency);
Account RefundsAccount(std::string_view agency);

AccountType TypeOf(AccountKind kind);                // assets grow by debits, the others by credits
std::string_view AccountKindName(AccountKind kind);  // "receivable"

// Why money moves. Each reason has exactly one pair of account kinds.
enum class TransferReason {
  kChargeOpened = 1,      // receivable ← fees
  kChargePaid = 2,        // bank ← receivable
  kChargeClosed = 3,      // fees ← receivable: cancelled or expired before it was paid
  kPaymentReleased = 4,   // fees ← suspense: paid money of a charge that no longer stands
  kCreditHeld = 5,        // bank ← suspense: a credit that pays nothing we know
  kSuspenseAssigned = 6,  // suspense ← receivable: an officer found whose it is
  kRefundDecided = 7,     // suspense ← refunds
  kRefundPaid = 8,        // refunds ← bank
};

struct TransferRule {
  TransferReason reason;
  AccountKind debit;
  AccountKind credit;
  std::string_view name;  // stored and shown: "charge_opened"
};
const std::vector<TransferRule>& TransferRules();
std::string_view TransferReasonName(TransferReason reason);
std::optional<TransferReason> ParseTransferReason(std::string_view name);

// A transfer that has yet to be written.
struct Posting {
  TransferReason reason = TransferReason::kChargeOpened;
  Account debit;
  Account credit;
  base::Vnd amount_vnd = 0;
  bool operator==(const Posting&) const = default;
};

struct Transfer {
  std::string id;
  Posting posting;
  std::string charge;    // charge id; empty: of no charge
  std::string credit;    // bank credit id; empty: no money came in
  std::string suspense;  // suspense item id
  base::Micros at = 0;
};

// INTERNAL when a posting breaks the rules: amount not in 1..kVndMax, kinds that do not fit the reason, two agencies.
// Never the caller's fault: it keeps a defect from reaching the ledger.
absl::Status CheckPosting(const Posting& posting);

// Reads the whole ledger once, in memory bounded by the number of accounts.
class LedgerVerifier {
 public:
  void Add(const Transfer& transfer);
  // Other records of the service (open charges, suspense items, credits) that must equal the balances of all accounts
  // of one kind, by account code; an account that is not named must be at zero.
  void Expect(AccountKind kind, std::map<std::string, base::Vnd> balances_vnd, std::string_view source);
  // Problems in plain words, each naming the transfer or account; empty: the ledger is sound.
  std::vector<std::string> Finish() const;

  // Balance on the account's normal side; 0 for an account without transfers.
  base::Vnd Balance(std::string_view account_code) const;
  int64_t transfers() const { return transfers_; }
  int64_t accounts() const { return static_cast<int64_t>(books_.size()); }
  base::Vnd turnover_vnd() const { return turnover_; }

 private:
  struct Book {
    Account account;
    base::Vnd debits = 0;
    base::Vnd credits = 0;
    base::Vnd balance() const;
  };
  struct Expectation {
    std::map<std::string, base::Vnd> balances;
    std::string source;
  };
  void Move(const Account& account, base::Vnd amount, bool debit, const std::string& transfer);

  std::map<std::string, Book, std::less<>> books_;
  std::map<AccountKind, Expectation> expected_;
  std::vector<std::string> problems_;
  std::string last_id_;
  int64_t transfers_ = 0;
  base::Vnd turnover_ = 0;
};

}  // namespace dinh::payments
