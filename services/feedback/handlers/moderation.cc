// What the public may see: decided by people.
#include <algorithm>
#include <charconv>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

using google::protobuf::util::TimeUtil;

constexpr char kModerate[] = "report.moderate";

std::vector<Office> OfficesOf(const auth::Principal& principal) {
  std::vector<Office> offices;
  for (const auth::Grant& grant : principal.grants) {
    const Office office{grant.agency, grant.unit};
    if (!principal.Has(kModerate, grant.agency, grant.unit)) continue;
    if (std::find(offices.begin(), offices.end(), office) == offices.end()) offices.push_back(office);
  }
  return offices;
}

// A line of the office about what it did with the report.
UpdateRow NoteOf(const rpc::Context& ctx, std::string event, std::string title, std::string text) {
  UpdateRow line;
  line.kind = pb::Update::KIND_PRIVATE;
  line.event = std::move(event);
  line.actor_kind = pb::Update::ACTOR_OFFICER;
  line.actor = ctx.principal().id;
  line.actor_name = std::move(title);
  line.text = std::move(text);
  return line;
}

int64_t ToPosition(const std::string& item) {
  int64_t position = 0;
  std::from_chars(item.data(), item.data() + item.size(), position);
  return position;
}

}  // namespace

absl::StatusOr<pb::Report> Handlers::HideReport(rpc::Context& ctx, const pb::HideReportRequest& request) {
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ASSIGN_OR_RETURN(ReportRow row, ctx.InScope(SeenBy(ctx, p_.store.ByCodeForUpdate(tx, code))));
    if (!request.etag().empty() && request.etag() != Etag(row)) return base::StaleEtag();
    row.hidden = !request.show();
    RETURN_IF_ERROR(p_.store.Update(tx, row));
    RETURN_IF_ERROR(
        p_.book.Say(tx, row, NoteOf(ctx, request.show() ? "show" : "hide", OfficerTitle(ctx, row), request.reason()))
            .status());
    RETURN_IF_ERROR(p_.book.Republish(tx, row, /*at_once=*/row.hidden));
    return Show(ctx, tx, row, View(ctx, row, true));
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<pb::Report> Handlers::ModerateReport(rpc::Context& ctx, const pb::ModerateReportRequest& request) {
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const Moderation decision = request.approve() ? Moderation::kApproved : Moderation::kRefused;
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ASSIGN_OR_RETURN(ReportRow row, ctx.InScope(SeenBy(ctx, p_.store.ByCodeForUpdate(tx, code))));
    if (!request.etag().empty() && request.etag() != Etag(row)) return base::StaleEtag();
    std::string item;
    if (request.update().empty()) {
      row.moderation = decision;
      row.public_text = request.public_text();
      RETURN_IF_ERROR(p_.store.Update(tx, row));
      RETURN_IF_ERROR(p_.store.Unqueue(tx, row.id, pb::ModerationItem::KIND_DESCRIPTION, ""));
    } else {
      const int64_t position = PositionOf(row, request.update());
      ASSIGN_OR_RETURN(std::optional<UpdateRow> update, p_.store.UpdateAt(tx, row, position));
      const bool decidable =
          update && (update->kind == pb::Update::KIND_PUBLIC || update->kind == pb::Update::KIND_REPLY);
      if (!decidable) return UpdateUnknown();
      update->moderation = decision;
      update->public_text = request.public_text();
      RETURN_IF_ERROR(p_.store.SetModeration(tx, row, *update));
      RETURN_IF_ERROR(p_.store.Unqueue(tx, row.id, pb::ModerationItem::KIND_UPDATE, std::to_string(position)));
    }
    RETURN_IF_ERROR(
        p_.book
            .Say(tx, row,
                 NoteOf(ctx, request.approve() ? "approve" : "refuse", OfficerTitle(ctx, row), request.reason()))
            .status());
    RETURN_IF_ERROR(p_.book.Republish(tx, row, /*at_once=*/!request.approve()));
    return Show(ctx, tx, row, View(ctx, row, true));
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<pb::ListModerationResponse> Handlers::ListModeration(rpc::Context& ctx,
                                                                    const pb::ListModerationRequest& request) {
  ctx.ScopeByPrincipal();
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string after, p_.page_tokens.Open(ctx, request));
  return p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::ListModerationResponse> {
    ASSIGN_OR_RETURN(std::vector<ModerationRow> rows,
                     p_.store.ModerationQueue(tx, OfficesOf(ctx.principal()), after, size + 1));
    pb::ListModerationResponse response;
    const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
    for (size_t i = 0; i < shown; ++i) {
      ASSIGN_OR_RETURN(std::optional<ReportRow> report, p_.store.ById(tx, rows[i].report));
      if (!report || SeenAs(ctx, *report, "") == Seen::kNobody) continue;
      TellAudit(ctx, *report);
      pb::ModerationItem* item = response.add_items();
      item->set_kind(rows[i].kind);
      item->set_report(report->code);
      item->set_item(rows[i].item);
      item->set_text(report->content.description());
      *item->mutable_time() = TimeUtil::MicrosecondsToTimestamp(report->created_at);
      for (int flag = 1; flag <= pb::Report::Flag_MAX; ++flag) {
        const auto one = static_cast<pb::Report::Flag>(flag);
        if (report->Has(one)) item->add_flags(one);
      }
      if (rows[i].kind == pb::ModerationItem::KIND_UPDATE) {
        ASSIGN_OR_RETURN(const auto update, p_.store.UpdateAt(tx, *report, ToPosition(rows[i].item)));
        if (update) item->set_text(update->text);
        item->set_item(UpdateId(*report, ToPosition(rows[i].item)));
      } else if (rows[i].kind == pb::ModerationItem::KIND_REMOVAL) {
        ASSIGN_OR_RETURN(const auto removal, p_.store.Removal(tx, rows[i].item));
        if (removal) item->set_text(removal->reason);
      }
    }
    if (rows.size() > shown) {
      response.set_next_page_token(p_.page_tokens.Seal(ctx, request, rows[shown - 1].id));
    }
    return response;
  });
}

absl::StatusOr<pb::Report> Handlers::DecideRemoval(rpc::Context& ctx, const pb::DecideRemovalRequest& request) {
  const std::string code = ParsePublicCode(request.id()).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ASSIGN_OR_RETURN(ReportRow row, ctx.InScope(SeenBy(ctx, p_.store.ByCodeForUpdate(tx, code))));
    ASSIGN_OR_RETURN(std::optional<RemovalRow> removal, p_.store.Removal(tx, request.request()));
    if (!removal || removal->report != row.id) return RequestUnknown();
    if (removal->decided != 0) return AlreadyDecided();
    removal->decided = request.grant() ? 1 : 2;
    removal->decided_by = ctx.principal().id;
    RETURN_IF_ERROR(p_.store.DecideRemoval(tx, *removal));
    RETURN_IF_ERROR(p_.store.Unqueue(tx, row.id, pb::ModerationItem::KIND_REMOVAL, removal->id));
    if (!removal->photo.empty()) {
      ASSIGN_OR_RETURN(std::optional<PhotoRow> photo, p_.store.Photo(tx, removal->photo));
      if (photo) {
        photo->contested = false;
        if (request.grant()) photo->moderation = Moderation::kRefused;
        RETURN_IF_ERROR(p_.store.UpdatePhoto(tx, *photo));
      }
    } else if (request.grant()) {
      row.moderation = Moderation::kRefused;
      RETURN_IF_ERROR(p_.store.Update(tx, row));
    }
    RETURN_IF_ERROR(p_.book
                        .Say(tx, row,
                             NoteOf(ctx, request.grant() ? "removal_granted" : "removal_refused",
                                    OfficerTitle(ctx, row), request.reason()))
                        .status());
    RETURN_IF_ERROR(p_.book.Republish(tx, row, /*at_once=*/request.grant()));
    return Show(ctx, tx, row, View(ctx, row, true));
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

}  // namespace dinh::feedback
