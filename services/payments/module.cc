#include "services/payments/module.h"

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dinh/territory/v1/resources.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/db/append_only.h"
#include "libs/events/event_hub.h"
#include "services/payments/errors.h"
#include "services/payments/handlers/handlers.h"
#include "services/payments/limits.h"
#include "services/payments/settings.h"
#include "services/payments/store.h"

namespace dinh::payments {
namespace {

namespace territory = ::dinh::territory::v1;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return BadAccountsFile("không mở được tệp", "it cannot be opened");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class PaymentsModule final : public app::ServiceModule {
 public:
  std::string_view name() const override { return "payments"; }
  std::vector<std::string> depends_on() const override { return {"territory"}; }
  void BindConfig(config::Registry& registry) override { settings_.Bind(registry); }

  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    territory_ = &platform.To("territory");
    ASSIGN_OR_RETURN(database_, platform.OpenDatabase(Migrations()));
    for (const char* table : {"ledger_accounts", "transfers"}) RETURN_IF_ERROR(db::EnsureAppendOnly(*database_, table));
    store_.emplace(database_->engine());
    const auth::Sealer& sealer = platform.sealer();
    hub_.emplace(*database_, platform.service(), platform.clock(), platform.random(), platform.ids(), platform.logger(),
                 platform.metrics(),
                 events::PayloadSeal{[&sealer](std::string_view plain, std::string_view row) {
                                       return sealer.Seal("outbox.payload", row, plain);
                                     },
                                     [&sealer](std::string_view sealed, std::string_view row) {
                                       return sealer.Open("outbox.payload", row, sealed);
                                     }},
                 platform.fanout());
    RETURN_IF_ERROR(hub_->Init());
    handlers_.emplace(HandlerParts{*database_, *store_, hub_->outbox(), platform.ids(), platform.random(), sealer,
                                   platform.page_tokens(), platform.metrics()});
    jobs_.emplace(events::JobsOptions{.service = platform.service(), .threads = 1}, *database_, platform.clock(),
                  platform.ids(), platform.logger(), platform.metrics(), events::PayloadSeal());
    expiry_.emplace(*jobs_, *database_,
                    events::Periodic::Options{.kind = "charges.expire",
                                              .every = settings_.expiry_interval,
                                              .limit = kRoundDeadline,
                                              .round = [this](base::OpContext& ctx, const events::Fence& fence) {
                                                return handlers_->ExpireDue(ctx, fence);
                                              }});
    return expiry_->Register();
  }

  void RegisterMethods(rpc::MethodTable& table) override {
    const std::string service = "dinh.payments.v1.PaymentsService.";
    table.Unary(service + "OpenCharge", &*handlers_, &Handlers::OpenCharge);
    table.Unary(service + "CancelCharge", &*handlers_, &Handlers::CancelCharge);
    table.Unary(service + "GetCharge", &*handlers_, &Handlers::GetCharge);
    table.Unary(service + "ListCharges", &*handlers_, &Handlers::ListCharges);
    table.Unary(service + "GetChargeQr", &*handlers_, &Handlers::GetChargeQr);
    table.Unary(service + "NotifyCredit", &*handlers_, &Handlers::NotifyCredit);
    table.Unary(service + "ListSuspense", &*handlers_, &Handlers::ListSuspense);
    table.Unary(service + "ResolveSuspense", &*handlers_, &Handlers::ResolveSuspense);
    hub_->RegisterMethods(table);
  }

  absl::Status Start() override {
    ASSIGN_OR_RETURN(std::vector<SigningKey> keys, ParseBankKeys(settings_.bank_keys));
    RETURN_IF_ERROR(LoadAccounts(keys));
    handlers_->SetBankKeys(std::move(keys));
    RETURN_IF_ERROR(hub_->Start());
    base::OpContext ctx = NewContext();
    RETURN_IF_ERROR(expiry_->Begin(ctx));
    jobs_->Start();
    return absl::OkStatus();
  }

  void Stop() override {
    jobs_->Stop();
    hub_->Stop();
  }

 private:
  base::OpContext NewContext() const {
    return base::OpContext(platform_->clock(), platform_->clock().Steady() + kRoundDeadline);
  }

  // Reads the collecting accounts and asks territory to which unit each agency belongs today.
  absl::Status LoadAccounts(std::vector<SigningKey>& keys) {
    std::string path = settings_.accounts_file;
    if (path.empty() && platform_->dev()) path = platform_->resource_dir() + "/demo.json";
    if (path.empty()) {
      platform_->logger().Warn("no_collecting_accounts", {{"setting", "payments.accounts_file"}});
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
    ASSIGN_OR_RETURN(const AccountsFile file, ParseAccountsFile(json));
    if (platform_->dev()) keys.insert(keys.end(), file.demo_keys.begin(), file.demo_keys.end());
    base::OpContext ctx = NewContext();
    std::map<std::string, std::string> units;
    for (const CollectingAccountRow& row : file.accounts) {
      if (units.contains(row.agency)) continue;
      territory::GetAgencyRequest request;
      request.set_id(row.agency);
      ASSIGN_OR_RETURN(
          const territory::Agency agency,
          territory_->Call<territory::Agency>(ctx, "/dinh.territory.v1.TerritoryService/GetAgency", request));
      units[row.agency] = agency.unit();
    }
    RETURN_IF_ERROR(
        database_->Transact(ctx, [&](db::Tx& tx) { return store_->ReplaceAccounts(tx, file.accounts, units); }));
    std::string fallback = settings_.fallback_agency;
    if (fallback.empty() && !file.accounts.empty()) fallback = file.accounts[0].agency;
    if (!fallback.empty() && !units.contains(fallback)) {
      return BadAccountsFile("payments.fallback_agency không có trong tệp", "payments.fallback_agency is not in it");
    }
    handlers_->SetFallbackAgency(std::move(fallback));
    return absl::OkStatus();
  }

  Settings settings_;
  app::Platform* platform_ = nullptr;
  rpc::Channel* territory_ = nullptr;
  db::Database* database_ = nullptr;
  std::optional<Store> store_;
  std::optional<events::EventHub> hub_;
  std::optional<Handlers> handlers_;
  std::optional<events::Jobs> jobs_;
  std::optional<events::Periodic> expiry_;
};

}  // namespace

std::unique_ptr<app::ServiceModule> MakePaymentsModule() { return std::make_unique<PaymentsModule>(); }

}  // namespace dinh::payments
