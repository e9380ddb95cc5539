#include "services/feedback/publication.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/text.h"
#include "services/feedback/domain/privacy.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kKeyContext = "feedback.hidden_place";

// The part of a blind index that is its key's id says nothing secret.
std::string OldestTag(const auth::Sealer& sealer, std::string_view value) {
  return sealer.BlindIndexCandidates(kKeyContext, value).back().substr(auth::kKeyIdBytes);
}

bool Cleared(Moderation moderation) {
  return moderation == Moderation::kNotNeeded || moderation == Moderation::kApproved;
}

bool IsPublicLine(const UpdateRow& line) {
  switch (line.kind) {
    case pb::Update::KIND_STATE:
      return true;
    case pb::Update::KIND_PUBLIC:
      return Cleared(line.moderation);
    case pb::Update::KIND_REPLY:
      return line.moderation == Moderation::kApproved;
    default:
      return false;
  }
}

// What an officer tells everybody. Questions to the reporter, notes to a colleague and reasons of a reporter are not.
bool ShowsText(const UpdateRow& line) {
  if (line.kind != pb::Update::KIND_STATE) return true;
  static constexpr std::array kTold = {EventKind::kAnswer, EventKind::kResolve, EventKind::kReject};
  const std::optional<EventKind> event = ParseEvent(line.event);
  return Cleared(line.moderation) && line.actor_kind == pb::Update::ACTOR_OFFICER && event &&
         std::find(kTold.begin(), kTold.end(), *event) != kTold.end();
}

const BoardLine* LineAt(const BoardRow* before, int64_t position) {
  if (before == nullptr) return nullptr;
  for (const BoardLine& line : before->lines) {
    if (line.position == position) return &line;
  }
  return nullptr;
}

// The public lines, and what of the report was kept back with those that are too young.
struct Lines {
  std::vector<BoardLine> shown;
  std::optional<State> state;  // before the first change kept back
  bool rating = false;         // the reporter's stars are kept back
  bool any = false;
};

Lines LinesOf(const PublicationInput& in) {
  Lines out;
  const bool anonymous = in.report.anonymous;
  for (const UpdateRow& line : in.updates) {
    if (!IsPublicLine(line)) continue;
    const BoardLine* const was = LineAt(in.before, line.position);
    if (anonymous && was == nullptr && in.now - line.at < kLaterDelay.min) {
      out.any = true;
      if (line.kind == pb::Update::KIND_STATE && !out.state) out.state = line.from;
      if (line.event == EventName(EventKind::kRate)) out.rating = true;
      continue;
    }
    BoardLine shown;
    shown.position = line.position;
    shown.kind = line.kind;
    shown.event = line.event;
    shown.state = line.to;
    shown.actor = line.actor_kind;
    if (line.actor_kind == pb::Update::ACTOR_OFFICER) shown.actor_name = line.actor_name;
    if (ShowsText(line)) shown.text = RedactContacts(line.public_text.empty() ? line.text : line.public_text);
    shown.shown_at = was != nullptr ? was->shown_at : ShownTime(line.at, in.now, anonymous);
    out.shown.push_back(std::move(shown));
  }
  return out;
}

std::vector<BoardPhoto> PhotosOf(const std::vector<PhotoRow>& photos) {
  std::vector<BoardPhoto> out;
  for (const PhotoRow& photo : photos) {
    if (photo.moderation != Moderation::kApproved || photo.contested) continue;
    out.push_back({photo.id, photo.kind, photo.width, photo.height});
  }
  return out;
}

std::string PlaceText(const PublicationRules& rules, const PublicationInput& in) {
  if (!ShowsPlaceText(in.report.anonymous)) return "";
  std::string text = in.village;
  const std::string& note = in.report.content.place().note();
  // Nobody moderates the note by itself: what would be held back stays away.
  if (note.empty() || !rules.screener.Screen(note).empty()) return text;
  if (!text.empty()) text += ", ";
  return text + RedactContacts(note);
}

std::optional<Point> PointOf(const PublicationRules& rules, const ReportRow& report) {
  const pb::Place& place = report.content.place();
  if (!place.has_point()) return std::nullopt;
  const Point point{place.point().lat(), place.point().lng()};
  if (!CheckPoint(point).ok()) return std::nullopt;
  return ShownPoint(rules.hidden_place_key, point, report.anonymous);
}

bool MayStand(const PublicationRules& rules, const PublicationInput& in) {
  const Category* category = rules.categories.Find(in.report.category);
  // Of a category that is gone from the data: it stays where it was.
  const bool may = category != nullptr ? category->may_be_public : in.before != nullptr;
  return PublicStateOf({may, in.report.asked_public, in.report.moderation, in.report.hidden}) == PublicState::kPublic;
}

int64_t DayNumber(base::Micros at) { return base::DaysFromCivil(base::ToVietnam(at).date); }

// The row but for its last change.
BoardRow RowOf(const PublicationRules& rules, const PublicationInput& in, const Lines& lines) {
  const ReportRow& report = in.report;
  BoardRow row;
  row.code = report.code;
  row.category = report.category;
  row.unit = report.unit;
  row.agency = report.agency;
  row.state = lines.state.value_or(report.progress.state);
  row.point = PointOf(rules, report);
  row.shown_at = in.before != nullptr ? in.before->shown_at : ShownTime(report.created_at, in.now, report.anonymous);
  row.day = DayNumber(row.shown_at);
  if (!report.anonymous && IsOpen(row.state)) row.expected_at = report.due_at;
  row.anonymous = report.anonymous;
  row.joined = report.joined;
  row.stars = report.progress.stars;
  if (lines.rating) row.stars = in.before != nullptr ? in.before->stars : 0;
  row.text = RedactContacts(report.public_text.empty() ? report.content.description() : report.public_text);
  row.place = PlaceText(rules, in);
  row.photos = PhotosOf(in.photos);
  row.lines = lines.shown;
  const Category* category = rules.categories.Find(report.category);
  row.search = base::Fold(row.text + " " + row.place + " " + (category != nullptr ? category->name.vi : ""));
  if (in.before != nullptr) {
    row.number = in.before->number;
    row.published_at = in.before->published_at;
  }
  return row;
}

std::string MonthOf(int64_t day) {
  const base::CivilDate date = base::CivilFromDays(day);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d%02d", date.year, date.month);
  return text.data();
}

std::string MonthDim(const std::string& month) { return "m:" + month; }
std::string UnitDim(const std::string& unit) { return "u:" + unit; }
std::string CategoryDim(const std::string& category) { return "c:" + category; }

}  // namespace

std::string HiddenPlaceKey(const auth::Sealer& sealer) { return OldestTag(sealer, "1") + OldestTag(sealer, "2"); }

PublicationPlan PlanPublication(const PublicationRules& rules, const PublicationInput& in) {
  PublicationPlan plan;
  if (!MayStand(rules, in)) return plan;
  const Lines lines = LinesOf(in);
  plan.more_later = lines.any;
  plan.row = RowOf(rules, in, lines);
  BoardRow& row = *plan.row;
  if (in.before == nullptr) {
    row.changed_at = row.shown_at;
    for (const BoardLine& line : row.lines) row.changed_at = std::max(row.changed_at, line.shown_at);
    return plan;
  }
  // Who joins is counted, and is no change.
  row.changed_at = in.before->changed_at;
  BoardRow joined = *in.before;
  joined.joined = row.joined;
  if (row != joined) row.changed_at = std::max(row.changed_at, ShownTime(in.now, in.now, in.report.anonymous));
  return plan;
}

std::vector<CellKey> CellsOf(const CategoryTree& categories, const BoardRow& row) {
  std::vector<CellKey> cells;
  if (!row.point) return cells;
  const std::string month = MonthDim(MonthOf(row.day)), unit = UnitDim(row.unit);
  std::vector<std::string> dims = {"", unit, month, month + "|" + unit};
  const std::vector<const Category*> chain = categories.Chain(row.category);
  dims.reserve(dims.size() + chain.size() + 2);
  for (const Category* category : chain) dims.push_back(CategoryDim(category->id));
  if (!chain.empty()) {
    const std::string root = CategoryDim(chain.back()->id);
    dims.push_back(unit + "|" + root);
    dims.push_back(month + "|" + root);
  }
  const int64_t morton = MortonOf(*row.point);
  for (const int level : kCellLevels) {
    for (const std::string& dim : dims) cells.push_back({dim, level, morton >> (2 * (kMortonLevel - level))});
  }
  return cells;
}

std::vector<std::string> DimsFor(const CategoryTree& categories, const std::string& category, const std::string& unit,
                                 const std::vector<std::string>& months) {
  const Category* const found = categories.Find(category);
  const bool root = found != nullptr && found->parent.empty();
  std::string what;
  if (!unit.empty() && !category.empty()) {
    if (!root || !months.empty()) return {};
    return {UnitDim(unit) + "|" + CategoryDim(category)};
  }
  if (!unit.empty()) what = UnitDim(unit);
  if (!category.empty()) {
    if (!root && !months.empty()) return {};
    what = CategoryDim(category);
  }
  if (months.empty()) return {what};
  std::vector<std::string> dims;
  dims.reserve(months.size());
  for (const std::string& month : months) dims.push_back(MonthDim(month) + (what.empty() ? "" : "|" + what));
  return dims;
}

}  // namespace dinh::feedback
