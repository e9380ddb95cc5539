#include "libs/events/periodic.h"

#include "libs/base/status.h"

namespace dinh::events {

absl::Status Periodic::Register() {
  if (o_.every.count() <= 0 || !o_.round) return base::Internal("periodic work " + o_.kind + " is not complete");
  JobKind kind;
  kind.run = [this](base::OpContext& ctx, const Job& job) -> absl::StatusOr<JobDone> {
    RETURN_IF_ERROR(o_.round(ctx, Fence(jobs_, job)));
    const base::Micros next = ctx.Now() + o_.every.count();
    return JobDone([this, next](db::Tx& tx) { return Schedule(tx, next); });
  };
  kind.for_ever = true;
  kind.timeout = o_.limit;
  return jobs_.Register(o_.kind, std::move(kind));
}

absl::Status Periodic::Begin(base::OpContext& ctx) {
  return database_.Transact(ctx, [&](db::Tx& tx) { return Schedule(tx, ctx.Now()); });
}

absl::Status Periodic::Schedule(db::Tx& tx, base::Micros at) {
  const std::string id = o_.kind + "-" + std::to_string(at / o_.every.count());
  return jobs_.Enqueue(tx, {.kind = o_.kind, .payload = "", .id = id, .run_after = at}).status();
}

}  // namespace dinh::events
