// A charge (khoản thu) and everything that moves it between its states: ONE table. Nothing else sets a state. Each
// change carries the ledger postings that belong to it, so that no state can change without its money and no money
// without its state. The README's diagram is ChargeStateDiagram().
//
// A charge asks one amount for one purpose and collects it on one bank account, which is frozen when it is opened: a
// later change of the agency's account must not move money that citizens are asked for today.
//
// Pure: no clock, no storage. Thread-safe when const.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"
#include "libs/base/status.h"
#include "services/payments/domain/ledger.h"

namespace dinh::payments {

enum class ChargeState {
  kNone = 0,
  kOpen = 1,
  kPartPaid = 2,
  kPaid = 3,
  kCancelled = 4,
  kExpired = 5,
  kRefunded = 6,
};

enum class ChargeEventKind { kOpen, kPay, kCancel, kExpire, kReopen, kRefund };

struct Charge {
  std::string id;
  std::string reference;           // see memo.h
  std::string agency;              // who collects
  std::string purpose;             // "fee.2.000635": names the income account
  std::string collecting_account;  // id of the frozen collecting account
  base::Vnd amount_vnd = 0;
  base::Vnd paid_vnd = 0;  // what the ledger holds for it now; 0 after its money was released
  ChargeState state = ChargeState::kNone;
  base::Micros opened_at = 0;
  std::optional<base::Micros> expires_at;
  std::optional<base::Micros> settled_at;  // when it reached paid, cancelled, expired or refunded

  base::Vnd outstanding_vnd() const;  // 0 unless open or part_paid
  bool operator==(const Charge&) const = default;
};

// Where paying money comes from: fresh from the bank, or from suspense by an officer's decision.
enum class Source { kBank, kSuspense };

struct ChargeEvent {
  ChargeEventKind kind = ChargeEventKind::kOpen;
  base::Micros at = 0;
  base::Vnd amount_vnd = 0;       // kPay: 1..outstanding
  Source source = Source::kBank;  // kPay
};

struct ChargeChange {
  ChargeState from = ChargeState::kNone;
  ChargeState to = ChargeState::kNone;
  std::vector<Posting> postings;
  // Money of this charge that became nobody's: the caller must write a suspense item of this amount.
  base::Vnd released_vnd = 0;
};

enum class ChargeWhen {
  kAlways,
  kBelowDue,   // the amount leaves something outstanding
  kCoversDue,  // the amount is all that is outstanding
};

struct ChargeEdge {
  ChargeEventKind event;
  ChargeState from;
  ChargeState to;
  ChargeWhen when;
};
const std::vector<ChargeEdge>& ChargeEdges();

// On success `charge` has moved; on error it is untouched.
//   FAILED_PRECONDITION  the state does not allow the event; metadata state, event. CHARGE_NOT_PAYABLE (kPay),
//                        CHARGE_PAID (kCancel of a paid charge), CHARGE_STATE (all else)
//   INTERNAL             an amount that no caller may ask for (the callers split credits before)
absl::StatusOr<ChargeChange> Apply(const ChargeEvent& event, Charge& charge);

// Nothing more is expected to come in: paid, cancelled, expired, refunded.
bool IsSettled(ChargeState state);

std::string_view ChargeStateName(ChargeState state);  // "part_paid"
std::optional<ChargeState> ParseChargeState(std::string_view name);
base::Text ChargeStateText(ChargeState state);  // "Đã nộp một phần"
std::string_view ChargeEventName(ChargeEventKind kind);

// The table as a Mermaid state diagram, one line an edge.
std::string ChargeStateDiagram();

}  // namespace dinh::payments
