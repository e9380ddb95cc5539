#include "services/feedback/publisher.h"

#include <algorithm>
#include <utility>

#include "dinh/feedback/v1/events.pb.h"
#include "libs/base/civil.h"
#include "libs/db/dialect.h"
#include "services/feedback/domain/privacy.h"

namespace dinh::feedback {
namespace {

constexpr std::chrono::seconds kTick{1};           // what became due without a commit
constexpr std::chrono::milliseconds kGather{250};  // changes that follow each other become one publication
constexpr std::chrono::seconds kFailurePause{1};
constexpr std::chrono::seconds kRoundLimit{30};
constexpr int kDueCountedMax = 10'000;         // for the gauge
constexpr base::Micros kDamagedPause = kHour;  // a report that cannot be read is tried again so much later
constexpr std::string_view kVillagePrefix = "v-";
constexpr char kPublisherLock[] = "feedback.publisher";  // numbers and counts of the map are one publisher's at a time

bool IsVillage(const std::string& unit) { return unit.starts_with(kVillagePrefix); }

// Joined with a phone alone: there is no account to tell.
bool IsAccount(const std::string& who) {
  const bool index =
      who.size() == 2 * auth::kBlindIndexBytes && who.find_first_not_of("0123456789abcdef") == std::string::npos;
  return !who.empty() && !index;
}

}  // namespace

// A report to be published.
struct Publisher::Draft {
  Publication publication;
  ReportRow report;
  std::vector<UpdateRow> updates;
  std::vector<PhotoRow> photos;
};

// What a transaction gathers over its reports.
struct Publisher::Batch {
  const std::map<std::string, std::string>& villages;
  base::Micros now = 0;
  std::map<CellKey, CellCount> cells;
  int published = 0;
  int changed = 0;
  int removed = 0;
  int damaged = 0;
  int due = 0;  // found at the beginning
  // What becomes of the publications: the time to look again, or nothing more.
  std::vector<std::pair<Publication, std::optional<base::Micros>>> ends;

  void Add(const CategoryTree& categories, const BoardRow& row, int64_t change) {
    for (const CellKey& key : CellsOf(categories, row)) {
      CellCount& count = cells[key];
      (IsOpen(row.state) ? count.open : count.finished) += change;
    }
  }
};

Publisher::Publisher(Parts parts)
    : p_(std::move(parts)),
      rules_{p_.data.categories, Screener(p_.data.profanity), p_.hidden_place_key},
      published_(p_.metrics.AddCounter("dinh_feedback_board_changes_total", "changes of the public board", {"what"})
                     .With({"published"})),
      changed_(p_.metrics.AddCounter("dinh_feedback_board_changes_total", "changes of the public board", {"what"})
                   .With({"changed"})),
      removed_(p_.metrics.AddCounter("dinh_feedback_board_changes_total", "changes of the public board", {"what"})
                   .With({"removed"})),
      failures_(p_.metrics.AddCounter("dinh_feedback_publish_failures_total", "publications that failed").With({})),
      due_(p_.metrics.AddGauge("dinh_feedback_publications_due", "reports waiting to be published").With({})) {}

Publisher::~Publisher() { Stop(); }

void Publisher::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Publisher::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Publisher::Wake() {
  {
    std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  wake_.notify_one();
}

void Publisher::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [this] { return stopping_ || woken_; });
    wake_.wait_for(lock, kGather, [this] { return stopping_; });
    // Everything that is due, then what came meanwhile is gathered again.
    woken_ = false;
    for (bool more = true; more && !stopping_;) {
      lock.unlock();
      const absl::StatusOr<bool> round = Round();
      if (!round.ok()) {
        failures_.Increment();
        p_.logger.Warn("publisher_failed", {{"error", round.status().ToString()}});
      }
      lock.lock();
      more = round.ok() && *round;
      if (round.ok()) continue;
      woken_ = true;
      wake_.wait_for(lock, kFailurePause, [this] { return stopping_; });
    }
  }
}

uint64_t Publisher::Bits() {
  uint64_t bits = 0;
  p_.random.Fill(&bits, sizeof bits);
  return bits;
}

absl::StatusOr<std::map<std::string, std::string>> Publisher::Villages(base::OpContext& ctx) {
  std::map<std::string, std::string> villages;
  RETURN_IF_ERROR(p_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t due, p_.board.CountDue(tx, ctx.Now(), kDueCountedMax));
    due_.Set(static_cast<double>(due));
    ASSIGN_OR_RETURN(const std::vector<std::string> reports, p_.board.PeekDue(tx, ctx.Now(), kPublishBatch));
    for (const std::string& id : reports) {
      const absl::StatusOr<std::optional<ReportRow>> report = p_.store.ById(tx, id);
      if (!report.ok() || !*report || (*report)->anonymous) continue;  // what is damaged is told of later
      const std::string& unit = (*report)->content.place().unit();
      if (IsVillage(unit)) villages.emplace(unit, "");
    }
    return absl::OkStatus();
  }));
  for (auto& [code, name] : villages) name = p_.names.UnitName(ctx, code);
  return villages;
}

absl::StatusOr<bool> Publisher::Round() {
  base::OpContext ctx(p_.clock, p_.clock.Steady() + kRoundLimit);
  ASSIGN_OR_RETURN(const bool due, p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.AnyDue(tx, ctx.Now()); }));
  if (!due) {
    due_.Set(0);
    return false;
  }
  ASSIGN_OR_RETURN(const auto villages, Villages(ctx));
  bool board_changed = false;
  const auto publish = [&](db::Tx& tx) -> absl::StatusOr<bool> {
    RETURN_IF_ERROR(db::LockName(tx, kPublisherLock));
    Batch batch{.villages = villages, .now = ctx.Now(), .cells = {}, .ends = {}};
    ASSIGN_OR_RETURN(const std::vector<Draft> drafts, ReadDue(tx, batch));
    for (const Draft& draft : drafts) RETURN_IF_ERROR(PublishOne(tx, draft, batch));
    RETURN_IF_ERROR(p_.board.AddCells(tx, batch.cells));
    // The last of all: from here on changes of these reports wait for the commit.
    for (const auto& [publication, later] : batch.ends) {
      RETURN_IF_ERROR(later ? p_.board.Postpone(tx, publication, *later) : p_.board.Done(tx, publication));
    }
    tx.AfterCommit([this, &board_changed, published = batch.published, changed = batch.changed, removed = batch.removed,
                    damaged = batch.damaged] {
      published_.Increment(published);
      changed_.Increment(changed);
      removed_.Increment(removed);
      failures_.Increment(damaged);
      board_changed = published + changed + removed > 0;
    });
    return batch.due == kPublishBatch;
  };
  // One publisher at a time; reports are not locked, but what changed since it was read stays due.
  absl::StatusOr<bool> more = p_.database.Transact(ctx, publish, db::Isolation::kReadCommitted);
  // After an error, too: whether it was committed may be unknown.
  if (board_changed || !more.ok()) p_.cache.BoardChanged();
  return more;
}

// What is due, each report as it stood at one moment.
absl::StatusOr<std::vector<Publisher::Draft>> Publisher::ReadDue(db::Tx& tx, Batch& batch) {
  ASSIGN_OR_RETURN(const std::vector<Publication> due, p_.board.Due(tx, batch.now, kPublishBatch));
  batch.due = static_cast<int>(due.size());
  std::vector<Draft> drafts;
  for (const Publication& publication : due) {
    absl::StatusOr<std::optional<ReportRow>> report = p_.store.ById(tx, publication.report);
    if (!report.ok()) {
      // One that does not open must not keep the others from the board. (When the database is at fault this fails,
      // too.)
      ++batch.damaged;
      p_.logger.Error("report_unreadable", {{"report", publication.report}, {"error", report.status().ToString()}});
      batch.ends.emplace_back(publication, batch.now + kDamagedPause);
      continue;
    }
    if (!*report) {
      batch.ends.emplace_back(publication, std::nullopt);
      continue;
    }
    Draft draft{publication, **std::move(report), {}, {}};
    ASSIGN_OR_RETURN(draft.updates, p_.store.Updates(tx, draft.report));
    ASSIGN_OR_RETURN(draft.photos, p_.store.Photos(tx, draft.report));
    drafts.push_back(std::move(draft));
  }
  // Whoever changes what is public of a report changes its publication too: one that is as it was has been read whole.
  ASSIGN_OR_RETURN(const std::vector<Publication> still, p_.board.Due(tx, batch.now, kPublishBatch));
  std::erase_if(drafts, [&](const Draft& draft) {
    return std::find(still.begin(), still.end(), draft.publication) == still.end();
  });
  return drafts;
}

absl::Status Publisher::PublishOne(db::Tx& tx, const Draft& draft, Batch& batch) {
  const ReportRow& report = draft.report;
  const std::string& place = report.content.place().unit();
  const auto village = batch.villages.find(place);
  // Became due since the villages were asked for: the next round knows its name.
  if (village == batch.villages.end() && IsVillage(place) && !report.anonymous) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<BoardRow> before, p_.board.ByCode(tx, report.code));
  std::optional<base::Micros> later;
  if (!before && batch.now < report.first_public_at) {
    later = report.first_public_at;
  } else {
    PublicationPlan plan = PlanPublication(rules_, {report, draft.updates, draft.photos, before ? &*before : nullptr,
                                                    village == batch.villages.end() ? "" : village->second, batch.now});
    if (plan.row) {
      RETURN_IF_ERROR(Show(tx, report, before, *std::move(plan.row), batch));
    } else if (before) {
      RETURN_IF_ERROR(TakeOff(tx, *before, batch));
    }
    if (plan.more_later) later = batch.now + DrawDelay(kLaterDelay, Bits());
  }
  batch.ends.emplace_back(draft.publication, later);
  return absl::OkStatus();
}

absl::Status Publisher::Show(db::Tx& tx, const ReportRow& report, const std::optional<BoardRow>& before, BoardRow row,
                             Batch& batch) {
  if (!before) {
    ASSIGN_OR_RETURN(row.number, p_.board.NextNumber(tx));
    row.published_at = batch.now;
    RETURN_IF_ERROR(p_.board.Insert(tx, row));
    batch.Add(p_.data.categories, row, 1);
    ++batch.published;
    RETURN_IF_ERROR(TellFollowers(tx, report, row));
    return Announce(tx, row, false);
  }
  if (row == *before) return absl::OkStatus();
  RETURN_IF_ERROR(p_.board.Update(tx, *before, row));
  batch.Add(p_.data.categories, *before, -1);
  batch.Add(p_.data.categories, row, 1);
  ++batch.changed;
  if (row.changed_at == before->changed_at && row.lines == before->lines) return absl::OkStatus();
  if (row.state != before->state || row.lines.size() > before->lines.size()) RETURN_IF_ERROR(TellJoined(tx, report));
  return Announce(tx, row, false);
}

absl::Status Publisher::TakeOff(db::Tx& tx, const BoardRow& before, Batch& batch) {
  RETURN_IF_ERROR(p_.board.Remove(tx, before));
  batch.Add(p_.data.categories, before, -1);
  ++batch.removed;
  return Announce(tx, before, true);
}

absl::Status Publisher::TellFollowers(db::Tx& tx, const ReportRow& report, const BoardRow& row) {
  // Nobody learns of an anonymous report's village, nor of its true place, by being told.
  std::vector<std::string> units = {row.unit};
  const std::string& village = report.content.place().unit();
  if (!report.anonymous && IsVillage(village)) units.push_back(village);
  ASSIGN_OR_RETURN(const std::vector<std::string> accounts,
                   p_.board.Followers(tx, units, row.point, kNoticesPerReportMax));
  for (const std::string& account : accounts) {
    if (account == report.reporter_account) continue;
    RETURN_IF_ERROR(
        p_.store.AddNotice(tx, {p_.ids.Next(), account, pb::Notice::KIND_PUBLISHED, row.code, tx.context().Now()}));
  }
  return absl::OkStatus();
}

absl::Status Publisher::TellJoined(db::Tx& tx, const ReportRow& report) {
  ASSIGN_OR_RETURN(const std::vector<std::string> joined, p_.store.Joined(tx, report, kNoticesPerReportMax));
  for (const std::string& who : joined) {
    if (!IsAccount(who)) continue;
    RETURN_IF_ERROR(
        p_.store.AddNotice(tx, {p_.ids.Next(), who, pb::Notice::KIND_CHANGED, report.code, tx.context().Now()}));
  }
  return absl::OkStatus();
}

absl::Status Publisher::Announce(db::Tx& tx, const BoardRow& row, bool removed) {
  pb::BoardChanged event;
  event.set_report(row.code);
  event.set_state(static_cast<pb::Report::State>(row.state));
  event.set_category(row.category);
  event.set_unit(row.unit);
  if (row.point) {
    event.mutable_point()->set_lat(row.point->lat);
    event.mutable_point()->set_lng(row.point->lon);
  }
  event.set_day(base::FormatDate(base::CivilFromDays(row.day)));
  event.set_removed(removed);
  return p_.outbox.Append(tx, row.code, event);
}

}  // namespace dinh::feedback
