#include <utility>

#include "libs/db/dialect.h"
#include "services/procedures/errors.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/intake.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {
using options::v1::UploadChunk;
}  // namespace

absl::StatusOr<pb::Attachment> Handlers::UploadAttachment(rpc::Context& ctx, rpc::MessageReader& reader) {
  ctx.ScopeByPrincipal();
  const std::string& account = ctx.principal().id;
  // Before a byte is taken, so that nobody fills the disk with files that will be refused.
  ASSIGN_OR_RETURN(const int64_t unused,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.CountUnused(tx, account); }));
  if (unused >= kUnusedFilesMax) return TooManyUnusedFiles();
  ASSIGN_OR_RETURN(const std::unique_ptr<db::BlobWriter> writer, p_.blobs.Begin());
  Intake intake(*writer);
  std::string name;
  for (UploadChunk chunk;; chunk.Clear()) {
    ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
    if (!more) break;
    if (chunk.has_head() && name.empty()) name = chunk.head().file_name();
    if (!chunk.data().empty()) RETURN_IF_ERROR(intake.Add(chunk.data()));
  }
  ASSIGN_OR_RETURN(AttachmentRow row, intake.Commit(name));
  row.id = p_.ids.Next();
  row.owner_account = account;
  row.owner_person = ctx.principal().person;
  row.created_at = ctx.Now();
  const auto keep = [&](db::Tx& tx) -> absl::StatusOr<pb::Attachment> {
    RETURN_IF_ERROR(db::LockName(tx, "attachments:" + account));
    ASSIGN_OR_RETURN(const int64_t waiting, p_.store.CountUnused(tx, account));
    if (waiting >= kUnusedFilesMax) return TooManyUnusedFiles();
    RETURN_IF_ERROR(p_.store.InsertAttachment(tx, row));
    return ToProto(row);
  };
  absl::StatusOr<pb::Attachment> answer = p_.database.Transact(ctx, keep, db::Isolation::kReadCommitted);
  // Refused, or the stored answer of an earlier try: these bytes belong to no row.
  if (!answer.ok() || ctx.replayed) {
    (void)p_.blobs.Remove(row.blob);
  } else {
    p_.metrics.Uploaded(row.size_bytes);
  }
  return answer;
}

absl::StatusOr<options::v1::RawBody> Handlers::GetAttachment(rpc::Context& ctx,
                                                             const pb::GetAttachmentRequest& request) {
  ASSIGN_OR_RETURN(
      const AttachmentInDossier found,
      ctx.InScope(p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.Attachment(tx, request.id()); })));
  const bool citizen = ctx.principal().kind == auth::CallerKind::kCitizen;
  // A draft is the office's alone until it was handed out, and for ever when it was sent back.
  const bool handed_out = found.dossier && found.dossier->progress.state == State::kReturned;
  const bool hidden =
      found.file.kind == FileKind::kSupersededDraft || (found.file.kind == FileKind::kResult && !handed_out);
  if (citizen && hidden) return base::PermissionDenied();
  if (found.dossier) {
    TellAudit(ctx, *found.dossier);
  } else {
    ctx.AuditSubject(found.file.owner_person, found.file.id);
  }
  options::v1::RawBody body;
  ASSIGN_OR_RETURN(*body.mutable_data(), db::ReadBlob(p_.blobs, found.file.blob, kUploadBytesMax));
  body.set_content_type(found.file.content_type);
  body.set_file_name(found.file.file_name);
  return body;
}

}  // namespace dinh::procedures
