// How the office works reports.
#include <algorithm>
#include <utility>

#include "services/feedback/domain/templates.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"

namespace dinh::feedback {

absl::StatusOr<pb::Report> Handlers::AssignReport(rpc::Context& ctx, const pb::AssignReportRequest& request) {
  // Who could be given it is asked of identity before the transaction.
  const std::string code = ParsePublicCode(request.id()).value_or("");
  ASSIGN_OR_RETURN(
      const ReportRow found,
      ctx.InScope(p_.database.Read(ctx, [&](db::Tx& tx) { return SeenBy(ctx, p_.store.ByCode(tx, code)); })));
  std::vector<std::string> candidates;
  if (request.officer().empty()) {
    ASSIGN_OR_RETURN(candidates, CandidatesFor(ctx, found));
  } else {
    ASSIGN_OR_RETURN(const std::vector<Colleague> colleagues, p_.identity.Colleagues(ctx, found.agency, found.unit));
    const bool known = std::any_of(colleagues.begin(), colleagues.end(),
                                   [&](const Colleague& one) { return one.officer == request.officer(); });
    const Bypass bypass{found.bypass_officer, found.bypass_unit};
    if (!known || !MayHandle({request.officer(), found.unit}, bypass)) return OfficerUnknown();
  }
  ChangeRequest change;
  change.code = code;
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kAssign;
  change.event.assignee = request.officer();
  change.event.reason = request.note();
  change.before = [&](db::Tx& tx, ReportRow& row, Event& event) -> absl::Status {
    // Routed away in between: the officers looked up are another office's.
    if (row.agency != found.agency || row.unit != found.unit) return base::StaleEtag();
    if (!event.assignee.empty()) return absl::OkStatus();
    const Category* category = p_.data.categories.Find(row.category);
    const Assign way = category == nullptr ? Assign::kRoundRobin : category->responsible.assign;
    ASSIGN_OR_RETURN(event.assignee, ChooseOfficer(tx, row, way, candidates));
    return event.assignee.empty() ? NoOfficer() : absl::OkStatus();
  };
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::StartReport(rpc::Context& ctx, const pb::StartReportRequest& request) {
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kStart;
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::AskReporter(rpc::Context& ctx, const pb::AskReporterRequest& request) {
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kAsk;
  change.event.reason = request.text();
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::AnswerReport(rpc::Context& ctx, const pb::AnswerReportRequest& request) {
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kAnswer;
  change.before = [&](db::Tx&, ReportRow& row, Event& event) -> absl::Status {
    ASSIGN_OR_RETURN(event.reason,
                     TextOf(ctx, row, EventKind::kAnswer, request.text(), request.template_(), request.variables()));
    return event.reason.empty() ? TextNeeded("text") : absl::OkStatus();
  };
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::ResolveReport(rpc::Context& ctx, const pb::ResolveReportRequest& request) {
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kResolve;
  change.photos = request.photos();
  change.before = [&](db::Tx&, ReportRow& row, Event& event) -> absl::Status {
    ASSIGN_OR_RETURN(event.reason,
                     TextOf(ctx, row, EventKind::kResolve, request.text(), request.template_(), request.variables()));
    return absl::OkStatus();
  };
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::RejectReport(rpc::Context& ctx, const pb::RejectReportRequest& request) {
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kReject;
  change.event.reason = request.reason();
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::RouteReport(rpc::Context& ctx, const pb::RouteReportRequest& request) {
  if (request.category().empty() && request.unit().empty() && request.position().empty()) return NothingToRoute();
  const std::string code = ParsePublicCode(request.id()).value_or("");
  ASSIGN_OR_RETURN(
      const ReportRow found,
      ctx.InScope(p_.database.Read(ctx, [&](db::Tx& tx) { return SeenBy(ctx, p_.store.ByCode(tx, code)); })));
  const Category* category = p_.data.categories.Find(request.category().empty() ? found.category : request.category());
  if (category == nullptr || !TakesReports(category->kind)) return CategoryUnknown();
  // Where it happened stays; which office answers there is territory's to say, today.
  const std::string from = !request.unit().empty()     ? request.unit()
                           : found.bypass_unit.empty() ? found.unit
                                                       : found.bypass_unit;
  const absl::StatusOr<UnitPlace> commune = p_.territory.CommuneOf(ctx, from);
  if (absl::IsNotFound(commune.status())) return PlaceUnknown();
  RETURN_IF_ERROR(commune.status());
  const RouteTarget target = TargetOf(*category);
  const absl::StatusOr<AgencyPlace> agency = p_.territory.AgencyFor(ctx, *commune, target.agency, target.level);
  if (absl::IsNotFound(agency.status())) return UnitHasNoAgency(commune->code);
  RETURN_IF_ERROR(agency.status());
  if (!found.bypass_unit.empty() && agency->unit == found.bypass_unit) return BypassedUnit();
  ChangeRequest change;
  change.code = code;
  change.etag = request.etag();
  change.scoped = true;
  change.event.kind = EventKind::kRoute;
  change.event.reason = request.reason();
  change.before = [&](db::Tx& tx, ReportRow& row, Event&) -> absl::Status {
    row.category = category->id;
    row.agency = agency->agency;
    row.unit = agency->unit;
    row.position = request.position().empty() ? target.position : request.position();
    // What may not be public in its new category leaves the board.
    if (!category->may_be_public) row.moderation = Moderation::kRefused;
    return p_.store.MoveQueue(tx, row);
  };
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::ListTemplatesResponse> Handlers::ListTemplates(rpc::Context&, const pb::ListTemplatesRequest&) {
  pb::ListTemplatesResponse response;
  for (const AnswerTemplate& one : p_.data.templates) {
    pb::Template* out = response.add_templates();
    out->set_id(one.id);
    out->set_name(one.title);
    out->set_text(one.text);
    ASSIGN_OR_RETURN(const std::vector<std::string> variables, TemplateVariables(one.text));
    for (const std::string& variable : variables) out->add_variables(variable);
  }
  return response;
}

}  // namespace dinh::feedback
