#include "libs/base/op_context.h"

#include "libs/base/status.h"

namespace dinh::base {

absl::Status OpContext::Check() const {
  if (cancelled_->load(std::memory_order_relaxed)) {
    return Error(
        absl::StatusCode::kCancelled, "CANCELLED",
        {"Yêu cầu đã bị hủy. Hãy gửi lại nếu bạn vẫn cần.", "The call was cancelled. Send it again if needed."});
  }
  if (clock_.Steady() >= deadline_) {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                 {"Yêu cầu quá thời gian cho phép. Hãy thử lại với cùng mã yêu cầu.",
                  "The call took longer than allowed. Try again with the same request id."});
  }
  return absl::OkStatus();
}

}  // namespace dinh::base
