// Suspense: money that waits for an officer's decision.
#include <utility>

#include "services/payments/errors.h"
#include "services/payments/handlers/handlers.h"
#include "services/payments/limits.h"

namespace dinh::payments {

absl::StatusOr<pb::ListSuspenseResponse> Handlers::ListSuspense(rpc::Context& ctx,
                                                                const pb::ListSuspenseRequest& request) {
  ASSIGN_OR_RETURN(const int32_t size, page_tokens_.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string last, page_tokens_.Open(ctx, request));
  const std::vector<AgencyUnit> agencies = AgenciesWith(ctx.principal(), "suspense.manage");
  ASSIGN_OR_RETURN(const std::vector<SuspenseRow> rows, database_.Read(ctx, [&](db::Tx& tx) {
    return store_.ListSuspense(tx, agencies, request.include_resolved(), last, size + 1);
  }));
  pb::ListSuspenseResponse response;
  const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
  for (size_t i = 0; i < shown; ++i) {
    ASSIGN_OR_RETURN(*response.add_items(), ToProto(ctx, rows[i]));
  }
  ctx.audit_reason = "suspense of " + std::to_string(agencies.size()) + " agencies";
  if (rows.size() > shown) response.set_next_page_token(page_tokens_.Seal(ctx, request, rows[shown - 1].item.id));
  return response;
}

absl::StatusOr<SuspenseRow> Handlers::Resolve(db::Tx& tx, SuspenseRow row, const pb::ResolveSuspenseRequest& request) {
  SuspenseChange change;
  Links links{.held = row.item.id};
  if (!request.charge().empty()) {
    ASSIGN_OR_RETURN(std::optional<ChargeRow> charge, store_.FindChargeForUpdate(tx, request.charge()));
    // A charge of another agency is as absent as one that was never opened.
    if (!charge || charge->charge.agency != row.item.agency) return ChargeNotFound();
    ASSIGN_OR_RETURN(change, Assign(tx.context().Now(), row.item, charge->charge));
    RETURN_IF_ERROR(store_.UpdateCharge(tx, *charge));
    RETURN_IF_ERROR(books_.Announce(tx, *charge, *change.charge));
    links.charge = charge->charge.id;
    row.charge = charge->charge.id;
  } else {
    const auto event = request.refund() ? SuspenseEventKind::kDecideRefund : SuspenseEventKind::kRefundSent;
    ASSIGN_OR_RETURN(change, Apply(event, row.item));
  }
  RETURN_IF_ERROR(books_.Write(tx, change.postings, links));
  return row;
}

absl::StatusOr<pb::SuspenseItem> Handlers::ResolveSuspense(rpc::Context& ctx,
                                                           const pb::ResolveSuspenseRequest& request) {
  const int decisions =
      (request.charge().empty() ? 0 : 1) + (request.refund() ? 1 : 0) + (request.refund_sent() ? 1 : 0);
  return database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::SuspenseItem> {
    ASSIGN_OR_RETURN(SuspenseRow row, ctx.InScope(store_.FindSuspenseForUpdate(tx, request.id())));
    if (decisions != 1) return OneDecision();
    ASSIGN_OR_RETURN(row, Resolve(tx, std::move(row), request));
    if (row.item.state != SuspenseState::kOpen) row.resolved_at = ctx.Now();
    row.resolved_by = ctx.principal().id;
    if (!request.note().empty()) {
      row.note_sealed = sealer_.Seal("suspense_items.note", row.item.id, request.note());
    }
    RETURN_IF_ERROR(store_.UpdateSuspense(tx, row));
    return ToProto(ctx, row);
  });
}

}  // namespace dinh::payments
