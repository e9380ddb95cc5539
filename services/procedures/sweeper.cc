#include "services/procedures/sweeper.h"

#include <string>
#include <utility>
#include <vector>

#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {
constexpr char kKind[] = "files.sweep";
}  // namespace

absl::Status Sweeper::Register() {
  events::JobKind kind;
  kind.run = [this](base::OpContext& ctx, const events::Job&) -> absl::StatusOr<events::JobDone> {
    RETURN_IF_ERROR(Sweep(ctx).status());
    const base::Micros next = ctx.Now() + kSweepEvery;
    return events::JobDone([this, next](db::Tx& tx) { return Schedule(tx, next); });
  };
  kind.attempts_max = 1000;
  return jobs_.Register(kKind, std::move(kind));
}

absl::Status Sweeper::Schedule(db::Tx& tx, base::Micros at) {
  // One round an hour, whoever asks for it.
  const std::string id = "files.sweep-" + std::to_string(at / kSweepEvery);
  return jobs_.Enqueue(tx, {.kind = kKind, .payload = "", .id = id, .run_after = at}).status();
}

absl::StatusOr<int64_t> Sweeper::Sweep(base::OpContext& ctx) {
  const base::Micros before = ctx.Now() - kUnusedFileKept;
  // Rows first: a file without a row is only wasted room, a row without its file would be a broken promise.
  ASSIGN_OR_RETURN(const std::vector<std::string> blobs, database_.Transact(ctx, [&](db::Tx& tx) {
    return store_.RemoveUnused(tx, before, kSweepFilesMax);
  }));
  for (const std::string& blob : blobs) RETURN_IF_ERROR(blobs_.Remove(blob));
  return static_cast<int64_t>(blobs.size());
}

}  // namespace dinh::procedures
