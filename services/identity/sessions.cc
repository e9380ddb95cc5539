#include "services/identity/sessions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/identity/errors.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kDeviceTokenBytes = 32;
constexpr int64_t kAllLogins = std::numeric_limits<int32_t>::max();

base::Micros ExpiryOf(AccountKind kind, base::Micros created_at, base::Micros now) {
  const base::Micros idle = kind == AccountKind::kOfficer ? kOfficerLoginIdle : kCitizenLoginIdle;
  return std::min(now + idle, created_at + kLoginLifeMax);
}

// Cut at a character, not within one.
std::string Shortened(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace

std::string NewDeviceToken(base::Random& random) {
  return "dd_" + base::Base64UrlEncode(random.Bytes(kDeviceTokenBytes));
}

absl::StatusOr<LoginRow> Sessions::Begin(db::Tx& tx, const NewLogin& login) const {
  const base::Micros now = tx.context().Now();
  LoginRow row;
  row.id = ids_.Next();
  row.account = login.account.id;
  row.person = login.person;
  row.family.rotated_at = now;
  row.secret = random_.Bytes(kSecretBytes);
  row.device = Shortened(login.device, kDeviceBytesMax);
  row.created_at = row.last_used_at = now;
  row.expires_at = ExpiryOf(login.account.kind, now, now);
  RETURN_IF_ERROR(store_.InsertLogin(tx, row, login.address));
  return row;
}

absl::StatusOr<Sessions::Refreshed> Sessions::Refresh(db::Tx& tx, std::string_view token) const {
  const base::Micros now = tx.context().Now();
  Refreshed out;
  out.refusal = RefreshTokenInvalid();
  const std::optional<RefreshTokenParts> parts = ParseRefreshToken(token);
  if (!parts) return out;
  ASSIGN_OR_RETURN(std::optional<LoginRow> login, store_.Login(tx, parts->login_id));
  if (!login || !IsRefreshToken(token, *parts, login->secret)) return out;
  const std::optional<LoginEvent> event = ClassifyToken(login->family, parts->generation, now);
  if (!event) return out;
  out.refusal = LoginRevoked();
  ASSIGN_OR_RETURN(const std::optional<AccountRow> account, store_.Account(tx, login->account));
  if (!account || account->locked || login->expires_at <= now) return out;
  const std::optional<LoginAnswer> answer = Apply(login->family, *event, now);
  if (!answer) return out;
  if (*answer != LoginAnswer::kRefused) {
    out.refusal = absl::OkStatus();
    login->last_used_at = now;
    login->expires_at = ExpiryOf(account->kind, login->created_at, now);
    if (login->person.empty() && account->kind == AccountKind::kCitizen) {
      ASSIGN_OR_RETURN(const std::vector<std::string> persons, store_.PersonIdsOf(tx, account->id));
      if (persons.size() == 1) login->person = persons.front();
    }
  }
  RETURN_IF_ERROR(store_.UpdateLogin(tx, *login));
  TellEnd(tx, *login);
  out.kind = account->kind;
  out.generation = login->family.generation;
  out.login = *std::move(login);
  return out;
}

absl::StatusOr<bool> Sessions::End(db::Tx& tx, LoginRow login, LoginEvent event) const {
  if (!Apply(login.family, event, tx.context().Now())) return false;
  RETURN_IF_ERROR(store_.UpdateLogin(tx, login));
  TellEnd(tx, login);
  return true;
}

void Sessions::TellEnd(db::Tx& tx, const LoginRow& login) const {
  if (!on_end_ || login.family.state == LoginState::kActive) return;
  tx.AfterCommit([tell = on_end_, id = login.id] { tell(id); });
}

absl::Status Sessions::EndAll(db::Tx& tx, std::string_view account, LoginEvent event, std::string_view except) const {
  ASSIGN_OR_RETURN(std::vector<LoginRow> logins, store_.ActiveLogins(tx, account, "", kAllLogins));
  for (LoginRow& login : logins) {
    if (login.id == except) continue;
    RETURN_IF_ERROR(End(tx, std::move(login), event).status());
  }
  return absl::OkStatus();
}

v1::TokenPair Sessions::AccessToken(const LoginRow& login, AccountKind kind) const {
  const auth::CallerKind caller =
      kind == AccountKind::kOfficer ? auth::CallerKind::kOfficer : auth::CallerKind::kCitizen;
  v1::TokenPair out;
  out.set_access_token(issuer_.Issue({login.account, login.id, login.person, caller}).text);
  out.set_expires_in(static_cast<int32_t>(std::chrono::seconds(auth::kAccessTokenLife).count()));
  out.set_token_type("Bearer");
  out.set_person(login.person);
  return out;
}

v1::TokenPair Sessions::Tokens(const LoginRow& login, AccountKind kind, int64_t generation) const {
  v1::TokenPair out = AccessToken(login, kind);
  out.set_refresh_token(MakeRefreshToken(login.id, generation, login.secret));
  return out;
}

}  // namespace dinh::identity
