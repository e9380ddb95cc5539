// Citizens: one-time passwords.
#include <utility>

#include "services/identity/domain/otp.h"
#include "services/identity/domain/phone.h"
#include "services/identity/errors.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

// Seconds, rounded up.
int32_t ToSeconds(base::Micros wait) {
  return static_cast<int32_t>((wait + base::kMicrosPerSecond - 1) / base::kMicrosPerSecond);
}

constexpr RateLimit OneEach(std::chrono::seconds pause) { return {1, pause.count() * base::kMicrosPerSecond}; }

}  // namespace

// A refusal that must keep what was written (the counted attempt), so no error inside the transaction.
struct AuthHandlers::OtpLogin {
  bool accepted = false;
  LoginRow login;
  std::string device_token;
};

AuthHandlers::AuthHandlers(const HandlerParts& parts)
    : parts_(parts),
      logins_(parts.metrics.AddCounter("dinh_identity_logins_total", "attempts to log in", {"method", "outcome"})),
      codes_sent_(parts.metrics.AddCounter("dinh_identity_codes_sent_total", "one-time passwords handed to the sender")
                      .With({})) {}

void AuthHandlers::Count(std::string_view method, bool ok) const {
  logins_.With({method, ok ? "ok" : "refused"}).Increment();
}

absl::StatusOr<std::vector<Guard>> AuthHandlers::OtpGuards(db::Tx& tx, const std::string& address,
                                                           const std::string& phone,
                                                           const std::string& device_token) const {
  std::vector<Guard> guards;
  bool known = false;
  if (!device_token.empty()) {
    ASSIGN_OR_RETURN(const std::optional<std::string> owner, parts_.store.DeviceAccount(tx, device_token));
    ASSIGN_OR_RETURN(const std::optional<AccountRow> account, parts_.store.AccountByPhone(tx, phone));
    known = owner && account && account->id == *owner;
  }
  if (known) {
    guards = {{AttemptKind::kOtpDevice, device_token, kOtpPerDevice},
              {AttemptKind::kOtpDevice, device_token, OneEach(kOtpPause)}};
  } else {
    guards = {{AttemptKind::kOtpPhone, phone, kOtpPerPhone},
              {AttemptKind::kOtpPhone, phone, kOtpPerPhoneDaily},
              {AttemptKind::kOtpPhone, phone, OneEach(kOtpPause)},
              {AttemptKind::kOtpBlock, phone.substr(0, kPhoneBlockDigits), kOtpPerBlock}};
    if (!address.empty()) guards.push_back({AttemptKind::kOtpAddress, address, kOtpPerAddress});
  }
  if (parts_.development) {
    for (Guard& guard : guards) guard.limit.count_max *= kDevelopmentFactor;
  }
  return guards;
}

std::vector<Guard> AuthHandlers::WrongCodeGuards(const std::string& address) const {
  if (address.empty()) return {};
  RateLimit limit = kWrongCodePerAddress;
  if (parts_.development) limit.count_max *= kDevelopmentFactor;
  return {{AttemptKind::kWrongCodeAddress, address, limit}};
}

absl::StatusOr<pb::SendOtpResponse> AuthHandlers::SendOtp(rpc::Context& ctx, const pb::SendOtpRequest& request) {
  const std::optional<std::string> phone = NormalizePhone(request.phone(), parts_.config.phone_prefixes);
  if (!phone) return PhoneInvalid("phone");
  if (!parts_.sms.ready()) return SmsNotConfigured();
  const std::string code = NewOtpCode(parts_.random);
  ChallengeRow row;
  row.id = NewChallengeId(parts_.random);
  row.phone = *phone;
  row.code_index = parts_.store.CodeIndex(row.id, code);
  row.challenge.expires_at = ctx.Now() + kOtpLifeSeconds * base::kMicrosPerSecond;

  absl::StatusOr<pb::SendOtpResponse> response =
      parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::SendOtpResponse> {
        ASSIGN_OR_RETURN(const std::vector<Guard> guards,
                         OtpGuards(tx, ctx.principal().address, *phone, request.device_token()));
        ASSIGN_OR_RETURN(const base::Micros wait, WaitForAll(tx, parts_.store, guards));
        if (wait > 0) return OtpRateLimited(ToMs(wait));
        if (guards.front().kind != AttemptKind::kOtpDevice) {
          ASSIGN_OR_RETURN(const base::Micros guessing,
                           WaitForAll(tx, parts_.store, WrongCodeGuards(ctx.principal().address)));
          if (guessing > 0) return OtpRateLimited(ToMs(guessing));
        }
        RETURN_IF_ERROR(RecordAttempt(tx, parts_.store, guards));
        if (!request.device_token().empty()) {
          RETURN_IF_ERROR(parts_.store.TouchDevice(tx, request.device_token()));
        }
        RETURN_IF_ERROR(parts_.store.InsertChallenge(tx, row));
        RETURN_IF_ERROR(parts_.sms.Enqueue(tx, {*phone, OtpMessage(code), row.challenge.expires_at}));
        ASSIGN_OR_RETURN(const base::Micros next, WaitForAll(tx, parts_.store, guards));
        pb::SendOtpResponse out;
        out.set_challenge(row.id);
        out.set_expires_in(kOtpLifeSeconds);
        out.set_resend_in(ToSeconds(next));
        return out;
      });
  if (response.ok()) codes_sent_.Increment();
  return response;
}

absl::StatusOr<AccountRow> AuthHandlers::CitizenAccount(db::Tx& tx, const std::string& phone) const {
  ASSIGN_OR_RETURN(std::optional<AccountRow> account, parts_.store.AccountByPhone(tx, phone));
  if (account) return *std::move(account);
  AccountRow made;
  made.id = parts_.ids.Next();
  made.kind = AccountKind::kCitizen;
  made.phone = phone;
  RETURN_IF_ERROR(parts_.store.InsertAccount(tx, made));
  return made;
}

absl::StatusOr<std::optional<std::string>> AuthHandlers::UseCode(db::Tx& tx, const std::string& challenge,
                                                                 const std::string& code,
                                                                 const std::string& address) const {
  std::optional<std::string> phone;
  ASSIGN_OR_RETURN(std::optional<ChallengeRow> row, parts_.store.FindChallenge(tx, challenge));
  if (!row) return phone;
  switch (Judge(row->challenge, parts_.store.IsCode(*row, code), tx.context().Now())) {
    case OtpVerdict::kDead:
      return phone;
    case OtpVerdict::kWrong:
      ++row->challenge.attempts;
      RETURN_IF_ERROR(parts_.store.UpdateChallenge(tx, *row));
      RETURN_IF_ERROR(RecordAttempt(tx, parts_.store, WrongCodeGuards(address)));
      return phone;
    case OtpVerdict::kAccepted:
      row->challenge.used_at = tx.context().Now();
      RETURN_IF_ERROR(parts_.store.UpdateChallenge(tx, *row));
      break;
  }
  phone = row->phone;
  return phone;
}

absl::StatusOr<AuthHandlers::OtpLogin> AuthHandlers::LoginByOtp(db::Tx& tx, const rpc::Context& ctx,
                                                                const pb::VerifyOtpRequest& request) const {
  OtpLogin out;
  ASSIGN_OR_RETURN(const std::optional<std::string> phone,
                   UseCode(tx, request.challenge(), request.code(), ctx.principal().address));
  if (!phone) return out;
  ASSIGN_OR_RETURN(const AccountRow account, CitizenAccount(tx, *phone));
  if (account.locked) return out;
  ASSIGN_OR_RETURN(const std::vector<std::string> persons, parts_.store.PersonIdsOf(tx, account.id));
  ASSIGN_OR_RETURN(out.login, parts_.sessions.Begin(tx, {account, persons.size() == 1 ? persons.front() : "",
                                                         request.device(), ctx.principal().address}));
  out.device_token = NewDeviceToken(parts_.random);
  RETURN_IF_ERROR(parts_.store.InsertDevice(tx, out.device_token, account.id));
  out.accepted = true;
  return out;
}

absl::StatusOr<pb::TokenPair> AuthHandlers::VerifyOtp(rpc::Context& ctx, const pb::VerifyOtpRequest& request) {
  ASSIGN_OR_RETURN(const OtpLogin outcome,
                   parts_.database.Transact(ctx, [&](db::Tx& tx) { return LoginByOtp(tx, ctx, request); }));
  Count("otp", outcome.accepted);
  if (!outcome.accepted) return OtpInvalid();
  pb::TokenPair tokens = parts_.sessions.Tokens(outcome.login, AccountKind::kCitizen, outcome.login.family.generation);
  tokens.set_device_token(outcome.device_token);
  return tokens;
}

absl::StatusOr<pb::ConfirmOtpResponse> AuthHandlers::ConfirmOtp(rpc::Context& ctx,
                                                                const pb::ConfirmOtpRequest& request) {
  ASSIGN_OR_RETURN(const std::optional<std::string> phone, parts_.database.Transact(ctx, [&](db::Tx& tx) {
    return UseCode(tx, request.challenge(), request.code(), request.address());
  }));
  Count("otp_confirm", phone.has_value());
  if (!phone) return OtpInvalid();
  pb::ConfirmOtpResponse out;
  out.set_phone(*phone);
  return out;
}

}  // namespace dinh::identity
