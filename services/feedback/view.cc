#include "services/feedback/view.h"

#include <charconv>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/civil.h"
#include "services/feedback/domain/clock.h"

namespace dinh::feedback {
namespace {

using google::protobuf::util::TimeUtil;

const std::string& In(const base::Text& text, bool english) { return english && !text.en.empty() ? text.en : text.vi; }

std::string DayText(base::Micros at) { return base::FormatDate(base::ToVietnam(at).date); }

void AddFlags(const ReportRow& row, pb::Report& out) {
  for (int flag = pb::Report::Flag_MIN; flag <= pb::Report::Flag_MAX; ++flag) {
    const auto one = static_cast<pb::Report::Flag>(flag);
    if (flag != pb::Report::FLAG_UNSPECIFIED && row.Has(one)) out.add_flags(one);
  }
}

// Lines the reporter sees: everything but the office's notes and the clock's.
bool Shown(const ViewContext& view, const UpdateRow& update) {
  if (view.office) return true;
  if (update.kind == pb::Update::KIND_REPLY) return update.moderation == Moderation::kApproved;
  return update.kind == pb::Update::KIND_STATE || update.kind == pb::Update::KIND_PUBLIC;
}

pb::Update ToProto(const ReportRow& row, const UpdateRow& update) {
  pb::Update out;
  out.set_id(UpdateId(row, update.position));
  out.set_kind(update.kind);
  out.set_event(update.event);
  out.set_state(static_cast<pb::Report::State>(update.to));
  out.set_actor(update.actor_kind);
  out.set_actor_name(update.actor_name);
  out.set_text(update.text);
  *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(update.at);
  out.set_day(DayText(update.at));
  out.set_moderation(ToProto(update.moderation));
  return out;
}

void AddOffice(const ReportRow& row, pb::Report& out) {
  out.set_assignee(row.progress.assignee);
  out.set_escalation(row.escalation);
  AddFlags(row, out);
}

void AddTimes(const ViewContext& view, const ReportRow& row, pb::Report& out) {
  *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.created_at);
  out.set_day(DayText(row.created_at));
  if (row.due_at) *out.mutable_due_time() = TimeUtil::MicrosecondsToTimestamp(*row.due_at);
  out.set_overdue(IsOverdue(row.progress, row.due_at, view.now));
  if (row.progress.first_answered_at) {
    *out.mutable_answer_time() = TimeUtil::MicrosecondsToTimestamp(*row.progress.first_answered_at);
  }
  if (row.asked_public) *out.mutable_publish_time() = TimeUtil::MicrosecondsToTimestamp(row.first_public_at);
}

}  // namespace

std::string Etag(const ReportRow& row) { return std::to_string(row.revision); }

Rules RulesOf(const CategoryTree& categories, const std::string& category) {
  const Category* found = categories.Find(category);
  if (found == nullptr) return {};
  return {found->reopen_days, found->close_after_days};
}

pb::Report::Moderation ToProto(Moderation moderation) {
  switch (moderation) {
    case Moderation::kNotNeeded:
      return pb::Report::MODERATION_NOT_NEEDED;
    case Moderation::kPending:
      return pb::Report::MODERATION_PENDING;
    case Moderation::kApproved:
      return pb::Report::MODERATION_APPROVED;
    case Moderation::kRefused:
      return pb::Report::MODERATION_REFUSED;
  }
  return pb::Report::MODERATION_UNSPECIFIED;
}

std::string UpdateId(const ReportRow& row, int64_t position) { return row.code + "." + std::to_string(position); }

int64_t PositionOf(const ReportRow& row, const std::string& update_id) {
  if (update_id.size() <= row.code.size() + 1 || update_id.compare(0, row.code.size(), row.code) != 0 ||
      update_id[row.code.size()] != '.') {
    return 0;
  }
  int64_t position = 0;
  const char* const end = update_id.data() + update_id.size();
  const auto [rest, error] = std::from_chars(update_id.data() + row.code.size() + 1, end, position);
  return error == std::errc() && rest == end && position > 0 ? position : 0;
}

pb::Photo ToProto(const PhotoRow& row) {
  pb::Photo out;
  out.set_id(row.id);
  out.set_kind(row.kind);
  out.set_width(row.width);
  out.set_height(row.height);
  out.set_moderation(ToProto(row.moderation));
  out.set_blurred(!row.shown_full_blob.empty());
  return out;
}

pb::Report Summary(const ViewContext& view, const ReportRow& row) {
  pb::Report out;
  out.set_id(row.code);
  out.set_view(view.office ? pb::Report::VIEW_OFFICE : pb::Report::VIEW_REPORTER);
  out.set_category(row.category);
  if (const Category* category = view.categories.Find(row.category)) {
    out.set_category_name(In(category->name, view.english));
  }
  const State state = row.progress.state;
  out.set_state(static_cast<pb::Report::State>(state));
  out.set_state_name(std::string(view.english ? StateNameEn(state) : StateNameVi(state)));
  out.set_description(row.content.description());
  *out.mutable_place() = row.content.place();
  *out.mutable_answers() = row.content.answers();
  out.set_anonymous(row.anonymous);
  out.set_public_(row.asked_public);
  out.set_unit(row.unit);
  out.set_unit_name(view.unit_name);
  out.set_agency(row.agency);
  out.set_agency_name(view.agency_name);
  out.set_position(row.position);
  out.set_joined(row.joined);
  out.set_stars(row.progress.stars);
  out.set_etag(Etag(row));
  out.set_hidden(row.hidden);
  out.set_moderation(ToProto(row.moderation));
  AddTimes(view, row, out);
  if (view.office) AddOffice(row, out);
  return out;
}

pb::Report Full(const ViewContext& view, const ReportRow& row, const std::vector<UpdateRow>& updates,
                const std::vector<PhotoRow>& photos) {
  pb::Report out = Summary(view, row);
  for (const UpdateRow& update : updates) {
    if (Shown(view, update)) *out.add_updates() = ToProto(row, update);
  }
  for (const PhotoRow& photo : photos) *out.add_photos() = ToProto(photo);
  if (view.office) {
    *out.mutable_reporter() = row.contact;
    out.mutable_reporter()->set_filed_by(row.filed_by);
  }
  const ActorKind actor = view.office ? ActorKind::kOfficer : ActorKind::kReporter;
  for (const EventKind event : Allowed(RulesOf(view.categories, row.category), actor, row.progress, view.now)) {
    if (event != EventKind::kSubmit) out.add_actions(std::string(EventName(event)));
  }
  return out;
}

base::Text GuidanceText(const Guidance& guidance) {
  base::Text out{guidance.title.vi + ". " + guidance.text.vi, guidance.title.en + ". " + guidance.text.en};
  for (const Phone& phone : guidance.phones) {
    out.vi += " " + phone.label.vi + ": " + phone.number + ".";
    out.en += " " + phone.label.en + ": " + phone.number + ".";
  }
  return out;
}

pb::Category ToProto(const Category& category, bool leaf, bool english) {
  pb::Category out;
  out.set_id(category.id);
  out.set_parent(category.parent);
  out.set_name(In(category.name, english));
  switch (category.kind) {
    case Kind::kGuide:
      out.set_kind(pb::Category::KIND_GUIDE);
      break;
    case Kind::kEmergency:
      out.set_kind(pb::Category::KIND_EMERGENCY);
      break;
    case Kind::kGroup:
    case Kind::kReport:
      out.set_kind(pb::Category::KIND_REPORT);
      break;
  }
  out.set_leaf(leaf);
  out.set_answer_hours(category.answer_hours);
  out.set_public_by_default(category.public_by_default);
  out.set_may_be_public(category.may_be_public);
  out.set_reopen_days(category.reopen_days);
  out.set_agency_kind(std::string(AgencyKindName(category.responsible.agency)));
  for (const Question& question : category.questions) {
    pb::Question* one = out.add_questions();
    one->set_id(question.id);
    one->set_label(In(question.label, english));
    one->set_type(static_cast<pb::Question::Type>(static_cast<int>(question.type) + 1));
    one->set_required(question.required);
    for (const Option& option : question.options) {
      pb::Option* choice = one->add_options();
      choice->set_value(option.value);
      choice->set_label(In(option.label, english));
    }
  }
  if (category.guidance) {
    pb::Guidance* guidance = out.mutable_guidance();
    guidance->set_title(In(category.guidance->title, english));
    guidance->set_text(In(category.guidance->text, english));
    for (const Phone& phone : category.guidance->phones) guidance->add_phones(phone.number);
    for (const Link& link : category.guidance->links) guidance->add_links(link.url);
  }
  return out;
}

}  // namespace dinh::feedback
