#include "services/procedures/view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/civil.h"
#include "libs/base/money.h"

namespace dinh::procedures {
namespace {

using google::protobuf::util::TimeUtil;

pb::Channel ToProto(Channel channel) {
  switch (channel) {
    case Channel::kOnline:
      return pb::CHANNEL_ONLINE;
    case Channel::kDesk:
      return pb::CHANNEL_DESK;
    case Channel::kPost:
      return pb::CHANNEL_POST;
  }
  return pb::CHANNEL_UNSPECIFIED;
}

constexpr std::array kChannels = {Channel::kOnline, Channel::kDesk, Channel::kPost};

void AddTimeLimits(const Procedure& p, pb::Procedure& out) {
  const TimeLimit& limit = p.time_limit;
  if (limit.unit == TimeLimit::Unit::kNone) return;
  const bool same = std::all_of(kChannels.begin(), kChannels.end(),
                                [&](Channel c) { return limit.For(c) == limit.For(Channel::kOnline); });
  for (Channel channel : kChannels) {
    pb::TimeLimit* one = out.add_time_limits();
    one->set_channel(same ? pb::CHANNEL_UNSPECIFIED : ToProto(channel));
    if (limit.unit == TimeLimit::Unit::kWorkingDays) {
      one->set_working_days(limit.For(channel));
    } else {
      one->set_calendar_days(limit.For(channel));
    }
    one->set_same_day(limit.same_day || (limit.unit == TimeLimit::Unit::kWorkingDays && limit.For(channel) == 0));
    if (same) return;
  }
}

// "2.000 đ/trang; từ trang 3: 1.000 đ/trang; tối đa 200.000 đ/bản"
std::string PageText(const FeeRule& rule) {
  std::string text = base::FormatVnd(rule.tiers.front().unit_vnd) + "/trang";
  for (size_t i = 1; i < rule.tiers.size(); ++i) {
    text +=
        "; từ trang " + std::to_string(rule.tiers[i].from) + ": " + base::FormatVnd(rule.tiers[i].unit_vnd) + "/trang";
  }
  if (rule.cap_vnd > 0) text += "; tối đa " + base::FormatVnd(rule.cap_vnd) + "/" + rule.unit.vi;
  return text;
}

void AddFee(const FeeRule& rule, pb::Channel channel, pb::Procedure& out) {
  pb::Fee* fee = out.add_fees();
  fee->set_channel(channel);
  switch (rule.kind) {
    case FeeKind::kFixed:
      fee->set_amount_vnd(rule.amount_vnd);
      fee->set_per("dossier");
      fee->set_text(rule.label.vi + ": " + base::FormatVnd(rule.amount_vnd));
      break;
    case FeeKind::kPerUnit:
      fee->set_amount_vnd(rule.amount_vnd);
      fee->set_per(rule.count_field == "copies" ? "copy" : "person");
      fee->set_text(rule.label.vi + ": " + base::FormatVnd(rule.amount_vnd) + "/" + rule.unit.vi);
      break;
    case FeeKind::kPerPage:
      fee->set_amount_vnd(rule.tiers.front().unit_vnd);
      fee->set_per("page");
      fee->set_text(rule.label.vi + ": " + PageText(rule));
      break;
  }
}

void AddFees(const Procedure& p, pb::Procedure& out) {
  for (const FeeRule& rule : p.fees.rules) {
    if (rule.channels.empty()) AddFee(rule, pb::CHANNEL_UNSPECIFIED, out);
    for (Channel channel : rule.channels) AddFee(rule, ToProto(channel), out);
  }
}

void AddStep(const ViewContext& view, const DossierRow& row, pb::Dossier& out) {
  const Procedure* procedure = view.catalogue.FindVersion(row.procedure, row.procedure_version);
  const Workflow* workflow = procedure == nullptr ? nullptr : view.catalogue.WorkflowOf(*procedure);
  if (workflow == nullptr || row.progress.state != State::kProcessing || row.progress.step < 0 ||
      row.progress.step >= static_cast<int>(workflow->steps.size())) {
    return;
  }
  const Step& step = workflow->steps[static_cast<size_t>(row.progress.step)];
  pb::Step* current = out.mutable_current_step();
  current->set_id(step.id);
  current->set_name(step.name.vi);
  current->set_role(step.roles.front());
  current->set_kind(std::string(StepKindName(step.kind)));
  current->set_hours(step.hours);
  *current->mutable_start_time() = TimeUtil::MicrosecondsToTimestamp(row.step_since);
}

void FillEntry(const ViewContext& view, const TimelineRow& row, bool with_note, pb::TimelineEntry& out) {
  *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(row.change.at);
  out.set_national_state(static_cast<int>(row.change.to));
  out.set_state_name(std::string(StateNameVi(row.change.to)));
  out.set_action(EventText(row.change.event).vi);
  out.set_actor(ActorName(view.roles, row.actor_kind, row.actor_role));
  if (with_note) out.set_note(row.change.reason);
}

}  // namespace

std::string Etag(const DossierRow& row) { return "r" + std::to_string(row.revision); }

std::string TrackingPath(const DossierRow& row) {
  return row.tracking_token.empty() ? "" : "/track/" + row.tracking_token;
}

std::string ActorName(const RoleNames& roles, ActorKind kind, const std::string& role) {
  if (kind == ActorKind::kCitizen) return "Công dân";
  if (kind == ActorKind::kSystem) return "Hệ thống";
  const auto it = roles.find(role);
  return it == roles.end() ? "Cán bộ" : it->second;
}

pb::Dossier Summary(const ViewContext& view, const DossierRow& row) {
  pb::Dossier out;
  const Progress& p = row.progress;
  out.set_code(row.code);
  out.set_state(static_cast<pb::Dossier::State>(p.state));
  out.set_national_state(static_cast<int>(p.state));
  out.set_state_name(std::string(StateNameVi(p.state)));
  out.set_procedure(row.procedure);
  out.set_procedure_version(row.procedure_version);
  if (const Procedure* procedure = view.catalogue.FindVersion(row.procedure, row.procedure_version)) {
    out.set_procedure_name(procedure->name);
  }
  out.set_channel(ToProto(row.channel));
  out.set_filer(row.filer_person);
  out.set_filer_name(row.filer.full_name());
  out.set_receiving_agency(row.receiving_agency);
  out.set_deciding_agency(row.deciding_agency);
  out.set_unit(row.unit);
  out.set_assisting_officer(row.assisting_officer);
  for (const auto& [system, id] : row.external_ids) (*out.mutable_external_ids())[system] = id;
  *out.mutable_submit_time() = TimeUtil::MicrosecondsToTimestamp(row.submitted_at);
  if (p.accepted_at) *out.mutable_accept_time() = TimeUtil::MicrosecondsToTimestamp(*p.accepted_at);
  if (row.due_date) out.set_due_date(base::FormatDate(*row.due_date));
  out.set_overdue(IsOverdue(p, row.due_date, view.now));
  out.set_charge(row.charge);
  out.set_charge_paid(p.charge_paid);
  AddStep(view, row, out);
  out.set_reason(row.reason);
  out.set_etag(Etag(row));
  return out;
}

pb::Dossier Full(const ViewContext& view, const DossierRow& row, const std::vector<TimelineRow>& timeline,
                 const std::vector<AttachmentRow>& files) {
  pb::Dossier out = Summary(view, row);
  *out.mutable_form() = row.content.form();
  *out.mutable_subjects() = row.content.subjects();
  if (view.filer) out.set_tracking_path(TrackingPath(row));
  for (const TimelineRow& entry : timeline) FillEntry(view, entry, true, *out.add_timeline());
  for (const AttachmentRow& file : files) {
    if (file.kind == FileKind::kPaper) *out.add_attachments() = ToProto(file);
    // A draft is nobody's but the office's until it was handed out.
    const bool visible = !view.filer || row.progress.state == State::kReturned;
    if (file.kind == FileKind::kResult && visible) *out.add_results() = ToProto(file);
  }
  if (row.progress.stars > 0) {
    out.mutable_rating()->set_stars(row.progress.stars);
    out.mutable_rating()->set_comment(row.comment);
    if (row.rated_at) *out.mutable_rating()->mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(*row.rated_at);
  }
  return out;
}

pb::TrackedDossier Tracked(const ViewContext& view, const DossierRow& row, const std::vector<TimelineRow>& timeline) {
  const pb::Dossier summary = Summary(view, row);
  pb::TrackedDossier out;
  out.set_code(summary.code());
  out.set_procedure_name(summary.procedure_name());
  out.set_national_state(summary.national_state());
  out.set_state_name(summary.state_name());
  if (summary.has_accept_time()) *out.mutable_accept_time() = summary.accept_time();
  out.set_due_date(summary.due_date());
  out.set_overdue(summary.overdue());
  out.set_agency_name(row.agency_name);
  out.set_payment_due(row.progress.charge_due && !row.progress.charge_paid && !IsFinished(row.progress.state));
  for (const TimelineRow& entry : timeline) FillEntry(view, entry, false, *out.add_timeline());
  return out;
}

pb::Attachment ToProto(const AttachmentRow& row) {
  pb::Attachment out;
  out.set_id(row.id);
  out.set_file_name(row.file_name);
  out.set_content_type(row.content_type);
  out.set_size_bytes(row.size_bytes);
  out.set_sha256(row.sha256);
  *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.created_at);
  return out;
}

pb::Procedure ToProto(const Procedure& p) {
  pb::Procedure out;
  out.set_code(p.code);
  out.set_name(p.name);
  out.set_field(p.field);
  out.set_executor(p.executor_name);
  out.set_version(p.version);
  out.set_valid_from(base::FormatDate(p.valid_from));
  if (p.valid_to) out.set_valid_to(base::FormatDate(*p.valid_to));
  AddTimeLimits(p, out);
  AddFees(p, out);
  for (const std::string& paper : p.papers) out.add_papers(paper);
  for (const std::string& law : p.legal_basis) out.add_legal_basis(law);
  out.set_decision(p.decision);
  out.set_form(p.form);
  out.set_time_note(p.time_limit.note.vi);
  out.set_fee_note(p.fees.note.vi);
  out.set_source_url(p.source_url);
  return out;
}

pb::FormDefinition ToProto(const FormDefinition& form, bool english) {
  const auto in = [english](const base::Text& text) { return english && !text.en.empty() ? text.en : text.vi; };
  pb::FormDefinition out;
  out.set_id(form.id());
  out.set_title(in(form.title()));
  for (const Section& section : form.sections()) {
    for (const Field& field : section.fields) {
      pb::FormField* one = out.add_fields();
      one->set_name(field.id);
      one->set_label(in(field.label));
      one->set_type(field.type == FieldType::kUnitCode ? "unit" : std::string(FieldTypeName(field.type)));
      one->set_required(field.required || field.required_if.has_value());
      one->set_hint(in(field.hint));
      for (const Option& option : field.options) {
        pb::FormChoice* choice = one->add_choices();
        choice->set_value(option.value);
        choice->set_label(in(option.label));
      }
      one->set_min(field.min.value_or(0));
      one->set_max(field.max.value_or(0));
      if (field.type == FieldType::kText) one->set_max_length(field.max_length);
      if (field.show_if) {
        std::string condition = field.show_if->field + "=";
        for (size_t i = 0; i < field.show_if->values.size(); ++i) {
          condition += (i > 0 ? "|" : "") + field.show_if->values[i];
        }
        one->set_show_if(condition);
      }
      one->set_prefill_from(field.prefill);
    }
  }
  return out;
}

}  // namespace dinh::procedures
