// The one way in which a report moves: transition, clock, load, history, figures, events and what becomes public, all
// in the caller's transaction. Handlers and the clock both change reports through here.
//
// Thread-safe.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/base/working_calendar.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/figure_merger.h"
#include "services/feedback/indicator_book.h"
#include "services/feedback/publisher.h"
#include "services/feedback/rows.h"
#include "services/feedback/store.h"

namespace dinh::feedback {

class ReportBook {
 public:
  struct Parts {
    const Store& store;
    const CategoryTree& categories;
    const base::WorkingCalendar& calendar;
    IndicatorBook& indicators;
    FigureMerger& merger;
    Publisher& publisher;
    events::Outbox& outbox;
    base::Random& random;
    base::IdGenerator& ids;
  };
  explicit ReportBook(const Parts& parts) : p_(parts) {}

  // A new report: received, and assigned to `officer` unless that is empty; due time, first lines; schedules its
  // publication. `row.progress` is empty.
  absl::Status Open(db::Tx& tx, ReportRow& row, const Event& event, const std::string& actor_name,
                    const std::string& officer);
  // Applies the event and writes everything that follows from it.
  absl::Status Move(db::Tx& tx, ReportRow& row, const Event& event, const std::string& actor_name);
  // A line that is no transition.
  absl::StatusOr<int64_t> Say(db::Tx& tx, ReportRow& row, UpdateRow update);
  // Something public of it may have changed: at once for what must go, else as late as its reporter's safety asks for.
  absl::Status Republish(db::Tx& tx, const ReportRow& row, bool at_once = false);
  // What waits for a moderator.
  absl::Status Hold(db::Tx& tx, const ReportRow& row, pb::ModerationItem::Kind kind, const std::string& item);
  absl::Status Tell(db::Tx& tx, const std::string& account, pb::Notice::Kind kind, const ReportRow& row);
  // Due time, next step of the escalation and closing, from the row's progress.
  absl::Status SetTimes(db::Tx& tx, ReportRow& row) const;

  std::string RootOf(const std::string& category) const;
  // Where its figures are kept.
  IndicatorKey KeyOf(const ReportRow& row) const;

 private:
  absl::Status Count(db::Tx& tx, const ReportRow& row, const Change& change);
  absl::Status MoveLoad(db::Tx& tx, const Progress& before, const Progress& after) const;
  absl::StatusOr<int64_t> Add(db::Tx& tx, ReportRow& row, UpdateRow line);
  absl::Status WriteLine(db::Tx& tx, ReportRow& row, const Change& change, const std::string& actor_name);

  const Parts p_;
};

}  // namespace dinh::feedback
