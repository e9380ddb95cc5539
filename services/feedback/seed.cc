#include "services/feedback/seed.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "libs/auth/sealer.h"
#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "libs/config/data_files.h"
#include "services/feedback/domain/clock.h"
#include "services/feedback/json_data.h"
#include "services/feedback/publication.h"
#include "services/feedback/store.h"
#include "services/feedback/store_board.h"
#include "services/feedback/view.h"

namespace dinh::feedback {
namespace {

constexpr int64_t kPerTransaction = 20'000;  // counts of the map are merged over it
constexpr size_t kNumbersAtOnce = 100;       // what is sent on is waited for so often
constexpr int64_t kDay = 86400 * int64_t{base::kMicrosPerSecond};
constexpr int64_t kPastDays = 730;
constexpr int kOpenPercent = 8;  // not answered yet
constexpr int kAnonymousPercent = 15;
constexpr int kCitizens = 20'000;
constexpr double kSpreadDegrees = 0.018;  // around a commune's reference point, about 2 km

constexpr std::array kWhere = {
    "cạnh nhà văn hóa thôn", "trước cổng trường", "đầu ngõ",      "gần trạm bơm", "đoạn qua chợ",
    "cuối đường liên thôn",  "ngã ba đi đê",      "sau sân bóng", "gần cầu",      "khu tái định cư"};
constexpr std::array kSince = {"mấy hôm nay", "từ tuần trước", "sau trận mưa", "đã lâu", "từ đầu tháng"};
constexpr std::array kWish = {"đề nghị xã xử lý sớm", "mong được khắc phục", "đi lại rất khó khăn", "bà con rất lo",
                              "ảnh hưởng đến các cháu đi học"};

template <typename List>
const auto& Pick(base::SeededRandom& dice, const List& list) {
  return list[dice.Below(list.size())];
}

// Stands at the time of the report that is being made.
class PastClock final : public base::Clock {
 public:
  base::Micros Now() const override { return now_; }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(now_));
  }
  void Set(base::Micros now) { now_ = now; }

 private:
  base::Micros now_ = 0;
};

// The data and rules that every row is made by.
struct Maker {
  const FeedbackData& data;
  const base::WorkingCalendar& calendar;
  const PublicationRules& rules;
  base::SeededRandom& dice;
  base::IdGenerator& ids;
  base::Micros now;
  std::vector<const Category*> leaves;  // that may be public

  Point PlaceNear(const ReferencePoint& reference) const {
    // Denser in the middle: the mean of two draws.
    const auto off = [this] {
      const double a = static_cast<double>(dice.Below(1'000'000)) / 1e6,
                   b = static_cast<double>(dice.Below(1'000'000)) / 1e6;
      return (a + b - 1) * kSpreadDegrees;
    };
    return {reference.point.lat + off(), reference.point.lon + off()};
  }

  ReportRow Report(base::Micros at) const {
    const ReferencePoint& reference = Pick(dice, data.places);
    const Category& category = *Pick(dice, leaves);
    ReportRow row;
    row.id = ids.Next();
    row.code = PublicCode(dice.Below(uint64_t{1} << 50));
    row.category = category.id;
    const bool police = category.responsible.agency == AgencyKind::kPolice;
    row.agency = (police ? "ca-" : "ubnd-") + reference.unit;
    row.unit = reference.unit;
    row.position = category.responsible.position;
    row.reporter_account = "seed-" + std::to_string(dice.Below(kCitizens));
    row.content.set_description(category.name.vi + " " + Pick(dice, kWhere) + ", " + Pick(dice, kSince) + ", " +
                                Pick(dice, kWish) + ".");
    const Point point = PlaceNear(reference);
    row.content.mutable_place()->mutable_point()->set_lat(point.lat);
    row.content.mutable_place()->mutable_point()->set_lng(point.lon);
    row.content.mutable_place()->set_unit(reference.unit);
    row.anonymous = dice.Below(100) < kAnonymousPercent;
    row.asked_public = true;
    row.created_at = row.first_public_at = at;
    return row;
  }
};

// The life of one report up to now, as lines.
absl::StatusOr<std::vector<UpdateRow>> Live(const Maker& maker, ReportRow& row) {
  std::vector<UpdateRow> lines;
  const Rules rules = RulesOf(maker.data.categories, row.category);
  const auto step = [&](EventKind kind, base::Micros at, const std::string& text) -> absl::Status {
    Event event;
    event.kind = kind;
    event.at = at;
    event.reason = text;
    event.stars = 3 + static_cast<int>(maker.dice.Below(3));
    event.actor = kind == EventKind::kSubmit || kind == EventKind::kRate ? ActorKind::kReporter : ActorKind::kOfficer;
    if (kind == EventKind::kAssign) event.assignee = "seed-officer-" + row.unit;
    ASSIGN_OR_RETURN(const Change change, Apply(rules, event, row.progress));
    UpdateRow line;
    line.at = at;
    line.event = std::string(EventName(kind));
    line.from = change.from;
    line.to = change.to;
    line.actor_kind = event.actor == ActorKind::kReporter ? pb::Update::ACTOR_REPORTER : pb::Update::ACTOR_OFFICER;
    line.text = text;
    line.position = static_cast<int64_t>(lines.size()) + 1;
    lines.push_back(std::move(line));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(step(EventKind::kSubmit, row.created_at, ""));
  const auto age = static_cast<uint64_t>(std::max<base::Micros>(maker.now - row.created_at, kDay));
  const base::Micros answered =
      row.created_at + static_cast<base::Micros>(maker.dice.Below(std::min<uint64_t>(age, 10 * kDay)));
  if (maker.dice.Below(100) < kOpenPercent) return lines;
  RETURN_IF_ERROR(step(EventKind::kAssign, row.created_at + 1, ""));
  if (maker.dice.Below(10) == 0) {
    RETURN_IF_ERROR(step(EventKind::kReject, answered, "Không thuộc địa bàn của xã."));
  } else {
    RETURN_IF_ERROR(step(EventKind::kResolve, answered, "Đã khắc phục xong."));
    if (maker.dice.Below(3) == 0) RETURN_IF_ERROR(step(EventKind::kRate, answered + 1, ""));
  }
  return lines;
}

struct Written {
  const Store& store;
  const BoardStore& board;
  std::map<CellKey, CellCount> cells;
  IndicatorSums figures;
  std::vector<BoardRow> published;

  absl::Status Report(db::Tx& tx, const Maker& maker, ReportRow row) {
    ASSIGN_OR_RETURN(const std::vector<UpdateRow> lines, Live(maker, row));
    const Category& category = *maker.data.categories.Find(row.category);
    const auto due = DueAt(maker.calendar, category.answer_hours, row.progress);
    if (due.ok()) row.due_at = *due;
    RETURN_IF_ERROR(store.Insert(tx, row));
    row.history.emplace();
    for (const UpdateRow& line : lines) {
      RETURN_IF_ERROR(store.AddUpdate(tx, row, line).status());
      row.history->push_back(line);
    }
    Count(maker, row);
    PublicationPlan plan = PlanPublication(maker.rules, {row, lines, {}, nullptr, "", maker.now});
    if (!plan.row) return absl::OkStatus();
    plan.row->published_at = row.created_at;
    for (const CellKey& key : CellsOf(maker.data.categories, *plan.row)) {
      (IsOpen(plan.row->state) ? cells[key].open : cells[key].finished) += 1;
    }
    published.push_back(*std::move(plan.row));
    return published.size() < kNumbersAtOnce ? absl::OkStatus() : Publish(tx);
  }

  absl::Status Publish(db::Tx& tx) {
    ASSIGN_OR_RETURN(int64_t number, board.NextNumber(tx, static_cast<int64_t>(published.size())));
    for (BoardRow& row : published) {
      row.number = number++;
      RETURN_IF_ERROR(board.Insert(tx, row));
    }
    published.clear();
    return absl::OkStatus();
  }

  // What was gathered over the reports.
  absl::Status Finish(db::Tx& tx) {
    RETURN_IF_ERROR(Publish(tx));
    RETURN_IF_ERROR(board.AddTotals(tx, figures));
    return board.AddCells(tx, cells);
  }

  void Count(const Maker& maker, const ReportRow& row) {
    const std::string root = maker.data.categories.Chain(row.category).back()->id;
    Counts& sum = figures[{row.unit, root, base::DaysFromCivil(base::ToVietnam(row.created_at).date)}];
    ++sum.received;
    if (!row.progress.first_answered_at) return;
    ++sum.answered;
    ++(IsOverdue(row.progress, row.due_at, maker.now) ? sum.overdue_open : sum.answered_on_time);
    const auto minutes = UsedMinutes(maker.calendar, row.progress, maker.now);
    sum.minutes.resize(BucketCount());
    if (minutes.ok()) ++sum.minutes[BucketOf(*minutes)];
    ++(row.progress.state == State::kResolved ? sum.resolved : sum.rejected);
    if (row.progress.stars > 0) ++sum.stars[static_cast<size_t>(row.progress.stars - 1)];
  }
};

}  // namespace

absl::Status SeedReports(base::OpContext& ctx, const SeedTools& tools, const SeedPlan& plan) {
  ASSIGN_OR_RETURN(const std::string feedback, config::ReadDataFile(tools.resource_dir + "/feedback.json"));
  ASSIGN_OR_RETURN(const FeedbackData data, ReadFeedback(feedback));
  ASSIGN_OR_RETURN(const std::string holidays, config::ReadDataFile(tools.resource_dir + "/holidays.json"));
  ASSIGN_OR_RETURN(const std::vector<base::CalendarDay> days, config::ReadHolidays(holidays));
  ASSIGN_OR_RETURN(const base::WorkingCalendar calendar, base::WorkingCalendar::Create(days));
  const auth::Sealer sealer(tools.keys, tools.random);
  const Store store(sealer);
  const BoardStore board(sealer);
  RETURN_IF_ERROR(tools.database.Migrate(Migrations()));
  RETURN_IF_ERROR(board.EnsureSchema(tools.database));
  const PublicationRules rules{data.categories, Screener(data.profanity), HiddenPlaceKey(sealer)};
  base::SeededRandom dice(plan.seed);
  PastClock past;
  base::IdGenerator ids(past, dice);
  Maker maker{data, calendar, rules, dice, ids, plan.now, {}};
  for (const Category* leaf : data.categories.leaves()) {
    if (leaf->may_be_public && TakesReports(leaf->kind) && leaf->responsible.level == UnitLevel::kCommune) {
      maker.leaves.push_back(leaf);
    }
  }
  if (maker.leaves.empty() || data.places.empty()) {
    return base::Internal("feedback.json has nothing to make reports of");
  }
  for (int64_t done = 0; done < plan.reports;) {
    const int64_t batch = std::min(kPerTransaction, plan.reports - done);
    const auto write = [&](db::Tx& tx) -> absl::Status {
      Written written{store, board, {}, {}, {}};
      for (int64_t i = 0; i < batch; ++i) {
        const base::Micros at = plan.now - kPastDays * kDay + (kPastDays * kDay / plan.reports) * (done + i);
        past.Set(at);
        RETURN_IF_ERROR(written.Report(tx, maker, maker.Report(at)));
      }
      return written.Finish(tx);
    };
    // It only adds rows, and counts up what it locks in the order of the keys.
    RETURN_IF_ERROR(tools.database.Transact(ctx, write, db::Isolation::kReadCommitted));
    done += batch;
    if (plan.progress) plan.progress(done);
  }
  return absl::OkStatus();
}

}  // namespace dinh::feedback
