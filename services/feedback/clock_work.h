// What time does to reports: reminders, escalations, closing, and the removal of unused uploads. One process of several
// makes each round; a step is marked in the transaction that takes it, so that it is taken once
// whatever happens.
//
// Thread-safe after Register.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/periodic.h"
#include "services/feedback/clients.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/report_book.h"
#include "services/feedback/store.h"

namespace dinh::feedback {

class ClockWork {
 public:
  struct Parts {
    events::Jobs& jobs;
    db::Database& database;
    const Store& store;
    const CategoryTree& categories;
    ReportBook& book;
    IndicatorBook& indicators;
    db::BlobStore& blobs;
    TerritoryClient& territory;
    IdentityClient& identity;
    std::chrono::milliseconds interval;
  };
  explicit ClockWork(const Parts& parts);

  // Init only.
  absl::Status Register() { return rounds_.Register(); }
  // Sees to it that a round is waiting.
  absl::Status Begin(base::OpContext& ctx) { return rounds_.Begin(ctx); }

 private:
  // Where an escalation goes, asked of others before the transaction.
  struct Target {
    std::string agency;  // of the unit above, for kUnitAbove
    std::string unit;
    std::vector<std::string> officers;
  };

  // One round: every step and closing that is due, and old uploads.
  absl::Status Round(base::OpContext& ctx, const events::Fence& fence);
  absl::Status TakeStep(base::OpContext& ctx, const events::Fence& fence, const std::string& report);
  absl::Status Close(base::OpContext& ctx, const events::Fence& fence, const std::string& report);
  absl::Status SweepPhotos(base::OpContext& ctx, const events::Fence& fence);
  absl::StatusOr<Target> TargetOfStep(base::OpContext& ctx, const EscalationStep& step, const ReportRow& row);
  absl::Status Act(db::Tx& tx, ReportRow& row, const EscalationStep& step, const Target& target);

  const Parts p_;
  events::Periodic rounds_;
};

}  // namespace dinh::feedback
