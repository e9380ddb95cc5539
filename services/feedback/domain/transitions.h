// The states of a report (phản ánh, kiến nghị) and everything that moves it between them: ONE table. Nothing else in
// the service sets a state. The README's diagram is StateDiagram(). Hiding, escalating and joining are no transitions:
// they leave the state alone.
//
// The clock of a report: it starts with submit and anew with reopen, stands while the citizen is waited for, goes on
// through assign, start and route, and ends with the first of answer, resolve, reject (domain/clock.h counts it).
//
// Pure: no clock, no storage. Thread-safe when const.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace dinh::feedback {

// The numbers are stored.
enum class State {
  kNone = 0,        // not sent yet
  kReceived = 1,    // Đã tiếp nhận
  kAssigned = 2,    // Đã phân công
  kInProgress = 3,  // Đang xử lý
  kWaiting = 4,     // Chờ người dân bổ sung
  kAnswered = 5,    // Đã trả lời
  kResolved = 6,    // Đã xử lý xong
  kRejected = 7,    // Không tiếp nhận
  kClosed = 8,      // Đã đóng
};

enum class EventKind {
  kSubmit,
  kAssign,  // also to another officer
  kStart,
  kAsk,     // the citizen is asked for something
  kSupply,  // and has given it
  kAnswer,
  kResolve,
  kReject,
  kReopen,
  kRoute,  // to another unit or position
  kClose,
  kRate,
};

enum class ActorKind { kReporter, kOfficer, kSystem };

// Whether this very person may (owns the report, holds the right in its agency) is decided before; Apply looks at the
// kind only.
struct Event {
  EventKind kind = EventKind::kSubmit;
  ActorKind actor = ActorKind::kSystem;
  std::string actor_id;  // opaque id; empty for the platform and for a reporter without an account
  base::Micros at = 0;
  std::string reason;  // what is told: question (kAsk), answer (kAnswer), reason (kReject, kReopen, kRoute); elsewhere
                       // optional; at most kReasonMax code points
  std::string assignee;  // kAssign: the officer's id
  int stars = 0;         // kRate: 1..5
};

// Of the report's category.
struct Rules {
  int reopen_days = 0;       // calendar days; 0: a finished report is not reopened
  int close_after_days = 0;  // calendar days; the platform closes what was answered, resolved or rejected so long ago
};

// The part of a report that transitions read and write.
struct Progress {
  State state = State::kNone;
  State resume = State::kNone;                    // where waiting goes back to; kNone elsewhere
  std::string assignee;                           // officer's id; empty while nobody is
  base::Micros started_at = 0;                    // when the clock started: submit or the latest reopen
  std::optional<base::Micros> first_answered_at;  // the report's first answer, resolve or reject; kept for ever
  std::optional<base::Micros> answered_at;        // the same since started_at: the clock's end
  std::optional<base::Micros> finished_at;        // resolved, rejected, or closed from answered; cleared by reopen
  std::optional<base::Micros> waiting_since;
  int64_t waited_minutes = 0;  // working minutes waited since started_at; added by AddPause of domain/clock.h
  int reopened = 0;            // times
  int stars = 0;               // 0: not rated

  bool operator==(const Progress&) const = default;
};

// A time the citizen was waited for: [from, to).
struct Pause {
  base::Micros from = 0;
  base::Micros to = 0;
  bool operator==(const Pause&) const = default;
};

// One line of the report's history.
struct Change {
  EventKind event = EventKind::kSubmit;
  State from = State::kNone;
  State to = State::kNone;
  ActorKind actor = ActorKind::kSystem;
  std::string actor_id;
  base::Micros at = 0;
  std::string reason;
  std::string assignee;        // after the change
  std::optional<Pause> pause;  // set when waiting ended with this change: pass it to AddPause
  bool first_answer = false;   // this change ended the clock of this round (answered_at was set by it)

  bool operator==(const Change&) const = default;
};

enum class Who { kReporter, kOfficer, kReporterOrOfficer, kOfficerOrSystem };

enum class When {
  kAlways,
  kResumesHere,  // the state the question was asked in
  kMayReopen,    // within reopen_days
  kCloseDue,     // by an officer at any time, by the platform after close_after_days
  kNotRated,
};

struct Edge {
  EventKind event;
  State from;
  State to;
  Who who;
  When when;
  bool needs_reason;
};

const std::vector<Edge>& Edges();

// Applies the event. On success `progress` has moved; on error it is untouched. The caller passes `change.pause` on to
// AddPause. Errors:
//   PERMISSION_DENIED                          an actor of this kind never causes such an event
//   FAILED_PRECONDITION STATE_DOES_NOT_ALLOW   metadata state, event
//   FAILED_PRECONDITION REOPEN_TOO_LATE        metadata until (the last day, 2026-02-13); none when reopen_days is 0
//   FAILED_PRECONDITION ALREADY_RATED
//   INVALID_ARGUMENT                           field reason (missing or too long), assignee (missing), stars (not 1..5)
absl::StatusOr<Change> Apply(const Rules& rules, const Event& event, Progress& progress);

// The events an actor of this kind could cause at that time, for buttons; in the table's order, each once.
std::vector<EventKind> Allowed(const Rules& rules, ActorKind actor, const Progress& progress, base::Micros now);

// The first instant at which the report can no longer be reopened: Vietnam's midnight after the last day. nullopt while
// there is nothing to reopen, and with reopen_days 0.
std::optional<base::Micros> ReopenUntil(const Rules& rules, const Progress& progress);
// When the platform closes it; nullopt in states it does not close.
std::optional<base::Micros> CloseAt(const Rules& rules, const Progress& progress);

// Received, assigned, in progress, waiting: somebody still owes the citizen an answer.
bool IsOpen(State state);

inline constexpr size_t kReasonMax = 4000;  // code points
inline constexpr int kStarsMax = 5;

std::string_view StateName(State state);  // "in_progress": filters, open data, metrics
std::optional<State> ParseState(std::string_view name);
std::string_view StateNameVi(State state);   // "Đang xử lý"
std::string_view StateNameEn(State state);   // "In progress"
std::string_view EventName(EventKind kind);  // "ask": stored and shown in the API
std::optional<EventKind> ParseEvent(std::string_view name);
base::Text EventText(EventKind kind);            // for a timeline
std::string_view ActorKindName(ActorKind kind);  // "reporter"
std::optional<ActorKind> ParseActorKind(std::string_view name);

// The table as a Mermaid state diagram, one line an edge.
std::string StateDiagram();

}  // namespace dinh::feedback
