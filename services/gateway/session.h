// Cookie sessions of the web app. A login that says `Dinh-Session: cookie` gets its tokens as cookies that no script
// can read, and not in the body; native apps keep bearer tokens. A mutation that is authenticated by cookie must repeat
// the value of the readable CSRF cookie in `X-CSRF-Token` (double submit): another site can send cookies but not read
// them.
//
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "libs/base/random.h"
#include "libs/http/message.h"

namespace dinh::gateway {

inline constexpr std::string_view kAccessCookie = "__Host-dinh-access";
inline constexpr std::string_view kRefreshCookie = "__Host-dinh-refresh";
inline constexpr std::string_view kCsrfCookie = "__Host-dinh-csrf";
inline constexpr std::string_view kCsrfHeader = "x-csrf-token";
inline constexpr std::string_view kSessionHeader = "dinh-session";

// The value of the first cookie of that name, over all Cookie fields; nullopt when absent.
std::optional<std::string_view> FindCookie(const http::HeaderList& headers, std::string_view name);

// "Authorization: Bearer x" -> "x"; empty when there is none.
std::string_view BearerToken(const http::HeaderList& headers);

bool WantsCookies(const http::HeaderList& headers);

// true when a request that cookies authenticate comes from the app itself.
bool CsrfOk(const http::HeaderList& headers);

// Moves the tokens of identity's TokenPair into Set-Cookie fields.
void TokensToCookies(google::protobuf::Message* token_pair, base::Random& random, http::ResponseHeaders* headers);
// After a logout: all of them.
void ClearCookies(http::ResponseHeaders* headers);
// After an access token that is no longer good: anonymous reads must work again, and a refresh may follow.
void ClearAccessCookie(http::ResponseHeaders* headers);

}  // namespace dinh::gateway
