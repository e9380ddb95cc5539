// Every SQL statement about reports as the office and the reporter see them (store*.cc; the public board has
// store_board.h). Personal columns are sealed and opened here and nowhere else.
//
// Thread-safe: holds no state.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/sealer.h"
#include "libs/db/database.h"
#include "services/feedback/rows.h"

namespace dinh::feedback {

// The files of migrations/, embedded at build time.
std::vector<db::Migration> Migrations();

class Store {
 public:
  explicit Store(const auth::Sealer& sealer) : sealer_(sealer) {}

  // Reports (store.cc).
  absl::Status Insert(db::Tx& tx, const ReportRow& row) const;
  // WHERE revision = row.revision; then row.revision counts on. ABORTED STALE_ETAG when somebody was faster.
  absl::Status Update(db::Tx& tx, ReportRow& row) const;
  absl::StatusOr<std::optional<ReportRow>> ByCode(db::Tx& tx, std::string_view code) const;
  // Others that want it so wait until this transaction has ended.
  absl::StatusOr<std::optional<ReportRow>> ByCodeForUpdate(db::Tx& tx, std::string_view code) const;
  absl::StatusOr<std::optional<ReportRow>> ByIdForUpdate(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<std::optional<ReportRow>> ById(db::Tx& tx, std::string_view id) const;
  // Newest first (store_list.cc).
  absl::StatusOr<OfficePage> List(db::Tx& tx, const OfficeFilter& filter, base::Micros now) const;
  // How many reports about the same target since then; counted up to `limit`.
  absl::StatusOr<int64_t> CountByTarget(db::Tx& tx, std::string_view index, base::Micros since, int limit) const;
  // One more of `what` by `who` on that day (days since 1970-01-01); how many that makes.
  absl::StatusOr<int64_t> CountToday(db::Tx& tx, std::string_view what, std::string_view who, int64_t day) const;
  absl::Status RemoveCounts(db::Tx& tx, int64_t before_day) const;
  // Not a change of the report itself: its etag stays.
  absl::Status AddJoined(db::Tx& tx, const ReportRow& row) const;
  std::string ContactIndex(std::string_view phone) const;
  std::string TargetIndex(std::string_view target) const;

  // History (store_updates.cc). Positions count on from 1.
  absl::StatusOr<int64_t> AddUpdate(db::Tx& tx, const ReportRow& row, const UpdateRow& update) const;
  absl::StatusOr<std::vector<UpdateRow>> Updates(db::Tx& tx, const ReportRow& row) const;
  absl::StatusOr<std::optional<UpdateRow>> UpdateAt(db::Tx& tx, const ReportRow& row, int64_t position) const;
  absl::Status SetModeration(db::Tx& tx, const ReportRow& row, const UpdateRow& update) const;
  // The position an Open311 client's update got; 0: it is new.
  absl::StatusOr<int64_t> ForeignUpdate(db::Tx& tx, const ReportRow& row, std::string_view client,
                                        std::string_view update_id) const;
  absl::Status AddForeignUpdate(db::Tx& tx, const ReportRow& row, std::string_view client, std::string_view update_id,
                                int64_t position) const;

  // "Me too" and requests for removal (store_updates.cc). false: joined before.
  absl::StatusOr<bool> Join(db::Tx& tx, const ReportRow& row, std::string_view who) const;
  absl::StatusOr<std::vector<std::string>> Joined(db::Tx& tx, const ReportRow& row, int limit) const;
  absl::StatusOr<bool> HasJoined(db::Tx& tx, const ReportRow& row, std::string_view who) const;
  absl::Status InsertRemoval(db::Tx& tx, const RemovalRow& row) const;
  absl::StatusOr<std::optional<RemovalRow>> Removal(db::Tx& tx, std::string_view id) const;
  absl::Status DecideRemoval(db::Tx& tx, const RemovalRow& row) const;

  // Photos (store_photos.cc).
  absl::Status InsertPhoto(db::Tx& tx, const PhotoRow& row) const;
  absl::StatusOr<std::optional<PhotoRow>> Photo(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<std::vector<PhotoRow>> Photos(db::Tx& tx, const ReportRow& row) const;
  absl::StatusOr<int64_t> CountUnusedPhotos(db::Tx& tx, std::string_view owner) const;
  // Hangs an unused upload of this owner on the report; nullopt when there is no such one.
  absl::StatusOr<std::optional<PhotoRow>> TakePhoto(db::Tx& tx, std::string_view id, std::string_view owner,
                                                    const ReportRow& row, pb::Photo::Kind kind, int64_t position) const;
  // Moderation, contested and the shown blobs.
  absl::Status UpdatePhoto(db::Tx& tx, const PhotoRow& row) const;
  // Rows of uploads nobody used since `before`: removed, the ids of their blobs returned.
  absl::StatusOr<std::vector<std::string>> RemoveUnusedPhotos(db::Tx& tx, base::Micros before, int limit) const;

  // What waits for moderators (store_work.cc). The same item twice is one.
  absl::Status Queue(db::Tx& tx, const ModerationRow& row) const;
  absl::Status Unqueue(db::Tx& tx, std::string_view report, pb::ModerationItem::Kind kind, std::string_view item) const;
  // A report's items follow it to another office.
  absl::Status MoveQueue(db::Tx& tx, const ReportRow& row) const;
  absl::StatusOr<std::vector<ModerationRow>> ModerationQueue(db::Tx& tx, const std::vector<Office>& offices,
                                                             std::string_view after, int limit) const;

  // The clock (store_work.cc). Ids of reports with something to do by `now`, the longest overdue first.
  absl::StatusOr<std::vector<std::string>> StepsDue(db::Tx& tx, base::Micros now, int limit) const;
  absl::StatusOr<std::vector<std::string>> ClosingDue(db::Tx& tx, base::Micros now, int limit) const;
  absl::StatusOr<std::set<std::string, std::less<>>> StepsDone(db::Tx& tx, const ReportRow& row) const;
  // false: it was done before.
  absl::StatusOr<bool> MarkStep(db::Tx& tx, const ReportRow& row, std::string_view step) const;

  // Officers' work (store_work.cc). `id`: a new one; a change of load shares no row with anybody until it is merged.
  absl::Status AddLoad(db::Tx& tx, std::string_view id, std::string_view officer, int64_t change) const;
  // Merged or not.
  absl::StatusOr<std::map<std::string, int64_t, std::less<>>> Loads(db::Tx& tx,
                                                                    const std::vector<std::string>& officers) const;
  // Like BoardStore::MergeFigures.
  absl::StatusOr<int64_t> MergeLoads(db::Tx& tx, int limit) const;
  // Who had the last turn; waits for nobody. Others do not hold it until the end of the transaction when `held`.
  absl::StatusOr<Turn> TakeTurn(db::Tx& tx, const Office& office, std::string_view position) const;
  absl::Status SetTurn(db::Tx& tx, const Office& office, std::string_view position, std::string_view officer) const;

  // Notices (store_work.cc), newest first, older than `before`.
  absl::Status AddNotice(db::Tx& tx, const NoticeRow& row) const;
  absl::StatusOr<std::vector<NoticeRow>> Notices(db::Tx& tx, std::string_view account, std::string_view before,
                                                 int limit) const;

  // Sees to it that the report's public side is written anew, at `due_at` or earlier if that was planned already.
  absl::Status Publish(db::Tx& tx, std::string_view report, base::Micros due_at) const;

 private:
  absl::StatusOr<std::optional<ReportRow>> One(db::Tx& tx, std::string_view sql, std::string_view value) const;
  absl::StatusOr<ReportRow> Read(const db::Row& row) const;
  absl::StatusOr<UpdateRow> ReadUpdate(const ReportRow& report, const db::Row& row) const;

  const auth::Sealer& sealer_;
};

}  // namespace dinh::feedback
