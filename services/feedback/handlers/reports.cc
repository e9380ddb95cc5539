// Reading reports.
#include <algorithm>
#include <utility>

#include "dinh/feedback/v1/events.pb.h"
#include "libs/base/civil.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

constexpr char kReadPermission[] = "report.read";

// The offices whose reports the officer may read; of one unit where one is asked for.
std::vector<Office> OfficesOf(const auth::Principal& principal, const std::string& unit) {
  std::vector<Office> offices;
  for (const auth::Grant& grant : principal.grants) {
    const Office office{grant.agency, grant.unit};
    if (!unit.empty() && grant.unit != unit) continue;
    if (!principal.Has(kReadPermission, grant.agency, grant.unit)) continue;
    if (std::find(offices.begin(), offices.end(), office) == offices.end()) offices.push_back(office);
  }
  return offices;
}

std::optional<base::Micros> DayBegin(const std::string& date, int64_t days_later) {
  const auto day = base::ParseDate(date);
  if (!day) return std::nullopt;
  return base::FromVietnam({base::AddDays(*day, days_later), 0, 0, 0});
}

pb::ReportUpdate UpdateOf(const events::v1::FeedEvent& event, const pb::ReportChanged& changed, bool english) {
  pb::ReportUpdate update;
  update.set_sequence(event.sequence());
  update.set_id(changed.report());
  update.set_state(changed.state());
  const State state = static_cast<State>(changed.state());
  update.set_state_name(std::string(english ? StateNameEn(state) : StateNameVi(state)));
  update.set_action(changed.action());
  *update.mutable_time() = event.occurred_at();
  return update;
}

}  // namespace

absl::StatusOr<pb::ListReportsResponse> Handlers::ListReports(rpc::Context& ctx,
                                                              const pb::ListReportsRequest& request) {
  ctx.ScopeByPrincipal();
  if (request.of() == pb::ListReportsRequest::OF_UNSPECIFIED) {
    ctx.NothingPersonal();
    return p_.board.List(ctx, request);
  }
  if (!request.query().empty() || !request.bbox().empty()) {
    return base::InvalidField(
        request.query().empty() ? "bbox" : "query",
        {"Chỉ dùng được khi xem bảng công khai.", "Only the public board can be asked for this."});
  }
  const auth::Principal& principal = ctx.principal();
  const bool officer = principal.kind == auth::CallerKind::kOfficer;
  const bool mine = request.of() == pb::ListReportsRequest::OF_MINE;
  if (principal.anonymous()) {
    return base::Unauthenticated("LOGIN_REQUIRED", {"Việc này cần đăng nhập. Hãy đăng nhập rồi thực hiện lại.",
                                                    "This needs a login. Log in, then repeat the call."});
  }
  if (officer == mine) return base::PermissionDenied();
  OfficeFilter filter;
  if (mine) {
    ctx.NothingPersonal();  // of anybody else
    filter.reporter_account = principal.id;
    filter.reporter_person = principal.person;
  } else if (request.of() == pb::ListReportsRequest::OF_ASSIGNED) {
    filter.assignee = principal.id;
  } else {
    filter.offices = OfficesOf(principal, request.unit());
    // An office that is not one's own is refused like one that does not exist.
    if (filter.offices.empty()) return base::PermissionDenied();
  }
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(filter.before, p_.page_tokens.Open(ctx, request));
  filter.limit = size;
  for (const int state : request.states()) filter.states.push_back(static_cast<State>(state));
  if (!request.category().empty()) {
    for (const Category* leaf : p_.data.categories.LeavesUnder(request.category()))
      filter.categories.push_back(leaf->id);
    if (filter.categories.empty()) return CategoryUnknown();
  }
  filter.from = DayBegin(request.from(), 0);
  filter.to = DayBegin(request.to(), 1);
  filter.overdue_only = request.overdue_only();
  ASSIGN_OR_RETURN(OfficePage page,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.List(tx, filter, ctx.Now()); }));
  ctx.audit_reason = "danh sách phản ánh";
  pb::ListReportsResponse response;
  for (ReportRow& row : page.rows) {
    // What goes around an officer's unit is not in its lists either.
    if (officer && SeenAs(ctx, row, "") == Seen::kNobody) continue;
    if (officer) ctx.AuditSubject(row.reporter_person, row.code);
    *response.add_reports() = Summary(View(ctx, row, officer), row);
  }
  if (!page.next.empty()) response.set_next_page_token(p_.page_tokens.Seal(ctx, request, page.next));
  return response;
}

absl::StatusOr<pb::Report> Handlers::GetReport(rpc::Context& ctx, const pb::GetReportRequest& request) {
  ctx.ScopeByPrincipal();
  const std::string code = ParsePublicCode(request.id()).value_or("");
  absl::StatusOr<pb::Report> report = p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCode(tx, code));
    const Seen seen = row ? SeenAs(ctx, *row, request.tracking_token()) : Seen::kNobody;
    if (seen != Seen::kNobody) return Show(ctx, tx, *row, View(ctx, *row, seen == Seen::kOffice));
    ASSIGN_OR_RETURN(std::optional<pb::Report> shown, p_.board.PublicView(ctx, tx, code));
    if (!shown) return base::PermissionDenied();
    ctx.NothingPersonal();
    return *std::move(shown);
  });
  return report;
}

absl::StatusOr<pb::ListNearbyReportsResponse> Handlers::ListNearbyReports(rpc::Context& ctx,
                                                                          const pb::ListNearbyReportsRequest& request) {
  return p_.board.Nearby(ctx, request);
}

absl::Status Handlers::WatchReport(std::shared_ptr<rpc::Context> call, const pb::WatchReportRequest& request,
                                   std::shared_ptr<rpc::StreamSink> client) {
  const std::shared_ptr<rpc::Context> ctx = std::move(call);
  const std::shared_ptr<rpc::StreamSink> sink = std::move(client);
  const std::string code = ParsePublicCode(request.id()).value_or("");
  ASSIGN_OR_RETURN(
      const ReportRow row,
      ctx->InScope(p_.database.Read(*ctx, [&](db::Tx& tx) { return SeenBy(*ctx, p_.store.ByCode(tx, code)); })));
  TellAudit(*ctx, row);
  events::FeedFilter filter;
  filter.after_sequence = request.after_sequence();
  filter.types = {events::EventTypeOf(pb::ReportChanged::descriptor())};
  filter.subject = row.code;
  filter.history_max = kWatchHistoryMax;
  events::Feed& feed = p_.events.feed();
  const bool english = ctx->language == "en";
  const uint64_t id = feed.Subscribe(
      std::move(filter),
      [sink, english](const events::v1::FeedEvent& event) {
        pb::ReportChanged changed;
        return !changed.ParseFromString(event.payload()) || sink->Write(UpdateOf(event, changed, english));
      },
      [sink](const absl::Status& status) { sink->Finish(status); });
  sink->OnClosed([&feed, id] { feed.Unsubscribe(id); });
  return absl::OkStatus();
}

}  // namespace dinh::feedback
