#include "services/gateway/session.h"

#include "libs/base/strings.h"

namespace dinh::gateway {
namespace {

using google::protobuf::FieldDescriptor;

// As long as identity keeps an unused refresh token.
constexpr int64_t kRefreshCookieSeconds = 30LL * 24 * 3600;
constexpr size_t kCsrfBytes = 24;

void SetCookie(std::string_view name, std::string_view value, int64_t seconds, bool script,
               http::ResponseHeaders* out) {
  std::string cookie = std::string(name) + "=" + std::string(value) +
                       "; Path=/; Secure; SameSite=Strict; Max-Age=" + std::to_string(seconds);
  if (!script) cookie += "; HttpOnly";
  out->Add("Set-Cookie", cookie);
}

// The field's text, which is cleared.
std::string Take(google::protobuf::Message* message, const char* name) {
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING) return "";
  std::string text = message->GetReflection()->GetString(*message, field);
  message->GetReflection()->ClearField(message, field);
  return text;
}

}  // namespace

std::optional<std::string_view> FindCookie(const http::HeaderList& headers, std::string_view name) {
  for (const auto& field : headers) {
    if (!http::EqualsIgnoreCase(field.name, "cookie")) continue;
    for (const std::string_view raw : base::Split(field.value, ';')) {
      const std::string_view pair = base::Trim(raw);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
        return pair.substr(name.size() + 1);
      }
    }
  }
  return std::nullopt;
}

std::string_view BearerToken(const http::HeaderList& headers) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value = headers.Get("authorization");
  if (value.size() <= kScheme.size() || !http::EqualsIgnoreCase(value.substr(0, kScheme.size()), kScheme)) return {};
  return base::Trim(value.substr(kScheme.size()));
}

bool WantsCookies(const http::HeaderList& headers) {
  return http::EqualsIgnoreCase(headers.Get(kSessionHeader), "cookie");
}

bool CsrfOk(const http::HeaderList& headers) {
  // Browsers say where a request comes from; SameSite=Strict should have kept the cookies away already.
  if (http::EqualsIgnoreCase(headers.Get("sec-fetch-site"), "cross-site")) return false;
  const std::optional<std::string_view> cookie = FindCookie(headers, kCsrfCookie);
  return cookie.has_value() && !cookie->empty() && base::ConstantTimeEqual(*cookie, headers.Get(kCsrfHeader));
}

void TokensToCookies(google::protobuf::Message* token_pair, base::Random& random, http::ResponseHeaders* headers) {
  int64_t seconds = 0;
  const FieldDescriptor* expires = token_pair->GetDescriptor()->FindFieldByName("expires_in");
  if (expires != nullptr && expires->type() == FieldDescriptor::TYPE_INT32) {
    seconds = token_pair->GetReflection()->GetInt32(*token_pair, expires);
  }
  SetCookie(kAccessCookie, Take(token_pair, "access_token"), seconds, false, headers);
  // Choosing another person answers with an access token only: the login's refresh cookie stays as it is.
  const std::string refresh = Take(token_pair, "refresh_token");
  if (!refresh.empty()) SetCookie(kRefreshCookie, refresh, kRefreshCookieSeconds, false, headers);
  SetCookie(kCsrfCookie, base::HexEncode(random.Bytes(kCsrfBytes)), kRefreshCookieSeconds, true, headers);
}

void ClearCookies(http::ResponseHeaders* headers) {
  for (const std::string_view name : {kAccessCookie, kRefreshCookie}) SetCookie(name, "", 0, false, headers);
  SetCookie(kCsrfCookie, "", 0, true, headers);
}

void ClearAccessCookie(http::ResponseHeaders* headers) { SetCookie(kAccessCookie, "", 0, false, headers); }

}  // namespace dinh::gateway
