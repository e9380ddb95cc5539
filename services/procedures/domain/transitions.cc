#include "services/procedures/domain/transitions.h"

#include <algorithm>
#include <array>

#include "libs/base/text.h"

namespace dinh::procedures {
namespace {

using enum State;
using K = EventKind;

// event, from, to, who may, condition, reason needed
const std::vector<Edge> kEdges = {
    {K::kSubmit, kNone, kRegistered, Who::kFilerOrDesk, When::kAlways, false},
    {K::kAccept, kRegistered, kAccepted, Who::kDesk, When::kAlways, false},
    {K::kRefuse, kRegistered, kRefused, Who::kDesk, When::kAlways, true},
    {K::kAskSupplement, kRegistered, kSupplementAsked, Who::kDesk, When::kAlways, true},
    {K::kAskSupplement, kAccepted, kSupplementAsked, Who::kDesk, When::kAlways, true},
    {K::kAskSupplement, kProcessing, kSupplementAsked, Who::kDeskOrStep, When::kAlways, true},
    {K::kSupply, kSupplementAsked, kRegistered, Who::kFilerOrDesk, When::kResumesHere, false},
    {K::kSupply, kSupplementAsked, kAccepted, Who::kFilerOrDesk, When::kResumesHere, false},
    {K::kSupply, kSupplementAsked, kProcessing, Who::kFilerOrDesk, When::kResumesHere, false},
    {K::kPay, kAccepted, kAccepted, Who::kSystem, When::kChargeOpen, false},
    {K::kPay, kSupplementAsked, kSupplementAsked, Who::kSystem, When::kChargeOpen, false},
    {K::kStart, kAccepted, kProcessing, Who::kSystem, When::kNothingDue, false},
    {K::kForward, kProcessing, kProcessing, Who::kStepRole, When::kDraftStep, false},
    {K::kSendBack, kProcessing, kProcessing, Who::kStepRole, When::kSendBackStep, true},
    {K::kAskDuty, kProcessing, kFinancialDuty, Who::kStepRole, When::kAlways, true},
    {K::kMeetDuty, kFinancialDuty, kProcessing, Who::kStepOrSystem, When::kAlways, false},
    {K::kSign, kProcessing, kProcessing, Who::kStepRole, When::kSignStep, false},
    {K::kSign, kProcessing, kDone, Who::kStepRole, When::kLastSignStep, false},
    {K::kStop, kAccepted, kStopped, Who::kOffice, When::kAlways, true},
    {K::kStop, kProcessing, kStopped, Who::kOffice, When::kAlways, true},
    {K::kStop, kSupplementAsked, kStopped, Who::kOffice, When::kAlways, true},
    {K::kStop, kFinancialDuty, kStopped, Who::kOffice, When::kAlways, true},
    {K::kWithdraw, kRegistered, kWithdrawn, Who::kFiler, When::kAlways, false},
    {K::kWithdraw, kAccepted, kWithdrawn, Who::kFiler, When::kAlways, false},
    {K::kWithdraw, kProcessing, kWithdrawn, Who::kFiler, When::kAlways, false},
    {K::kWithdraw, kSupplementAsked, kWithdrawn, Who::kFiler, When::kAlways, false},
    {K::kWithdraw, kFinancialDuty, kWithdrawn, Who::kFiler, When::kAlways, false},
    {K::kReturn, kDone, kReturned, Who::kReturnRole, When::kAlways, false},
    {K::kRate, kReturned, kReturned, Who::kFiler, When::kNotRated, false},
};

struct StateText {
  State state;
  std::string_view vi, en;
};
constexpr std::array<StateText, 11> kStateTexts = {{
    {kNone, "Chưa nộp", "Not filed"},
    {kRegistered, "Mới đăng ký", "Registered"},
    {kAccepted, "Được tiếp nhận", "Accepted"},
    {kRefused, "Không được tiếp nhận", "Refused"},
    {kProcessing, "Đang xử lý", "Processing"},
    {kSupplementAsked, "Yêu cầu bổ sung giấy tờ", "Supplement requested"},
    {kFinancialDuty, "Yêu cầu thực hiện nghĩa vụ tài chính", "Financial duty requested"},
    {kWithdrawn, "Công dân yêu cầu rút hồ sơ", "Withdrawn by the citizen"},
    {kStopped, "Dừng xử lý", "Stopped"},
    {kDone, "Đã xử lý xong", "Completed"},
    {kReturned, "Đã trả kết quả", "Result returned"},
}};

struct EventNames {
  EventKind kind;
  std::string_view name, vi, en;
};
constexpr std::array<EventNames, 16> kEventNames = {{
    {K::kSubmit, "submit", "Nộp hồ sơ", "Filed"},
    {K::kAccept, "accept", "Tiếp nhận hồ sơ", "Accepted"},
    {K::kRefuse, "refuse", "Từ chối tiếp nhận", "Refused"},
    {K::kAskSupplement, "ask_supplement", "Yêu cầu bổ sung, hoàn thiện hồ sơ", "Supplement requested"},
    {K::kSupply, "supply", "Đã bổ sung hồ sơ", "Supplement supplied"},
    {K::kPay, "pay", "Đã nộp phí, lệ phí", "Charge paid"},
    {K::kStart, "start", "Bắt đầu xử lý", "Processing started"},
    {K::kForward, "forward", "Chuyển bước xử lý", "Forwarded to the next step"},
    {K::kSendBack, "send_back", "Trả lại để chỉnh sửa", "Sent back for correction"},
    {K::kAskDuty, "ask_duty", "Yêu cầu thực hiện nghĩa vụ tài chính", "Financial duty requested"},
    {K::kMeetDuty, "meet_duty", "Đã thực hiện nghĩa vụ tài chính", "Financial duty met"},
    {K::kSign, "sign", "Ký duyệt kết quả", "Result signed"},
    {K::kStop, "stop", "Dừng giải quyết hồ sơ", "Stopped"},
    {K::kWithdraw, "withdraw", "Công dân rút hồ sơ", "Withdrawn by the citizen"},
    {K::kReturn, "return", "Trả kết quả", "Result returned"},
    {K::kRate, "rate", "Đánh giá mức độ hài lòng", "Rated"},
}};

const Step* CurrentStep(const Workflow& workflow, const Progress& progress) {
  if (progress.step < 0 || progress.step >= static_cast<int>(workflow.steps.size())) return nullptr;
  return &workflow.steps[progress.step];
}

bool HoldsStep(const Workflow& workflow, const Actor& actor, const Progress& progress) {
  const Step* step = CurrentStep(workflow, progress);
  return step != nullptr && HasAnyRole(actor.roles, step->roles);
}

// May this actor cause the edge now?
bool MayCause(const Workflow& workflow, Who who, const Actor& actor, const Progress& progress) {
  const bool officer = actor.kind == ActorKind::kOfficer;
  const bool filer = actor.kind == ActorKind::kCitizen;
  const bool desk = officer && HasAnyRole(actor.roles, workflow.desk_roles);
  const bool system = actor.kind == ActorKind::kSystem;
  const bool step = officer && HoldsStep(workflow, actor, progress);
  switch (who) {
    case Who::kFiler:
      return filer;
    case Who::kFilerOrDesk:
      return filer || desk;
    case Who::kDesk:
      return desk;
    case Who::kStepRole:
      return step;
    case Who::kDeskOrStep:
      return desk || step;
    case Who::kOffice:
      return officer && (desk || std::any_of(workflow.steps.begin(), workflow.steps.end(),
                                             [&](const Step& any) { return HasAnyRole(actor.roles, any.roles); }));
    case Who::kReturnRole:
      return officer && HasAnyRole(actor.roles, workflow.steps[ReturnStep(workflow)].roles);
    case Who::kSystem:
      return system;
    case Who::kStepOrSystem:
      return system || step;
  }
  return false;
}

// Could this actor cause such an edge at some step of this workflow? Decides between "not your right" and "not now".
bool MayEverCause(const Workflow& workflow, const Edge& edge, const Actor& actor) {
  Progress probe;
  for (int i = 0; i < static_cast<int>(workflow.steps.size()); ++i) {
    const StepKind kind = workflow.steps[i].kind;
    const bool wants_sign =
        edge.when == When::kSignStep || edge.when == When::kLastSignStep || edge.when == When::kSendBackStep;
    if (wants_sign && kind != StepKind::kSign) continue;
    if (edge.when == When::kDraftStep && kind != StepKind::kDraft) continue;
    if (kind == StepKind::kReturn && edge.who != Who::kReturnRole) continue;
    probe.step = i;
    if (MayCause(workflow, edge.who, actor, probe)) return true;
  }
  return false;
}

bool Holds(const Workflow& workflow, const Edge& edge, const Progress& progress) {
  const Step* step = CurrentStep(workflow, progress);
  switch (edge.when) {
    case When::kAlways:
      return true;
    case When::kResumesHere:
      return edge.to == progress.resume;
    case When::kNothingDue:
      return !progress.charge_due || progress.charge_paid;
    case When::kChargeOpen:
      return progress.charge_due && !progress.charge_paid;
    case When::kDraftStep:
      return step != nullptr && step->kind == StepKind::kDraft;
    case When::kSignStep:
      return step != nullptr && step->kind == StepKind::kSign && !IsLastSignature(workflow, progress.step);
    case When::kLastSignStep:
      return IsLastSignature(workflow, progress.step);
    case When::kSendBackStep:
      return step != nullptr && step->kind == StepKind::kSign && DraftBefore(workflow, progress.step) >= 0;
    case When::kNotRated:
      return progress.stars == 0;
  }
  return false;
}

absl::Status WrongState(const Progress& progress, EventKind event) {
  const std::string vi(StateNameVi(progress.state));
  const base::Text text = EventText(event);
  return base::FailedPrecondition(
      "STATE_DOES_NOT_ALLOW",
      {"Hồ sơ đang ở trạng thái \"" + vi + "\" nên chưa thể thực hiện: " + text.vi +
           ". Hãy tải lại hồ sơ để xem các việc có thể làm tiếp.",
       "The dossier is in state \"" + std::string(StateNameEn(progress.state)) + "\", which does not allow \"" +
           std::string(EventName(event)) + "\". Read the dossier again to see what can be done next."},
      {{"state", std::to_string(static_cast<int>(progress.state))}, {"event", std::string(EventName(event))}});
}

absl::Status StepRole(const Workflow& workflow, const Progress& progress) {
  const Step* step = CurrentStep(workflow, progress);
  const std::string vi = step ? step->name.vi : "", en = step ? step->name.en : "", id = step ? step->id : "";
  return base::Error(absl::StatusCode::kPermissionDenied, "STEP_ROLE",
                     {"Hồ sơ đang ở bước \"" + vi + "\" do người khác phụ trách. Hãy chờ đến bước của bạn.",
                      "The dossier is at step \"" + en + "\", which belongs to another role. Wait for your step."},
                     {{"step", id}});
}

absl::Status ProcessorMayNotSign() {
  return base::Error(
      absl::StatusCode::kPermissionDenied, "PROCESSOR_MAY_NOT_SIGN",
      {"Bạn đã tham gia xử lý hồ sơ này nên không được ký kết quả. Hãy chuyển cho người có thẩm quyền khác ký.",
       "You took part in processing this dossier and may not sign it. Pass it to another signer."});
}

absl::Status ChargeUnpaid() {
  return base::FailedPrecondition(
      "CHARGE_UNPAID", {"Hồ sơ đang chờ nộp phí, lệ phí. Việc xử lý bắt đầu ngay khi tiền đến.",
                        "The dossier waits for its charge. Processing starts by itself when the payment arrives."});
}

absl::Status CheckInput(const Edge& edge, const Event& event) {
  const int64_t length = base::CodePoints(event.reason);
  if (length < 0 || length > static_cast<int64_t>(kReasonMax)) {
    return base::InvalidField("reason", {"Lý do dài tối đa 2.000 ký tự.", "The reason has at most 2,000 characters."});
  }
  if (edge.needs_reason && length == 0) {
    return base::InvalidField("reason",
                              {"Hãy ghi lý do để công dân biết.", "Give the reason, so that the citizen knows."});
  }
  if (edge.event == K::kRate && (event.stars < 1 || event.stars > 5)) {
    return base::InvalidField("stars", {"Hãy chọn từ 1 đến 5 sao.", "Choose 1 to 5 stars."});
  }
  return absl::OkStatus();
}

// What the conditions of the row cannot tell apart for the reader: named errors.
absl::Status CheckSpecial(const Workflow& workflow, const Edge& edge, const Event& event, const Progress& progress) {
  const auto& by = progress.processed_by;
  if (edge.event == K::kSign && std::find(by.begin(), by.end(), event.actor.id) != by.end()) {
    return ProcessorMayNotSign();
  }
  const bool to_signer = edge.event == K::kForward && workflow.steps[progress.step + 1].kind == StepKind::kSign;
  if ((edge.event == K::kSign || to_signer) && !progress.has_result) {
    return base::FailedPrecondition(
        "RESULT_MISSING", {"Hồ sơ chưa có tệp dự thảo kết quả để trình ký. Hãy đính kèm tệp kết quả rồi chuyển bước.",
                           "There is no draft of the result to be signed. Attach the result, then forward."});
  }
  return absl::OkStatus();
}

int NextStep(const Workflow& workflow, const Edge& edge, const Progress& progress) {
  switch (edge.event) {
    case K::kStart:
      return 0;
    case K::kForward:
    case K::kSign:
      return progress.step + 1;
    case K::kSendBack:
      return DraftBefore(workflow, progress.step);
    default:
      return progress.step;
  }
}

void Remember(const std::string& officer, std::vector<std::string>& processed_by) {
  if (std::find(processed_by.begin(), processed_by.end(), officer) == processed_by.end()) {
    processed_by.push_back(officer);
  }
}

Change Move(const Workflow& workflow, const Edge& edge, const Event& event, Progress& progress) {
  Change change{edge.event,     edge.from, edge.to,      progress.step, NextStep(workflow, edge, progress),
                event.actor.id, event.at,  event.reason, std::nullopt};
  if (edge.event == K::kAskSupplement) progress.resume = edge.from;
  if (edge.event == K::kSupply) progress.resume = kNone;
  if (edge.event == K::kAccept) {
    progress.charge_due = event.charge_vnd > 0;
    progress.charge_paid = false;
    progress.accepted_at = event.at;
  }
  if (edge.event == K::kPay) progress.charge_paid = true;
  if (edge.event == K::kRate) progress.stars = event.stars;
  // Whoever did a part of the work may not sign; sending a draft back is the signer's own work.
  if (edge.event == K::kAccept || edge.event == K::kForward || edge.event == K::kSign) {
    Remember(event.actor.id, progress.processed_by);
  }
  progress.state = edge.to;
  progress.step = change.step_to;
  const bool waits = WaitsForCitizen(progress);
  if (progress.waiting_since && !waits) {
    if (progress.accepted_at) {
      change.pause = Pause{std::max(*progress.waiting_since, *progress.accepted_at), event.at};
    }
    progress.waiting_since.reset();
  } else if (waits && !progress.waiting_since) {
    progress.waiting_since = event.at;
  }
  if (IsFinished(edge.to) && !IsFinished(edge.from)) progress.finished_at = event.at;
  return change;
}

// The row to take, or why there is none.
absl::StatusOr<const Edge*> Choose(const Workflow& workflow, const Event& event, const Progress& progress) {
  bool known_to_actor = false, from_here = false, foreign_step = false;
  for (const Edge& edge : kEdges) {
    if (edge.event != event.kind) continue;
    known_to_actor = known_to_actor || MayEverCause(workflow, edge, event.actor);
    if (edge.from != progress.state || !Holds(workflow, edge, progress)) continue;
    from_here = true;
    if (MayCause(workflow, edge.who, event.actor, progress)) return &edge;
    foreign_step =
        foreign_step || edge.who == Who::kStepRole || edge.who == Who::kDeskOrStep || edge.who == Who::kStepOrSystem;
  }
  if (from_here && foreign_step && event.actor.kind == ActorKind::kOfficer) return StepRole(workflow, progress);
  if (!known_to_actor) return base::PermissionDenied();
  if (event.kind == K::kRate && progress.state == kReturned) {
    return base::FailedPrecondition("ALREADY_RATED", {"Hồ sơ này đã được đánh giá. Mỗi hồ sơ chỉ đánh giá một lần.",
                                                      "The dossier has been rated. Each dossier is rated once."});
  }
  if (progress.state == kAccepted && WaitsForCitizen(progress)) return ChargeUnpaid();
  return WrongState(progress, event.kind);
}

}  // namespace

const std::vector<Edge>& Edges() { return kEdges; }

absl::StatusOr<std::vector<Change>> Apply(const Workflow& workflow, const Event& event, Progress& progress) {
  ASSIGN_OR_RETURN(const Edge* edge, Choose(workflow, event, progress));
  RETURN_IF_ERROR(CheckInput(*edge, event));
  RETURN_IF_ERROR(CheckSpecial(workflow, *edge, event, progress));
  std::vector<Change> changes = {Move(workflow, *edge, event, progress)};
  Event follow_up;
  follow_up.kind = K::kStart;
  follow_up.at = event.at;
  if (absl::StatusOr<const Edge*> start = Choose(workflow, follow_up, progress); start.ok()) {
    changes.push_back(Move(workflow, **start, follow_up, progress));
  }
  return changes;
}

std::vector<EventKind> Allowed(const Workflow& workflow, const Actor& actor, const Progress& progress) {
  std::vector<EventKind> out;
  Event event;
  event.actor = actor;
  for (const Edge& edge : kEdges) {
    event.kind = edge.event;
    if (edge.from != progress.state || std::find(out.begin(), out.end(), edge.event) != out.end()) continue;
    absl::StatusOr<const Edge*> chosen = Choose(workflow, event, progress);
    if (chosen.ok() && CheckSpecial(workflow, **chosen, event, progress).ok()) out.push_back(edge.event);
  }
  return out;
}

bool WaitsForCitizen(const Progress& progress) {
  if (progress.state == kSupplementAsked || progress.state == kFinancialDuty) return true;
  return progress.state == kAccepted && progress.charge_due && !progress.charge_paid;
}

bool IsFinal(State state) {
  return state == kRefused || state == kWithdrawn || state == kStopped || state == kReturned;
}

bool IsFinished(State state) { return IsFinal(state) || state == kDone; }

std::string_view StateNameVi(State state) {
  for (const StateText& text : kStateTexts) {
    if (text.state == state) return text.vi;
  }
  return "";
}

std::string_view StateNameEn(State state) {
  for (const StateText& text : kStateTexts) {
    if (text.state == state) return text.en;
  }
  return "";
}

std::string_view EventName(EventKind kind) {
  for (const EventNames& names : kEventNames) {
    if (names.kind == kind) return names.name;
  }
  return "";
}

base::Text EventText(EventKind kind) {
  for (const EventNames& names : kEventNames) {
    if (names.kind == kind) return {std::string(names.vi), std::string(names.en)};
  }
  return {};
}

std::optional<EventKind> ParseEvent(std::string_view name) {
  for (const EventNames& names : kEventNames) {
    if (names.name == name) return names.kind;
  }
  return std::nullopt;
}

std::string StateDiagram() {
  std::string out = "stateDiagram-v2\n";
  for (const StateText& text : kStateTexts) {
    if (text.state == kNone) continue;
    const std::string code = std::to_string(static_cast<int>(text.state));
    out.append("  s").append(code).append(": ").append(code).append(" ").append(text.vi).append("\n");
  }
  for (const Edge& edge : kEdges) {
    const auto node = [](State state) {
      return state == kNone ? std::string("[*]") : "s" + std::to_string(static_cast<int>(state));
    };
    out += "  " + node(edge.from) + " --> " + node(edge.to);
    out += ": " + std::string(EventName(edge.event)) + "\n";
  }
  for (const StateText& text : kStateTexts) {
    if (IsFinal(text.state)) out += "  s" + std::to_string(static_cast<int>(text.state)) + " --> [*]\n";
  }
  return out;
}

}  // namespace dinh::procedures
