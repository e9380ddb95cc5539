// What waits for people: moderation, the clock, officers' load, notices; and for the publisher.
#include <algorithm>
#include <utility>

#include "libs/db/dialect.h"
#include "services/feedback/store.h"

namespace dinh::feedback {
namespace {

// A change of load is committed at most so long after its time.
constexpr base::Micros kLoadChangeLateMax = 10 * base::kMicrosPerSecond;

}  // namespace

absl::Status Store::Queue(db::Tx& tx, const ModerationRow& row) const {
  return tx.ExecLater(
      "INSERT INTO moderation_queue (id, agency, unit, kind, report, item) VALUES ($1, $2, $3, $4, $5, $6) "
      "ON CONFLICT (report, kind, item) DO NOTHING",
      {row.id, row.agency, row.unit, row.kind, row.report, row.item});
}

absl::Status Store::Unqueue(db::Tx& tx, std::string_view report, pb::ModerationItem::Kind kind,
                            std::string_view item) const {
  return tx.Exec("DELETE FROM moderation_queue WHERE report = $1 AND kind = $2 AND item = $3", {report, kind, item})
      .status();
}

absl::Status Store::MoveQueue(db::Tx& tx, const ReportRow& row) const {
  return tx.Exec("UPDATE moderation_queue SET agency = $2, unit = $3 WHERE report = $1", {row.id, row.agency, row.unit})
      .status();
}

absl::StatusOr<std::vector<ModerationRow>> Store::ModerationQueue(db::Tx& tx, const std::vector<Office>& offices,
                                                                  std::string_view after, int limit) const {
  std::vector<ModerationRow> rows;
  for (const Office& office : offices) {
    RETURN_IF_ERROR(
        tx.Query("SELECT id, agency, unit, kind, report, item FROM moderation_queue WHERE agency = $1 AND unit = $2 "
                 "AND id > $3 ORDER BY id LIMIT $4",
                 {office.agency, office.unit, after, limit}, [&](const db::Row& row) {
                   rows.push_back({row.Text(0), row.Text(1), row.Text(2),
                                   static_cast<pb::ModerationItem::Kind>(row.Int(3)), row.Text(4), row.Text(5)});
                 }));
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  if (rows.size() > static_cast<size_t>(limit)) rows.resize(static_cast<size_t>(limit));
  return rows;
}

absl::StatusOr<std::vector<std::string>> Store::StepsDue(db::Tx& tx, base::Micros now, int limit) const {
  return tx.QueryAll(
      "SELECT id FROM reports WHERE next_step_at <= $1 AND next_step_at IS NOT NULL ORDER BY "
      "next_step_at LIMIT $2",
      {now, limit}, [](const db::Row& row) { return row.Text(0); });
}

absl::StatusOr<std::vector<std::string>> Store::ClosingDue(db::Tx& tx, base::Micros now, int limit) const {
  return tx.QueryAll("SELECT id FROM reports WHERE close_at <= $1 AND close_at IS NOT NULL ORDER BY close_at LIMIT $2",
                     {now, limit}, [](const db::Row& row) { return row.Text(0); });
}

absl::StatusOr<std::set<std::string, std::less<>>> Store::StepsDone(db::Tx& tx, const ReportRow& report) const {
  std::set<std::string, std::less<>> done;
  RETURN_IF_ERROR(tx.Query("SELECT step FROM steps_done WHERE report = $1 AND round = $2",
                           {report.id, report.progress.reopened},
                           [&](const db::Row& row) { done.insert(row.Text(0)); }));
  return done;
}

absl::StatusOr<bool> Store::MarkStep(db::Tx& tx, const ReportRow& report, std::string_view step) const {
  ASSIGN_OR_RETURN(const int64_t added,
                   tx.Exec("INSERT INTO steps_done (report, round, step, at) VALUES ($1, $2, $3, $4) "
                           "ON CONFLICT (report, round, step) DO NOTHING",
                           {report.id, report.progress.reopened, step, tx.context().Now()}));
  return added == 1;
}

absl::Status Store::AddLoad(db::Tx& tx, std::string_view id, std::string_view officer, int64_t change) const {
  if (officer.empty()) return absl::OkStatus();
  return tx.ExecLater("INSERT INTO load_changes (officer, at, id, change) VALUES ($1, $2, $3, $4)",
                      {officer, tx.context().Now(), id, change});
}

absl::StatusOr<std::map<std::string, int64_t, std::less<>>> Store::Loads(
    db::Tx& tx, const std::vector<std::string>& officers) const {
  std::map<std::string, int64_t, std::less<>> loads;
  for (const std::string& officer : officers) {
    // What was merged lies in the index as long as nobody has swept it up: it is not walked through.
    ASSIGN_OR_RETURN(const std::optional<int64_t> open,
                     tx.QueryOne("SELECT COALESCE((SELECT open FROM officer_load WHERE officer = $1), 0) + "
                                 "CAST(COALESCE((SELECT SUM(change) FROM load_changes WHERE officer = $1 AND at >= "
                                 "COALESCE((SELECT merged_to FROM officer_load WHERE officer = $1), 0) - $2), 0) "
                                 "AS BIGINT)",
                                 {officer, kLoadChangeLateMax}, [](const db::Row& row) { return row.Int(0); }));
    loads[officer] = open.value_or(0);
  }
  return loads;
}

absl::StatusOr<int64_t> Store::MergeLoads(db::Tx& tx, int limit) const {
  struct Sum {
    int64_t open = 0;
    base::Micros merged_to = 0;
  };
  const std::string take =
      "DELETE FROM load_changes WHERE (officer, at, id) IN (SELECT officer, at, id FROM load_changes "
      "ORDER BY officer, at, id LIMIT $1" +
      std::string(db::ForUpdateSkipLocked(tx.engine())) + ") RETURNING officer, at, change";
  std::map<std::string, Sum> sums;
  int64_t taken = 0;
  RETURN_IF_ERROR(tx.Query(take, {limit}, [&](const db::Row& row) {
    Sum& sum = sums[row.Text(0)];
    sum.merged_to = std::max(sum.merged_to, row.Int(1));
    sum.open += row.Int(2);
    ++taken;
  }));
  for (const auto& [officer, sum] : sums) {
    RETURN_IF_ERROR(tx.ExecLater(
        "INSERT INTO officer_load (officer, open, merged_to) VALUES ($1, $2, $3) ON CONFLICT (officer) DO UPDATE SET "
        "open = officer_load.open + excluded.open, merged_to = CASE WHEN excluded.merged_to > officer_load.merged_to "
        "THEN excluded.merged_to ELSE officer_load.merged_to END",
        {officer, sum.open, sum.merged_to}));
  }
  return taken;
}

absl::StatusOr<Turn> Store::TakeTurn(db::Tx& tx, const Office& office, std::string_view position) const {
  static constexpr char kLast[] = "SELECT officer FROM turns WHERE agency = $1 AND unit = $2 AND position = $3";
  const auto last = [&](std::string_view lock) {
    return tx.QueryOne(kLast + std::string(lock), {office.agency, office.unit, position},
                       [](const db::Row& row) { return row.Text(0); });
  };
  ASSIGN_OR_RETURN(std::optional<std::string> officer, last(db::ForUpdateSkipLocked(tx.engine())));
  if (officer) return Turn{*std::move(officer), true};
  // Nobody's yet, or held by somebody who takes it now.
  ASSIGN_OR_RETURN(officer, last(""));
  return Turn{officer.value_or(""), !officer.has_value()};
}

absl::Status Store::SetTurn(db::Tx& tx, const Office& office, std::string_view position,
                            std::string_view officer) const {
  return tx.ExecLater(
      "INSERT INTO turns (agency, unit, position, officer) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (agency, unit, position) DO UPDATE SET officer = excluded.officer",
      {office.agency, office.unit, position, officer});
}

absl::Status Store::AddNotice(db::Tx& tx, const NoticeRow& row) const {
  return tx.ExecLater("INSERT INTO notices (id, account, kind, report, at) VALUES ($1, $2, $3, $4, $5)",
                      {row.id, row.account, row.kind, row.report, row.at});
}

absl::StatusOr<std::vector<NoticeRow>> Store::Notices(db::Tx& tx, std::string_view account, std::string_view before,
                                                      int limit) const {
  return tx.QueryAll(
      "SELECT id, account, kind, report, at FROM notices WHERE account = $1 AND ($2 = '' OR id < $2) "
      "ORDER BY id DESC LIMIT $3",
      {account, before, limit}, [](const db::Row& row) {
        return NoticeRow{row.Text(0), row.Text(1), static_cast<pb::Notice::Kind>(row.Int(2)), row.Text(3), row.Int(4)};
      });
}

absl::Status Store::Publish(db::Tx& tx, std::string_view report, base::Micros due_at) const {
  // It changes the row's version whatever the times are.
  return tx.ExecLater(
      "INSERT INTO publications (report, due_at) VALUES ($1, $2) ON CONFLICT (report) DO UPDATE SET due_at = "
      "CASE WHEN excluded.due_at < publications.due_at THEN excluded.due_at ELSE publications.due_at END",
      {report, due_at});
}

}  // namespace dinh::feedback
