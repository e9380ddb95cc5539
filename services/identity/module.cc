#include "services/identity/module.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "libs/auth/password.h"
#include "libs/auth/tokens.h"
#include "libs/events/jobs.h"
#include "libs/events/schema.h"
#include "services/identity/config.h"
#include "services/identity/data_files.h"
#include "services/identity/demo.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/sweeper.h"

namespace dinh::identity {
namespace {

constexpr std::chrono::seconds kStartDeadline{30};
constexpr char kJobContext[] = "identity.jobs";

class IdentityModule final : public app::ServiceModule {
 public:
  std::string_view name() const override { return "identity"; }
  std::vector<std::string> depends_on() const override { return {"territory"}; }
  void BindConfig(config::Registry& registry) override { config_.Bind(registry); }

  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    for (const std::string& prefix : config_.phone_prefixes) {
      if (IsPhonePrefix(prefix)) continue;
      return base::InvalidField(
          "identity.phone_prefixes",
          {"mỗi đầu số gồm 2 đến 5 chữ số và bắt đầu bằng 0.", "each prefix has 2 to 5 digits and begins with 0."},
          "INVALID_CONFIG");
    }
    ASSIGN_OR_RETURN(const std::string roles, ReadDataFile(platform.resource_dir() + "/roles.json"));
    ASSIGN_OR_RETURN(roles_, ParseRoles(roles));
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase(Migrations()));
    RETURN_IF_ERROR(events::EnsureSchema(*db_));
    store_.emplace(platform.sealer());
    InitSms(platform);
    RETURN_IF_ERROR(sms_->Register());
    RETURN_IF_ERROR(platform.keys().CheckIssuesTokens());
    issuer_.emplace(platform.keys(), platform.clock(), platform.ids());
    sessions_.emplace(*store_, *issuer_, platform.random(), platform.ids(),
                      [&platform](std::string_view login) { platform.LoginEnded(login); });
    principals_.emplace(*db_, *store_, roles_, platform.clock());
    platform.ProvidePrincipals(&*principals_);
    auth::PasswordOptions password;
    password.memory_bytes = static_cast<size_t>(config_.password_memory_mib) << 20;
    hasher_.emplace(password);
    territory_.emplace(platform.To("territory"));
    sweeper_.emplace(*jobs_, *db_, *store_);
    RETURN_IF_ERROR(sweeper_->Register());
    const HandlerParts parts{*db_,
                             *store_,
                             roles_,
                             config_,
                             *sessions_,
                             *principals_,
                             *hasher_,
                             platform.page_tokens(),
                             *sms_,
                             *territory_,
                             platform.random(),
                             platform.ids(),
                             platform.metrics(),
                             platform.dev()};
    auth_.emplace(parts);
    persons_.emplace(parts);
    officers_.emplace(parts);
    return absl::OkStatus();
  }

  void RegisterMethods(rpc::MethodTable& table) override {
    const std::string auth = "dinh.identity.v1.AuthService.";
    table.Unary(auth + "SendOtp", &*auth_, &AuthHandlers::SendOtp);
    table.Unary(auth + "VerifyOtp", &*auth_, &AuthHandlers::VerifyOtp);
    table.Unary(auth + "ConfirmOtp", &*auth_, &AuthHandlers::ConfirmOtp);
    table.Unary(auth + "LoginWithPassword", &*auth_, &AuthHandlers::LoginWithPassword);
    table.Unary(auth + "RefreshToken", &*auth_, &AuthHandlers::RefreshToken);
    table.Unary(auth + "Logout", &*auth_, &AuthHandlers::Logout);
    table.Unary(auth + "ListLogins", &*auth_, &AuthHandlers::ListLogins);
    table.Unary(auth + "EndLogin", &*auth_, &AuthHandlers::EndLogin);
    table.Unary(auth + "ChangePassword", &*auth_, &AuthHandlers::ChangePassword);
    table.Unary<v1::GetKeySetRequest, options::v1::RawBody>(
        auth + "GetKeySet", [this](rpc::Context&, const v1::GetKeySetRequest&) -> absl::StatusOr<options::v1::RawBody> {
          options::v1::RawBody body;
          body.set_content_type("application/json");
          body.set_data(platform_->keys().JwksJson());
          return body;
        });
    const std::string persons = "dinh.identity.v1.PersonService.";
    table.Unary(persons + "GetMe", &*persons_, &PersonHandlers::GetMe);
    table.Unary(persons + "CreatePerson", &*persons_, &PersonHandlers::CreatePerson);
    table.Unary(persons + "UpdatePerson", &*persons_, &PersonHandlers::UpdatePerson);
    table.Unary(persons + "SelectPerson", &*persons_, &PersonHandlers::SelectPerson);
    table.Unary(persons + "ListAccesses", &*persons_, &PersonHandlers::ListAccesses);
    table.Unary(persons + "RegisterPerson", &*persons_, &PersonHandlers::RegisterPerson);
    table.Unary(persons + "VerifyPerson", &*persons_, &PersonHandlers::VerifyPerson);
    table.Unary(persons + "CreateOrganisation", &*persons_, &PersonHandlers::CreateOrganisation);
    table.Unary(persons + "GetPerson", &*persons_, &PersonHandlers::GetPerson);
    table.Unary(persons + "ResolvePrincipal", &*persons_, &PersonHandlers::ResolvePrincipal);
    table.Unary(persons + "RecordAccesses", &*persons_, &PersonHandlers::RecordAccesses);
    const std::string officers = "dinh.identity.v1.OfficerService.";
    table.Unary(officers + "ListOfficers", &*officers_, &OfficerHandlers::ListOfficers);
    table.Unary(officers + "ListColleagues", &*officers_, &OfficerHandlers::ListColleagues);
    table.Unary(officers + "CreateOfficer", &*officers_, &OfficerHandlers::CreateOfficer);
    table.Unary(officers + "SetGrants", &*officers_, &OfficerHandlers::SetGrants);
    table.Unary(officers + "LockOfficer", &*officers_, &OfficerHandlers::LockOfficer);
    table.Unary(officers + "UnlockOfficer", &*officers_, &OfficerHandlers::UnlockOfficer);
  }

  absl::Status Start() override {
    base::OpContext ctx(platform_->clock(), platform_->clock().Steady() + kStartDeadline);
    if (platform_->dev()) {
      ASSIGN_OR_RETURN(const std::string json, ReadDataFile(platform_->resource_dir() + "/demo.json"));
      ASSIGN_OR_RETURN(const DemoAccounts accounts, ParseDemoAccounts(json));
      RETURN_IF_ERROR(LoadDemoAccounts(ctx, *db_, *store_, platform_->ids(), accounts));
    }
    RETURN_IF_ERROR(sweeper_->Begin(ctx));
    jobs_->Start();
    return absl::OkStatus();
  }

  void Stop() override { jobs_->Stop(); }

 private:
  void InitSms(app::Platform& platform) {
    const auth::Sealer& sealer = platform.sealer();
    const events::PayloadSeal seal{[&sealer](std::string_view plain, std::string_view context) {
                                     return sealer.Seal(kJobContext, context, plain);
                                   },
                                   [&sealer](std::string_view sealed, std::string_view context) {
                                     return sealer.Open(kJobContext, context, sealed);
                                   }};
    jobs_.emplace(events::JobsOptions{.service = platform.service(), .threads = 1}, *db_, platform.clock(),
                  platform.ids(), platform.logger(), platform.metrics(), seal);
    std::string folder = config_.sms_outbox;
    if (folder.empty() && platform.dev()) folder = platform.data_dir() + "/outbox";
    if (!folder.empty()) sender_.emplace(folder, db::SystemFileOps(), platform.clock());
    sms_.emplace(*jobs_, sender_ ? &*sender_ : nullptr, platform.clock());
  }

  app::Platform* platform_ = nullptr;
  Config config_;
  db::Database* db_ = nullptr;
  Roles roles_;
  std::optional<Store> store_;
  std::optional<events::Jobs> jobs_;
  std::optional<FileSmsSender> sender_;
  std::optional<SmsQueue> sms_;
  std::optional<auth::TokenIssuer> issuer_;
  std::optional<Sessions> sessions_;
  std::optional<Principals> principals_;
  std::optional<auth::PasswordHasher> hasher_;
  std::optional<TerritoryClient> territory_;
  std::optional<Sweeper> sweeper_;
  std::optional<AuthHandlers> auth_;
  std::optional<PersonHandlers> persons_;
  std::optional<OfficerHandlers> officers_;
};

}  // namespace

std::unique_ptr<app::ServiceModule> MakeIdentityModule() { return std::make_unique<IdentityModule>(); }

}  // namespace dinh::identity
