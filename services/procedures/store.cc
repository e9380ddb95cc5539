#include "services/procedures/store.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "libs/base/strings.h"
#include "libs/db/dialect.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

using nlohmann::json;

// The order of columns that Read() knows.
#define DINH_DOSSIER_COLUMNS                                                                                        \
  "id, code, revision, procedure, procedure_version, channel, filer_person, filer_account, filer_sealed, "          \
  "content_sealed, assisting_officer, receiving_agency, deciding_agency, unit, agency_name, unit_name, "            \
  "external_ids, state, step, step_since, resume_state, charge_due, charge_paid, charge, charge_vnd, "              \
  "processed_by, submitted_at, accepted_at, waiting_since, finished_at, due_date, waited_minutes, waited_elapsed, " \
  "resumed_at, tracking_sealed, reason_sealed, stars, comment_sealed, rated_at"
#define DINH_ATTACHMENT_COLUMNS                                                                        \
  "id, owner_account, owner_person, dossier, kind, file_name_sealed, blob, content_type, size_bytes, " \
  "sha256, created_at"

std::string DateText(const std::optional<base::CivilDate>& date) { return date ? base::FormatDate(*date) : ""; }

// The first instant after the due day in Vietnam.
std::optional<int64_t> LateFrom(const std::optional<base::CivilDate>& due) {
  if (!due) return std::nullopt;
  return base::FromVietnam({base::AddDays(*due, 1), 0, 0, 0});
}

std::string ListJson(const std::vector<std::string>& list) {
  return json(list).dump(-1, ' ', false, json::error_handler_t::replace);
}
std::string MapJson(const std::map<std::string, std::string>& map) {
  return json(map).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> ListFrom(std::string_view text) {
  std::vector<std::string> out;
  const json list = json::parse(text.begin(), text.end(), nullptr, false);
  if (!list.is_array()) return out;
  for (const json& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

std::map<std::string, std::string> MapFrom(std::string_view text) {
  std::map<std::string, std::string> out;
  const json map = json::parse(text.begin(), text.end(), nullptr, false);
  if (!map.is_object()) return out;
  for (const auto& [key, value] : map.items()) {
    if (value.is_string()) out.emplace(key, value.get<std::string>());
  }
  return out;
}

// What a sealed value is bound to.
struct Place {
  std::string_view column;
  std::string_view row;
};

// A sealed optional text: NULL when empty.
class SealedText {
 public:
  SealedText(const auth::Sealer& sealer, const std::string& plain, const Place& place)
      : present_(!plain.empty()), bytes_(present_ ? sealer.Seal(place.column, place.row, plain) : "") {}
  db::Param param() const { return present_ ? db::Param(db::BlobView{bytes_}) : db::Param(db::Null{}); }

 private:
  bool present_;
  std::string bytes_;
};

absl::StatusOr<std::string> OpenText(const auth::Sealer& sealer, const db::Row& row, int column, const Place& place) {
  if (row.IsNull(column)) return std::string();
  return sealer.Open(place.column, place.row, row.TextView(column));
}

std::string TrackingHash(std::string_view token) { return base::HexEncode(base::Sha256(token)); }

template <typename T>
absl::StatusOr<std::optional<T>> First(std::vector<T> rows) {
  if (rows.empty()) return std::optional<T>();
  return std::optional<T>(std::move(rows.front()));
}

}  // namespace

absl::StatusOr<int64_t> Store::NextNumber(db::Tx& tx, std::string_view agency_code, int64_t day) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> number,
                   tx.QueryOne("INSERT INTO dossier_numbers (agency_code, day, last) VALUES ($1, $2, 1) "
                               "ON CONFLICT (agency_code, day) DO UPDATE SET last = dossier_numbers.last + 1 "
                               "RETURNING last",
                               {agency_code, day}, [](const db::Row& row) { return row.Int(0); }));
  if (!number) return base::Internal("no dossier number was returned");
  return *number;
}

absl::Status Store::Insert(db::Tx& tx, const DossierRow& row) const {
  const std::string filer = sealer_.Seal("dossiers.filer", row.id, row.filer.SerializeAsString());
  const std::string content = sealer_.Seal("dossiers.content", row.id, row.content.SerializeAsString());
  const Progress& p = row.progress;
  return tx
      .Exec(
          "INSERT INTO dossiers (id, code, revision, procedure, procedure_version, channel, filer_person, "
          "filer_account, filer_sealed, content_sealed, assisting_officer, receiving_agency, deciding_agency, unit, "
          "agency_name, unit_name, external_ids, state, step, step_since, resume_state, charge_due, charge_paid, "
          "charge, charge_vnd, processed_by, submitted_at, due_date, waited_minutes, waited_elapsed, stars) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
          "0, 0, '', 0, '[]', $22, '', 0, 0, 0)",
          {row.id,
           row.code,
           row.revision,
           row.procedure,
           row.procedure_version,
           row.channel,
           row.filer_person,
           row.filer_account,
           db::BlobView{filer},
           db::BlobView{content},
           row.assisting_officer,
           row.receiving_agency,
           row.deciding_agency,
           row.unit,
           row.agency_name,
           row.unit_name,
           MapJson(row.external_ids),
           p.state,
           p.step,
           row.step_since,
           p.resume,
           row.submitted_at})
      .status();
}

absl::Status Store::Update(db::Tx& tx, DossierRow& row) const {
  const Progress& p = row.progress;
  const SealedText tracking(sealer_, row.tracking_token, Place{"dossiers.tracking", row.id});
  const SealedText reason(sealer_, row.reason, Place{"dossiers.reason", row.id});
  const SealedText comment(sealer_, row.comment, Place{"dossiers.comment", row.id});
  const std::string hash = row.tracking_token.empty() ? "" : TrackingHash(row.tracking_token);
  const std::string processed_by = ListJson(p.processed_by), due = DateText(row.due_date);
  ASSIGN_OR_RETURN(
      const int64_t changed,
      tx.Exec("UPDATE dossiers SET revision = revision + 1, state = $3, step = $4, step_since = $5, resume_state = $6, "
              "charge_due = $7, charge_paid = $8, charge = $9, charge_vnd = $10, processed_by = $11, "
              "accepted_at = $12, waiting_since = $13, finished_at = $14, due_date = $15, late_from = $16, "
              "waited_minutes = $17, waited_elapsed = $18, resumed_at = $19, tracking_hash = $20, "
              "tracking_sealed = $21, reason_sealed = $22, stars = $23, comment_sealed = $24, rated_at = $25 "
              "WHERE id = $1 AND revision = $2",
              {row.id,
               row.revision,
               p.state,
               p.step,
               row.step_since,
               p.resume,
               p.charge_due,
               p.charge_paid,
               row.charge,
               row.charge_vnd,
               processed_by,
               p.accepted_at,
               p.waiting_since,
               p.finished_at,
               due,
               LateFrom(row.due_date),
               row.waited.working_minutes,
               row.waited.elapsed,
               row.waited.resumed_at,
               hash.empty() ? db::Param(db::Null{}) : db::Param(hash),
               tracking.param(),
               reason.param(),
               p.stars,
               comment.param(),
               row.rated_at}));
  if (changed != 1) return base::StaleEtag();
  ++row.revision;
  return absl::OkStatus();
}

absl::StatusOr<DossierRow> Store::Read(const db::Row& row) const {
  DossierRow d;
  int i = 0;
  d.id = row.Text(i++);
  d.code = row.Text(i++);
  d.revision = row.Int(i++);
  d.procedure = row.Text(i++);
  d.procedure_version = static_cast<int>(row.Int(i++));
  d.channel = static_cast<Channel>(row.Int(i++));
  d.filer_person = row.Text(i++);
  d.filer_account = row.Text(i++);
  ASSIGN_OR_RETURN(const std::string filer, sealer_.Open("dossiers.filer", d.id, row.TextView(i++)));
  ASSIGN_OR_RETURN(const std::string content, sealer_.Open("dossiers.content", d.id, row.TextView(i++)));
  if (!d.filer.ParseFromString(filer) || !d.content.ParseFromString(content))
    return base::Internal("dossier is damaged");
  d.assisting_officer = row.Text(i++);
  d.receiving_agency = row.Text(i++);
  d.deciding_agency = row.Text(i++);
  d.unit = row.Text(i++);
  d.agency_name = row.Text(i++);
  d.unit_name = row.Text(i++);
  d.external_ids = MapFrom(row.TextView(i++));
  Progress& p = d.progress;
  p.state = static_cast<State>(row.Int(i++));
  p.step = static_cast<int>(row.Int(i++));
  d.step_since = row.Int(i++);
  p.resume = static_cast<State>(row.Int(i++));
  p.charge_due = row.Bool(i++);
  p.charge_paid = row.Bool(i++);
  d.charge = row.Text(i++);
  d.charge_vnd = row.Int(i++);
  p.processed_by = ListFrom(row.TextView(i++));
  d.submitted_at = row.Int(i++);
  p.accepted_at = row.OptInt(i++);
  p.waiting_since = row.OptInt(i++);
  p.finished_at = row.OptInt(i++);
  d.due_date = base::ParseDate(row.TextView(i++));
  d.waited.working_minutes = row.Int(i++);
  d.waited.elapsed = row.Int(i++);
  d.waited.resumed_at = row.OptInt(i++);
  ASSIGN_OR_RETURN(d.tracking_token, OpenText(sealer_, row, i++, Place{"dossiers.tracking", d.id}));
  ASSIGN_OR_RETURN(d.reason, OpenText(sealer_, row, i++, Place{"dossiers.reason", d.id}));
  p.stars = static_cast<int>(row.Int(i++));
  ASSIGN_OR_RETURN(d.comment, OpenText(sealer_, row, i++, Place{"dossiers.comment", d.id}));
  d.rated_at = row.OptInt(i++);
  return d;
}

absl::StatusOr<std::optional<DossierRow>> Store::One(db::Tx& tx, std::string_view sql, std::string_view value) const {
  std::vector<DossierRow> rows;
  RETURN_IF_ERROR(tx.Query(sql, {value}, [&](const db::Row& row) -> absl::Status {
    ASSIGN_OR_RETURN(DossierRow read, Read(row));
    rows.push_back(std::move(read));
    return absl::OkStatus();
  }));
  return First(std::move(rows));
}

absl::StatusOr<std::optional<DossierRow>> Store::ByCode(db::Tx& tx, std::string_view code) const {
  return One(tx, "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE code = $1", code);
}
absl::StatusOr<std::optional<DossierRow>> Store::ByCodeForUpdate(db::Tx& tx, std::string_view code) const {
  static constexpr char kSelect[] = "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE code = $1";
  return One(tx, kSelect + std::string(db::ForUpdate(tx.engine())), code);
}
absl::StatusOr<std::optional<DossierRow>> Store::ById(db::Tx& tx, std::string_view id) const {
  return One(tx, "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE id = $1", id);
}
absl::StatusOr<std::optional<DossierRow>> Store::ByTracking(db::Tx& tx, std::string_view token) const {
  return One(tx, "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE tracking_hash = $1", TrackingHash(token));
}
absl::StatusOr<std::optional<DossierRow>> Store::ByCharge(db::Tx& tx, std::string_view charge) const {
  if (charge.empty()) return std::optional<DossierRow>();
  return One(tx, "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE charge = $1", charge);
}

absl::StatusOr<std::vector<DossierRow>> Store::List(db::Tx& tx, const DossierFilter& filter, base::Micros now) const {
  // Newest first: ids grow with time. A single state has an index of its own (the inbox); several are a mask.
  static constexpr std::string_view kTail =
      " AND ($2 = '' OR id < $2) AND ($3 = '' OR procedure = $3) "
      "AND ($4 = 0 OR late_from <= COALESCE(finished_at, waiting_since, $5)) ";
  static constexpr std::string_view kOrder = " ORDER BY id DESC LIMIT $6";
  static const std::string kSelect = "SELECT " DINH_DOSSIER_COLUMNS " FROM dossiers WHERE ";
  static const std::string kByFiler =
      kSelect + "filer_person = $1" + std::string(kTail) + "AND ((1 << state) & $7) <> 0" + std::string(kOrder);
  static const std::string kByAgency = kSelect + "receiving_agency = $1 AND unit = $8" + std::string(kTail) +
                                       "AND ((1 << state) & $7) <> 0" + std::string(kOrder);
  static const std::string kByAgencyState =
      kSelect + "receiving_agency = $1 AND unit = $8" + std::string(kTail) + "AND state = $7" + std::string(kOrder);
  int64_t mask = filter.states.empty() ? 0x7fe : 0;
  for (int state : filter.states) mask |= 1 << state;
  const bool one_state = filter.states.size() == 1;

  std::vector<DossierRow> rows;
  const auto read = [&](const db::Row& row) -> absl::Status {
    ASSIGN_OR_RETURN(DossierRow dossier, Read(row));
    rows.push_back(std::move(dossier));
    return absl::OkStatus();
  };
  if (!filter.filer_person.empty()) {
    RETURN_IF_ERROR(tx.Query(
        kByFiler, {filter.filer_person, filter.before, filter.procedure, filter.overdue_only, now, filter.limit, mask},
        read));
    return rows;
  }
  for (const Inbox& inbox : filter.inboxes) {
    RETURN_IF_ERROR(tx.Query(one_state ? kByAgencyState : kByAgency,
                             {inbox.agency, filter.before, filter.procedure, filter.overdue_only, now, filter.limit,
                              one_state ? filter.states.front() : mask, inbox.unit},
                             read));
  }
  std::sort(rows.begin(), rows.end(), [](const DossierRow& a, const DossierRow& b) { return a.id > b.id; });
  if (rows.size() > static_cast<size_t>(filter.limit)) rows.resize(static_cast<size_t>(filter.limit));
  return rows;
}

absl::Status Store::AddTimeline(db::Tx& tx, const DossierRow& row, const std::vector<TimelineRow>& entries) const {
  for (const TimelineRow& entry : entries) {
    const Change& c = entry.change;
    const SealedText note(sealer_, c.reason, Place{"timeline.note", row.id});
    const std::optional<int64_t> from = c.pause ? std::optional<int64_t>(c.pause->from) : std::nullopt;
    const std::optional<int64_t> to = c.pause ? std::optional<int64_t>(c.pause->to) : std::nullopt;
    RETURN_IF_ERROR(
        tx.ExecLater("INSERT INTO timeline (dossier, position, at, event, from_state, to_state, from_step, "
                     "to_step, actor_kind, actor, actor_role, note_sealed, pause_from, pause_to) "
                     "VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM timeline WHERE dossier = $1), $2, "
                     "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                     {row.id, c.at, EventName(c.event), c.from, c.to, c.step_from, c.step_to, entry.actor_kind, c.actor,
                      entry.actor_role, note.param(), from, to}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TimelineRow>> Store::Timeline(db::Tx& tx, const DossierRow& dossier) const {
  std::vector<TimelineRow> rows;
  RETURN_IF_ERROR(tx.Query(
      "SELECT at, event, from_state, to_state, from_step, to_step, actor_kind, actor, actor_role, note_sealed, "
      "pause_from, pause_to FROM timeline WHERE dossier = $1 ORDER BY position",
      {dossier.id}, [&](const db::Row& row) -> absl::Status {
        TimelineRow entry;
        Change& c = entry.change;
        c.at = row.Int(0);
        c.event = ParseEvent(row.TextView(1)).value_or(EventKind::kSubmit);
        c.from = static_cast<State>(row.Int(2));
        c.to = static_cast<State>(row.Int(3));
        c.step_from = static_cast<int>(row.Int(4));
        c.step_to = static_cast<int>(row.Int(5));
        entry.actor_kind = static_cast<ActorKind>(row.Int(6));
        c.actor = row.Text(7);
        entry.actor_role = row.Text(8);
        ASSIGN_OR_RETURN(c.reason, OpenText(sealer_, row, 9, Place{"timeline.note", dossier.id}));
        if (!row.IsNull(10) && !row.IsNull(11)) c.pause = Pause{row.Int(10), row.Int(11)};
        rows.push_back(std::move(entry));
        return absl::OkStatus();
      }));
  return rows;
}

absl::Status Store::InsertAttachment(db::Tx& tx, const AttachmentRow& row) const {
  const std::string name = sealer_.Seal("attachments.file_name", row.id, row.file_name);
  return tx
      .Exec(
          "INSERT INTO attachments (id, owner_account, owner_person, dossier, kind, position, file_name_sealed, "
          "blob, content_type, size_bytes, sha256, created_at) "
          "VALUES ($1, $2, $3, NULL, 0, 0, $4, $5, $6, $7, $8, $9)",
          {row.id, row.owner_account, row.owner_person, db::BlobView{name}, row.blob, row.content_type, row.size_bytes,
           row.sha256, row.created_at})
      .status();
}

absl::StatusOr<AttachmentRow> Store::ReadAttachment(const db::Row& row) const {
  AttachmentRow a;
  a.id = row.Text(0);
  a.owner_account = row.Text(1);
  a.owner_person = row.Text(2);
  a.dossier = row.OptText(3).value_or("");
  a.kind = static_cast<FileKind>(row.Int(4));
  ASSIGN_OR_RETURN(a.file_name, sealer_.Open("attachments.file_name", a.id, row.TextView(5)));
  a.blob = row.Text(6);
  a.content_type = row.Text(7);
  a.size_bytes = row.Int(8);
  a.sha256 = row.Text(9);
  a.created_at = row.Int(10);
  return a;
}

absl::StatusOr<std::optional<AttachmentInDossier>> Store::Attachment(db::Tx& tx, std::string_view id) const {
  std::vector<AttachmentInDossier> found;
  RETURN_IF_ERROR(tx.Query("SELECT " DINH_ATTACHMENT_COLUMNS " FROM attachments WHERE id = $1", {id},
                           [&](const db::Row& row) -> absl::Status {
                             ASSIGN_OR_RETURN(AttachmentRow file, ReadAttachment(row));
                             found.push_back({std::move(file), std::nullopt});
                             return absl::OkStatus();
                           }));
  if (!found.empty() && !found.front().file.dossier.empty()) {
    ASSIGN_OR_RETURN(found.front().dossier, ById(tx, found.front().file.dossier));
  }
  return First(std::move(found));
}

absl::StatusOr<int64_t> Store::CountUnused(db::Tx& tx, std::string_view account) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM attachments WHERE owner_account = $1 AND dossier IS NULL",
                               {account}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

absl::StatusOr<std::optional<AttachmentRow>> Store::TakeAttachment(db::Tx& tx, std::string_view id,
                                                                   std::string_view account, std::string_view person,
                                                                   const DossierRow& row, FileKind kind,
                                                                   int64_t position) const {
  std::vector<AttachmentRow> taken;
  RETURN_IF_ERROR(
      tx.Query("UPDATE attachments SET dossier = $4, kind = $5, position = $6 WHERE id = $1 AND "
               "owner_account = $2 AND (owner_person = '' OR owner_person = $3) AND dossier IS NULL "
               "RETURNING " DINH_ATTACHMENT_COLUMNS,
               {id, account, person, row.id, kind, position}, [&](const db::Row& updated) -> absl::Status {
                 ASSIGN_OR_RETURN(AttachmentRow file, ReadAttachment(updated));
                 taken.push_back(std::move(file));
                 return absl::OkStatus();
               }));
  return First(std::move(taken));
}

absl::Status Store::SupersedeResults(db::Tx& tx, const DossierRow& dossier) const {
  return tx
      .Exec("UPDATE attachments SET kind = $2 WHERE dossier = $1 AND kind = $3",
            {dossier.id, FileKind::kSupersededDraft, FileKind::kResult})
      .status();
}

absl::StatusOr<std::vector<AttachmentRow>> Store::Attachments(db::Tx& tx, const DossierRow& dossier) const {
  std::vector<AttachmentRow> rows;
  RETURN_IF_ERROR(tx.Query("SELECT " DINH_ATTACHMENT_COLUMNS
                           " FROM attachments WHERE dossier = $1 ORDER BY kind, position",
                           {dossier.id}, [&](const db::Row& row) -> absl::Status {
                             ASSIGN_OR_RETURN(AttachmentRow file, ReadAttachment(row));
                             rows.push_back(std::move(file));
                             return absl::OkStatus();
                           }));
  return rows;
}

absl::StatusOr<std::vector<std::string>> Store::RemoveUnused(db::Tx& tx, base::Micros before, int limit) const {
  return tx.QueryAll(
      "DELETE FROM attachments WHERE id IN (SELECT id FROM attachments WHERE dossier IS NULL AND "
      "created_at < $1 ORDER BY created_at LIMIT $2) RETURNING blob",
      {before, limit}, [](const db::Row& row) { return row.Text(0); });
}

}  // namespace dinh::procedures
