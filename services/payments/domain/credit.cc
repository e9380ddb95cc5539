#include "services/payments/domain/credit.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dinh::payments {
namespace {

struct DispositionNames {
  Disposition disposition;
  std::string_view name;
  std::string_view vi;
  std::string_view en;
};
constexpr std::array kDispositions = {
    DispositionNames{Disposition::kExact, "exact", "Nộp đúng số tiền.", "Paid exactly."},
    DispositionNames{Disposition::kUnder, "under", "Nộp thiếu: khoản thu còn chờ phần còn lại.",
                     "Paid in part: the charge waits for the rest."},
    DispositionNames{Disposition::kOver, "over", "Nộp thừa: hãy hoàn lại phần thừa cho người nộp.",
                     "Paid too much: give the excess back to the payer."},
    DispositionNames{Disposition::kAlreadyPaid, "already_paid",
                     "Khoản thu đã nộp đủ từ trước: hãy hoàn lại lần nộp này.",
                     "The charge had been paid before: give this payment back."},
    DispositionNames{Disposition::kCancelled, "cancelled",
                     "Khoản thu đã hủy: hãy hoàn lại hoặc gán cho khoản thu khác.",
                     "The charge was cancelled: give the money back or assign it to another charge."},
    DispositionNames{Disposition::kLate, "late",
                     "Nộp sau khi hết hạn: hãy hoàn lại, hoặc mở lại khoản thu rồi gán tiền vào.",
                     "Paid after the charge expired: give the money back, or reopen the charge and assign it."},
    DispositionNames{Disposition::kRefunded, "refunded", "Khoản thu đã được hoàn tiền: hãy hoàn lại lần nộp này.",
                     "The charge has been refunded: give this payment back."},
    DispositionNames{Disposition::kWrongAccount, "wrong_account",
                     "Nộp vào tài khoản khác với tài khoản của khoản thu: hãy hoàn lại cho người nộp.",
                     "Paid to another account than the charge's: give the money back to the payer."},
    DispositionNames{Disposition::kUnknownAccount, "unknown_account",
                     "Tài khoản nhận chưa được đăng ký: hãy kiểm tra với ngân hàng và đăng ký tài khoản.",
                     "The credited account is not registered: check with the bank and register it."},
    DispositionNames{Disposition::kUnknownMemo, "unknown_memo",
                     "Nội dung không có mã nộp tiền: hãy tìm người nộp và gán vào khoản thu.",
                     "The text has no reference: find the payer and assign the money to a charge."},
    DispositionNames{Disposition::kAmbiguousMemo, "ambiguous_memo",
                     "Nội dung có nhiều mã nộp tiền khác nhau: hãy chọn khoản thu để gán.",
                     "The text has several references: choose the charge to assign it to."},
    DispositionNames{Disposition::kBadCheck, "bad_check",
                     "Mã nộp tiền trong nội dung bị gõ sai: hãy tìm khoản thu đúng và gán vào.",
                     "The reference in the text is mistyped: find the right charge and assign it."},
    DispositionNames{Disposition::kUnknownReference, "unknown_reference",
                     "Mã nộp tiền đúng dạng nhưng không có khoản thu nào mang mã này: hãy tìm người nộp.",
                     "The reference is well-formed but belongs to no charge: find the payer."},
};

const DispositionNames* NamesOf(Disposition disposition) {
  for (const DispositionNames& names : kDispositions) {
    if (names.disposition == disposition) return &names;
  }
  return nullptr;
}

struct SuspenseEdge {
  SuspenseEventKind event;
  SuspenseState from;
  SuspenseState to;
  bool leaves_rest;  // taken when something of the item remains
};
constexpr std::array kSuspenseEdges = {
    SuspenseEdge{SuspenseEventKind::kAssign, SuspenseState::kOpen, SuspenseState::kOpen, true},
    SuspenseEdge{SuspenseEventKind::kAssign, SuspenseState::kOpen, SuspenseState::kAssigned, false},
    SuspenseEdge{SuspenseEventKind::kDecideRefund, SuspenseState::kOpen, SuspenseState::kRefundDue, false},
    SuspenseEdge{SuspenseEventKind::kRefundSent, SuspenseState::kRefundDue, SuspenseState::kRefunded, false},
};

constexpr std::array kSuspenseStates = {
    std::pair{SuspenseState::kOpen, std::string_view("open")},
    std::pair{SuspenseState::kAssigned, std::string_view("assigned")},
    std::pair{SuspenseState::kRefundDue, std::string_view("refund_due")},
    std::pair{SuspenseState::kRefunded, std::string_view("refunded")},
};

absl::StatusOr<SuspenseState> NextState(SuspenseEventKind event, SuspenseState from, bool leaves_rest) {
  for (const SuspenseEdge& edge : kSuspenseEdges) {
    if (edge.event == event && edge.from == from && edge.leaves_rest == leaves_rest) return edge.to;
  }
  return base::FailedPrecondition(
      "SUSPENSE_RESOLVED",
      {"Khoản tiền chưa xác định này đã được xử lý hoặc đang ở bước khác. Hãy tải lại danh sách.",
       "This suspense item has been dealt with or is at another step. Read the list again."},
      {{"state", std::string(SuspenseStateName(from))}, {"event", std::string(SuspenseEventName(event))}});
}

// The reason why the credit cannot pay the charge at all; nullopt: it can.
std::optional<Disposition> WhyHeld(const Credit& credit, const CreditFacts& facts) {
  if (!facts.account) return Disposition::kUnknownAccount;
  if (facts.references.ambiguous()) return Disposition::kAmbiguousMemo;
  if (facts.references.valid.empty()) {
    return facts.references.damaged.empty() ? Disposition::kUnknownMemo : Disposition::kBadCheck;
  }
  if (!facts.charge) return Disposition::kUnknownReference;
  const Charge& charge = *facts.charge;
  if (charge.collecting_account != facts.account->id) return Disposition::kWrongAccount;
  const bool in_time = !charge.expires_at || credit.booked_at <= *charge.expires_at;
  switch (charge.state) {
    case ChargeState::kOpen:
    case ChargeState::kPartPaid:
    case ChargeState::kExpired:
      return in_time ? std::nullopt : std::optional(Disposition::kLate);
    case ChargeState::kPaid:
      return Disposition::kAlreadyPaid;
    case ChargeState::kCancelled:
      return Disposition::kCancelled;
    case ChargeState::kRefunded:
      return Disposition::kRefunded;
    case ChargeState::kNone:
      break;
  }
  return Disposition::kUnknownReference;
}

absl::Status Step(const ChargeEvent& event, Settlement& settlement) {
  ASSIGN_OR_RETURN(ChargeChange change, Apply(event, *settlement.charge));
  settlement.postings.insert(settlement.postings.end(), change.postings.begin(), change.postings.end());
  settlement.released_vnd += change.released_vnd;
  settlement.changes.push_back(std::move(change));
  return absl::OkStatus();
}

void Hold(const CreditFacts& facts, base::Vnd amount, Settlement& settlement) {
  const Account bank =
      facts.account ? BankAccount(facts.account->id, settlement.agency) : UnregisteredBankAccount(settlement.agency);
  settlement.held_vnd = amount;
  settlement.postings.push_back({TransferReason::kCreditHeld, bank, SuspenseAccount(settlement.agency), amount});
}

absl::Status PayCharge(const Credit& credit, const CreditFacts& facts, base::Micros now, Settlement& settlement) {
  settlement.charge = facts.charge;
  Charge& charge = *settlement.charge;
  if (charge.state == ChargeState::kExpired) {
    // Paid in time, notified late: the expiry is taken back.
    RETURN_IF_ERROR(Step({ChargeEventKind::kReopen, now}, settlement));
  }
  const base::Vnd due = charge.outstanding_vnd();
  const base::Vnd used = std::min(due, credit.amount_vnd);
  RETURN_IF_ERROR(Step({ChargeEventKind::kPay, now, used}, settlement));
  settlement.disposition = credit.amount_vnd < due   ? Disposition::kUnder
                           : credit.amount_vnd > due ? Disposition::kOver
                                                     : Disposition::kExact;
  if (credit.amount_vnd > used) Hold(facts, credit.amount_vnd - used, settlement);
  return absl::OkStatus();
}

}  // namespace

std::string_view DispositionName(Disposition disposition) {
  const DispositionNames* names = NamesOf(disposition);
  return names == nullptr ? "unknown" : names->name;
}

std::optional<Disposition> ParseDisposition(std::string_view name) {
  for (const DispositionNames& names : kDispositions) {
    if (names.name == name) return names.disposition;
  }
  return std::nullopt;
}

base::Text DispositionText(Disposition disposition) {
  const DispositionNames* names = NamesOf(disposition);
  if (names == nullptr) return {};
  return {std::string(names->vi), std::string(names->en)};
}

absl::StatusOr<Settlement> Settle(const Credit& credit, const CreditFacts& facts, base::Micros now) {
  if (credit.amount_vnd <= 0 || credit.amount_vnd > base::kVndMax) return base::Internal("credit amount out of range");
  Settlement settlement;
  settlement.agency = facts.account ? facts.account->agency : facts.fallback_agency;
  const std::optional<Disposition> held = WhyHeld(credit, facts);
  if (!held) {
    RETURN_IF_ERROR(PayCharge(credit, facts, now, settlement));
  } else {
    settlement.disposition = *held;
    if (*held == Disposition::kLate && facts.charge->state != ChargeState::kExpired) {
      settlement.charge = facts.charge;
      RETURN_IF_ERROR(Step({ChargeEventKind::kExpire, now}, settlement));
    }
    Hold(facts, credit.amount_vnd, settlement);
  }
  for (const Posting& posting : settlement.postings) RETURN_IF_ERROR(CheckPosting(posting));
  return settlement;
}

absl::StatusOr<SuspenseChange> Assign(base::Micros now, SuspenseItem& item, Charge& charge) {
  if (item.agency != charge.agency) {
    return base::FailedPrecondition(
        "SUSPENSE_OTHER_AGENCY",
        {"Tiền này nằm ở tài khoản của cơ quan khác nên không gán được. Hãy hoàn lại cho người nộp.",
         "This money lies on another agency's account and cannot be assigned. Give it back to the payer."});
  }
  const base::Vnd used = std::min(item.remaining_vnd, charge.outstanding_vnd());
  ASSIGN_OR_RETURN(const SuspenseState to,
                   NextState(SuspenseEventKind::kAssign, item.state, used < item.remaining_vnd));
  Charge moved = charge;
  ASSIGN_OR_RETURN(ChargeChange change, Apply({ChargeEventKind::kPay, now, used, Source::kSuspense}, moved));
  SuspenseChange out{item.state, to, change.postings};
  out.charge = std::move(change);
  charge = std::move(moved);
  item.state = to;
  item.remaining_vnd -= used;
  return out;
}

absl::StatusOr<SuspenseChange> Apply(SuspenseEventKind event, SuspenseItem& item) {
  if (event == SuspenseEventKind::kAssign) return base::Internal("assigning needs a charge");
  ASSIGN_OR_RETURN(const SuspenseState to, NextState(event, item.state, false));
  SuspenseChange out{item.state, to, {}};
  if (event == SuspenseEventKind::kDecideRefund) {
    out.postings.push_back({TransferReason::kRefundDecided, SuspenseAccount(item.agency), RefundsAccount(item.agency),
                            item.remaining_vnd});
  } else {
    const Account bank = item.collecting_account.empty() ? UnregisteredBankAccount(item.agency)
                                                         : BankAccount(item.collecting_account, item.agency);
    out.postings.push_back({TransferReason::kRefundPaid, RefundsAccount(item.agency), bank, item.remaining_vnd});
  }
  RETURN_IF_ERROR(CheckPosting(out.postings[0]));
  item.state = to;
  return out;
}

std::string_view SuspenseStateName(SuspenseState state) {
  for (const auto& [value, name] : kSuspenseStates) {
    if (value == state) return name;
  }
  return "unknown";
}

std::optional<SuspenseState> ParseSuspenseState(std::string_view name) {
  for (const auto& [value, text] : kSuspenseStates) {
    if (text == name) return value;
  }
  return std::nullopt;
}

std::string_view SuspenseEventName(SuspenseEventKind kind) {
  switch (kind) {
    case SuspenseEventKind::kAssign:
      return "assign";
    case SuspenseEventKind::kDecideRefund:
      return "decide_refund";
    case SuspenseEventKind::kRefundSent:
      return "refund_sent";
  }
  return "unknown";
}

std::string SuspenseStateDiagram() {
  std::string out = "stateDiagram-v2\n    [*] --> open : held\n";
  for (const SuspenseEdge& edge : kSuspenseEdges) {
    out += "    ";
    out += SuspenseStateName(edge.from);
    out += " --> ";
    out += SuspenseStateName(edge.to);
    out += " : ";
    out += SuspenseEventName(edge.event);
    if (edge.leaves_rest) out += " [rest remains]";
    out += "\n";
  }
  return out;
}

}  // namespace dinh::payments
