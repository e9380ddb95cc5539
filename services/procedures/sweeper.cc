#include "services/procedures/sweeper.h"

#include <algorithm>
#include <iterator>
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
    const base::Micros next = ctx.Now() + every_;
    return events::JobDone([this, next](db::Tx& tx) { return Schedule(tx, next); });
  };
  kind.attempts_max = 1000;
  kind.timeout = kSweepMax;
  return jobs_.Register(kKind, std::move(kind));
}

absl::Status Sweeper::Schedule(db::Tx& tx, base::Micros at) {
  // One round each time, whoever asks for it.
  const std::string id = "files.sweep-" + std::to_string(at / every_);
  return jobs_.Enqueue(tx, {.kind = kKind, .payload = "", .id = id, .run_after = at}).status();
}

absl::StatusOr<int64_t> Sweeper::Sweep(base::OpContext& ctx) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const int64_t uploads, SweepUploads(ctx));
  ASSIGN_OR_RETURN(const int64_t strays, strays_.Sweep(ctx));
  return uploads + strays;
}

absl::StatusOr<int64_t> Sweeper::SweepUploads(base::OpContext& ctx) {
  // Rows first: a file without a row is only wasted room, a row without its file would be a broken promise.
  ASSIGN_OR_RETURN(std::vector<std::string> blobs, database_.Transact(ctx, [&](db::Tx& tx) {
    return store_.RemoveUnused(tx, ctx.Now() - kUnusedFileKept, kSweepFilesMax);
  }));
  ASSIGN_OR_RETURN(std::vector<std::string> parts, database_.Transact(ctx, [&](db::Tx& tx) {
    return store_.DropStaleUploads(tx, ctx.Now() - kOpenUploadKept, kSweepFilesMax);
  }));
  std::move(parts.begin(), parts.end(), std::back_inserter(blobs));
  for (const std::string& blob : blobs) RETURN_IF_ERROR(blobs_.Remove(blob));
  return static_cast<int64_t>(blobs.size());
}

absl::StatusOr<int64_t> StrayFiles::Sweep(base::OpContext& ctx) {
  std::set<std::string> unnamed;
  std::string after;
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const std::vector<std::string> ids, blobs_.List(after, kSweepPage));
    more = ids.size() == kSweepPage;
    if (ids.empty()) break;
    // The files first, then the rows: a row that comes meanwhile is seen.
    ASSIGN_OR_RETURN(std::vector<std::string> named,
                     database_.Read(ctx, [&](db::Tx& tx) { return store_.NamedBlobs(tx, ids.front(), ids.back()); }));
    std::sort(named.begin(), named.end());
    std::set_difference(ids.begin(), ids.end(), named.begin(), named.end(), std::inserter(unnamed, unnamed.end()));
    after = ids.back();
    if (unnamed.size() > kSweepSuspectsMax) break;  // the others' turn comes when these are gone
  }
  int64_t removed = 0;
  for (auto id = unnamed.begin(); id != unnamed.end();) {
    if (!suspects_.contains(*id)) {
      ++id;
      continue;
    }
    RETURN_IF_ERROR(blobs_.Remove(*id));
    ++removed;
    id = unnamed.erase(id);
  }
  suspects_ = std::move(unnamed);
  return removed;
}

}  // namespace dinh::procedures
