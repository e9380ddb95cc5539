// The bank tells of a credit: verified, understood, booked once.
#include <algorithm>
#include <utility>

#include "services/payments/domain/memo.h"
#include "services/payments/errors.h"
#include "services/payments/handlers/handlers.h"
#include "services/payments/notification_body.h"

namespace dinh::payments {
namespace {

std::string OutcomeOf(Disposition disposition) {
  switch (disposition) {
    case Disposition::kExact:
    case Disposition::kOver:
      return "paid";
    case Disposition::kUnder:
      return "part_paid";
    default:
      return "suspense";
  }
}

CreditRow NewCredit(const NotificationBody& body, std::string signing_key) {
  CreditRow row;
  row.credit.amount_vnd = body.amount_vnd;
  row.credit.booked_at = body.booked_at;
  row.bank_bin = body.bank_bin;
  row.bank_transaction = body.transaction;
  row.content_hash = body.ContentHash();
  row.account_number = body.account_number;
  row.signing_key = std::move(signing_key);
  return row;
}

// The secret of one bank, lost, must not be good for credits at another.
bool MaySpeakFor(std::string_view key_id, std::string_view bank_bin, const std::vector<SigningKey>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const SigningKey& key) {
    return key.id == key_id && (key.bank_bin.empty() || key.bank_bin == bank_bin);
  });
}

pb::NotifyCreditResponse Answer(const CreditRow& row) {
  pb::NotifyCreditResponse response;
  response.set_outcome(row.outcome);
  response.set_bank_transaction(row.bank_transaction);
  return response;
}

}  // namespace

absl::StatusOr<pb::NotifyCreditResponse> Handlers::NotifyCredit(rpc::Context& ctx,
                                                                const options_pb::SignedRequest& request) {
  const auto header = request.headers().find(std::string(kSignatureHeader));
  const std::string signature = header == request.headers().end() ? "" : header->second;
  ASSIGN_OR_RETURN(std::string key, VerifySignature(signature, request.body(), bank_keys_, ctx.Now()));
  ASSIGN_OR_RETURN(const NotificationBody body, ParseNotification(request.body()));
  if (!MaySpeakFor(key, body.bank_bin, bank_keys_)) return NotificationForeignBank(body.bank_bin);
  ctx.audit_reason = "bank key " + key;
  const CreditRow incoming = NewCredit(body, std::move(key));
  std::optional<Disposition> booked;
  auto response = database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::NotifyCreditResponse> {
    booked.reset();
    ASSIGN_OR_RETURN(const std::optional<CreditRow> known,
                     store_.FindCredit(tx, incoming.bank_bin, incoming.bank_transaction));
    if (known && known->content_hash != incoming.content_hash) return NotificationConflict(incoming.bank_transaction);
    if (known) return Answer(*known);
    ASSIGN_OR_RETURN(const CreditRow row, Book(tx, incoming, body.memo));
    booked = row.disposition;
    return Answer(row);
  });
  if (response.ok() && booked) credits_.With({DispositionName(*booked)}).Increment();
  return response;
}

absl::StatusOr<CreditRow> Handlers::Book(db::Tx& tx, CreditRow row, std::string_view memo) {
  CreditFacts facts;
  ASSIGN_OR_RETURN(const std::optional<CollectingAccountRow> account,
                   store_.FindAccount(tx, row.bank_bin, row.account_number));
  if (account) facts.account = CollectingAccount{account->id, account->agency};
  facts.fallback_agency = fallback_agency_;
  if (!account && fallback_agency_.empty()) return NoFallbackAgency();
  facts.references = FindReferences(memo);
  std::optional<ChargeRow> charge;
  if (facts.references.valid.size() == 1) {
    ASSIGN_OR_RETURN(charge, store_.FindChargeByReferenceForUpdate(tx, facts.references.valid[0]));
    if (charge) facts.charge = charge->charge;
  }

  row.credit.id = books_.NewId();
  row.received_at = tx.context().Now();
  ASSIGN_OR_RETURN(const Settlement settlement, Settle(row.credit, facts, row.received_at));
  if (account) row.collecting_account = account->id;
  row.memo_sealed = sealer_.Seal("bank_credits.memo", row.credit.id, memo);
  row.disposition = settlement.disposition;
  row.outcome = OutcomeOf(settlement.disposition);
  if (charge) row.charge = charge->charge.id;
  RETURN_IF_ERROR(store_.InsertCredit(tx, row));

  Links links{.charge = row.charge.value_or(""), .credit = row.credit.id};
  if (settlement.held_vnd > 0) {
    SuspenseRow item;
    item.item = {books_.NewId(), settlement.agency, row.collecting_account.value_or(""), settlement.held_vnd,
                 settlement.held_vnd};
    item.cause = DispositionName(settlement.disposition);
    item.credit = row.credit.id;
    item.charge = row.charge;
    RETURN_IF_ERROR(books_.Suspend(tx, item));
    links.held = item.item.id;
  }
  if (settlement.charge) {
    charge->charge = *settlement.charge;
    RETURN_IF_ERROR(store_.UpdateCharge(tx, *charge));
    if (const auto item = ReleasedItem(*charge, settlement.released_vnd, books_.NewId())) {
      RETURN_IF_ERROR(books_.Suspend(tx, *item));
      links.released = item->item.id;
    }
    for (const ChargeChange& change : settlement.changes) RETURN_IF_ERROR(books_.Announce(tx, *charge, change));
  }
  RETURN_IF_ERROR(books_.Write(tx, settlement.postings, links));
  return row;
}

}  // namespace dinh::payments
