#include <utility>

#include "services/procedures/handlers/handlers.h"

namespace dinh::procedures {

absl::StatusOr<pb::Dossier> Handlers::WithdrawDossier(rpc::Context& ctx, const pb::WithdrawDossierRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kWithdraw, request.reason(), 0, {}, {}});
}

absl::StatusOr<pb::Dossier> Handlers::SupplyDossier(rpc::Context& ctx, const pb::SupplyDossierRequest& request) {
  ChangeRequest change{request.code(), request.etag(), EventKind::kSupply, request.note(), 0, {}, {}};
  change.before = [&](db::Tx& tx, DossierRow& row, Event&, std::vector<AttachmentRow>& files) {
    return TakeFiles(tx, ctx.principal(), request.attachments(), row, FileKind::kPaper, files);
  };
  return ChangeDossier(ctx, change);
}

absl::StatusOr<pb::Dossier> Handlers::RateDossier(rpc::Context& ctx, const pb::RateDossierRequest& request) {
  ChangeRequest change{request.code(), "", EventKind::kRate, "", request.stars(), {}, {}};
  change.before = [&](db::Tx&, DossierRow& row, Event& event, std::vector<AttachmentRow>&) {
    row.comment = request.comment();
    row.rated_at = event.at;
    return absl::OkStatus();
  };
  change.after = [&](db::Tx& tx, const DossierRow& row) {
    pb::DossierRated rated;
    rated.set_dossier(row.code);
    rated.set_stars(row.progress.stars);
    rated.set_agency(row.receiving_agency);
    rated.set_unit(row.unit);
    return p_.events.outbox().Append(tx, row.code, rated);
  };
  return ChangeDossier(ctx, change);
}

}  // namespace dinh::procedures
