#include "libs/rpc/token_authenticator.h"

#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::rpc {
namespace {

absl::Status Expired() {
  return base::Unauthenticated("TOKEN_EXPIRED", {"Phiên đăng nhập đã hết hạn. Hãy làm mới phiên hoặc đăng nhập lại.",
                                                 "The access token has expired. Refresh it or log in again."});
}

absl::Status Ended() {
  return base::Unauthenticated(
      "LOGIN_REVOKED", {"Phiên đăng nhập này đã kết thúc. Hãy đăng nhập lại.", "This login has ended. Log in again."});
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(VerifyToken verify, const base::Clock& clock, Options options)
    : verify_(std::move(verify)), clock_(clock), options_(options) {}

void TokenAuthenticator::SetSource(auth::PrincipalSource* source) {
  std::lock_guard lock(mutex_);
  source_ = source;
}

absl::StatusOr<auth::Principal> TokenAuthenticator::Authenticate(const Credentials& credentials) {
  if (credentials.value.size() > options_.max_token_bytes) {
    return base::Unauthenticated("TOKEN_INVALID", {"Mã truy cập chưa hợp lệ. Hãy đăng nhập lại.",
                                                   "The access token is not valid. Log in again."});
  }
  // Remembered by digest: entries are small whatever a stranger sends, and memory holds no bearer tokens.
  const std::string token = base::Sha256(credentials.value);
  const base::Micros now = clock_.Now();
  std::optional<absl::StatusOr<VerifiedToken>> verified;
  auth::PrincipalSource* source = nullptr;
  {
    std::unique_lock lock(mutex_);
    source = source_;
    const auto found = by_token_.find(token);
    if (found != by_token_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      const Entry& entry = *found->second;
      if (entry.verified.ok() && entry.verified->expires_at <= now) return Expired();
      if (now < entry.fresh_until) {
        if (!entry.verified.ok() || !ended_) return entry.principal;
        const std::string session = entry.verified->session;
        absl::StatusOr<auth::Principal> principal = entry.principal;
        lock.unlock();
        if (ended_(session)) return Ended();
        return principal;
      }
      if (entry.verified.ok()) verified = entry.verified;
    }
  }
  if (source == nullptr) {
    return base::Unavailable("STARTING", {"Hệ thống đang khởi động. Hãy thử lại sau giây lát.",
                                          "The platform is starting. Try again in a moment."});
  }
  if (!verified) verified = verify_(credentials.value);
  Entry entry{token, *verified, absl::UnknownError(""), now};
  entry.fresh_until += std::chrono::duration_cast<std::chrono::microseconds>(options_.rights_ttl).count();
  entry.principal = verified->ok() ? source->Resolve((*verified)->account, (*verified)->session, (*verified)->person)
                                   : absl::StatusOr<auth::Principal>(verified->status());
  absl::StatusOr<auth::Principal> answer = entry.principal;
  // A failure of the source is no answer: the next call asks again.
  if (answer.ok() || absl::IsUnauthenticated(answer.status())) Store(std::move(entry));
  return answer;
}

void TokenAuthenticator::Store(Entry entry) {
  std::lock_guard lock(mutex_);
  const auto found = by_token_.find(entry.token);
  if (found != by_token_.end()) {
    found->second->verified = std::move(entry.verified);
    found->second->principal = std::move(entry.principal);
    found->second->fresh_until = entry.fresh_until;
    return;
  }
  entries_.push_front(std::move(entry));
  by_token_.emplace(entries_.front().token, entries_.begin());
  if (entries_.size() > options_.max_entries) {
    by_token_.erase(entries_.back().token);
    entries_.pop_back();
  }
}

void TokenAuthenticator::Forget(std::string_view session) {
  std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    const bool match = it->verified.ok() && it->verified->session == session;
    if (match) by_token_.erase(it->token);
    it = match ? entries_.erase(it) : std::next(it);
  }
}

size_t TokenAuthenticator::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace dinh::rpc
