#include "services/identity/domain/login.h"

#include <array>

#include "libs/base/strings.h"

namespace dinh::identity {
namespace {

using enum LoginState;
using enum LoginEvent;
using enum LoginAnswer;

constexpr std::array kTransitions = {
    LoginTransition{kActive, kPresentCurrent, kActive, kNewToken},
    LoginTransition{kActive, kPresentPrevious, kActive, kSameToken},
    LoginTransition{kActive, kPresentPreviousLate, kRevoked, kRefused},
    LoginTransition{kActive, kPresentOlder, kRevoked, kRefused},
    LoginTransition{kActive, kLogOut, kLoggedOut, kNone},
    LoginTransition{kActive, kEndRemotely, kEndedRemotely, kNone},
    LoginTransition{kActive, kLockAccount, kLocked, kNone},
    LoginTransition{kActive, kChangePassword, kPasswordChanged, kNone},
};

constexpr std::string_view kPrefix = "dr_";
constexpr size_t kIdBytes = 16;
constexpr size_t kGenerationBytes = 4;
constexpr size_t kMacBytes = 32;
constexpr int64_t kGenerationMax = 0xFFFFFFFF;

// 16 raw bytes and back; "" when it is no UUID.
std::string IdToBytes(std::string_view uuid) {
  std::string hex;
  for (const char c : uuid) {
    if (c != '-') hex.push_back(c);
  }
  std::string bytes;
  return base::HexDecode(hex, &bytes) && bytes.size() == kIdBytes ? bytes : "";
}

std::string IdFromBytes(std::string_view bytes) {
  std::string uuid = base::HexEncode(bytes);
  for (const size_t at : {8, 13, 18, 23}) uuid.insert(at, "-");
  return uuid;
}

std::string Head(std::string_view login_id, int64_t generation) {
  std::string head = IdToBytes(login_id);
  for (int shift = 24; shift >= 0; shift -= 8) head.push_back(static_cast<char>(generation >> shift & 255));
  return head;
}

}  // namespace

std::span<const LoginTransition> LoginTransitions() { return kTransitions; }

std::optional<LoginEvent> ClassifyToken(const LoginFamily& family, int64_t generation, base::Micros now) {
  if (generation < 1 || generation > family.generation) return std::nullopt;
  if (generation == family.generation) return kPresentCurrent;
  if (generation < family.generation - 1) return kPresentOlder;
  return now - family.rotated_at <= kPreviousTokenGrace ? kPresentPrevious : kPresentPreviousLate;
}

std::optional<LoginAnswer> Apply(LoginFamily& family, LoginEvent event, base::Micros now) {
  for (const LoginTransition& transition : kTransitions) {
    if (transition.from != family.state || transition.event != event) continue;
    family.state = transition.to;
    if (transition.answer == kNewToken) {
      if (family.generation >= kGenerationMax) return std::nullopt;
      ++family.generation;
      family.rotated_at = now;
    }
    return transition.answer;
  }
  return std::nullopt;
}

std::string_view Name(LoginState state) {
  switch (state) {
    case kActive:
      return "active";
    case kLoggedOut:
      return "logged_out";
    case kEndedRemotely:
      return "ended_remotely";
    case kRevoked:
      return "revoked";
    case kLocked:
      return "locked";
    case kPasswordChanged:
      return "password_changed";
  }
  return "unknown";
}

std::string_view Name(LoginEvent event) {
  switch (event) {
    case kPresentCurrent:
      return "present_current";
    case kPresentPrevious:
      return "present_previous";
    case kPresentPreviousLate:
      return "present_previous_late";
    case kPresentOlder:
      return "present_older";
    case kLogOut:
      return "log_out";
    case kEndRemotely:
      return "end_remotely";
    case kLockAccount:
      return "lock_account";
    case kChangePassword:
      return "change_password";
  }
  return "unknown";
}

std::string MakeRefreshToken(std::string_view login_id, int64_t generation, std::string_view secret) {
  const std::string head = Head(login_id, generation);
  return std::string(kPrefix) + base::Base64UrlEncode(head + base::HmacSha256(secret, head));
}

std::optional<RefreshTokenParts> ParseRefreshToken(std::string_view token) {
  std::string bytes;
  if (token.substr(0, kPrefix.size()) != kPrefix || !base::Base64UrlDecode(token.substr(kPrefix.size()), &bytes) ||
      bytes.size() != kIdBytes + kGenerationBytes + kMacBytes) {
    return std::nullopt;
  }
  RefreshTokenParts parts;
  parts.login_id = IdFromBytes(std::string_view(bytes).substr(0, kIdBytes));
  for (size_t i = 0; i < kGenerationBytes; ++i) {
    parts.generation = parts.generation << 8 | static_cast<unsigned char>(bytes[kIdBytes + i]);
  }
  return parts;
}

bool IsRefreshToken(std::string_view token, const RefreshTokenParts& parts, std::string_view secret) {
  return base::ConstantTimeEqual(token, MakeRefreshToken(parts.login_id, parts.generation, secret));
}

}  // namespace dinh::identity
