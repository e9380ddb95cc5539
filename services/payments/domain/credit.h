// What becomes of a credit (báo có) on a collecting account: it pays a charge, or it lies in suspense (tiền chưa xác
// định) where officers see it and decide. Every đồng the bank reports is posted once, whatever is wrong with it.
//
// Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"
#include "libs/base/status.h"
#include "services/payments/domain/charge.h"
#include "services/payments/domain/ledger.h"
#include "services/payments/domain/memo.h"

namespace dinh::payments {

// What a credit turned out to be. Stored and shown by name.
enum class Disposition {
  kExact = 1,              // pays all that was outstanding
  kUnder = 2,              // pays a part; the charge waits for the rest
  kOver = 3,               // pays all; the excess lies in suspense
  kAlreadyPaid = 4,        // second payment of a paid charge
  kCancelled = 5,          // came after the charge was cancelled
  kLate = 6,               // was paid after the charge expired
  kRefunded = 7,           // came after the charge was refunded
  kWrongAccount = 8,       // right reference, but another collecting account than the charge's
  kUnknownAccount = 9,     // an account no agency has registered
  kUnknownMemo = 10,       // no reference in the text
  kAmbiguousMemo = 11,     // two different valid references
  kBadCheck = 12,          // looks like a reference, but mistyped
  kUnknownReference = 13,  // a valid reference of no charge
};

std::string_view DispositionName(Disposition disposition);  // "already_paid"
std::optional<Disposition> ParseDisposition(std::string_view name);
base::Text DispositionText(Disposition disposition);  // for the officer: what happened and what to do

struct Credit {
  std::string id;              // ours
  base::Vnd amount_vnd = 0;    // > 0
  base::Micros booked_at = 0;  // when the payer's money moved, by the bank
};

struct CollectingAccount {
  std::string id;
  std::string agency;
};

// What was found out about a credit before it is settled.
struct CreditFacts {
  std::optional<CollectingAccount> account;  // of the credited account; nullopt: not registered
  std::string fallback_agency;               // in whose books a credit to an unregistered account stands
  FoundReferences references;
  std::optional<Charge> charge;  // of the one valid reference
};

struct Settlement {
  Disposition disposition = Disposition::kUnknownMemo;
  std::optional<Charge> charge;       // the charge as it stands now, when it changed
  std::vector<ChargeChange> changes;  // what it went through, in order; their postings are in `postings` as well
  std::vector<Posting> postings;      // all of them; those that touch the bank sum to the credit's amount
  std::string agency;                 // in whose books the money stands
  base::Vnd held_vnd = 0;             // of the credit, in suspense: the caller writes an item for it
  base::Vnd released_vnd = 0;         // of the charge (it expired part-paid): a second item
};

// `now` decides nothing but the times written: whether a payment was in time is told by `booked_at`, since a bank that
// notifies late must not make a citizen late. INTERNAL on an amount that is not positive.
absl::StatusOr<Settlement> Settle(const Credit& credit, const CreditFacts& facts, base::Micros now);

// Suspense items. One table again: open → assigned | refund_due; refund_due → refunded.
enum class SuspenseState { kOpen = 1, kAssigned = 2, kRefundDue = 3, kRefunded = 4 };
enum class SuspenseEventKind { kAssign, kDecideRefund, kRefundSent };

struct SuspenseItem {
  std::string id;
  std::string agency;
  std::string collecting_account;  // where the money came in; empty: an unregistered account
  base::Vnd amount_vnd = 0;
  base::Vnd remaining_vnd = 0;  // not yet assigned
  SuspenseState state = SuspenseState::kOpen;
  bool operator==(const SuspenseItem&) const = default;
};

struct SuspenseChange {
  SuspenseState from = SuspenseState::kOpen;
  SuspenseState to = SuspenseState::kOpen;
  std::vector<Posting> postings;
  std::optional<ChargeChange> charge;  // kAssign; its postings are in `postings` as well
};

// Gives as much of the item to the charge as the charge lacks; the rest stays open. Errors: FAILED_PRECONDITION
// SUSPENSE_RESOLVED, CHARGE_NOT_PAYABLE (nothing outstanding), SUSPENSE_OTHER_AGENCY.
absl::StatusOr<SuspenseChange> Assign(base::Micros now, SuspenseItem& item, Charge& charge);
// kDecideRefund and kRefundSent. Errors: FAILED_PRECONDITION SUSPENSE_RESOLVED.
absl::StatusOr<SuspenseChange> Apply(SuspenseEventKind event, SuspenseItem& item);

std::string_view SuspenseStateName(SuspenseState state);  // "refund_due"
std::optional<SuspenseState> ParseSuspenseState(std::string_view name);
std::string_view SuspenseEventName(SuspenseEventKind kind);
std::string SuspenseStateDiagram();  // Mermaid

}  // namespace dinh::payments
