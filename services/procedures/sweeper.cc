#include "services/procedures/sweeper.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "services/procedures/limits.h"

namespace dinh::procedures {

absl::Status Sweeper::Sweep(base::OpContext& ctx, const events::Fence& fence) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(SweepUploads(ctx, fence));
  return strays_.Sweep(ctx).status();
}

absl::Status Sweeper::SweepUploads(base::OpContext& ctx, const events::Fence& fence) {
  // Rows first: a file without a row is only wasted room, a row without its file would be a broken promise.
  ASSIGN_OR_RETURN(const std::vector<std::string> blobs,
                   database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<std::vector<std::string>> {
                     RETURN_IF_ERROR(fence.Check(tx));
                     ASSIGN_OR_RETURN(std::vector<std::string> gone,
                                      store_.RemoveUnused(tx, ctx.Now() - kUnusedFileKept, kSweepFilesMax));
                     ASSIGN_OR_RETURN(std::vector<std::string> parts,
                                      store_.DropStaleUploads(tx, ctx.Now() - kOpenUploadKept, kSweepFilesMax));
                     std::move(parts.begin(), parts.end(), std::back_inserter(gone));
                     return gone;
                   }));
  for (const std::string& blob : blobs) RETURN_IF_ERROR(blobs_.Remove(blob));
  return absl::OkStatus();
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
