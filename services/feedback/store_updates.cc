// History, "me too", requests for removal.
#include <algorithm>
#include <utility>

#include "services/feedback/sealed.h"
#include "services/feedback/store.h"

namespace dinh::feedback {
namespace {

#define DINH_UPDATE_COLUMNS                                                                       \
  "position, at, kind, event, from_state, to_state, actor_kind, actor, actor_name, text_sealed, " \
  "public_text_sealed, moderation, pause_from, pause_to"

constexpr std::string_view kText = "updates.text";
constexpr std::string_view kPublicText = "updates.public_text";
constexpr std::string_view kReason = "removals.reason";

std::string LineOf(const ReportRow& report, int64_t position) { return report.id + "/" + std::to_string(position); }

}  // namespace

absl::StatusOr<int64_t> Store::AddUpdate(db::Tx& tx, const ReportRow& report, const UpdateRow& update) const {
  std::optional<int64_t> position;
  if (report.history) {
    position = report.history->empty() ? 1 : report.history->back().position + 1;
  } else {
    ASSIGN_OR_RETURN(position, tx.QueryOne("SELECT COALESCE(MAX(position), 0) + 1 FROM updates WHERE report = $1",
                                           {report.id}, [](const db::Row& row) { return row.Int(0); }));
  }
  const std::string line = LineOf(report, position.value_or(1));
  const SealedText text(sealer_, update.text, {kText, line});
  const SealedText public_text(sealer_, update.public_text, {kPublicText, line});
  const std::optional<int64_t> from = update.pause ? std::optional<int64_t>(update.pause->from) : std::nullopt;
  const std::optional<int64_t> to = update.pause ? std::optional<int64_t>(update.pause->to) : std::nullopt;
  RETURN_IF_ERROR(tx.ExecLater(
      "INSERT INTO updates (report, position, at, kind, event, from_state, to_state, actor_kind, actor, "
      "actor_name, text_sealed, public_text_sealed, moderation, pause_from, pause_to) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
      {report.id, position.value_or(1), update.at, update.kind, update.event, update.from, update.to, update.actor_kind,
       update.actor, update.actor_name, text.param(), public_text.param(), update.moderation, from, to}));
  return position.value_or(1);
}

absl::StatusOr<UpdateRow> Store::ReadUpdate(const ReportRow& report, const db::Row& row) const {
  UpdateRow u;
  int i = 0;
  u.position = row.Int(i++);
  const std::string line = LineOf(report, u.position);
  u.at = row.Int(i++);
  u.kind = static_cast<pb::Update::Kind>(row.Int(i++));
  u.event = row.Text(i++);
  u.from = static_cast<State>(row.Int(i++));
  u.to = static_cast<State>(row.Int(i++));
  u.actor_kind = static_cast<pb::Update::Actor>(row.Int(i++));
  u.actor = row.Text(i++);
  u.actor_name = row.Text(i++);
  ASSIGN_OR_RETURN(u.text, OpenSealed(sealer_, row, i++, {kText, line}));
  ASSIGN_OR_RETURN(u.public_text, OpenSealed(sealer_, row, i++, {kPublicText, line}));
  u.moderation = static_cast<Moderation>(row.Int(i++));
  const std::optional<int64_t> from = row.OptInt(i++), to = row.OptInt(i++);
  if (from && to) u.pause = Pause{*from, *to};
  return u;
}

absl::StatusOr<std::vector<UpdateRow>> Store::Updates(db::Tx& tx, const ReportRow& report) const {
  std::vector<UpdateRow> rows;
  RETURN_IF_ERROR(tx.Query("SELECT " DINH_UPDATE_COLUMNS " FROM updates WHERE report = $1 ORDER BY position",
                           {report.id}, [&](const db::Row& row) -> absl::Status {
                             ASSIGN_OR_RETURN(UpdateRow update, ReadUpdate(report, row));
                             rows.push_back(std::move(update));
                             return absl::OkStatus();
                           }));
  return rows;
}

absl::StatusOr<std::optional<UpdateRow>> Store::UpdateAt(db::Tx& tx, const ReportRow& report, int64_t position) const {
  std::optional<UpdateRow> found;
  RETURN_IF_ERROR(tx.Query("SELECT " DINH_UPDATE_COLUMNS " FROM updates WHERE report = $1 AND position = $2",
                           {report.id, position}, [&](const db::Row& row) -> absl::Status {
                             ASSIGN_OR_RETURN(found, ReadUpdate(report, row));
                             return absl::OkStatus();
                           }));
  return found;
}

absl::Status Store::SetModeration(db::Tx& tx, const ReportRow& report, const UpdateRow& update) const {
  const SealedText public_text(sealer_, update.public_text, {kPublicText, LineOf(report, update.position)});
  return tx
      .Exec("UPDATE updates SET moderation = $3, public_text_sealed = $4 WHERE report = $1 AND position = $2",
            {report.id, update.position, update.moderation, public_text.param()})
      .status();
}

absl::StatusOr<int64_t> Store::ForeignUpdate(db::Tx& tx, const ReportRow& report, std::string_view client,
                                             std::string_view update_id) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> position,
                   tx.QueryOne("SELECT position FROM foreign_updates WHERE report = $1 AND client = $2 AND "
                               "update_id = $3",
                               {report.id, client, update_id}, [](const db::Row& row) { return row.Int(0); }));
  return position.value_or(0);
}

absl::Status Store::AddForeignUpdate(db::Tx& tx, const ReportRow& report, std::string_view client,
                                     std::string_view update_id, int64_t position) const {
  return tx
      .Exec("INSERT INTO foreign_updates (report, client, update_id, position) VALUES ($1, $2, $3, $4)",
            {report.id, client, update_id, position})
      .status();
}

absl::StatusOr<bool> Store::Join(db::Tx& tx, const ReportRow& report, std::string_view who) const {
  ASSIGN_OR_RETURN(const int64_t added,
                   tx.Exec("INSERT INTO joins (report, who, at) VALUES ($1, $2, $3) ON CONFLICT (report, who) DO "
                           "NOTHING",
                           {report.id, who, tx.context().Now()}));
  return added == 1;
}

absl::StatusOr<bool> Store::HasJoined(db::Tx& tx, const ReportRow& report, std::string_view who) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> at,
                   tx.QueryOne("SELECT at FROM joins WHERE report = $1 AND who = $2", {report.id, who},
                               [](const db::Row& row) { return row.Int(0); }));
  return at.has_value();
}

absl::StatusOr<std::vector<std::string>> Store::Joined(db::Tx& tx, const ReportRow& report, int limit) const {
  return tx.QueryAll("SELECT who FROM joins WHERE report = $1 ORDER BY who LIMIT $2", {report.id, limit},
                     [](const db::Row& row) { return row.Text(0); });
}

absl::Status Store::InsertRemoval(db::Tx& tx, const RemovalRow& row) const {
  const SealedText reason(sealer_, row.reason, {kReason, row.id});
  return tx
      .Exec(
          "INSERT INTO removals (id, report, photo, who, reason_sealed, at, decided, decided_by) "
          "VALUES ($1, $2, $3, $4, $5, $6, 0, '')",
          {row.id, row.report, row.photo, row.who, reason.param(), row.at})
      .status();
}

absl::StatusOr<std::optional<RemovalRow>> Store::Removal(db::Tx& tx, std::string_view id) const {
  std::optional<RemovalRow> found;
  RETURN_IF_ERROR(
      tx.Query("SELECT id, report, photo, who, reason_sealed, at, decided, decided_by FROM removals WHERE id = $1",
               {id}, [&](const db::Row& row) -> absl::Status {
                 RemovalRow removal{
                     row.Text(0), row.Text(1), row.Text(2), row.Text(3), "", row.Int(5), static_cast<int>(row.Int(6)),
                     row.Text(7)};
                 ASSIGN_OR_RETURN(removal.reason, OpenSealed(sealer_, row, 4, {kReason, removal.id}));
                 found = std::move(removal);
                 return absl::OkStatus();
               }));
  return found;
}

absl::Status Store::DecideRemoval(db::Tx& tx, const RemovalRow& row) const {
  return tx
      .Exec("UPDATE removals SET decided = $2, decided_by = $3 WHERE id = $1", {row.id, row.decided, row.decided_by})
      .status();
}

}  // namespace dinh::feedback
