// What all changes of a report share: who may, the etag, the transition and everything that follows from it.
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/strings.h"
#include "services/feedback/domain/templates.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {

absl::StatusOr<pb::Report> Handlers::ChangeReport(rpc::Context& ctx, const ChangeRequest& request) {
  const std::string code = ParsePublicCode(request.code).value_or("");
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Report> {
    ReportRow row;
    Seen seen = Seen::kOffice;
    if (request.scoped) {
      ASSIGN_OR_RETURN(row, ctx.InScope(SeenBy(ctx, p_.store.ByCodeForUpdate(tx, code))));
    } else {
      ASSIGN_OR_RETURN(std::optional<ReportRow> found, p_.store.ByCodeForUpdate(tx, code));
      seen = found ? SeenAs(ctx, *found, request.tracking_token) : Seen::kNobody;
      if (seen == Seen::kNobody) return base::PermissionDenied();
      row = *std::move(found);
    }
    if (!request.etag.empty() && request.etag != Etag(row)) return base::StaleEtag();
    ASSIGN_OR_RETURN(row.history, p_.store.Updates(tx, row));
    Event event = request.event;
    event.actor = seen == Seen::kOffice ? ActorKind::kOfficer : ActorKind::kReporter;
    event.actor_id = seen == Seen::kOffice ? ctx.principal().id : row.reporter_person;
    event.at = ctx.Now();
    if (request.before) RETURN_IF_ERROR(request.before(tx, row, event));
    const std::string title = seen == Seen::kOffice ? OfficerTitle(ctx, row) : "";
    RETURN_IF_ERROR(p_.book.Move(tx, row, event, title));
    if (!request.photos.empty()) {
      ASSIGN_OR_RETURN(const std::string owner,
                       ctx.principal().anonymous() ? base::HexEncode(row.contact_index) : WhoIs(ctx, ""));
      const auto kind = seen == Seen::kOffice ? pb::Photo::KIND_AFTER : pb::Photo::KIND_BEFORE;
      RETURN_IF_ERROR(TakePhotos(tx, request.photos, owner, row, kind));
    }
    return Show(ctx, tx, row, View(ctx, row, seen == Seen::kOffice));
  };
  // What is decided hangs on the report, which is locked; what is counted are rows of the change's own.
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::Status Handlers::TakePhotos(db::Tx& tx, const google::protobuf::RepeatedPtrField<std::string>& ids,
                                  const std::string& owner, const ReportRow& row, pb::Photo::Kind kind) const {
  if (ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<PhotoRow> photos, p_.store.Photos(tx, row));
  if (photos.size() + static_cast<size_t>(ids.size()) > kPhotosPerReportMax) return TooManyPhotos();
  std::vector<base::FieldViolation> unknown;
  int64_t position = static_cast<int64_t>(photos.size());
  for (int i = 0; i < ids.size(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<PhotoRow> taken, p_.store.TakePhoto(tx, ids[i], owner, row, kind, ++position));
    if (!taken) {
      unknown.push_back(PhotoUnknown(static_cast<size_t>(i)));
    } else if (row.asked_public) {
      RETURN_IF_ERROR(p_.book.Hold(tx, row, pb::ModerationItem::KIND_PHOTO, taken->id));
    }
  }
  return unknown.empty() ? absl::OkStatus() : PhotosUnknown(std::move(unknown));
}

absl::StatusOr<std::string> Handlers::TextOf(rpc::Context& ctx, const ReportRow& row, EventKind event,
                                             const std::string& text, const std::string& id,
                                             const google::protobuf::Map<std::string, std::string>& variables) const {
  if (id.empty()) return text;
  if (!text.empty()) {
    return base::InvalidField("template", {"Hãy viết nội dung hoặc chọn mẫu, không dùng cả hai.",
                                           "Write a text or choose a template, not both."});
  }
  for (const AnswerTemplate& one : p_.data.templates) {
    if (one.id != id) continue;
    if (!Offered(one, event, p_.data.categories, row.category)) break;
    Variables values(variables.begin(), variables.end());
    const Category* category = p_.data.categories.Find(row.category);
    values["code"] = row.code;
    values["category"] = category != nullptr ? category->name.vi : row.category;
    values["unit"] = p_.territory.UnitName(ctx, row.unit);
    values["officer_position"] = OfficerTitle(ctx, row);
    values["received_day"] = base::FormatDate(base::ToVietnam(row.created_at).date);
    values["due_day"] = row.due_at ? base::FormatDate(base::ToVietnam(*row.due_at).date) : "";
    values["today"] = base::FormatDate(base::ToVietnam(ctx.Now()).date);
    values["place"] = row.content.place().note();
    return FillTemplate(one.text, values);
  }
  return TemplateUnknown();
}

}  // namespace dinh::feedback
