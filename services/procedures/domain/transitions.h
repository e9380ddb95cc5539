// The ten national states of a dossier (hồ sơ) and everything that moves it between them: ONE table. Nothing else in
// the service sets a state. Source of the states: deploy/data/dossier.json; of the forms: Phụ lục I Thông tư
// 03/2025/TT-VPCP. The README's diagram is StateDiagram().
//
// Pure: no clock, no storage. Thread-safe when const.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"
#include "libs/base/status.h"
#include "services/procedures/domain/workflow.h"

namespace dinh::procedures {

// Codes are the national ones; 0 is a dossier that has not been filed.
enum class State {
  kNone = 0,
  kRegistered = 1,       // Mới đăng ký
  kAccepted = 2,         // Được tiếp nhận
  kRefused = 3,          // Không được tiếp nhận
  kProcessing = 4,       // Đang xử lý
  kSupplementAsked = 5,  // Yêu cầu bổ sung giấy tờ
  kFinancialDuty = 6,    // Yêu cầu thực hiện nghĩa vụ tài chính
  kWithdrawn = 7,        // Công dân yêu cầu rút hồ sơ
  kStopped = 8,          // Dừng xử lý
  kDone = 9,             // Đã xử lý xong
  kReturned = 10,        // Đã trả kết quả
};

enum class EventKind {
  kSubmit,
  kAccept,
  kRefuse,
  kAskSupplement,
  kSupply,
  kPay,
  kStart,
  kForward,
  kSendBack,
  kAskDuty,
  kMeetDuty,
  kSign,
  kStop,
  kWithdraw,
  kReturn,
  kRate,
};

enum class ActorKind { kCitizen, kOfficer, kSystem };

// Who acts. `in_scope` is decided by the caller before: a citizen is the filer, an officer belongs to the dossier's
// agency. Apply looks at kind and roles only.
struct Actor {
  ActorKind kind = ActorKind::kSystem;
  std::string id;                  // opaque id of the person or officer who answers for the act
  std::vector<std::string> roles;  // of an officer in the dossier's agency
};

struct Event {
  EventKind kind = EventKind::kSubmit;
  Actor actor;
  base::Micros at = 0;
  std::string reason;        // kRefuse, kAskSupplement, kAskDuty, kSendBack, kStop, kWithdraw (optional there)
  base::Vnd charge_vnd = 0;  // kAccept: what must be paid before work starts
  int stars = 0;             // kRate: 1..5
};

// The part of a dossier that transitions read and write.
struct Progress {
  State state = State::kNone;
  int step = -1;                // index in the workflow while in 4, 9; kept while in 5, 6
  State resume = State::kNone;  // where 5 goes back to
  bool charge_due = false;
  bool charge_paid = false;
  bool has_result = false;                // a result document is attached
  std::vector<std::string> processed_by;  // officers who accepted or completed a step: none of them may sign
  int stars = 0;
  std::optional<base::Micros> accepted_at;
  std::optional<base::Micros> waiting_since;  // since when the citizen is waited for; the processing clock stands
  std::optional<base::Micros> finished_at;    // when 3, 7, 8 or 9 was reached

  bool operator==(const Progress&) const = default;
};

// A time the citizen was waited for, to be excluded from the processing time. [from, to)
struct Pause {
  base::Micros from = 0;
  base::Micros to = 0;
  bool operator==(const Pause&) const = default;
};

// One line of the dossier's history.
struct Change {
  EventKind event = EventKind::kSubmit;
  State from = State::kNone;
  State to = State::kNone;
  int step_from = -1;
  int step_to = -1;
  std::string actor;  // empty: the platform itself
  base::Micros at = 0;
  std::string reason;
  std::optional<Pause> pause;  // set when waiting ended with this change and the clock had been started

  bool operator==(const Change&) const = default;
};

// Who may cause an edge.
enum class Who {
  kFiler,        // the citizen who filed it
  kFilerOrDesk,  // or an officer of the desk who assists
  kDesk,
  kStepRole,  // whoever holds a role of the current step
  kDeskOrStep,
  kOffice,      // any role of the workflow
  kReturnRole,  // a role of the workflow's return step
  kSystem,      // the platform: payments' event, or by itself
  kStepOrSystem,
};

enum class When {
  kAlways,
  kResumesHere,  // the state it was asked for supplements in
  kNothingDue,   // no charge, or paid; taken by itself
  kChargeOpen,   // a charge is due and unpaid
  kDraftStep,
  kSignStep,  // another step to sign or draft follows
  kLastSignStep,
  kSendBackStep,  // a signature that has a draft before it
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

// Applies the event, and then whatever follows by itself (2 -> 4 when nothing is due). On success `progress` has moved
// and the changes stand in order; on error it is untouched. Errors:
//   PERMISSION_DENIED                      nobody of this kind and role may do that to a dossier of this workflow
//   PERMISSION_DENIED PROCESSOR_MAY_NOT_SIGN    the signer worked on the dossier before
//   PERMISSION_DENIED STEP_ROLE                 the current step belongs to another role
//   FAILED_PRECONDITION STATE_DOES_NOT_ALLOW    neither the state nor the step allow the event; metadata state, event
//   FAILED_PRECONDITION CHARGE_UNPAID, RESULT_MISSING, ALREADY_RATED
//   INVALID_ARGUMENT                       reason missing or too long; stars not 1..5
absl::StatusOr<std::vector<Change>> Apply(const Workflow& workflow, const Event& event, Progress& progress);

// The events this actor could cause now, for buttons; in the table's order, each once.
std::vector<EventKind> Allowed(const Workflow& workflow, const Actor& actor, const Progress& progress);

// True in 5 and 6 and in 2 with an unpaid charge.
bool WaitsForCitizen(const Progress& progress);
bool IsFinal(State state);  // 3, 7, 8, 10
// The processing time is over: 3, 7, 8, 9, 10.
bool IsFinished(State state);

inline constexpr size_t kReasonMax = 2000;  // code points

std::string_view StateNameVi(State state);   // "Đang xử lý"
std::string_view StateNameEn(State state);   // "Processing"
std::string_view EventName(EventKind kind);  // "ask_supplement": stored and shown in the API
base::Text EventText(EventKind kind);        // for a timeline
std::optional<EventKind> ParseEvent(std::string_view name);

// The table as a Mermaid state diagram, one line an edge.
std::string StateDiagram();

}  // namespace dinh::procedures
