#include "services/feedback/board_view.h"

#include "google/protobuf/util/time_util.h"
#include "libs/base/civil.h"

namespace dinh::feedback {
namespace {

using google::protobuf::util::TimeUtil;

pb::Photo ToProto(const BoardPhoto& photo) {
  pb::Photo out;
  out.set_id(photo.id);
  out.set_kind(photo.kind);
  out.set_width(photo.width);
  out.set_height(photo.height);
  out.set_moderation(pb::Report::MODERATION_APPROVED);
  return out;
}

pb::Update ToProto(const BoardRow& row, const BoardLine& line) {
  pb::Update out;
  out.set_id(UpdateId(row, line.position));
  out.set_kind(line.kind);
  out.set_event(line.event);
  out.set_state(static_cast<pb::Report::State>(line.state));
  out.set_actor(line.actor);
  out.set_actor_name(line.actor_name);
  out.set_text(line.text);
  if (!row.anonymous) *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(line.shown_at);
  out.set_day(DayText(line.shown_at));
  return out;
}

}  // namespace

std::string DayText(base::Micros at) { return base::FormatDate(base::ToVietnam(at).date); }

std::string UpdateId(const BoardRow& row, int64_t position) { return row.code + "." + std::to_string(position); }

pb::Report PublicSummary(const BoardView& view, const BoardRow& row) {
  pb::Report out;
  out.set_id(row.code);
  out.set_view(pb::Report::VIEW_PUBLIC);
  out.set_category(row.category);
  if (const Category* category = view.categories.Find(row.category)) {
    const bool english = view.english && !category->name.en.empty();
    out.set_category_name(english ? category->name.en : category->name.vi);
  }
  out.set_state(static_cast<pb::Report::State>(row.state));
  out.set_state_name(std::string(view.english ? StateNameEn(row.state) : StateNameVi(row.state)));
  out.set_description(row.text);
  if (row.point) {
    out.mutable_place()->mutable_point()->set_lat(row.point->lat);
    out.mutable_place()->mutable_point()->set_lng(row.point->lon);
  }
  if (!row.place.empty()) out.mutable_place()->set_note(row.place);
  out.set_anonymous(row.anonymous);
  out.set_public_(true);
  out.set_day(base::FormatDate(base::CivilFromDays(row.day)));
  if (!row.anonymous) *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.shown_at);
  out.set_unit(row.unit);
  out.set_unit_name(view.unit_name);
  out.set_agency(row.agency);
  out.set_agency_name(view.agency_name);
  if (row.expected_at) {
    *out.mutable_due_time() = TimeUtil::MicrosecondsToTimestamp(*row.expected_at);
    out.set_overdue(view.now > *row.expected_at);
  }
  out.set_joined(row.joined);
  for (const BoardPhoto& photo : row.photos) *out.add_photos() = ToProto(photo);
  out.set_stars(row.stars);
  if (IsOpen(row.state)) out.add_actions("join");
  return out;
}

pb::Report PublicReport(const BoardView& view, const BoardRow& row) {
  pb::Report out = PublicSummary(view, row);
  for (const BoardLine& line : row.lines) *out.add_updates() = ToProto(row, line);
  return out;
}

}  // namespace dinh::feedback
