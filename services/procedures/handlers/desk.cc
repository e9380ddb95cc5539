#include <cstdlib>
#include <utility>

#include "libs/base/strings.h"
#include "services/procedures/form_values.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

// Counts and exemption as the filer wrote them; accepting the dossier confirms them.
absl::StatusOr<FeeInput> FeeInputOf(const DossierRow& row, const Procedure& procedure) {
  FeeInput input;
  input.channel = row.channel;
  ASSIGN_OR_RETURN(const Values values, FlattenForm(row.content.form()));
  const auto count = [&](const std::string& field) {
    const auto it = values.find(field);
    if (it != values.end()) input.counts.emplace_back(field, std::strtoll(it->second.c_str(), nullptr, 10));
  };
  for (const FeeRule& rule : procedure.fees.rules) {
    if (rule.kind != FeeKind::kFixed) count(rule.count_field);
    if (rule.kind == FeeKind::kPerPage) count(rule.page_field);
  }
  const auto exemption = values.find("exemption");
  if (exemption != values.end() && exemption->second != "none") input.exemption = exemption->second;
  return input;
}

}  // namespace

absl::StatusOr<pb::Dossier> Handlers::AcceptDossier(rpc::Context& ctx, const pb::AcceptDossierRequest& request) {
  // Made before the transaction, whose closure may run again.
  const std::string charge = p_.ids.Next();
  const std::string token = base::Base64UrlEncode(p_.random.Bytes(kTrackingTokenBytes));
  FeeResult fee;
  ChangeRequest change{request.code(), request.etag(), EventKind::kAccept, request.note(), 0, {}, {}};
  change.before = [&](db::Tx&, DossierRow& row, Event& event, std::vector<AttachmentRow>&) -> absl::Status {
    fee = {};
    const Procedure* procedure = p_.catalogue.FindVersion(row.procedure, row.procedure_version);
    if (procedure == nullptr) return base::Internal("the version of the dossier's procedure is gone");
    ASSIGN_OR_RETURN(const FeeInput input, FeeInputOf(row, *procedure));
    ASSIGN_OR_RETURN(fee, EvaluateFees(procedure->fees, input));
    event.charge_vnd = row.charge_vnd = fee.amount_vnd;
    row.charge = fee.amount_vnd > 0 ? charge : "";
    row.tracking_token = token;
    return absl::OkStatus();
  };
  change.after = [&](db::Tx& tx, const DossierRow& row) {
    return fee.amount_vnd > 0 ? p_.charges.EnqueueOpen(tx, row, fee) : absl::OkStatus();
  };
  absl::StatusOr<pb::Dossier> answer = ChangeDossier(ctx, change);
  if (answer.ok() && !ctx.replayed && fee.amount_vnd > 0) p_.charges.OpenNow(ctx, charge);
  return answer;
}

absl::StatusOr<pb::Dossier> Handlers::RejectDossier(rpc::Context& ctx, const pb::RejectDossierRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kRefuse, request.reason(), 0, {}, {}});
}

absl::StatusOr<pb::Dossier> Handlers::RequestSupplement(rpc::Context& ctx,
                                                        const pb::RequestSupplementRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kAskSupplement, request.reason(), 0, {}, {}});
}

absl::StatusOr<pb::Dossier> Handlers::ForwardDossier(rpc::Context& ctx, const pb::ForwardDossierRequest& request) {
  ChangeRequest change{request.code(), request.etag(), EventKind::kForward, request.note(), 0, {}, {}};
  change.before = [&](db::Tx& tx, DossierRow& row, Event&, std::vector<AttachmentRow>& files) {
    return TakeFiles(tx, ctx.principal(), request.results(), row, FileKind::kResult, files);
  };
  return ChangeDossier(ctx, change);
}

absl::StatusOr<pb::Dossier> Handlers::SignDossier(rpc::Context& ctx, const pb::SignDossierRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kSign, request.note(), 0, {}, {}});
}

absl::StatusOr<pb::Dossier> Handlers::SendBackDossier(rpc::Context& ctx, const pb::SendBackDossierRequest& request) {
  ChangeRequest change{request.code(), request.etag(), EventKind::kSendBack, request.reason(), 0, {}, {}};
  // The draft was refused: it must be neither signed again nor handed out beside the next one.
  change.before = [&](db::Tx& tx, DossierRow& row, Event&, std::vector<AttachmentRow>& files) {
    for (AttachmentRow& file : files) {
      if (file.kind == FileKind::kResult) file.kind = FileKind::kSupersededDraft;
    }
    return p_.store.SupersedeResults(tx, row);
  };
  return ChangeDossier(ctx, change);
}

absl::StatusOr<pb::Dossier> Handlers::ReturnDossier(rpc::Context& ctx, const pb::ReturnDossierRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kReturn, request.note(), 0, {}, {}});
}

absl::StatusOr<pb::Dossier> Handlers::StopDossier(rpc::Context& ctx, const pb::StopDossierRequest& request) {
  return ChangeDossier(ctx, {request.code(), request.etag(), EventKind::kStop, request.reason(), 0, {}, {}});
}

}  // namespace dinh::procedures
