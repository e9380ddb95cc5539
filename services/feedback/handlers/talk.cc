// What reporters, neighbours and those concerned say to a report.
#include <utility>

#include "libs/base/strings.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kRemovals = "removals";
constexpr std::string_view kReplies = "replies";
constexpr std::string_view kUpdates = "updates";

// Changes lock the report first, whatever else they touch, and are READ COMMITTED (deploy/adr/0009).

bool MayTalk(State state) { return state != State::kClosed && state != State::kRejected; }

absl::Status NotNow(const ReportRow& row, const char* what) {
  return StateDoesNotAllow(std::string(StateName(row.progress.state)), what);
}

}  // namespace

absl::StatusOr<pb::Report> Handlers::JoinReport(rpc::Context& ctx, const pb::JoinReportRequest& request) {
  ASSIGN_OR_RETURN(const std::string who, WhoIs(ctx, request.phone_pass()));
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    // What is not on the board cannot be joined: whether it exists stays unknown.
    ASSIGN_OR_RETURN(std::optional<pb::Report> shown, p_.board.PublicView(ctx, tx, code));
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCodeForUpdate(tx, code));
    if (!shown || !row) return base::PermissionDenied();
    const bool own = SeenAs(ctx, *row, "") == Seen::kReporter || base::HexEncode(row->contact_index) == who;
    if (own) return OwnReport();
    if (!IsOpen(row->progress.state)) return NotNow(*row, "join");
    ASSIGN_OR_RETURN(const bool joined, p_.store.Join(tx, *row, who));
    if (!joined) return AlreadyJoined();
    RETURN_IF_ERROR(p_.store.AddJoined(tx, *row));
    RETURN_IF_ERROR(p_.book.Republish(tx, *row));
    shown->set_joined(row->joined + 1);
    return *std::move(shown);
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<pb::Report> Handlers::AddUpdate(rpc::Context& ctx, const pb::AddUpdateRequest& request) {
  ctx.ScopeByPrincipal();
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCodeForUpdate(tx, code));
    const Seen seen = row ? SeenAs(ctx, *row, request.tracking_token()) : Seen::kNobody;
    if (seen == Seen::kNobody) return base::PermissionDenied();
    const bool office = seen == Seen::kOffice;
    if (!request.etag().empty() && request.etag() != Etag(*row)) return base::StaleEtag();
    if (!office && (request.private_() || !request.template_().empty())) return base::PermissionDenied();
    if (!MayTalk(row->progress.state) && !(office && request.private_())) return NotNow(*row, "update");
    ASSIGN_OR_RETURN(const std::string text,
                     TextOf(ctx, *row, EventKind::kAnswer, request.text(), request.template_(), request.variables()));
    if (text.empty() && request.photos().empty()) return TextNeeded("text");
    ASSIGN_OR_RETURN(const std::string owner,
                     ctx.principal().anonymous() ? base::HexEncode(row->contact_index) : WhoIs(ctx, ""));
    if (!office) RETURN_IF_ERROR(CountToday(tx, kUpdates, row->id, kUpdatesPerDayMax, TooManyRequests()));
    if (!office && row->progress.state == State::kWaiting) {
      Event supply;
      supply.kind = EventKind::kSupply;
      supply.actor = ActorKind::kReporter;
      supply.actor_id = row->reporter_person;
      supply.at = ctx.Now();
      supply.reason = text;
      RETURN_IF_ERROR(p_.book.Move(tx, *row, supply, ""));
    } else {
      UpdateRow line;
      line.kind = request.private_() ? pb::Update::KIND_PRIVATE : pb::Update::KIND_PUBLIC;
      line.actor_kind = office ? pb::Update::ACTOR_OFFICER : pb::Update::ACTOR_REPORTER;
      line.actor = office ? ctx.principal().id : row->reporter_person;
      line.actor_name = office ? OfficerTitle(ctx, *row) : "";
      line.text = text;
      const Category* category = p_.data.categories.Find(row->category);
      const bool held = !p_.screener.Screen(text).empty();
      if (!office && row->asked_public && category != nullptr) line.moderation = ModerationOf(*category, held);
      ASSIGN_OR_RETURN(const int64_t position, p_.book.Say(tx, *row, line));
      if (line.moderation == Moderation::kPending) {
        RETURN_IF_ERROR(p_.book.Hold(tx, *row, pb::ModerationItem::KIND_UPDATE, std::to_string(position)));
      }
      if (row->asked_public && !request.private_()) RETURN_IF_ERROR(p_.book.Republish(tx, *row));
    }
    RETURN_IF_ERROR(
        TakePhotos(tx, request.photos(), owner, *row, office ? pb::Photo::KIND_AFTER : pb::Photo::KIND_BEFORE));
    return Show(ctx, tx, *row, View(ctx, *row, office));
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<std::string> Handlers::AddForeignUpdate(rpc::Context& ctx, const std::string& id,
                                                       const std::string& client, const std::string& update_id,
                                                       const std::string& text) {
  const std::string code = ParsePublicCode(id).value_or("");
  std::string answer;
  // The answer of the RPC is Open311's own; this change is found again by the id that its client gave it.
  const auto change = [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCodeForUpdate(tx, code));
    if (!row || row->filed_by != "open311:" + client) return base::PermissionDenied();
    if (!update_id.empty()) {
      ASSIGN_OR_RETURN(const int64_t known, p_.store.ForeignUpdate(tx, *row, client, update_id));
      answer = UpdateId(*row, known);
      if (known > 0) return absl::OkStatus();
    }
    if (!MayTalk(row->progress.state)) return NotNow(*row, "update");
    UpdateRow line;
    line.kind = pb::Update::KIND_PUBLIC;
    line.actor_kind = pb::Update::ACTOR_REPORTER;
    line.text = text;
    line.moderation = row->asked_public ? Moderation::kPending : Moderation::kNotNeeded;
    ASSIGN_OR_RETURN(const int64_t position, p_.book.Say(tx, *row, line));
    if (row->asked_public) {
      RETURN_IF_ERROR(p_.book.Hold(tx, *row, pb::ModerationItem::KIND_UPDATE, std::to_string(position)));
    }
    if (!update_id.empty()) RETURN_IF_ERROR(p_.store.AddForeignUpdate(tx, *row, client, update_id, position));
    answer = UpdateId(*row, position);
    return absl::OkStatus();
  };
  const absl::Status done = p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
  RETURN_IF_ERROR(done);
  return answer;
}

absl::StatusOr<pb::Report> Handlers::ReopenReport(rpc::Context& ctx, const pb::ReopenReportRequest& request) {
  ctx.ScopeByPrincipal();
  ChangeRequest change;
  change.code = request.id();
  change.etag = request.etag();
  change.tracking_token = request.tracking_token();
  change.event.kind = EventKind::kReopen;
  change.event.reason = request.reason();
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::Report> Handlers::RateReport(rpc::Context& ctx, const pb::RateReportRequest& request) {
  ctx.ScopeByPrincipal();
  ChangeRequest change;
  change.code = request.id();
  change.tracking_token = request.tracking_token();
  change.event.kind = EventKind::kRate;
  change.event.stars = request.stars();
  change.before = [&](db::Tx&, ReportRow& row, Event&) -> absl::Status {
    row.comment = request.comment();
    return absl::OkStatus();
  };
  return ChangeReport(ctx, change);
}

absl::StatusOr<pb::RequestRemovalResponse> Handlers::RequestRemoval(rpc::Context& ctx,
                                                                    const pb::RequestRemovalRequest& request) {
  ASSIGN_OR_RETURN(const std::string who, WhoIs(ctx, request.phone_pass()));
  const std::string code = ParsePublicCode(request.id()).value_or("");
  RemovalRow removal;
  removal.id = Anew();
  removal.photo = request.photo();
  removal.who = who;
  removal.reason = request.reason();
  removal.at = ctx.Now();
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::RequestRemovalResponse> {
    ASSIGN_OR_RETURN(const std::optional<pb::Report> shown, p_.board.PublicView(ctx, tx, code));
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCodeForUpdate(tx, code));
    if (!shown || !row) return base::PermissionDenied();
    RETURN_IF_ERROR(CountToday(tx, kRemovals, who, kRemovalsPerDayMax, TooManyRequests()));
    removal.report = row->id;
    if (!request.photo().empty()) {
      ASSIGN_OR_RETURN(std::optional<PhotoRow> photo, p_.store.Photo(tx, request.photo()));
      if (!photo || photo->report != row->id) return PhotosUnknown({PhotoUnknown(0)});
      photo->contested = true;
      RETURN_IF_ERROR(p_.store.UpdatePhoto(tx, *photo));
    }
    RETURN_IF_ERROR(p_.store.InsertRemoval(tx, removal));
    RETURN_IF_ERROR(p_.book.Hold(tx, *row, pb::ModerationItem::KIND_REMOVAL, removal.id));
    RETURN_IF_ERROR(p_.book.Republish(tx, *row, /*at_once=*/true));
    pb::RequestRemovalResponse response;
    response.set_request(removal.id);
    return response;
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<pb::ReplyToReportResponse> Handlers::ReplyToReport(rpc::Context& ctx,
                                                                  const pb::ReplyToReportRequest& request) {
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::ReplyToReportResponse> {
    ASSIGN_OR_RETURN(const std::optional<pb::Report> shown, p_.board.PublicView(ctx, tx, code));
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByCodeForUpdate(tx, code));
    if (!shown || !row) return base::PermissionDenied();
    RETURN_IF_ERROR(CountToday(tx, kReplies, ctx.principal().id, kRepliesPerDayMax, TooManyRequests()));
    UpdateRow line;
    line.kind = pb::Update::KIND_REPLY;
    line.actor_kind = pb::Update::ACTOR_CONCERNED;
    line.actor = ctx.principal().person;
    line.text = request.text();
    line.moderation = Moderation::kPending;
    ASSIGN_OR_RETURN(const int64_t position, p_.book.Say(tx, *row, line));
    RETURN_IF_ERROR(p_.book.Hold(tx, *row, pb::ModerationItem::KIND_UPDATE, std::to_string(position)));
    pb::ReplyToReportResponse response;
    response.set_update(UpdateId(*row, position));
    return response;
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

}  // namespace dinh::feedback
