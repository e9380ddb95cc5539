#include "services/feedback/store.h"

#include <utility>

#include "libs/db/dialect.h"
#include "services/feedback/report_columns.h"
#include "services/feedback/sealed.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kContent = "reports.content";
constexpr std::string_view kContact = "reports.contact";
constexpr std::string_view kPublicText = "reports.public_text";
constexpr std::string_view kComment = "reports.comment";

db::Param TextOrNull(const std::string& text) { return text.empty() ? db::Param(db::Null{}) : db::Param(text); }

std::string ContactBytes(const ReportRow& row) {
  return row.contact.name().empty() && row.contact.phone().empty() ? "" : row.contact.SerializeAsString();
}

absl::StatusOr<int64_t> CountSince(db::Tx& tx, std::string_view sql, const db::Param& key, base::Micros since,
                                   int limit) {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne(sql, {key, since, limit}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

}  // namespace

std::string Store::ContactIndex(std::string_view phone) const { return sealer_.BlindIndex("reports.contact", phone); }
std::string Store::TargetIndex(std::string_view target) const { return sealer_.BlindIndex("reports.target", target); }

absl::Status Store::Insert(db::Tx& tx, const ReportRow& row) const {
  const Progress& p = row.progress;
  const std::string content = sealer_.Seal(kContent, row.id, row.content.SerializeAsString());
  const SealedText contact(sealer_, ContactBytes(row), {kContact, row.id});
  const SealedText comment(sealer_, row.comment, {kComment, row.id});
  return tx.ExecLater(
      "INSERT INTO reports (id, code, revision, category, agency, unit, position, above_agency, above_unit, "
      "escalation, bypass_officer, bypass_unit, reporter_account, reporter_person, contact_index, "
      "contact_sealed, filed_by, content_sealed, anonymous, asked_public, moderation, hidden, flags, joined, "
      "state, resume_state, assignee, created_at, started_at, first_answered_at, answered_at, finished_at, "
      "waited_minutes, reopened, stars, comment_sealed, due_at, next_step_at, close_at, first_public_at, "
      "tracking_hash, target_index) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', 0, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, "
      "$19, 0, $20, $21, $22, $23, $24, $25, $26, $27, 0, 0, $28, $29, $30, $31, $32, $33, $34, $35)",
      {row.id,
       row.code,
       row.revision,
       row.category,
       row.agency,
       row.unit,
       row.position,
       row.bypass_officer,
       row.bypass_unit,
       row.reporter_account,
       row.reporter_person,
       BlobOrNull(row.contact_index),
       contact.param(),
       row.filed_by,
       db::BlobView{content},
       row.anonymous,
       row.asked_public,
       row.moderation,
       row.flags,
       p.state,
       p.resume,
       p.assignee,
       row.created_at,
       p.started_at,
       p.first_answered_at,
       p.answered_at,
       p.finished_at,
       p.stars,
       comment.param(),
       row.due_at,
       row.next_step_at,
       row.close_at,
       row.first_public_at,
       TextOrNull(row.tracking_hash),
       BlobOrNull(row.target_index)});
}

absl::Status Store::Update(db::Tx& tx, ReportRow& row) const {
  const Progress& p = row.progress;
  const SealedText public_text(sealer_, row.public_text, {kPublicText, row.id});
  const SealedText comment(sealer_, row.comment, {kComment, row.id});
  ASSIGN_OR_RETURN(
      const int64_t changed,
      tx.Exec("UPDATE reports SET revision = revision + 1, category = $3, agency = $4, unit = $5, position = $6, "
              "above_agency = $7, above_unit = $8, escalation = $9, bypass_officer = $10, bypass_unit = $11, "
              "public_text_sealed = $12, moderation = $13, hidden = $14, flags = $15, state = $16, "
              "resume_state = $17, assignee = $18, started_at = $19, first_answered_at = $20, answered_at = $21, "
              "finished_at = $22, waiting_since = $23, waited_minutes = $24, reopened = $25, stars = $26, "
              "comment_sealed = $27, due_at = $28, next_step_at = $29, close_at = $30 "
              "WHERE id = $1 AND revision = $2",
              {row.id,           row.revision,
               row.category,     row.agency,
               row.unit,         row.position,
               row.above_agency, row.above_unit,
               row.escalation,   row.bypass_officer,
               row.bypass_unit,  public_text.param(),
               row.moderation,   row.hidden,
               row.flags,        p.state,
               p.resume,         p.assignee,
               p.started_at,     p.first_answered_at,
               p.answered_at,    p.finished_at,
               p.waiting_since,  p.waited_minutes,
               p.reopened,       p.stars,
               comment.param(),  row.due_at,
               row.next_step_at, row.close_at}));
  if (changed != 1) return base::StaleEtag();
  ++row.revision;
  return absl::OkStatus();
}

absl::StatusOr<ReportRow> Store::Read(const db::Row& row) const {
  ReportRow r;
  Progress& p = r.progress;
  int i = 0;
  r.id = row.Text(i++);
  r.code = row.Text(i++);
  r.revision = row.Int(i++);
  r.category = row.Text(i++);
  r.agency = row.Text(i++);
  r.unit = row.Text(i++);
  r.position = row.Text(i++);
  r.above_agency = row.Text(i++);
  r.above_unit = row.Text(i++);
  r.escalation = static_cast<int>(row.Int(i++));
  r.bypass_officer = row.Text(i++);
  r.bypass_unit = row.Text(i++);
  r.reporter_account = row.Text(i++);
  r.reporter_person = row.Text(i++);
  r.contact_index = row.OptText(i++).value_or("");
  ASSIGN_OR_RETURN(const std::string contact, OpenSealed(sealer_, row, i++, {kContact, r.id}));
  r.filed_by = row.Text(i++);
  ASSIGN_OR_RETURN(const std::string content, OpenSealed(sealer_, row, i++, {kContent, r.id}));
  if (!r.contact.ParseFromString(contact) || !r.content.ParseFromString(content)) {
    return base::Internal("a report is damaged");
  }
  ASSIGN_OR_RETURN(r.public_text, OpenSealed(sealer_, row, i++, {kPublicText, r.id}));
  r.anonymous = row.Bool(i++);
  r.asked_public = row.Bool(i++);
  r.moderation = static_cast<Moderation>(row.Int(i++));
  r.hidden = row.Bool(i++);
  r.flags = row.Int(i++);
  r.joined = row.Int(i++);
  p.state = static_cast<State>(row.Int(i++));
  p.resume = static_cast<State>(row.Int(i++));
  p.assignee = row.Text(i++);
  r.created_at = row.Int(i++);
  p.started_at = row.Int(i++);
  p.first_answered_at = row.OptInt(i++);
  p.answered_at = row.OptInt(i++);
  p.finished_at = row.OptInt(i++);
  p.waiting_since = row.OptInt(i++);
  p.waited_minutes = row.Int(i++);
  p.reopened = static_cast<int>(row.Int(i++));
  p.stars = static_cast<int>(row.Int(i++));
  ASSIGN_OR_RETURN(r.comment, OpenSealed(sealer_, row, i++, {kComment, r.id}));
  r.due_at = row.OptInt(i++);
  r.next_step_at = row.OptInt(i++);
  r.close_at = row.OptInt(i++);
  r.first_public_at = row.Int(i++);
  r.tracking_hash = row.OptText(i++).value_or("");
  r.target_index = row.OptText(i++).value_or("");
  return r;
}

absl::StatusOr<std::optional<ReportRow>> Store::One(db::Tx& tx, std::string_view sql, std::string_view value) const {
  std::optional<ReportRow> found;
  RETURN_IF_ERROR(tx.Query(sql, {value}, [&](const db::Row& row) -> absl::Status {
    ASSIGN_OR_RETURN(found, Read(row));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::optional<ReportRow>> Store::ByCode(db::Tx& tx, std::string_view code) const {
  return One(tx, "SELECT " DINH_REPORT_COLUMNS " FROM reports WHERE code = $1", code);
}
absl::StatusOr<std::optional<ReportRow>> Store::ByCodeForUpdate(db::Tx& tx, std::string_view code) const {
  static constexpr char kSelect[] = "SELECT " DINH_REPORT_COLUMNS " FROM reports WHERE code = $1";
  return One(tx, kSelect + std::string(db::ForUpdate(tx.engine())), code);
}
absl::StatusOr<std::optional<ReportRow>> Store::ByIdForUpdate(db::Tx& tx, std::string_view id) const {
  static constexpr char kSelect[] = "SELECT " DINH_REPORT_COLUMNS " FROM reports WHERE id = $1";
  return One(tx, kSelect + std::string(db::ForUpdate(tx.engine())), id);
}
absl::StatusOr<std::optional<ReportRow>> Store::ById(db::Tx& tx, std::string_view id) const {
  return One(tx, "SELECT " DINH_REPORT_COLUMNS " FROM reports WHERE id = $1", id);
}

absl::StatusOr<int64_t> Store::CountByTarget(db::Tx& tx, std::string_view index, base::Micros since, int limit) const {
  return CountSince(tx,
                    "SELECT COUNT(*) FROM (SELECT 1 AS one FROM reports WHERE target_index = $1 AND target_index IS "
                    "NOT NULL AND created_at >= $2 ORDER BY id DESC LIMIT $3) AS recent",
                    db::BlobView{index}, since, limit);
}
absl::StatusOr<int64_t> Store::CountToday(db::Tx& tx, std::string_view what, std::string_view who, int64_t day) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("INSERT INTO daily_counts (what, who, day, count) VALUES ($1, $2, $3, 1) "
                               "ON CONFLICT (what, who, day) DO UPDATE SET count = daily_counts.count + 1 "
                               "RETURNING count",
                               {what, who, day}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(1);
}

absl::Status Store::RemoveCounts(db::Tx& tx, int64_t before_day) const {
  return tx.Exec("DELETE FROM daily_counts WHERE day < $1", {before_day}).status();
}

absl::Status Store::AddJoined(db::Tx& tx, const ReportRow& row) const {
  return tx.Exec("UPDATE reports SET joined = joined + 1 WHERE id = $1", {row.id}).status();
}

}  // namespace dinh::feedback
