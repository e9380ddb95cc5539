// What the stores read and write. Plain values; sealing happens inside the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dinh/feedback/v1/board_service.pb.h"
#include "dinh/feedback/v1/desk_service.pb.h"
#include "dinh/feedback/v1/resources.pb.h"
#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "services/feedback/domain/geo.h"
#include "services/feedback/domain/privacy.h"
#include "services/feedback/domain/transitions.h"

namespace dinh::feedback {

namespace pb = ::dinh::feedback::v1;

// One line of a report's history.
struct UpdateRow {
  int64_t position = 0;
  base::Micros at = 0;
  pb::Update::Kind kind = pb::Update::KIND_STATE;
  std::string event;
  State from = State::kNone;
  State to = State::kNone;
  pb::Update::Actor actor_kind = pb::Update::ACTOR_SYSTEM;
  std::string actor;
  std::string actor_name;
  std::string text;
  std::string public_text;  // "" the text itself
  Moderation moderation = Moderation::kNotNeeded;
  std::optional<Pause> pause;
};

// A report as the office and the reporter see it.
struct ReportRow {
  std::string id;    // UUIDv7, internal
  std::string code;  // "PA-…"
  int64_t revision = 1;
  std::string category;
  std::string agency;
  std::string unit;
  std::string position;
  std::string above_agency;  // escalated to
  std::string above_unit;
  int escalation = 0;
  std::string bypass_officer;
  std::string bypass_unit;
  std::string reporter_account;
  std::string reporter_person;
  std::string contact_index;  // raw bytes; "" none
  pb::Reporter contact;       // name and phone of who has no login or who called
  std::string filed_by;
  pb::Report content;       // description, place, answers
  std::string public_text;  // what a moderator wrote instead of the description; "" the description itself
  bool anonymous = false;
  bool asked_public = false;
  Moderation moderation = Moderation::kNotNeeded;
  bool hidden = false;
  int64_t flags = 0;  // bit n: pb::Report::Flag n
  int64_t joined = 0;
  Progress progress;
  base::Micros created_at = 0;
  std::string comment;  // of the rating
  std::optional<base::Micros> due_at;
  std::optional<base::Micros> next_step_at;
  std::optional<base::Micros> close_at;
  base::Micros first_public_at = 0;
  std::string tracking_hash;  // hexadecimal; "" none
  std::string target_index;   // raw bytes; "" none

  // Seen by the office it was escalated to: decided by the handlers before the scope check (SeenBy).
  bool from_above = false;
  // Its lines as far as this transaction has read and written them; nullopt: not looked at. Empty: it is being made.
  std::optional<std::vector<UpdateRow>> history;

  bool Has(pb::Report::Flag flag) const { return (flags & (int64_t{1} << flag)) != 0; }
  void Set(pb::Report::Flag flag) { flags |= int64_t{1} << flag; }
  auth::ResourceScope scope() const {
    const std::string& office = from_above ? above_agency : agency;
    const std::string& where = from_above ? above_unit : unit;
    // One phone may serve several persons: a report of one is not another's. Before anyone said who they are it is the
    // login's.
    if (!reporter_person.empty()) return {{reporter_person}, "", office, where};
    return {{}, reporter_account, office, where};
  }
};

struct PhotoRow {
  std::string id;
  std::string report;  // id; "" when unused
  int64_t position = 0;
  std::string owner;
  pb::Photo::Kind kind = pb::Photo::KIND_BEFORE;
  Moderation moderation = Moderation::kPending;
  bool contested = false;
  int width = 0;
  int height = 0;
  std::string full_blob;
  std::string thumbnail_blob;
  std::string shown_full_blob;
  std::string shown_thumbnail_blob;
  base::Micros created_at = 0;
};

struct RemovalRow {
  std::string id;
  std::string report;
  std::string photo;
  std::string who;
  std::string reason;
  base::Micros at = 0;
  int decided = 0;  // 0 open, 1 granted, 2 refused
  std::string decided_by;
};

struct ModerationRow {
  std::string id;
  std::string agency;
  std::string unit;
  pb::ModerationItem::Kind kind = pb::ModerationItem::KIND_DESCRIPTION;
  std::string report;  // id
  std::string item;
};

struct NoticeRow {
  std::string id;
  std::string account;
  pb::Notice::Kind kind = pb::Notice::KIND_PUBLISHED;
  std::string report;  // code
  base::Micros at = 0;
};

struct FollowRow {
  std::string id;
  std::string account;
  std::string unit;
  Point center;
  int radius_m = 0;
  std::string name;
  base::Micros created_at = 0;
};

// An agency's reports of one unit.
struct Office {
  std::string agency;
  std::string unit;
  bool operator==(const Office&) const = default;
};

// Whose turn it was in an office.
struct Turn {
  std::string last;  // officer; "" nobody's yet
  // false: somebody is taking it at this moment, and who comes next is not known yet.
  bool held = false;
};

struct OfficeFilter {
  std::vector<Office> offices;           // of an office …
  std::string assignee;                  // … or assigned to one officer …
  std::string reporter_account;          // … or one's own,
  std::string reporter_person;           // as the person acted for
  std::vector<State> states;             // empty: all
  std::vector<std::string> categories;   // leaves; empty: all
  std::optional<base::Micros> from, to;  // sent within [from, to)
  bool overdue_only = false;
  std::string before;  // id of the last one seen; "" from the newest
  int limit = 20;
};

struct OfficePage {
  std::vector<ReportRow> rows;
  std::string next;  // id to go on from; "" there is no more
};

}  // namespace dinh::feedback
