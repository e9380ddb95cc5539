#include "libs/auth/password.h"

#include <sodium.h>
#include <utf8proc.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "libs/base/status.h"

namespace dinh::auth {
namespace {

absl::Status Busy(int64_t retry_after_ms) {
  return base::ResourceExhausted("LOGIN_BUSY",
                                 {"Đang có nhiều người đăng nhập. Hãy thử lại sau vài giây.",
                                  "Many logins are being checked. Try again in a few seconds."},
                                 retry_after_ms);
}

absl::Status MemoryShort(int64_t retry_after_ms) {
  return base::Unavailable("LOGIN_UNAVAILABLE",
                           {"Máy chủ đang thiếu bộ nhớ. Hãy thử lại sau ít phút.",
                            "The server is short of memory. Try again in a few minutes."},
                           retry_after_ms);
}

// Zeroised when released.
class ComposedPassword {
 public:
  explicit ComposedPassword(std::string_view password) : text_(password) {
    size_ = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(password.data()),
                         static_cast<utf8proc_ssize_t>(password.size()), &composed_,
                         static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    // What is not UTF-8 is a password all the same.
    if (size_ >= 0) text_ = {reinterpret_cast<const char*>(composed_), static_cast<size_t>(size_)};
  }
  ComposedPassword(const ComposedPassword&) = delete;
  ComposedPassword& operator=(const ComposedPassword&) = delete;
  ~ComposedPassword() {
    if (composed_ != nullptr && size_ > 0) sodium_memzero(composed_, static_cast<size_t>(size_));
    std::free(composed_);
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  utf8proc_uint8_t* composed_ = nullptr;
  utf8proc_ssize_t size_ = 0;
};

}  // namespace

PasswordHasher::PasswordHasher(PasswordOptions options) : options_(options) {}

PasswordHasher::Place::~Place() {
  if (hasher_ != nullptr) hasher_->Leave();
}

absl::StatusOr<PasswordHasher::Place> PasswordHasher::Enter(base::OpContext& ctx) {
  std::unique_lock lock(mutex_);
  RETURN_IF_ERROR(ctx.Check());
  if (at_work_ >= options_.at_work_max || !queue_.empty()) {
    if (static_cast<int>(queue_.size()) >= options_.waiting_max) return Busy(options_.retry_after_ms);
    const auto self = queue_.insert(queue_.end(), 0);
    // Remaining() is rounded down: one more, so that the deadline has passed when the time is up.
    const bool my_turn = changed_.wait_for(lock, ctx.Remaining() + std::chrono::milliseconds(1),
                                           [&] { return queue_.begin() == self && at_work_ < options_.at_work_max; });
    queue_.erase(self);
    // Whoever stood behind is first now.
    changed_.notify_all();
    RETURN_IF_ERROR(ctx.Check());
    if (!my_turn) return Busy(options_.retry_after_ms);
  }
  ++at_work_;
  return Place(this);
}

void PasswordHasher::Leave() {
  std::lock_guard lock(mutex_);
  --at_work_;
  changed_.notify_all();
}

absl::StatusOr<std::string> PasswordHasher::Hash(base::OpContext& ctx, std::string_view password) {
  if (password.empty() || password.size() > kPasswordBytesMax) {
    const std::string max = std::to_string(kPasswordBytesMax);
    return base::InvalidField("password", {"cần từ 1 đến " + max + " byte.", "must have 1 to " + max + " bytes."});
  }
  ASSIGN_OR_RETURN(const Place place, Enter(ctx));
  const ComposedPassword composed(password);
  char stored[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str_alg(stored, composed.text().data(), composed.text().size(), options_.ops, options_.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return MemoryShort(options_.retry_after_ms);
  }
  return std::string(stored);
}

absl::StatusOr<bool> PasswordHasher::Verify(base::OpContext& ctx, std::string_view password, std::string_view stored) {
  ASSIGN_OR_RETURN(const Place place, Enter(ctx));
  const ComposedPassword composed(password.substr(0, kPasswordBytesMax));
  const std::string_view checked = composed.text();
  if (stored.empty() || stored.size() >= crypto_pwhash_STRBYTES) {
    // The same work as for a known account, so that time does not tell which names exist.
    unsigned char out[32];
    const unsigned char salt[crypto_pwhash_SALTBYTES] = {};
    if (crypto_pwhash(out, sizeof(out), checked.data(), checked.size(), salt, options_.ops, options_.memory_bytes,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
      return MemoryShort(options_.retry_after_ms);
    }
    return false;
  }
  // libsodium reads a zero-terminated buffer of this size.
  char text[crypto_pwhash_STRBYTES] = {};
  std::memcpy(text, stored.data(), stored.size());
  const bool same = crypto_pwhash_str_verify(text, checked.data(), checked.size()) == 0;
  return same && password.size() <= kPasswordBytesMax;
}

bool PasswordHasher::NeedsRehash(const std::string& stored) const {
  return crypto_pwhash_str_needs_rehash(stored.c_str(), options_.ops, options_.memory_bytes) != 0;
}

int PasswordHasher::waiting() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(queue_.size());
}

}  // namespace dinh::auth
