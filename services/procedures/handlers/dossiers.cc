#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "services/procedures/errors.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

// Events before the place a client names: so many of all dossiers are looked through at most.
constexpr int64_t kWatchHistoryMax = 10'000;

// The inboxes that the officer may see, or only those of the agency asked for.
std::vector<Inbox> InboxesOf(const auth::Principal& principal, const std::string& only) {
  std::vector<Inbox> out;
  for (const auth::Grant& grant : principal.grants) {
    const Inbox inbox{grant.agency, grant.unit};
    const bool may = principal.Has("dossier.read", grant.agency, grant.unit);
    const bool wanted = only.empty() || only == grant.agency;
    if (may && wanted && std::find(out.begin(), out.end(), inbox) == out.end()) out.push_back(inbox);
  }
  if (out.size() > kAgenciesPerOfficerMax) out.resize(kAgenciesPerOfficerMax);
  return out;
}

pb::DossierUpdate UpdateOf(const events::v1::FeedEvent& event, const pb::DossierChanged& changed) {
  pb::DossierUpdate update;
  update.set_sequence(event.sequence());
  update.set_code(changed.dossier());
  update.set_national_state(changed.national_state());
  update.set_state_name(std::string(StateNameVi(static_cast<State>(changed.national_state()))));
  update.set_action(changed.action());
  *update.mutable_time() = event.occurred_at();
  return update;
}

}  // namespace

absl::StatusOr<pb::ListDossiersResponse> Handlers::ListDossiers(rpc::Context& ctx,
                                                                const pb::ListDossiersRequest& request) {
  ctx.ScopeByPrincipal();
  const auth::Principal& principal = ctx.principal();
  DossierFilter filter;
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(filter.before, p_.page_tokens.Open(ctx, request));
  filter.limit = size + 1;
  filter.states = {request.states().begin(), request.states().end()};
  filter.procedure = NormalizeProcedureCode(request.procedure());
  filter.overdue_only = request.overdue_only();
  if (principal.kind == auth::CallerKind::kCitizen) {
    filter.filer_person = principal.person;
  } else {
    filter.inboxes = InboxesOf(principal, request.agency());
    // An agency that is not one's own is refused like one that does not exist.
    if (filter.inboxes.empty()) return base::PermissionDenied();
  }
  pb::ListDossiersResponse response;
  if (filter.filer_person.empty() && filter.inboxes.empty()) return response;
  ASSIGN_OR_RETURN(std::vector<DossierRow> rows,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.List(tx, filter, ctx.Now()); }));
  const bool more = rows.size() > static_cast<size_t>(size);
  if (more) rows.resize(static_cast<size_t>(size));
  ctx.audit_reason = "danh sách hồ sơ";
  for (const DossierRow& row : rows) {
    *response.add_dossiers() = Summary(View(ctx, row), row);
    ctx.AuditSubject(row.filer_person, row.code);
  }
  if (more) response.set_next_page_token(p_.page_tokens.Seal(ctx, request, rows.back().id));
  return response;
}

absl::StatusOr<pb::Dossier> Handlers::GetDossier(rpc::Context& ctx, const pb::GetDossierRequest& request) {
  return p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Dossier> {
    ASSIGN_OR_RETURN(const DossierRow row, ctx.InScope(p_.store.ByCode(tx, request.code())));
    TellAudit(ctx, row);
    ASSIGN_OR_RETURN(const std::vector<TimelineRow> timeline, p_.store.Timeline(tx, row));
    ASSIGN_OR_RETURN(const std::vector<AttachmentRow> files, p_.store.Attachments(tx, row));
    return Full(View(ctx, row), row, timeline, files);
  });
}

absl::StatusOr<pb::TrackedDossier> Handlers::TrackDossier(rpc::Context& ctx, const pb::TrackDossierRequest& request) {
  ctx.ScopeByPrincipal();  // the token itself is the right
  return p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::TrackedDossier> {
    ASSIGN_OR_RETURN(const std::optional<DossierRow> row, p_.store.ByTracking(tx, request.token()));
    if (!row) return TrackingNotFound();
    ASSIGN_OR_RETURN(const std::vector<TimelineRow> timeline, p_.store.Timeline(tx, *row));
    return Tracked(View(ctx, *row), *row, timeline);
  });
}

absl::Status Handlers::WatchDossier(std::shared_ptr<rpc::Context> call, const pb::WatchDossierRequest& request,
                                    std::shared_ptr<rpc::StreamSink> client) {
  const std::shared_ptr<rpc::Context> ctx = std::move(call);
  const std::shared_ptr<rpc::StreamSink> sink = std::move(client);
  ASSIGN_OR_RETURN(const DossierRow row, ctx->InScope(p_.database.Read(
                                             *ctx, [&](db::Tx& tx) { return p_.store.ByCode(tx, request.code()); })));
  TellAudit(*ctx, row);
  events::FeedFilter filter;
  filter.after_sequence = request.after_sequence();
  filter.types = {events::EventTypeOf(pb::DossierChanged::descriptor())};
  filter.subject = row.code;
  filter.history_max = kWatchHistoryMax;
  events::Feed& feed = p_.events.feed();
  const uint64_t id = feed.Subscribe(
      std::move(filter),
      [sink](const events::v1::FeedEvent& event) {
        pb::DossierChanged changed;
        return !changed.ParseFromString(event.payload()) || sink->Write(UpdateOf(event, changed));
      },
      [sink](const absl::Status& status) { sink->Finish(status); });
  sink->OnClosed([&feed, id] { feed.Unsubscribe(id); });
  return absl::OkStatus();
}

}  // namespace dinh::procedures
