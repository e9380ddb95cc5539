// Photos: rows about files in the blob store.
#include <utility>

#include "services/feedback/store.h"

namespace dinh::feedback {
namespace {

#define DINH_PHOTO_COLUMNS                                                                               \
  "id, report, position, owner, kind, moderation, contested, width, height, full_blob, thumbnail_blob, " \
  "shown_full_blob, shown_thumbnail_blob, created_at"

PhotoRow ReadPhoto(const db::Row& row) {
  PhotoRow p;
  int i = 0;
  p.id = row.Text(i++);
  p.report = row.OptText(i++).value_or("");
  p.position = row.Int(i++);
  p.owner = row.Text(i++);
  p.kind = static_cast<pb::Photo::Kind>(row.Int(i++));
  p.moderation = static_cast<Moderation>(row.Int(i++));
  p.contested = row.Bool(i++);
  p.width = static_cast<int>(row.Int(i++));
  p.height = static_cast<int>(row.Int(i++));
  p.full_blob = row.Text(i++);
  p.thumbnail_blob = row.Text(i++);
  p.shown_full_blob = row.Text(i++);
  p.shown_thumbnail_blob = row.Text(i++);
  p.created_at = row.Int(i++);
  return p;
}

}  // namespace

absl::Status Store::InsertPhoto(db::Tx& tx, const PhotoRow& row) const {
  return tx
      .Exec(
          "INSERT INTO photos (id, report, position, owner, kind, moderation, contested, width, height, full_blob, "
          "thumbnail_blob, shown_full_blob, shown_thumbnail_blob, created_at) "
          "VALUES ($1, NULL, 0, $2, $3, $4, 0, $5, $6, $7, $8, '', '', $9)",
          {row.id, row.owner, row.kind, row.moderation, row.width, row.height, row.full_blob, row.thumbnail_blob,
           row.created_at})
      .status();
}

absl::StatusOr<std::optional<PhotoRow>> Store::Photo(db::Tx& tx, std::string_view id) const {
  return tx.QueryOne("SELECT " DINH_PHOTO_COLUMNS " FROM photos WHERE id = $1", {id}, ReadPhoto);
}

absl::StatusOr<std::vector<PhotoRow>> Store::Photos(db::Tx& tx, const ReportRow& report) const {
  return tx.QueryAll("SELECT " DINH_PHOTO_COLUMNS
                     " FROM photos WHERE report = $1 AND report IS NOT NULL ORDER BY position",
                     {report.id}, ReadPhoto);
}

absl::StatusOr<int64_t> Store::CountUnusedPhotos(db::Tx& tx, std::string_view owner) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM photos WHERE owner = $1 AND report IS NULL", {owner},
                               [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

absl::StatusOr<std::optional<PhotoRow>> Store::TakePhoto(db::Tx& tx, std::string_view id, std::string_view owner,
                                                         const ReportRow& report, pb::Photo::Kind kind,
                                                         int64_t position) const {
  ASSIGN_OR_RETURN(const int64_t taken,
                   tx.Exec("UPDATE photos SET report = $3, kind = $4, position = $5 WHERE id = $1 AND owner = $2 AND "
                           "report IS NULL",
                           {id, owner, report.id, kind, position}));
  if (taken != 1) return std::optional<PhotoRow>();
  return Photo(tx, id);
}

absl::Status Store::UpdatePhoto(db::Tx& tx, const PhotoRow& row) const {
  return tx.ExecLater(
      "UPDATE photos SET moderation = $2, contested = $3, shown_full_blob = $4, shown_thumbnail_blob = $5 "
      "WHERE id = $1",
      {row.id, row.moderation, row.contested, row.shown_full_blob, row.shown_thumbnail_blob});
}

absl::StatusOr<std::vector<std::string>> Store::RemoveUnusedPhotos(db::Tx& tx, base::Micros before, int limit) const {
  std::vector<std::string> ids, blobs;
  RETURN_IF_ERROR(
      tx.Query("SELECT id, full_blob, thumbnail_blob FROM photos WHERE report IS NULL AND created_at < $1 "
               "ORDER BY created_at LIMIT $2",
               {before, limit}, [&](const db::Row& row) {
                 ids.push_back(row.Text(0));
                 blobs.push_back(row.Text(1));
                 blobs.push_back(row.Text(2));
               }));
  for (const std::string& id : ids) {
    RETURN_IF_ERROR(tx.Exec("DELETE FROM photos WHERE id = $1 AND report IS NULL", {id}).status());
  }
  return blobs;
}

}  // namespace dinh::feedback
