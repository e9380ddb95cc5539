#include "libs/cache/redis_errors.h"

#include <algorithm>
#include <array>
#include <string>

#include "libs/base/status.h"

namespace dinh::cache {
namespace {

constexpr size_t kCodeBytesMax = 32;

constexpr std::array<std::string_view, 10> kReasons = {
    "REDIS_UNREACHABLE", "REDIS_BREAKER_OPEN", "REDIS_NOT_READY",    "REDIS_NO_MASTER", "REDIS_TIMEOUT",
    "REDIS_POOL_BUSY",   "REDIS_TLS",          "REDIS_AUTH_REFUSED", "REDIS_PROTOCOL",  "INTERNAL"};

template <size_t N>
bool OneOf(std::string_view code, const std::array<std::string_view, N>& codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string With(std::string_view before, std::string_view what, std::string_view after) {
  return std::string(before).append(what).append(after);
}

}  // namespace

absl::Status RedisUnreachable(std::string_view what) {
  return base::Unavailable("REDIS_UNREACHABLE",
                           {With("Không kết nối được Redis (", what, "); hãy kiểm tra Redis có đang chạy không."),
                            With("Redis cannot be reached (", what, "); check that it is running.")});
}

absl::Status RedisBreakerOpen() {
  return base::Unavailable("REDIS_BREAKER_OPEN", {"Redis vừa không trả lời; hệ thống tạm chạy không có Redis.",
                                                  "Redis did not answer a moment ago; it is left alone for a while."});
}

absl::Status RedisNotReady(std::string_view code) {
  return base::Unavailable("REDIS_NOT_READY", {With("Redis chưa sẵn sàng (", code, "); hãy thử lại sau."),
                                               With("Redis is not ready (", code, "); try again later.")});
}

absl::Status RedisNoMaster(std::string_view what) {
  return base::Unavailable(
      "REDIS_NO_MASTER",
      {With("Sentinel chưa chỉ ra được máy chủ Redis chính (", what, "); hãy kiểm tra tên và các Sentinel."),
       With("The Sentinels could not name a Redis master (", what, "); check its name and the Sentinels.")});
}

absl::Status RedisTimeout() {
  return base::Error(absl::StatusCode::kDeadlineExceeded, "REDIS_TIMEOUT",
                     {"Redis không trả lời kịp; hãy thử lại.", "Redis did not answer in time; try again."});
}

absl::Status RedisPoolBusy() {
  return base::ResourceExhausted("REDIS_POOL_BUSY",
                                 {"Mọi kết nối Redis đều đang bận; hãy thử lại hoặc tăng số kết nối.",
                                  "All connections to Redis are in use; try again, or allow more of them."},
                                 100);
}

absl::Status RedisTlsRefused(std::string_view what) {
  return base::FailedPrecondition(
      "REDIS_TLS",
      {With("Kết nối TLS với Redis không thành (", what, "); hãy kiểm tra chứng chỉ, khóa và tên máy chủ."),
       With("TLS with Redis failed (", what, "); check certificates, key and the server's name.")});
}

absl::Status RedisAuthRefused(std::string_view code) {
  return base::FailedPrecondition(
      "REDIS_AUTH_REFUSED",
      {With("Redis từ chối đăng nhập hoặc quyền (", code, "); hãy kiểm tra tên, mật khẩu và quyền ACL."),
       With("Redis refused the login or its rights (", code, "); check user, password and ACL.")});
}

absl::Status RedisProtocol(std::string_view what) {
  return base::Unavailable("REDIS_PROTOCOL",
                           {With("Máy chủ không trả lời theo giao thức Redis (", what, "); hãy kiểm tra địa chỉ."),
                            With("The server does not speak the Redis protocol (", what, "); check the address.")});
}

absl::Status RedisRefused(std::string_view code) { return base::Internal(With("Redis refused a command: ", code, "")); }

std::string_view RedisErrorCode(std::string_view reply) {
  size_t size = 0;
  while (size < reply.size() && size < kCodeBytesMax && reply[size] >= 'A' && reply[size] <= 'Z') ++size;
  return size == 0 ? "ERR" : reply.substr(0, size);
}

absl::Status RedisErrorOf(std::string_view reply) {
  static constexpr std::array<std::string_view, 6> kNotReady = {"LOADING",     "READONLY", "MASTERDOWN",
                                                                "CLUSTERDOWN", "TRYAGAIN", "MISCONF"};
  static constexpr std::array<std::string_view, 3> kAuth = {"NOAUTH", "WRONGPASS", "NOPERM"};
  const std::string_view code = RedisErrorCode(reply);
  if (OneOf(code, kNotReady)) return RedisNotReady(code);
  if (OneOf(code, kAuth)) return RedisAuthRefused(code);
  return RedisRefused(code);
}

std::string_view RedisReason(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  if (!detail) return "OTHER";
  const auto found = std::find(kReasons.begin(), kReasons.end(), detail->reason);
  return found == kReasons.end() ? "OTHER" : *found;
}

}  // namespace dinh::cache
