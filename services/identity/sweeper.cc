#include "services/identity/sweeper.h"

#include "libs/base/status.h"

namespace dinh::identity {

absl::Status Sweeper::Sweep(base::OpContext& ctx, const events::Fence& fence) {
  for (int64_t removed = kSweepRowsMax; removed >= kSweepRowsMax;) {
    ASSIGN_OR_RETURN(removed, database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<int64_t> {
      RETURN_IF_ERROR(fence.Check(tx));
      return store_.Sweep(tx, ctx.Now(), kSweepRowsMax);
    }));
  }
  return absl::OkStatus();
}

}  // namespace dinh::identity
