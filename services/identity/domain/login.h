// A login: a family of refresh tokens on one device. Each token carries its generation; only the login's counter is
// stored, and each token is derived from the login's secret, so a lost answer can be given again word for word.
//
// Everything that can happen to a login stands in one table (login.cc); nothing else sets a state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/base/clock.h"

namespace dinh::identity {

// Values are stored.
enum class LoginState {
  kActive = 1,
  kLoggedOut = 2,        // by its own device
  kEndedRemotely = 3,    // by another device of the account
  kRevoked = 4,          // an old token came back: two parties hold the family, one of them a thief
  kLocked = 5,           // the account was locked
  kPasswordChanged = 6,  // on another device
};

enum class LoginEvent {
  kPresentCurrent,       // the newest token
  kPresentPrevious,      // the one before, shortly after it was replaced: a lost answer, or two tabs
  kPresentPreviousLate,  // the one before, later
  kPresentOlder,         // any older one
  kLogOut,
  kEndRemotely,
  kLockAccount,
  kChangePassword,
};

// What the caller gets.
enum class LoginAnswer { kNewToken, kSameToken, kNone, kRefused };

struct LoginTransition {
  LoginState from;
  LoginEvent event;
  LoginState to;
  LoginAnswer answer;
};

// How long the previous token still yields the same successor.
inline constexpr base::Micros kPreviousTokenGrace = 30 * base::kMicrosPerSecond;

struct LoginFamily {
  LoginState state = LoginState::kActive;
  int64_t generation = 1;       // of the newest token
  base::Micros rotated_at = 0;  // when the newest token was first given
};

std::span<const LoginTransition> LoginTransitions();

// Which event a token of `generation` (its signature checked) is. nullopt: never given out.
std::optional<LoginEvent> ClassifyToken(const LoginFamily& family, int64_t generation, base::Micros now);

// Moves the family along the table and returns what to answer; nullopt when the state does not allow the event.
std::optional<LoginAnswer> Apply(LoginFamily& family, LoginEvent event, base::Micros now);

// "login: active --present_current--> active": names for diagrams and logs.
std::string_view Name(LoginState state);
std::string_view Name(LoginEvent event);

// The text of a token: "dr_" and base64url of login id (16 bytes), generation (4) and HMAC-SHA256 of both (32).
std::string MakeRefreshToken(std::string_view login_id, int64_t generation, std::string_view secret);

struct RefreshTokenParts {
  std::string login_id;  // UUID
  int64_t generation = 0;
};
// nullopt when the text has not the form. The signature is not checked: read the login's secret first.
std::optional<RefreshTokenParts> ParseRefreshToken(std::string_view token);
// Constant time.
bool IsRefreshToken(std::string_view token, const RefreshTokenParts& parts, std::string_view secret);

}  // namespace dinh::identity
