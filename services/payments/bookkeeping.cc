#include "services/payments/bookkeeping.h"

#include <utility>

#include "dinh/payments/v1/events.pb.h"
#include "libs/base/status.h"

namespace dinh::payments {
namespace {

namespace pb = ::dinh::payments::v1;

template <typename Event>
Event About(const ChargeRow& row) {
  Event event;
  event.set_charge(row.charge.id);
  event.set_purpose_kind(row.charge.purpose);
  event.set_purpose_ref(row.purpose_ref);
  return event;
}

Transfer MakeTransfer(std::string id, const Posting& posting, const Links& links, base::Micros now) {
  Transfer transfer{std::move(id), posting, links.charge, "", "", now};
  switch (posting.reason) {
    case TransferReason::kChargePaid:
      transfer.credit = links.credit;
      break;
    case TransferReason::kCreditHeld:
      // The excess is not the charge's: the charge must equal the sum of its own transfers.
      transfer.charge.clear();
      transfer.credit = links.credit;
      transfer.suspense = links.held;
      break;
    case TransferReason::kPaymentReleased:
      transfer.suspense = links.released;
      break;
    case TransferReason::kSuspenseAssigned:
    case TransferReason::kRefundDecided:
    case TransferReason::kRefundPaid:
      transfer.suspense = links.held;
      break;
    case TransferReason::kChargeOpened:
    case TransferReason::kChargeClosed:
      break;
  }
  return transfer;
}

}  // namespace

absl::Status Bookkeeping::Write(db::Tx& tx, const std::vector<Posting>& postings, const Links& links) const {
  for (const Posting& posting : postings) {
    RETURN_IF_ERROR(store_.InsertTransfer(tx, MakeTransfer(ids_.Next(), posting, links, tx.context().Now())));
  }
  return absl::OkStatus();
}

absl::Status Bookkeeping::Suspend(db::Tx& tx, SuspenseRow row) const {
  row.created_at = tx.context().Now();
  RETURN_IF_ERROR(store_.InsertSuspense(tx, row));
  pb::CreditSuspended event;
  event.set_item(row.item.id);
  event.set_cause(row.cause);
  event.set_amount_vnd(row.item.amount_vnd);
  return outbox_.Append(tx, row.item.id, event);
}

absl::Status Bookkeeping::Announce(db::Tx& tx, const ChargeRow& row, const ChargeChange& change) const {
  switch (change.to) {
    case ChargeState::kPaid: {
      auto event = About<pb::ChargePaid>(row);
      event.set_amount_vnd(row.charge.amount_vnd);
      const base::Micros at = row.charge.settled_at.value_or(tx.context().Now());
      event.mutable_paid_time()->set_seconds(at / base::kMicrosPerSecond);
      event.mutable_paid_time()->set_nanos(static_cast<int32_t>(at % base::kMicrosPerSecond * 1000));
      return outbox_.Append(tx, row.charge.id, event);
    }
    case ChargeState::kCancelled:
      return outbox_.Append(tx, row.charge.id, About<pb::ChargeCancelled>(row));
    case ChargeState::kExpired:
      return outbox_.Append(tx, row.charge.id, About<pb::ChargeExpired>(row));
    case ChargeState::kOpen: {
      auto event = About<pb::ChargeOpened>(row);
      event.set_amount_vnd(row.charge.amount_vnd);
      return outbox_.Append(tx, row.charge.id, event);
    }
    case ChargeState::kNone:
    case ChargeState::kPartPaid:
    case ChargeState::kRefunded:
      break;
  }
  return absl::OkStatus();
}

std::optional<SuspenseRow> ReleasedItem(const ChargeRow& row, base::Vnd released_vnd, std::string id) {
  if (released_vnd <= 0) return std::nullopt;
  SuspenseRow item;
  item.item = {std::move(id), row.charge.agency, row.charge.collecting_account, released_vnd, released_vnd};
  item.cause = kReleasedCause;
  item.charge = row.charge.id;
  return item;
}

}  // namespace dinh::payments
