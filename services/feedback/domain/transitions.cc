#include "services/feedback/domain/transitions.h"

#include <algorithm>
#include <array>

#include "libs/base/civil.h"
#include "libs/base/text.h"

namespace dinh::feedback {
namespace {

using enum State;
using K = EventKind;

// event, from, to, who may, condition, reason needed
const std::vector<Edge> kEdges = {
    {K::kSubmit, kNone, kReceived, Who::kReporterOrOfficer, When::kAlways, false},
    {K::kAssign, kReceived, kAssigned, Who::kOfficerOrSystem, When::kAlways, false},
    {K::kAssign, kAssigned, kAssigned, Who::kOfficerOrSystem, When::kAlways, false},
    {K::kAssign, kInProgress, kAssigned, Who::kOfficerOrSystem, When::kAlways, false},
    {K::kAssign, kAnswered, kAnswered, Who::kOfficerOrSystem, When::kAlways, false},
    {K::kStart, kAssigned, kInProgress, Who::kOfficer, When::kAlways, false},
    {K::kAsk, kReceived, kWaiting, Who::kOfficer, When::kAlways, true},
    {K::kAsk, kAssigned, kWaiting, Who::kOfficer, When::kAlways, true},
    {K::kAsk, kInProgress, kWaiting, Who::kOfficer, When::kAlways, true},
    {K::kSupply, kWaiting, kReceived, Who::kReporterOrOfficer, When::kResumesHere, false},
    {K::kSupply, kWaiting, kAssigned, Who::kReporterOrOfficer, When::kResumesHere, false},
    {K::kSupply, kWaiting, kInProgress, Who::kReporterOrOfficer, When::kResumesHere, false},
    {K::kAnswer, kReceived, kAnswered, Who::kOfficer, When::kAlways, true},
    {K::kAnswer, kAssigned, kAnswered, Who::kOfficer, When::kAlways, true},
    {K::kAnswer, kInProgress, kAnswered, Who::kOfficer, When::kAlways, true},
    {K::kAnswer, kWaiting, kAnswered, Who::kOfficer, When::kAlways, true},
    {K::kResolve, kReceived, kResolved, Who::kOfficer, When::kAlways, false},
    {K::kResolve, kAssigned, kResolved, Who::kOfficer, When::kAlways, false},
    {K::kResolve, kInProgress, kResolved, Who::kOfficer, When::kAlways, false},
    {K::kResolve, kWaiting, kResolved, Who::kOfficer, When::kAlways, false},
    {K::kResolve, kAnswered, kResolved, Who::kOfficer, When::kAlways, false},
    {K::kReject, kReceived, kRejected, Who::kOfficer, When::kAlways, true},
    {K::kReject, kAssigned, kRejected, Who::kOfficer, When::kAlways, true},
    {K::kReject, kInProgress, kRejected, Who::kOfficer, When::kAlways, true},
    {K::kReject, kWaiting, kRejected, Who::kOfficer, When::kAlways, true},
    {K::kReopen, kAnswered, kReceived, Who::kReporterOrOfficer, When::kMayReopen, true},
    {K::kReopen, kResolved, kReceived, Who::kReporterOrOfficer, When::kMayReopen, true},
    {K::kReopen, kRejected, kReceived, Who::kReporterOrOfficer, When::kMayReopen, true},
    {K::kReopen, kClosed, kReceived, Who::kReporterOrOfficer, When::kMayReopen, true},
    {K::kRoute, kReceived, kReceived, Who::kOfficerOrSystem, When::kAlways, true},
    {K::kRoute, kAssigned, kReceived, Who::kOfficerOrSystem, When::kAlways, true},
    {K::kRoute, kInProgress, kReceived, Who::kOfficerOrSystem, When::kAlways, true},
    {K::kRoute, kWaiting, kReceived, Who::kOfficerOrSystem, When::kAlways, true},
    {K::kClose, kAnswered, kClosed, Who::kOfficerOrSystem, When::kCloseDue, false},
    {K::kClose, kResolved, kClosed, Who::kOfficerOrSystem, When::kCloseDue, false},
    {K::kClose, kRejected, kClosed, Who::kOfficerOrSystem, When::kCloseDue, false},
    {K::kRate, kAnswered, kAnswered, Who::kReporter, When::kNotRated, false},
    {K::kRate, kResolved, kResolved, Who::kReporter, When::kNotRated, false},
    {K::kRate, kClosed, kClosed, Who::kReporter, When::kNotRated, false},
};

struct StateText {
  State state;
  std::string_view name, vi, en;
};
constexpr std::array<StateText, 9> kStateTexts = {{
    {kNone, "none", "Chưa gửi", "Not sent"},
    {kReceived, "received", "Đã tiếp nhận", "Received"},
    {kAssigned, "assigned", "Đã phân công", "Assigned"},
    {kInProgress, "in_progress", "Đang xử lý", "In progress"},
    {kWaiting, "waiting", "Chờ người dân bổ sung", "Waiting for the citizen"},
    {kAnswered, "answered", "Đã trả lời", "Answered"},
    {kResolved, "resolved", "Đã xử lý xong", "Resolved"},
    {kRejected, "rejected", "Không tiếp nhận", "Rejected"},
    {kClosed, "closed", "Đã đóng", "Closed"},
}};

struct EventNames {
  EventKind kind;
  std::string_view name, vi, en;
};
constexpr std::array<EventNames, 12> kEventNames = {{
    {K::kSubmit, "submit", "Gửi phản ánh", "Sent"},
    {K::kAssign, "assign", "Phân công xử lý", "Assigned"},
    {K::kStart, "start", "Bắt đầu xử lý", "Work started"},
    {K::kAsk, "ask", "Đề nghị người dân bổ sung thông tin", "More information asked for"},
    {K::kSupply, "supply", "Người dân đã bổ sung thông tin", "Information supplied"},
    {K::kAnswer, "answer", "Trả lời", "Answered"},
    {K::kResolve, "resolve", "Đã xử lý xong", "Resolved"},
    {K::kReject, "reject", "Không tiếp nhận", "Rejected"},
    {K::kReopen, "reopen", "Mở lại", "Reopened"},
    {K::kRoute, "route", "Chuyển đơn vị xử lý", "Routed to another office"},
    {K::kClose, "close", "Đóng phản ánh", "Closed"},
    {K::kRate, "rate", "Đánh giá mức độ hài lòng", "Rated"},
}};

constexpr std::array<std::pair<ActorKind, std::string_view>, 3> kActorNames = {
    {{ActorKind::kReporter, "reporter"}, {ActorKind::kOfficer, "officer"}, {ActorKind::kSystem, "system"}}};

bool MayCause(Who who, ActorKind actor) {
  switch (who) {
    case Who::kReporter:
      return actor == ActorKind::kReporter;
    case Who::kOfficer:
      return actor == ActorKind::kOfficer;
    case Who::kReporterOrOfficer:
      return actor != ActorKind::kSystem;
    case Who::kOfficerOrSystem:
      return actor != ActorKind::kReporter;
  }
  return false;
}

// Since when the report is done with: what reopening and closing count from.
std::optional<base::Micros> DoneAt(const Progress& progress) {
  if (IsOpen(progress.state) || progress.state == kNone) return std::nullopt;
  return progress.finished_at ? progress.finished_at : progress.answered_at;
}

bool Holds(const Rules& rules, const Edge& edge, ActorKind actor, base::Micros at, const Progress& progress) {
  switch (edge.when) {
    case When::kAlways:
      return true;
    case When::kResumesHere:
      return edge.to == progress.resume;
    case When::kMayReopen: {
      const std::optional<base::Micros> until = ReopenUntil(rules, progress);
      return until && at < *until;
    }
    case When::kCloseDue: {
      if (actor == ActorKind::kOfficer) return true;
      const std::optional<base::Micros> close_at = CloseAt(rules, progress);
      return close_at && at >= *close_at;
    }
    case When::kNotRated:
      return progress.stars == 0;
  }
  return false;
}

absl::Status WrongState(const Progress& progress, EventKind event) {
  const std::string vi(StateNameVi(progress.state));
  const std::string en(StateNameEn(progress.state));
  return base::FailedPrecondition(
      "STATE_DOES_NOT_ALLOW",
      {"Phản ánh đang ở trạng thái \"" + vi +
           "\" nên không làm được việc này. Hãy tải lại trang để xem việc có thể làm.",
       "The report is \"" + en + "\", which does not allow this. Reload to see what can be done."},
      {{"state", std::string(StateName(progress.state))}, {"event", std::string(EventName(event))}});
}

absl::Status TooLate(const Rules& rules, const Progress& progress) {
  const std::optional<base::Micros> until = ReopenUntil(rules, progress);
  base::Metadata metadata;
  if (until) metadata.emplace_back("until", base::FormatDate(base::ToVietnam(*until - 1).date));
  return base::FailedPrecondition("REOPEN_TOO_LATE",
                                  {"Đã hết thời hạn mở lại phản ánh này. Hãy gửi một phản ánh mới.",
                                   "The time to reopen this report is over. Send a new report."},
                                  std::move(metadata));
}

absl::Status AlreadyRated() {
  return base::FailedPrecondition("ALREADY_RATED", {"Phản ánh này đã được đánh giá. Mỗi phản ánh chỉ đánh giá một lần.",
                                                    "The report has been rated. Each report is rated once."});
}

absl::Status CheckInput(const Edge& edge, const Event& event) {
  const int64_t length = base::CodePoints(event.reason);
  if (length < 0 || length > static_cast<int64_t>(kReasonMax)) {
    return base::InvalidField("reason", {"Nội dung dài tối đa 4.000 ký tự.", "The text has at most 4,000 characters."});
  }
  if (edge.needs_reason && length == 0) {
    return base::InvalidField(
        "reason", {"Hãy ghi rõ nội dung để người đọc hiểu vì sao.", "Write the text, so that the reader knows why."});
  }
  if (edge.event == K::kAssign && event.assignee.empty()) {
    return base::InvalidField("assignee", {"Hãy chọn cán bộ xử lý.", "Choose the officer who deals with it."});
  }
  if (edge.event == K::kRate && (event.stars < 1 || event.stars > kStarsMax)) {
    return base::InvalidField("stars", {"Hãy chọn từ 1 đến 5 sao.", "Choose 1 to 5 stars."});
  }
  return absl::OkStatus();
}

// The row to take, or why there is none.
absl::StatusOr<const Edge*> Choose(const Rules& rules, const Event& event, const Progress& progress) {
  bool known_to_actor = false;
  const Edge* refused = nullptr;  // leads from here, and only its condition stands against it
  for (const Edge& edge : kEdges) {
    if (edge.event != event.kind || !MayCause(edge.who, event.actor)) continue;
    known_to_actor = true;
    if (edge.from != progress.state) continue;
    if (Holds(rules, edge, event.actor, event.at, progress)) return &edge;
    refused = &edge;
  }
  if (!known_to_actor) return base::PermissionDenied();
  if (refused != nullptr && refused->when == When::kMayReopen) return TooLate(rules, progress);
  if (refused != nullptr && refused->when == When::kNotRated) return AlreadyRated();
  return WrongState(progress, event.kind);
}

void StartClock(base::Micros at, Progress& progress) {
  progress.started_at = at;
  progress.waited_minutes = 0;
  progress.answered_at.reset();
  progress.finished_at.reset();
}

Change Move(const Edge& edge, const Event& event, Progress& progress) {
  Change change;
  change.event = edge.event;
  change.from = edge.from;
  change.to = edge.to;
  change.actor = event.actor;
  change.actor_id = event.actor_id;
  change.at = event.at;
  change.reason = event.reason;
  progress.state = edge.to;
  if (progress.waiting_since) {  // every edge out of waiting ends the pause; none stays in it
    change.pause = Pause{*progress.waiting_since, std::max(*progress.waiting_since, event.at)};
    progress.waiting_since.reset();
    progress.resume = kNone;
  }
  if (edge.event == K::kSubmit || edge.event == K::kReopen) StartClock(event.at, progress);
  if (edge.event == K::kReopen) ++progress.reopened;
  if (edge.event == K::kRoute || edge.event == K::kReopen) progress.assignee.clear();
  if (edge.event == K::kAssign) progress.assignee = event.assignee;
  if (edge.event == K::kAsk) {
    progress.waiting_since = event.at;
    progress.resume = edge.from;
  }
  if (edge.event == K::kAnswer || edge.event == K::kResolve || edge.event == K::kReject) {
    change.first_answer = !progress.answered_at;
    if (!progress.answered_at) progress.answered_at = event.at;
    if (!progress.first_answered_at) progress.first_answered_at = event.at;
  }
  const bool finished = edge.to == kResolved || edge.to == kRejected || edge.to == kClosed;
  if (finished && !progress.finished_at) progress.finished_at = event.at;
  if (edge.event == K::kRate) progress.stars = event.stars;
  change.assignee = progress.assignee;
  return change;
}

// Vietnam's midnight at the end of the `days`-th day after `at`'s day.
base::Micros EndOfDay(base::Micros at, int days) {
  return base::FromVietnam({base::AddDays(base::ToVietnam(at).date, days + 1)});
}

}  // namespace

const std::vector<Edge>& Edges() { return kEdges; }

absl::StatusOr<Change> Apply(const Rules& rules, const Event& event, Progress& progress) {
  ASSIGN_OR_RETURN(const Edge* edge, Choose(rules, event, progress));
  RETURN_IF_ERROR(CheckInput(*edge, event));
  return Move(*edge, event, progress);
}

std::vector<EventKind> Allowed(const Rules& rules, ActorKind actor, const Progress& progress, base::Micros now) {
  std::vector<EventKind> out;
  for (const Edge& edge : kEdges) {
    if (edge.from != progress.state || !MayCause(edge.who, actor) || !Holds(rules, edge, actor, now, progress))
      continue;
    if (std::find(out.begin(), out.end(), edge.event) == out.end()) out.push_back(edge.event);
  }
  return out;
}

std::optional<base::Micros> ReopenUntil(const Rules& rules, const Progress& progress) {
  const std::optional<base::Micros> done_at = DoneAt(progress);
  if (!done_at || rules.reopen_days <= 0) return std::nullopt;
  return EndOfDay(*done_at, rules.reopen_days);
}

std::optional<base::Micros> CloseAt(const Rules& rules, const Progress& progress) {
  const std::optional<base::Micros> done_at = DoneAt(progress);
  if (!done_at || progress.state == kClosed || rules.close_after_days <= 0) return std::nullopt;
  return EndOfDay(*done_at, rules.close_after_days);
}

bool IsOpen(State state) {
  return state == kReceived || state == kAssigned || state == kInProgress || state == kWaiting;
}

std::string_view StateName(State state) { return kStateTexts.at(static_cast<size_t>(state)).name; }
std::string_view StateNameVi(State state) { return kStateTexts.at(static_cast<size_t>(state)).vi; }
std::string_view StateNameEn(State state) { return kStateTexts.at(static_cast<size_t>(state)).en; }

std::optional<State> ParseState(std::string_view name) {
  for (const StateText& text : kStateTexts) {
    if (text.state != kNone && text.name == name) return text.state;
  }
  return std::nullopt;
}

std::string_view EventName(EventKind kind) { return kEventNames.at(static_cast<size_t>(kind)).name; }

base::Text EventText(EventKind kind) {
  const EventNames& names = kEventNames.at(static_cast<size_t>(kind));
  return {std::string(names.vi), std::string(names.en)};
}

std::optional<EventKind> ParseEvent(std::string_view name) {
  for (const EventNames& names : kEventNames) {
    if (names.name == name) return names.kind;
  }
  return std::nullopt;
}

std::string_view ActorKindName(ActorKind kind) { return kActorNames.at(static_cast<size_t>(kind)).second; }

std::optional<ActorKind> ParseActorKind(std::string_view name) {
  for (const auto& [kind, known] : kActorNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::string StateDiagram() {
  const auto node = [](State state) { return state == kNone ? std::string("[*]") : std::string(StateName(state)); };
  std::string out = "stateDiagram-v2\n";
  for (const StateText& text : kStateTexts) {
    if (text.state != kNone) out.append("  ").append(text.name).append(": ").append(text.vi).append("\n");
  }
  for (const Edge& edge : kEdges) {
    out += "  " + node(edge.from) + " --> " + node(edge.to) + ": " + std::string(EventName(edge.event)) + "\n";
  }
  return out + "  closed --> [*]\n";
}

}  // namespace dinh::feedback
