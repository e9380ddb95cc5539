// From rows to messages.
#include <set>

#include "services/payments/handlers/handlers.h"

namespace dinh::payments {
namespace {

pb::SuspenseItem::Cause CauseOf(std::string_view cause) {
  if (cause == kReleasedCause) return pb::SuspenseItem::CAUSE_RELEASED;
  switch (ParseDisposition(cause).value_or(Disposition::kUnknownMemo)) {
    case Disposition::kOver:
      return pb::SuspenseItem::CAUSE_OVERPAID;
    case Disposition::kAlreadyPaid:
      return pb::SuspenseItem::CAUSE_DUPLICATE_PAYMENT;
    case Disposition::kCancelled:
    case Disposition::kLate:
    case Disposition::kRefunded:
      return pb::SuspenseItem::CAUSE_LATE;
    case Disposition::kWrongAccount:
      return pb::SuspenseItem::CAUSE_WRONG_ACCOUNT;
    case Disposition::kUnknownAccount:
      return pb::SuspenseItem::CAUSE_UNKNOWN_ACCOUNT;
    case Disposition::kAmbiguousMemo:
      return pb::SuspenseItem::CAUSE_AMBIGUOUS_MEMO;
    case Disposition::kBadCheck:
    case Disposition::kUnknownReference:
      return pb::SuspenseItem::CAUSE_BAD_REFERENCE;
    case Disposition::kUnknownMemo:
    case Disposition::kExact:
    case Disposition::kUnder:
      break;
  }
  return pb::SuspenseItem::CAUSE_UNKNOWN_MEMO;
}

base::Text HintOf(std::string_view cause) {
  if (cause == kReleasedCause) {
    return {"Khoản thu bị hủy hoặc hết hạn sau khi đã nộp một phần: hãy hoàn lại hoặc gán cho khoản thu khác.",
            "The charge ended after a part had been paid: give the money back or assign it to another charge."};
  }
  return DispositionText(ParseDisposition(cause).value_or(Disposition::kUnknownMemo));
}

}  // namespace

void SetTime(base::Micros at, google::protobuf::Timestamp* out) {
  out->set_seconds(at / base::kMicrosPerSecond);
  out->set_nanos(static_cast<int32_t>(at % base::kMicrosPerSecond * 1000));
}

pb::Charge ToProto(const ChargeRow& row) {
  const Charge& charge = row.charge;
  pb::Charge out;
  out.set_id(charge.id);
  out.set_state(static_cast<pb::Charge::State>(charge.state));
  out.set_amount_vnd(charge.amount_vnd);
  out.set_paid_vnd(charge.paid_vnd);
  out.set_purpose_kind(charge.purpose);
  out.set_purpose_ref(row.purpose_ref);
  out.set_description(row.description);
  for (const ChargeLineRow& line : row.lines) {
    pb::ChargeLine& to = *out.add_lines();
    to.set_text(line.text);
    to.set_unit_price_vnd(line.unit_price_vnd);
    to.set_count(line.count);
    to.set_amount_vnd(line.amount_vnd);
  }
  out.set_memo(row.memo);
  out.set_reference(charge.reference);
  out.mutable_collecting_account()->set_bank_bin(row.account.bank_bin);
  out.mutable_collecting_account()->set_account_number(row.account.account_number);
  out.mutable_collecting_account()->set_holder_name(row.account.holder_name);
  out.set_agency(charge.agency);
  out.set_unit(row.unit);
  SetTime(charge.opened_at, out.mutable_create_time());
  if (charge.expires_at) SetTime(*charge.expires_at, out.mutable_expire_time());
  if (charge.state == ChargeState::kPaid && charge.settled_at) SetTime(*charge.settled_at, out.mutable_paid_time());
  out.set_etag(std::to_string(row.revision));
  return out;
}

absl::StatusOr<pb::SuspenseItem> Handlers::ToProto(const rpc::Context& ctx, const SuspenseRow& row) const {
  pb::SuspenseItem out;
  out.set_id(row.item.id);
  out.set_cause(CauseOf(row.cause));
  out.set_amount_vnd(row.item.amount_vnd);
  out.set_remaining_vnd(row.item.remaining_vnd);
  out.set_bank_transaction(row.bank_transaction);
  if (row.credit) {
    ASSIGN_OR_RETURN(std::string memo, sealer_.Open("bank_credits.memo", *row.credit, row.memo_sealed));
    out.set_memo(std::move(memo));
  }
  out.set_charge(row.charge.value_or(""));
  SetTime(row.created_at, out.mutable_create_time());
  out.set_resolution(std::string(SuspenseStateName(row.item.state)));
  if (row.resolved_at) SetTime(*row.resolved_at, out.mutable_resolve_time());
  const base::Text hint = HintOf(row.cause);
  out.set_hint(ctx.language == "en" ? hint.en : hint.vi);
  return out;
}

std::vector<AgencyUnit> AgenciesWith(const auth::Principal& principal, std::string_view permission) {
  std::set<AgencyUnit> found;
  for (const auth::Grant& grant : principal.grants) {
    if (principal.Has(permission, grant.agency, grant.unit)) found.insert({grant.agency, grant.unit});
  }
  return {found.begin(), found.end()};
}

}  // namespace dinh::payments
