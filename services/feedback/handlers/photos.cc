// Photos: received, looked at, shown.
#include <algorithm>
#include <utility>

#include "libs/base/strings.h"
#include "libs/db/dialect.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

using options::v1::UploadChunk;

constexpr int32_t kPublicPhotoCacheSeconds = 300;
constexpr char kPassField[] = "phone_pass";

// What one upload takes of the memory for all of them; given back at the end.
class Budget {
 public:
  explicit Budget(std::atomic<int64_t>& used) : used_(used) {}
  ~Budget() { used_ -= taken_; }
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  bool Take(int64_t bytes) {
    taken_ += bytes;
    return (used_ += bytes) <= kUploadBytesAtOnceMax;
  }

 private:
  std::atomic<int64_t>& used_;
  int64_t taken_ = 0;
};

// Blobs of a change that did not come about.
class Written {
 public:
  explicit Written(db::BlobStore& blobs) : blobs_(blobs) {}
  ~Written() {
    for (const std::string& id : ids_) (void)blobs_.Remove(id);
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  absl::StatusOr<std::string> Write(std::string_view bytes) {
    ASSIGN_OR_RETURN(const db::BlobInfo blob, db::WriteBlob(blobs_, bytes));
    ids_.push_back(blob.id);
    return blob.id;
  }
  void Keep() { ids_.clear(); }

 private:
  db::BlobStore& blobs_;
  std::vector<std::string> ids_;
};

}  // namespace

absl::StatusOr<pb::Photo> Handlers::UploadPhoto(rpc::Context& ctx, rpc::MessageReader& reader) {
  ctx.ScopeByPrincipal();
  Budget budget(upload_bytes_);
  std::string bytes, owner;
  for (UploadChunk chunk;; chunk.Clear()) {
    ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
    if (!more) break;
    if (owner.empty()) {
      // Who it is stands in front of the bytes: nobody fills memory or disk before that is known.
      const auto pass = chunk.head().fields().find(kPassField);
      ASSIGN_OR_RETURN(owner, WhoIs(ctx, pass == chunk.head().fields().end() ? "" : pass->second));
      ASSIGN_OR_RETURN(const int64_t unused,
                       p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.CountUnusedPhotos(tx, owner); }));
      if (unused >= kUnusedPhotosMax) return TooManyUnusedFiles();
    }
    if (bytes.size() + chunk.data().size() > kUploadBytesMax) return UploadTooLarge();
    if (!budget.Take(static_cast<int64_t>(chunk.data().size()))) return UploadsBusy();
    bytes += chunk.data();
  }
  if (bytes.empty()) return UploadIncomplete();
  ASSIGN_OR_RETURN(const ProcessedPhoto processed, p_.photos.Process(ctx, bytes));
  Written written(p_.blobs);
  PhotoRow row;
  row.id = Anew();
  row.owner = owner;
  row.width = processed.width;
  row.height = processed.height;
  row.created_at = ctx.Now();
  ASSIGN_OR_RETURN(row.full_blob, written.Write(processed.full_jpeg));
  ASSIGN_OR_RETURN(row.thumbnail_blob, written.Write(processed.thumbnail_jpeg));
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Photo> {
    RETURN_IF_ERROR(db::LockName(tx, "photos:" + owner));
    ASSIGN_OR_RETURN(const int64_t unused, p_.store.CountUnusedPhotos(tx, owner));
    if (unused >= kUnusedPhotosMax) return TooManyUnusedFiles();
    RETURN_IF_ERROR(p_.store.InsertPhoto(tx, row));
    pb::Photo photo = ToProto(row);
    if (processed.position) {
      photo.mutable_suggested_position()->set_lat(processed.position->lat);
      photo.mutable_suggested_position()->set_lng(processed.position->lon);
    }
    return photo;
  };
  absl::StatusOr<pb::Photo> answer = p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
  if (answer.ok() && !ctx.replayed) written.Keep();
  return answer;
}

absl::StatusOr<options::v1::RawBody> Handlers::GetPhoto(rpc::Context& ctx, const pb::GetPhotoRequest& request) {
  ctx.ScopeByPrincipal();
  std::string blob;
  bool for_everybody = false;
  RETURN_IF_ERROR(p_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<PhotoRow> photo, p_.store.Photo(tx, request.id()));
    if (!photo) return base::PermissionDenied();
    Seen seen = Seen::kNobody;
    std::optional<ReportRow> report;
    if (!photo->report.empty()) {
      ASSIGN_OR_RETURN(report, p_.store.ById(tx, photo->report));
      if (report) seen = SeenAs(ctx, *report, request.tracking_token());
    } else if (!ctx.principal().id.empty() && photo->owner == ctx.principal().id) {
      seen = Seen::kReporter;
    }
    blob = request.thumbnail() ? photo->thumbnail_blob : photo->full_blob;
    if (seen != Seen::kNobody) {
      if (report) TellAudit(ctx, *report);
      return absl::OkStatus();
    }
    if (!report || photo->moderation != Moderation::kApproved || photo->contested) return base::PermissionDenied();
    ASSIGN_OR_RETURN(const std::optional<pb::Report> shown, p_.board.PublicView(ctx, tx, report->code));
    const bool listed = shown && std::any_of(shown->photos().begin(), shown->photos().end(),
                                             [&](const pb::Photo& one) { return one.id() == photo->id; });
    if (!listed) return base::PermissionDenied();
    const std::string& blurred = request.thumbnail() ? photo->shown_thumbnail_blob : photo->shown_full_blob;
    if (!blurred.empty()) blob = blurred;
    for_everybody = true;
    return absl::OkStatus();
  }));
  if (for_everybody) ctx.NothingPersonal();
  options::v1::RawBody body;
  ASSIGN_OR_RETURN(*body.mutable_data(), db::ReadBlob(p_.blobs, blob, kPhotoBytesMax));
  body.set_content_type("image/jpeg");
  if (for_everybody) body.set_cache_seconds(kPublicPhotoCacheSeconds);
  return body;
}

absl::StatusOr<pb::Photo> Handlers::ModeratePhoto(rpc::Context& ctx, const pb::ModeratePhotoRequest& request) {
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Photo> {
    ASSIGN_OR_RETURN(std::optional<PhotoRow> photo, p_.store.Photo(tx, request.id()));
    ASSIGN_OR_RETURN(const ReportRow row,
                     ctx.InScope(SeenBy(ctx, p_.store.ByIdForUpdate(tx, photo ? photo->report : std::string()))));
    // A photo that hangs on a report stays there; what else it says is read again now that the report is locked.
    ASSIGN_OR_RETURN(photo, p_.store.Photo(tx, request.id()));
    if (!photo) return base::PermissionDenied();
    photo->moderation = request.approve() ? Moderation::kApproved : Moderation::kRefused;
    RETURN_IF_ERROR(p_.store.UpdatePhoto(tx, *photo));
    RETURN_IF_ERROR(p_.store.Unqueue(tx, row.id, pb::ModerationItem::KIND_PHOTO, photo->id));
    RETURN_IF_ERROR(p_.book.Republish(tx, row, /*at_once=*/!request.approve()));
    TellAudit(ctx, row);
    return ToProto(*photo);
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::StatusOr<pb::Photo> Handlers::BlurPhoto(rpc::Context& ctx, const pb::BlurPhotoRequest& request) {
  std::string source, old_full, old_thumbnail;
  const absl::StatusOr<ReportRow> seen =
      ctx.InScope(p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<std::optional<ReportRow>> {
        ASSIGN_OR_RETURN(const std::optional<PhotoRow> photo, p_.store.Photo(tx, request.id()));
        // Blurred again: from what was blurred before, so that boxes add up.
        if (photo) source = photo->shown_full_blob.empty() ? photo->full_blob : photo->shown_full_blob;
        return SeenBy(ctx, p_.store.ById(tx, photo ? photo->report : std::string()));
      }));
  RETURN_IF_ERROR(seen.status());
  ASSIGN_OR_RETURN(const std::string jpeg, db::ReadBlob(p_.blobs, source, kPhotoBytesMax));
  std::vector<BlurBox> boxes;
  for (const pb::BlurBox& box : request.boxes()) boxes.push_back({box.x(), box.y(), box.width(), box.height()});
  ASSIGN_OR_RETURN(const ProcessedPhoto blurred, p_.photos.Blur(ctx, jpeg, boxes));
  Written written(p_.blobs);
  ASSIGN_OR_RETURN(const std::string full, written.Write(blurred.full_jpeg));
  ASSIGN_OR_RETURN(const std::string thumbnail, written.Write(blurred.thumbnail_jpeg));
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Photo> {
    ASSIGN_OR_RETURN(std::optional<PhotoRow> photo, p_.store.Photo(tx, request.id()));
    ASSIGN_OR_RETURN(const ReportRow row,
                     ctx.InScope(SeenBy(ctx, p_.store.ByIdForUpdate(tx, photo ? photo->report : std::string()))));
    // A photo that hangs on a report stays there; what else it says is read again now that the report is locked.
    ASSIGN_OR_RETURN(photo, p_.store.Photo(tx, request.id()));
    if (!photo) return base::PermissionDenied();
    const std::string& now = photo->shown_full_blob.empty() ? photo->full_blob : photo->shown_full_blob;
    // Somebody else blurred it meanwhile: their boxes must not be lost.
    if (now != source) return base::StaleEtag();
    old_full = photo->shown_full_blob;
    old_thumbnail = photo->shown_thumbnail_blob;
    photo->shown_full_blob = full;
    photo->shown_thumbnail_blob = thumbnail;
    RETURN_IF_ERROR(p_.store.UpdatePhoto(tx, *photo));
    TellAudit(ctx, row);
    return ToProto(*photo);
  };
  absl::StatusOr<pb::Photo> answer = p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
  if (!answer.ok() || ctx.replayed) return answer;
  written.Keep();
  for (const std::string& old : {old_full, old_thumbnail}) {
    if (!old.empty()) (void)p_.blobs.Remove(old);
  }
  return answer;
}

}  // namespace dinh::feedback
