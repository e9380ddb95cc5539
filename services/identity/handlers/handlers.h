// The service's RPCs. Thread-safe: state is in the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/identity/v1/resources.pb.h"
#include "libs/auth/page_token.h"
#include "libs/auth/password.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "libs/rpc/context.h"
#include "libs/telemetry/metrics.h"
#include "services/identity/config.h"
#include "services/identity/handlers/guards.h"
#include "services/identity/principals.h"
#include "services/identity/sessions.h"
#include "services/identity/sms.h"
#include "services/identity/store.h"
#include "services/identity/territory_client.h"

namespace dinh::identity {

namespace pb = ::dinh::identity::v1;

struct HandlerParts {
  db::Database& database;
  const Store& store;
  const Roles& roles;
  const Config& config;
  const Sessions& sessions;
  Principals& principals;
  auth::PasswordHasher& hasher;
  const auth::PageTokens& page_tokens;
  SmsQueue& sms;
  TerritoryClient& territory;
  base::Random& random;
  base::IdGenerator& ids;
  telemetry::Metrics& metrics;
  bool development = false;  // limits on codes are wide
};

class AuthHandlers {
 public:
  explicit AuthHandlers(const HandlerParts& parts);

  absl::StatusOr<pb::SendOtpResponse> SendOtp(rpc::Context& ctx, const pb::SendOtpRequest& request);
  absl::StatusOr<pb::TokenPair> VerifyOtp(rpc::Context& ctx, const pb::VerifyOtpRequest& request);
  absl::StatusOr<pb::TokenPair> LoginWithPassword(rpc::Context& ctx, const pb::LoginWithPasswordRequest& request);
  absl::StatusOr<pb::TokenPair> RefreshToken(rpc::Context& ctx, const pb::RefreshTokenRequest& request);
  absl::StatusOr<pb::LogoutResponse> Logout(rpc::Context& ctx, const pb::LogoutRequest& request);
  absl::StatusOr<pb::ListLoginsResponse> ListLogins(rpc::Context& ctx, const pb::ListLoginsRequest& request);
  absl::StatusOr<pb::EndLoginResponse> EndLogin(rpc::Context& ctx, const pb::EndLoginRequest& request);
  absl::StatusOr<pb::ChangePasswordResponse> ChangePassword(rpc::Context& ctx,
                                                            const pb::ChangePasswordRequest& request);
  absl::StatusOr<pb::ConfirmOtpResponse> ConfirmOtp(rpc::Context& ctx, const pb::ConfirmOtpRequest& request);

 private:
  struct OtpLogin;
  struct PasswordCheck;

  // Counted when a code was wrong; holds back new codes, except to known devices.
  std::vector<Guard> WrongCodeGuards(const std::string& address) const;
  absl::StatusOr<std::vector<Guard>> OtpGuards(db::Tx& tx, const std::string& address, const std::string& phone,
                                               const std::string& device_token) const;
  // Uses the code up; the phone it was sent to, or nothing: wrong, used, expired or unknown. The counted attempt must
  // be kept, so nothing is no error.
  absl::StatusOr<std::optional<std::string>> UseCode(db::Tx& tx, const std::string& challenge, const std::string& code,
                                                     const std::string& address) const;
  absl::StatusOr<OtpLogin> LoginByOtp(db::Tx& tx, const rpc::Context& ctx, const pb::VerifyOtpRequest& request) const;
  absl::StatusOr<AccountRow> CitizenAccount(db::Tx& tx, const std::string& phone) const;
  absl::StatusOr<PasswordCheck> CheckPassword(rpc::Context& ctx, const std::string& username,
                                              const std::string& password) const;
  absl::StatusOr<std::optional<LoginRow>> LoginByPassword(db::Tx& tx, const rpc::Context& ctx,
                                                          const pb::LoginWithPasswordRequest& request,
                                                          const PasswordCheck& check,
                                                          const std::string& better_hash) const;
  void Count(std::string_view method, bool ok) const;

  const HandlerParts parts_;
  telemetry::CounterFamily& logins_;
  telemetry::Counter& codes_sent_;
};

class PersonHandlers {
 public:
  explicit PersonHandlers(const HandlerParts& parts) : parts_(parts) {}

  absl::StatusOr<pb::Me> GetMe(rpc::Context& ctx, const pb::GetMeRequest& request);
  absl::StatusOr<pb::Person> CreatePerson(rpc::Context& ctx, const pb::CreatePersonRequest& request);
  absl::StatusOr<pb::Person> UpdatePerson(rpc::Context& ctx, const pb::UpdatePersonRequest& request);
  absl::StatusOr<pb::TokenPair> SelectPerson(rpc::Context& ctx, const pb::SelectPersonRequest& request);
  absl::StatusOr<pb::ListAccessesResponse> ListAccesses(rpc::Context& ctx, const pb::ListAccessesRequest& request);
  absl::StatusOr<pb::Person> RegisterPerson(rpc::Context& ctx, const pb::RegisterPersonRequest& request);
  absl::StatusOr<pb::Person> VerifyPerson(rpc::Context& ctx, const pb::VerifyPersonRequest& request);
  absl::StatusOr<pb::Organisation> CreateOrganisation(rpc::Context& ctx, const pb::CreateOrganisationRequest& request);
  absl::StatusOr<pb::Person> GetPerson(rpc::Context& ctx, const pb::GetPersonRequest& request);
  absl::StatusOr<pb::ResolvedPrincipal> ResolvePrincipal(rpc::Context& ctx, const pb::ResolvePrincipalRequest& request);
  absl::StatusOr<pb::RecordAccessesResponse> RecordAccesses(rpc::Context& ctx,
                                                            const pb::RecordAccessesRequest& request);

 private:
  // What a request says of a person, in normal form. INVALID_FIELD with every violation at once.
  absl::StatusOr<Person> FromProto(rpc::Context& ctx, const pb::Person& person);
  absl::StatusOr<PersonRow> RegisterInAccount(db::Tx& tx, const rpc::Context& ctx, const PersonRow& papers) const;
  absl::StatusOr<std::string> ActorName(rpc::Context& ctx, const std::string& officer);

  const HandlerParts parts_;
};

class OfficerHandlers {
 public:
  explicit OfficerHandlers(const HandlerParts& parts) : parts_(parts) {}

  absl::StatusOr<pb::ListOfficersResponse> ListOfficers(rpc::Context& ctx, const pb::ListOfficersRequest& request);
  absl::StatusOr<pb::Officer> CreateOfficer(rpc::Context& ctx, const pb::CreateOfficerRequest& request);
  absl::StatusOr<pb::Officer> SetGrants(rpc::Context& ctx, const pb::SetGrantsRequest& request);
  absl::StatusOr<pb::Officer> LockOfficer(rpc::Context& ctx, const pb::LockOfficerRequest& request);
  absl::StatusOr<pb::ListColleaguesResponse> ListColleagues(rpc::Context& ctx,
                                                            const pb::ListColleaguesRequest& request);
  absl::StatusOr<pb::Officer> UnlockOfficer(rpc::Context& ctx, const pb::UnlockOfficerRequest& request);

 private:
  absl::StatusOr<OfficerRow> Managed(rpc::Context& ctx, db::Tx& tx, const std::string& id) const;
  absl::Status KeepAnAdmin(db::Tx& tx, const OfficerRow& before, bool locked,
                           const std::vector<RoleGrant>& grants) const;
  absl::StatusOr<pb::Officer> SetLocked(rpc::Context& ctx, const std::string& id, bool locked);

  const HandlerParts parts_;
};

}  // namespace dinh::identity
