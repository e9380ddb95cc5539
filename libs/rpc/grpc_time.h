// gRPC's instants from what is left of ours. They are told on the steady clock: a wall clock that is set right while a
// call is under way neither ends it nor lets it run on. Internal to libs/rpc.
#pragma once

#include <grpc/support/time.h>

#include <chrono>
#include <optional>

namespace dinh::rpc {

inline gpr_timespec After(std::chrono::nanoseconds left) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left.count(), GPR_TIMESPAN));
}

// What is left until then; none for an instant that never comes.
inline std::optional<std::chrono::nanoseconds> Until(gpr_timespec instant) {
  if (gpr_time_cmp(instant, gpr_inf_future(instant.clock_type)) == 0) return std::nullopt;
  const gpr_timespec left = gpr_time_sub(instant, gpr_now(instant.clock_type));
  return std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec);
}

}  // namespace dinh::rpc
