#include "services/payments/domain/charge.h"

#include <array>
#include <utility>

namespace dinh::payments {
namespace {

using enum ChargeState;

struct StateNames {
  ChargeState state;
  std::string_view name;
  std::string_view vi;
  std::string_view en;
};
constexpr std::array kStates = {
    StateNames{kNone, "none", "Chưa lập", "Not opened"},
    StateNames{kOpen, "open", "Chờ nộp tiền", "Waiting for payment"},
    StateNames{kPartPaid, "part_paid", "Đã nộp một phần", "Paid in part"},
    StateNames{kPaid, "paid", "Đã nộp đủ", "Paid"},
    StateNames{kCancelled, "cancelled", "Đã hủy", "Cancelled"},
    StateNames{kExpired, "expired", "Đã hết hạn nộp", "Expired"},
    StateNames{kRefunded, "refunded", "Được hoàn tiền", "To be refunded"},
};

const StateNames& NamesOf(ChargeState state) {
  for (const StateNames& names : kStates) {
    if (names.state == state) return names;
  }
  return kStates[0];
}

bool Guard(ChargeWhen when, const Charge& charge, const ChargeEvent& event) {
  switch (when) {
    case ChargeWhen::kAlways:
      return true;
    case ChargeWhen::kBelowDue:
      return event.amount_vnd < charge.outstanding_vnd();
    case ChargeWhen::kCoversDue:
      return event.amount_vnd == charge.outstanding_vnd();
  }
  return false;
}

const ChargeEdge* FindEdge(const Charge& charge, const ChargeEvent& event) {
  for (const ChargeEdge& edge : ChargeEdges()) {
    if (edge.event == event.kind && edge.from == charge.state && Guard(edge.when, charge, event)) return &edge;
  }
  return nullptr;
}

// One reason for each thing a caller can do about it.
std::string_view RefusalOf(const Charge& charge, ChargeEventKind event) {
  if (event == ChargeEventKind::kPay) return "CHARGE_NOT_PAYABLE";
  if (event == ChargeEventKind::kCancel && (charge.state == kPaid || charge.state == kRefunded)) return "CHARGE_PAID";
  return "CHARGE_STATE";
}

absl::Status StateRefuses(const Charge& charge, const ChargeEvent& event) {
  const StateNames& names = NamesOf(charge.state);
  const std::string vi(names.vi);
  const std::string en(names.en);
  return base::FailedPrecondition(
      RefusalOf(charge, event.kind),
      {"Khoản thu đang ở trạng thái “" + vi + "” nên không làm được việc này. Hãy tải lại khoản thu để xem trạng thái.",
       "The charge is in state \"" + en + "\", which does not allow this. Read the charge again to see its state."},
      {{"state", std::string(names.name)}, {"event", std::string(ChargeEventName(event.kind))}});
}

absl::Status CheckAmounts(const Charge& charge, const ChargeEvent& event) {
  if (charge.amount_vnd <= 0 || charge.amount_vnd > base::kVndMax) return base::Internal("charge amount out of range");
  if (event.kind != ChargeEventKind::kPay || charge.outstanding_vnd() == 0) return absl::OkStatus();
  if (event.amount_vnd <= 0 || event.amount_vnd > charge.outstanding_vnd()) {
    return base::Internal("payment is not within what the charge lacks");
  }
  return absl::OkStatus();
}

void Post(ChargeChange& change, TransferReason reason, Account debit, Account credit, base::Vnd amount) {
  if (amount > 0) change.postings.push_back({reason, std::move(debit), std::move(credit), amount});
}

// The money that belongs to the event; `charge` is as it was before.
void PostEvent(const Charge& charge, const ChargeEvent& event, ChargeChange& change) {
  const Account fees = FeesAccount(charge.agency, charge.purpose);
  const Account receivable = ReceivableAccount(charge.agency);
  const Account suspense = SuspenseAccount(charge.agency);
  switch (event.kind) {
    case ChargeEventKind::kOpen:
    case ChargeEventKind::kReopen:
      Post(change, TransferReason::kChargeOpened, receivable, fees, charge.amount_vnd);
      return;
    case ChargeEventKind::kPay:
      if (event.source == Source::kBank) {
        Post(change, TransferReason::kChargePaid, BankAccount(charge.collecting_account, charge.agency), receivable,
             event.amount_vnd);
      } else {
        Post(change, TransferReason::kSuspenseAssigned, suspense, receivable, event.amount_vnd);
      }
      return;
    case ChargeEventKind::kCancel:
    case ChargeEventKind::kExpire:
    case ChargeEventKind::kRefund:
      Post(change, TransferReason::kChargeClosed, fees, receivable, charge.outstanding_vnd());
      Post(change, TransferReason::kPaymentReleased, fees, suspense, charge.paid_vnd);
      change.released_vnd = charge.paid_vnd;
      return;
  }
}

}  // namespace

base::Vnd Charge::outstanding_vnd() const { return state == kOpen || state == kPartPaid ? amount_vnd - paid_vnd : 0; }

const std::vector<ChargeEdge>& ChargeEdges() {
  using enum ChargeEventKind;
  using When = ChargeWhen;
  static const std::vector<ChargeEdge> edges = {
      {ChargeEventKind::kOpen, ChargeState::kNone, ChargeState::kOpen, When::kAlways},
      {kPay, ChargeState::kOpen, kPartPaid, When::kBelowDue},
      {kPay, ChargeState::kOpen, kPaid, When::kCoversDue},
      {kPay, kPartPaid, kPartPaid, When::kBelowDue},
      {kPay, kPartPaid, kPaid, When::kCoversDue},
      {kCancel, ChargeState::kOpen, kCancelled, When::kAlways},
      {kCancel, kPartPaid, kCancelled, When::kAlways},
      {kExpire, ChargeState::kOpen, kExpired, When::kAlways},
      {kExpire, kPartPaid, kExpired, When::kAlways},
      {kReopen, kExpired, ChargeState::kOpen, When::kAlways},
      {kRefund, kPaid, kRefunded, When::kAlways},
  };
  return edges;
}

absl::StatusOr<ChargeChange> Apply(const ChargeEvent& event, Charge& charge) {
  RETURN_IF_ERROR(CheckAmounts(charge, event));
  const ChargeEdge* edge = FindEdge(charge, event);
  if (edge == nullptr) return StateRefuses(charge, event);
  ChargeChange change{edge->from, edge->to};
  PostEvent(charge, event, change);
  for (const Posting& posting : change.postings) RETURN_IF_ERROR(CheckPosting(posting));
  charge.paid_vnd += event.kind == ChargeEventKind::kPay ? event.amount_vnd : -change.released_vnd;
  charge.state = edge->to;
  charge.settled_at = IsSettled(edge->to) ? std::optional(event.at) : std::nullopt;
  if (event.kind == ChargeEventKind::kOpen) charge.opened_at = event.at;
  return change;
}

bool IsSettled(ChargeState state) {
  return state == kPaid || state == kCancelled || state == kExpired || state == kRefunded;
}

std::string_view ChargeStateName(ChargeState state) { return NamesOf(state).name; }

std::optional<ChargeState> ParseChargeState(std::string_view name) {
  for (const StateNames& names : kStates) {
    if (names.name == name) return names.state;
  }
  return std::nullopt;
}

base::Text ChargeStateText(ChargeState state) {
  const StateNames& names = NamesOf(state);
  return {std::string(names.vi), std::string(names.en)};
}

std::string_view ChargeEventName(ChargeEventKind kind) {
  switch (kind) {
    case ChargeEventKind::kOpen:
      return "open";
    case ChargeEventKind::kPay:
      return "pay";
    case ChargeEventKind::kCancel:
      return "cancel";
    case ChargeEventKind::kExpire:
      return "expire";
    case ChargeEventKind::kReopen:
      return "reopen";
    case ChargeEventKind::kRefund:
      return "refund";
  }
  return "unknown";
}

std::string ChargeStateDiagram() {
  std::string out = "stateDiagram-v2\n";
  for (const ChargeEdge& edge : ChargeEdges()) {
    out += "    ";
    out += edge.from == kNone ? "[*]" : ChargeStateName(edge.from);
    out += " --> ";
    out += ChargeStateName(edge.to);
    out += " : ";
    out += ChargeEventName(edge.event);
    if (edge.when == ChargeWhen::kBelowDue) out += " [amount < outstanding]";
    if (edge.when == ChargeWhen::kCoversDue) out += " [amount = outstanding]";
    out += "\n";
  }
  return out;
}

}  // namespace dinh::payments
