// Uploads in pieces. What arrives is made durable in parts, each in a transaction of its own, whatever becomes of the
// call that brought it; only the call's answer is in the call's own transaction.
#include <algorithm>
#include <memory>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "services/procedures/errors.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/intake.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

using google::protobuf::util::TimeUtil;

pb::Upload ToProto(const UploadRow& row) {
  pb::Upload out;
  out.set_id(row.id);
  out.set_size_bytes(row.size_bytes);
  out.set_offset(row.received);
  *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.created_at);
  *out.mutable_expire_time() = TimeUtil::MicrosecondsToTimestamp(row.touched_at + kOpenUploadKept);
  return out;
}

// What it is now, with the attachment it has become.
absl::StatusOr<pb::Upload> Current(db::Tx& tx, const Store& store, const std::string& id) {
  ASSIGN_OR_RETURN(const std::optional<UploadRow> row, store.Upload(tx, id));
  if (!row) return base::PermissionDenied();  // cleared away meanwhile
  pb::Upload out = ToProto(*row);
  if (row->attachment.empty()) return out;
  ASSIGN_OR_RETURN(const std::optional<AttachmentInDossier> found, store.Attachment(tx, row->attachment));
  if (found) *out.mutable_attachment() = ToProto(found->file);
  return out;
}

// A context that the end of the call does not end, and whose transactions are no answers.
base::OpContext Apart(const rpc::Context& ctx) {
  return base::OpContext(ctx.clock(), ctx.clock().Steady() + kUploadKeepMax);
}

void RemoveAll(db::BlobStore& blobs, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) (void)blobs.Remove(id);  // what stays, the sweeper finds
}

}  // namespace

// The bytes of one call, from `row.received` on.
class Handlers::PartKeeper {
 public:
  PartKeeper(const HandlerParts& parts, const rpc::Context& ctx, UploadRow& row) : p_(parts), ctx_(ctx), row_(row) {}

  absl::Status Add(std::string_view bytes) {
    if (row_.received + size_ + static_cast<int64_t>(bytes.size()) > row_.size_bytes) {
      return UploadLongerThanSaid(row_.size_bytes);
    }
    while (!bytes.empty()) {
      if (writer_ == nullptr) {
        if (row_.parts >= kUploadPartsMax) return TooManyParts();
        ASSIGN_OR_RETURN(writer_, p_.blobs.Begin());
      }
      const size_t taken = std::min(bytes.size(), static_cast<size_t>(kUploadPartBytes - size_));
      RETURN_IF_ERROR(writer_->Write(bytes.substr(0, taken)));
      size_ += static_cast<int64_t>(taken);
      bytes.remove_prefix(taken);
      if (size_ == kUploadPartBytes) RETURN_IF_ERROR(Keep());
    }
    return absl::OkStatus();
  }

  // What came since the last part is one now: durable, and counted. UPLOAD_OFFSET_WRONG when another call was faster.
  absl::Status Keep() {
    if (size_ == 0) return absl::OkStatus();
    const std::unique_ptr<db::BlobWriter> writer = std::move(writer_);
    ASSIGN_OR_RETURN(const db::BlobInfo blob, writer->Commit());
    const UploadPart part{row_.received, std::exchange(size_, 0), blob.id};
    base::OpContext apart = Apart(ctx_);
    int64_t stands_at = -1;
    absl::StatusOr<bool> added = p_.database.Transact(apart, [&](db::Tx& tx) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(const bool good, p_.store.AddUploadPart(tx, row_.id, part, tx.context().Now()));
      if (good) return true;
      ASSIGN_OR_RETURN(const std::optional<UploadRow> now, p_.store.Upload(tx, row_.id));
      stands_at = now ? now->received : -1;
      return false;
    });
    if (!added.ok() || !*added) {
      (void)p_.blobs.Remove(blob.id);
      RETURN_IF_ERROR(added.status());
      return stands_at < 0 ? base::PermissionDenied() : UploadOffsetWrong(stands_at);
    }
    row_.received += part.size_bytes;
    ++row_.parts;
    return absl::OkStatus();
  }

 private:
  const HandlerParts& p_;
  const rpc::Context& ctx_;
  UploadRow& row_;
  std::unique_ptr<db::BlobWriter> writer_;  // of the part that is coming
  int64_t size_ = 0;
};

absl::StatusOr<UploadRow> Handlers::OwnUpload(rpc::Context& ctx, const std::string& id) {
  ASSIGN_OR_RETURN(std::optional<UploadRow> row,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.Upload(tx, id); }));
  if (!row || !row->OwnedBy(ctx.principal())) return base::PermissionDenied();
  return *std::move(row);
}

absl::StatusOr<pb::Upload> Handlers::CreateUpload(rpc::Context& ctx, const pb::CreateUploadRequest& request) {
  UploadRow row;
  row.id = p_.ids.Next();
  row.owner_account = ctx.principal().id;
  row.owner_person = ctx.principal().person;
  row.file_name = request.file_name();
  row.size_bytes = request.size_bytes();
  row.sha256 = request.sha256();
  row.created_at = row.touched_at = ctx.Now();
  return p_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Upload> {
    ASSIGN_OR_RETURN(const int64_t open, p_.store.CountOpenUploads(tx, row.owner_account));
    if (open >= kOpenUploadsMax) return TooManyOpenUploads();
    ASSIGN_OR_RETURN(const int64_t unused, p_.store.CountUnused(tx, row.owner_account));
    if (unused >= kUnusedFilesMax) return TooManyUnusedFiles();
    RETURN_IF_ERROR(p_.store.InsertUpload(tx, row));
    return ToProto(row);
  });
}

absl::StatusOr<pb::Upload> Handlers::GetUpload(rpc::Context& ctx, const pb::GetUploadRequest& request) {
  ASSIGN_OR_RETURN(const UploadRow row, OwnUpload(ctx, request.id()));
  ctx.AuditSubject(row.owner_person, row.id);
  return p_.database.Read(ctx, [&](db::Tx& tx) { return Current(tx, p_.store, row.id); });
}

absl::StatusOr<pb::Upload> Handlers::AppendUpload(rpc::Context& ctx, rpc::MessageReader& reader) {
  pb::AppendUploadRequest piece;
  ASSIGN_OR_RETURN(bool more, reader.Read(&piece));
  // A call without a word names no upload.
  ASSIGN_OR_RETURN(UploadRow row, OwnUpload(ctx, piece.id()));
  if (piece.offset() != row.received) return RefuseOffset(ctx, reader, row);
  PartKeeper keeper(p_, ctx, row);
  absl::Status broken;
  while (more) {
    RETURN_IF_ERROR(keeper.Add(piece.data()));
    absl::StatusOr<bool> next = reader.Read(&piece);
    more = next.ok() && *next;
    broken = next.status();
  }
  RETURN_IF_ERROR(keeper.Keep());
  RETURN_IF_ERROR(broken);
  if (row.attachment.empty() && row.received == row.size_bytes) return FinishUpload(ctx, row);
  return p_.database.Transact(ctx, [&](db::Tx& tx) { return Current(tx, p_.store, row.id); });
}

// A call that is sent again gets its first answer. Whether it is one is known when all of it was read.
absl::StatusOr<pb::Upload> Handlers::RefuseOffset(rpc::Context& ctx, rpc::MessageReader& reader, const UploadRow& row) {
  if (!ctx.has_request_id) return UploadOffsetWrong(row.received);
  for (bool more = true; more;) {
    pb::AppendUploadRequest unread;
    ASSIGN_OR_RETURN(more, reader.Read(&unread));
  }
  return p_.database.Transact(ctx,
                              [&](db::Tx&) -> absl::StatusOr<pb::Upload> { return UploadOffsetWrong(row.received); });
}

// The parts, through the same checks as a file that comes at once.
absl::StatusOr<AttachmentRow> Handlers::JoinParts(rpc::Context& ctx, const UploadRow& row,
                                                  const std::vector<UploadPart>& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<db::BlobWriter> writer, p_.blobs.Begin());
  Intake intake(*writer);
  for (const UploadPart& part : parts) {
    ASSIGN_OR_RETURN(const std::unique_ptr<db::BlobReader> reader, p_.blobs.Open(part.blob));
    for (;;) {
      RETURN_IF_ERROR(ctx.Check());
      ASSIGN_OR_RETURN(const std::string bytes, reader->Next());
      if (bytes.empty()) break;
      RETURN_IF_ERROR(intake.Add(bytes));
    }
  }
  ASSIGN_OR_RETURN(AttachmentRow file, intake.Commit(row.file_name));
  if (row.sha256.empty() || row.sha256 == file.sha256) return file;
  (void)p_.blobs.Remove(file.blob);
  return UploadHashWrong();
}

absl::StatusOr<pb::Upload> Handlers::FinishUpload(rpc::Context& ctx, const UploadRow& row) {
  ASSIGN_OR_RETURN(const std::vector<UploadPart> parts,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.UploadParts(tx, row.id); }));
  // Another call may have finished it, and its parts are gone or going.
  if (parts.empty()) return p_.database.Transact(ctx, [&](db::Tx& tx) { return Current(tx, p_.store, row.id); });
  absl::StatusOr<AttachmentRow> file = JoinParts(ctx, row, parts);
  if (absl::IsInvalidArgument(file.status())) {
    // Its content is what it is: more bytes or tries would not help.
    base::OpContext apart = Apart(ctx);
    const auto dropped = p_.database.Transact(apart, [&](db::Tx& tx) { return p_.store.DropUpload(tx, row.id); });
    if (dropped.ok()) RemoveAll(p_.blobs, *dropped);
  }
  if (absl::IsNotFound(file.status())) return UploadStillFinishing();
  RETURN_IF_ERROR(file.status());
  file->id = p_.ids.Next();
  file->owner_account = row.owner_account;
  file->owner_person = row.owner_person;
  file->created_at = ctx.Now();
  bool finished = false;
  std::vector<std::string> joined;
  absl::StatusOr<pb::Upload> answer = p_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Upload> {
    ASSIGN_OR_RETURN(finished, p_.store.FinishUpload(tx, row.id, file->id, file->created_at));
    if (finished) {
      ASSIGN_OR_RETURN(const int64_t waiting, p_.store.CountUnused(tx, row.owner_account));
      if (waiting >= kUnusedFilesMax) return TooManyUnusedFiles();
      RETURN_IF_ERROR(p_.store.InsertAttachment(tx, *file));
      ASSIGN_OR_RETURN(joined, p_.store.DropUploadParts(tx, row.id));
    }
    return Current(tx, p_.store, row.id);
  });
  if (answer.ok() && finished && !ctx.replayed) {
    RemoveAll(p_.blobs, joined);
    p_.metrics.Uploaded(file->size_bytes);
  } else {
    (void)p_.blobs.Remove(file->blob);
  }
  return answer;
}

}  // namespace dinh::procedures
