// What can go wrong with Redis, each with a reason of its own. None carries a key or a value: they may hold what nobody
// should read in a log.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace dinh::cache {

// UNAVAILABLE, REDIS_UNREACHABLE: no connection, or it broke. `what` is the system's word for it.
absl::Status RedisUnreachable(std::string_view what);
// UNAVAILABLE, REDIS_BREAKER_OPEN: it failed a moment ago and is left alone for a while.
absl::Status RedisBreakerOpen();
// UNAVAILABLE, REDIS_NOT_READY: it answered that it cannot serve now (LOADING, READONLY, MASTERDOWN …).
absl::Status RedisNotReady(std::string_view code);
// UNAVAILABLE, REDIS_NO_MASTER: no Sentinel could name a server that says of itself that it is the master.
absl::Status RedisNoMaster(std::string_view what);
// DEADLINE_EXCEEDED, REDIS_TIMEOUT.
absl::Status RedisTimeout();
// RESOURCE_EXHAUSTED, REDIS_POOL_BUSY: all connections were in use until the deadline.
absl::Status RedisPoolBusy();
// FAILED_PRECONDITION, REDIS_TLS: certificates that do not fit, on either side.
absl::Status RedisTlsRefused(std::string_view what);
// FAILED_PRECONDITION, REDIS_AUTH_REFUSED: user, password or the user's rights.
absl::Status RedisAuthRefused(std::string_view code);
// UNAVAILABLE, REDIS_PROTOCOL: what came is not what Redis says.
absl::Status RedisProtocol(std::string_view what);
// INTERNAL: the command was refused; `code` is the first word of the answer (WRONGTYPE, OOM …).
absl::Status RedisRefused(std::string_view code);

// The first word of an error reply; never more, as the rest may repeat an argument. At most 32 capital letters.
std::string_view RedisErrorCode(std::string_view reply);
// The status that an error reply stands for.
absl::Status RedisErrorOf(std::string_view reply);

// The reason for a metric's label: one of those above, or "OTHER".
std::string_view RedisReason(const absl::Status& status);

}  // namespace dinh::cache
