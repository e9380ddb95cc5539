// Every SQL statement of the service. Personal columns are sealed and opened here and nowhere else.
//
// Thread-safe: holds no state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/sealer.h"
#include "libs/db/database.h"
#include "services/procedures/rows.h"

namespace dinh::procedures {

// The files of migrations/, embedded at build time.
std::vector<db::Migration> Migrations();

class Store {
 public:
  explicit Store(const auth::Sealer& sealer) : sealer_(sealer) {}

  // The next number of the agency's day, from 1. Rolled back with the transaction, so there are no holes.
  absl::StatusOr<int64_t> NextNumber(db::Tx& tx, std::string_view agency_code, int64_t day) const;

  absl::Status Insert(db::Tx& tx, const DossierRow& row) const;
  // WHERE revision = row.revision; then row.revision counts on. ABORTED STALE_ETAG when somebody was faster.
  absl::Status Update(db::Tx& tx, DossierRow& row) const;
  absl::StatusOr<std::optional<DossierRow>> ByCode(db::Tx& tx, std::string_view code) const;
  // Others that want it so wait until this transaction has ended.
  absl::StatusOr<std::optional<DossierRow>> ByCodeForUpdate(db::Tx& tx, std::string_view code) const;
  absl::StatusOr<std::optional<DossierRow>> ById(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<std::optional<DossierRow>> ByTracking(db::Tx& tx, std::string_view token) const;
  absl::StatusOr<std::optional<DossierRow>> ByCharge(db::Tx& tx, std::string_view charge) const;
  absl::StatusOr<std::vector<DossierRow>> List(db::Tx& tx, const DossierFilter& filter, base::Micros now) const;

  absl::Status AddTimeline(db::Tx& tx, const DossierRow& row, const std::vector<TimelineRow>& entries) const;
  absl::StatusOr<std::vector<TimelineRow>> Timeline(db::Tx& tx, const DossierRow& row) const;

  absl::Status InsertAttachment(db::Tx& tx, const AttachmentRow& row) const;
  absl::StatusOr<std::optional<AttachmentInDossier>> Attachment(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<int64_t> CountUnused(db::Tx& tx, std::string_view account) const;
  // Hangs an unused upload of this login and person on a dossier; nullopt when there is no such one.
  absl::StatusOr<std::optional<AttachmentRow>> TakeAttachment(db::Tx& tx, std::string_view id, std::string_view account,
                                                              std::string_view person, const DossierRow& row,
                                                              FileKind kind, int64_t position) const;
  // What hangs on it as its result was sent back: from now on a superseded draft.
  absl::Status SupersedeResults(db::Tx& tx, const DossierRow& row) const;
  absl::StatusOr<std::vector<AttachmentRow>> Attachments(db::Tx& tx, const DossierRow& row) const;
  // Rows of uploads nobody used since `before`: removed, the ids of their blobs returned (at most `limit`).
  absl::StatusOr<std::vector<std::string>> RemoveUnused(db::Tx& tx, base::Micros before, int limit) const;

  // store_uploads.cc: uploads in pieces.
  absl::Status InsertUpload(db::Tx& tx, const UploadRow& row) const;
  absl::StatusOr<std::optional<UploadRow>> Upload(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<int64_t> CountOpenUploads(db::Tx& tx, std::string_view account) const;
  // false, and nothing changed, when the upload does not stand at part.start any more.
  absl::StatusOr<bool> AddUploadPart(db::Tx& tx, std::string_view id, const UploadPart& part, base::Micros now) const;
  // In the order of their bytes.
  absl::StatusOr<std::vector<UploadPart>> UploadParts(db::Tx& tx, std::string_view id) const;
  // false, and nothing changed, when it is not open any more. Its parts are for DropUploadParts then.
  absl::StatusOr<bool> FinishUpload(db::Tx& tx, std::string_view id, std::string_view attachment,
                                    base::Micros now) const;
  // The ids of their blobs, which no row names any more.
  absl::StatusOr<std::vector<std::string>> DropUploadParts(db::Tx& tx, std::string_view id) const;
  // With its parts: the ids of their blobs.
  absl::StatusOr<std::vector<std::string>> DropUpload(db::Tx& tx, std::string_view id) const;
  // The same for those that nothing came for since `before` (at most `limit` uploads).
  absl::StatusOr<std::vector<std::string>> DropStaleUploads(db::Tx& tx, base::Micros before, int limit) const;

  // The blobs that rows name, of those from `first` to `last`, in no order.
  absl::StatusOr<std::vector<std::string>> NamedBlobs(db::Tx& tx, std::string_view first, std::string_view last) const;

 private:
  absl::StatusOr<std::optional<DossierRow>> One(db::Tx& tx, std::string_view where, std::string_view value) const;
  absl::StatusOr<DossierRow> Read(const db::Row& row) const;
  absl::StatusOr<AttachmentRow> ReadAttachment(const db::Row& row) const;

  const auth::Sealer& sealer_;
};

}  // namespace dinh::procedures
