// Uploads in pieces.
#include <iterator>
#include <utility>

#include "services/procedures/store.h"

namespace dinh::procedures {
namespace {
constexpr char kFileNameColumn[] = "uploads.file_name";
}  // namespace

absl::Status Store::InsertUpload(db::Tx& tx, const UploadRow& row) const {
  const std::string name = sealer_.Seal(kFileNameColumn, row.id, row.file_name);
  return tx
      .Exec(
          "INSERT INTO uploads (id, owner_account, owner_person, file_name_sealed, size_bytes, sha256, received, "
          "parts, "
          "attachment, created_at, touched_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, NULL, $7, $7)",
          {row.id, row.owner_account, row.owner_person, db::BlobView{name}, row.size_bytes, row.sha256, row.created_at})
      .status();
}

absl::StatusOr<std::optional<UploadRow>> Store::Upload(db::Tx& tx, std::string_view id) const {
  std::optional<UploadRow> found;
  RETURN_IF_ERROR(tx.Query(
      "SELECT id, owner_account, owner_person, file_name_sealed, size_bytes, sha256, received, parts, attachment, "
      "created_at, touched_at FROM uploads WHERE id = $1",
      {id}, [&](const db::Row& row) -> absl::Status {
        UploadRow upload;
        upload.id = row.Text(0);
        upload.owner_account = row.Text(1);
        upload.owner_person = row.Text(2);
        ASSIGN_OR_RETURN(upload.file_name, sealer_.Open(kFileNameColumn, upload.id, row.TextView(3)));
        upload.size_bytes = row.Int(4);
        upload.sha256 = row.Text(5);
        upload.received = row.Int(6);
        upload.parts = row.Int(7);
        upload.attachment = row.OptText(8).value_or("");
        upload.created_at = row.Int(9);
        upload.touched_at = row.Int(10);
        found = std::move(upload);
        return absl::OkStatus();
      }));
  return found;
}

absl::StatusOr<int64_t> Store::CountOpenUploads(db::Tx& tx, std::string_view account) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM uploads WHERE owner_account = $1 AND attachment IS NULL",
                               {account}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

absl::StatusOr<bool> Store::AddUploadPart(db::Tx& tx, std::string_view id, const UploadPart& part,
                                          base::Micros now) const {
  ASSIGN_OR_RETURN(const int64_t moved,
                   tx.Exec("UPDATE uploads SET received = received + $3, parts = parts + 1, touched_at = $4 "
                           "WHERE id = $1 AND received = $2 AND attachment IS NULL",
                           {id, part.start, part.size_bytes, now}));
  if (moved != 1) return false;
  RETURN_IF_ERROR(tx.Exec("INSERT INTO upload_parts (upload, start, size_bytes, blob) VALUES ($1, $2, $3, $4)",
                          {id, part.start, part.size_bytes, part.blob})
                      .status());
  return true;
}

absl::StatusOr<std::vector<UploadPart>> Store::UploadParts(db::Tx& tx, std::string_view id) const {
  return tx.QueryAll("SELECT start, size_bytes, blob FROM upload_parts WHERE upload = $1 ORDER BY start", {id},
                     [](const db::Row& row) {
                       return UploadPart{row.Int(0), row.Int(1), row.Text(2)};
                     });
}

absl::StatusOr<bool> Store::FinishUpload(db::Tx& tx, std::string_view id, std::string_view attachment,
                                         base::Micros now) const {
  ASSIGN_OR_RETURN(const int64_t finished,
                   tx.Exec("UPDATE uploads SET attachment = $2, touched_at = $3 WHERE id = $1 AND attachment IS NULL "
                           "AND received = size_bytes",
                           {id, attachment, now}));
  return finished == 1;
}

absl::StatusOr<std::vector<std::string>> Store::DropUploadParts(db::Tx& tx, std::string_view id) const {
  return tx.QueryAll("DELETE FROM upload_parts WHERE upload = $1 RETURNING blob", {id},
                     [](const db::Row& row) { return row.Text(0); });
}

absl::StatusOr<std::vector<std::string>> Store::DropUpload(db::Tx& tx, std::string_view id) const {
  ASSIGN_OR_RETURN(std::vector<std::string> blobs, DropUploadParts(tx, id));
  RETURN_IF_ERROR(tx.Exec("DELETE FROM uploads WHERE id = $1", {id}).status());
  return blobs;
}

absl::StatusOr<std::vector<std::string>> Store::DropStaleUploads(db::Tx& tx, base::Micros before, int limit) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> stale,
                   tx.QueryAll("SELECT id FROM uploads WHERE touched_at < $1 ORDER BY touched_at LIMIT $2",
                               {before, limit}, [](const db::Row& row) { return row.Text(0); }));
  std::vector<std::string> blobs;
  for (const std::string& id : stale) {
    ASSIGN_OR_RETURN(std::vector<std::string> dropped, DropUpload(tx, id));
    std::move(dropped.begin(), dropped.end(), std::back_inserter(blobs));
  }
  return blobs;
}

absl::StatusOr<std::vector<std::string>> Store::NamedBlobs(db::Tx& tx, std::string_view first,
                                                           std::string_view last) const {
  return tx.QueryAll(
      "SELECT blob FROM attachments WHERE blob BETWEEN $1 AND $2 "
      "UNION ALL SELECT blob FROM upload_parts WHERE blob BETWEEN $1 AND $2",
      {first, last}, [](const db::Row& row) { return row.Text(0); });
}

}  // namespace dinh::procedures
