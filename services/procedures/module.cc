#include "services/procedures/module.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/config/data_files.h"
#include "libs/db/append_only.h"
#include "libs/events/consumer.h"
#include "libs/events/event_hub.h"
#include "libs/events/jobs.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/json_data.h"
#include "services/procedures/sweeper.h"

namespace dinh::procedures {
namespace {

constexpr std::chrono::seconds kStartDeadline{30};
constexpr char kEventContext[] = "procedures.events";

class ProceduresModule final : public app::ServiceModule {
 public:
  std::string_view name() const override { return "procedures"; }
  std::vector<std::string> depends_on() const override { return {"territory", "identity", "payments"}; }
  void BindConfig(config::Registry& registry) override { config_.Bind(registry); }

  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    if (!config_.public_url.starts_with("https://") && !config_.public_url.starts_with("http://")) {
      return base::InvalidField("procedures.public_url",
                                {"cần địa chỉ bắt đầu bằng https:// (hoặc http://).",
                                 "an address that begins with https:// (or http://) is needed."},
                                "INVALID_CONFIG");
    }
    if (config_.sweep_every < std::chrono::seconds(1)) {
      return base::InvalidField("procedures.sweep_every", {"cần ít nhất một giây.", "at least a second is needed."},
                                "INVALID_CONFIG");
    }
    while (config_.public_url.ends_with('/')) config_.public_url.pop_back();
    RETURN_IF_ERROR(LoadData(platform));
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase(Migrations()));
    RETURN_IF_ERROR(db::EnsureAppendOnly(*db_, "timeline"));
    ASSIGN_OR_RETURN(db::BlobStore* const blobs, platform.OpenBlobs());
    store_.emplace(platform.sealer());
    hub_.emplace(*db_, platform.service(), platform.clock(), platform.random(), platform.ids(), platform.logger(),
                 platform.metrics(), PayloadSeal(), platform.fanout());
    RETURN_IF_ERROR(hub_->Init());
    jobs_.emplace(events::JobsOptions{.service = platform.service()}, *db_, platform.clock(), platform.ids(),
                  platform.logger(), platform.metrics(), PayloadSeal());
    charges_.emplace(*jobs_, platform.To("payments"), *db_, *store_);
    RETURN_IF_ERROR(charges_->Register());
    sweeper_.emplace(*jobs_, *db_, *store_, *blobs, config_.sweep_every);
    RETURN_IF_ERROR(sweeper_->Register());
    metrics_.emplace(platform.metrics());
    handlers_.emplace(HandlerParts{*db_, *store_, *catalogue_, roles_, *blobs, *hub_, *charges_, printer_, config_,
                                   *metrics_, platform.page_tokens(), platform.random(), platform.ids(),
                                   platform.To("identity"), platform.To("territory"), platform.clock()});
    return absl::OkStatus();
  }

  void RegisterMethods(rpc::MethodTable& table) override {
    hub_->RegisterMethods(table);
    Handlers* const h = &*handlers_;
    const std::string catalogue = "dinh.procedures.v1.CatalogueService.";
    table.Unary(catalogue + "ListProcedures", h, &Handlers::ListProcedures);
    table.Unary(catalogue + "GetProcedure", h, &Handlers::GetProcedure);
    table.Unary(catalogue + "GetProcedureQr", h, &Handlers::GetProcedureQr);
    table.Unary(catalogue + "GetForm", h, &Handlers::GetForm);
    const std::string dossiers = "dinh.procedures.v1.DossierService.";
    table.ClientStream(dossiers + "UploadAttachment", h, options::v1::UploadChunk::default_instance(),
                       &Handlers::UploadAttachment);
    table.Unary(dossiers + "GetAttachment", h, &Handlers::GetAttachment);
    table.Unary(dossiers + "CreateDossier", h, &Handlers::CreateDossier);
    table.Unary(dossiers + "ListDossiers", h, &Handlers::ListDossiers);
    table.Unary(dossiers + "GetDossier", h, &Handlers::GetDossier);
    table.Unary(dossiers + "WithdrawDossier", h, &Handlers::WithdrawDossier);
    table.Unary(dossiers + "SupplyDossier", h, &Handlers::SupplyDossier);
    table.Unary(dossiers + "RateDossier", h, &Handlers::RateDossier);
    table.Unary(dossiers + "GetReceipt", h, &Handlers::GetReceipt);
    table.Unary(dossiers + "TrackDossier", h, &Handlers::TrackDossier);
    table.ServerStream(dossiers + "WatchDossier", h, pb::DossierUpdate::default_instance(), &Handlers::WatchDossier);
    const std::string uploads = "dinh.procedures.v1.UploadService.";
    table.Unary(uploads + "CreateUpload", h, &Handlers::CreateUpload);
    table.Unary(uploads + "GetUpload", h, &Handlers::GetUpload);
    table.ClientStream(uploads + "AppendUpload", h, pb::AppendUploadRequest::default_instance(),
                       &Handlers::AppendUpload);
    const std::string desk = "dinh.procedures.v1.DeskService.";
    table.Unary(desk + "AcceptDossier", h, &Handlers::AcceptDossier);
    table.Unary(desk + "RejectDossier", h, &Handlers::RejectDossier);
    table.Unary(desk + "RequestSupplement", h, &Handlers::RequestSupplement);
    table.Unary(desk + "ForwardDossier", h, &Handlers::ForwardDossier);
    table.Unary(desk + "SignDossier", h, &Handlers::SignDossier);
    table.Unary(desk + "SendBackDossier", h, &Handlers::SendBackDossier);
    table.Unary(desk + "ReturnDossier", h, &Handlers::ReturnDossier);
    table.Unary(desk + "StopDossier", h, &Handlers::StopDossier);
  }

  absl::Status Start() override {
    RETURN_IF_ERROR(hub_->Start());
    base::OpContext ctx(platform_->clock(), platform_->clock().Steady() + kStartDeadline);
    RETURN_IF_ERROR(sweeper_->Begin(ctx));
    jobs_->Start();
    events::EventRouter router;
    router.On<payments::v1::ChargePaid>(
        [this](db::Tx& tx, const payments::v1::ChargePaid& paid, const events::v1::FeedEvent&) {
          return handlers_->ChargePaid(tx, paid);
        });
    consumer_ = std::make_unique<events::Consumer>(events::ConsumerOptions{.name = "procedures", .feed = "payments"},
                                                   std::make_unique<events::ChannelSource>(platform_->To("payments")),
                                                   *db_, platform_->clock(), platform_->logger(), platform_->metrics(),
                                                   std::move(router));
    consumer_->Start();
    return absl::OkStatus();
  }

  void Stop() override {
    if (consumer_ != nullptr) consumer_->Stop();
    jobs_->Stop();
    hub_->Stop();
  }

 private:
  absl::Status LoadData(app::Platform& platform) {
    ASSIGN_OR_RETURN(catalogue_, Catalogue::Load(platform.resource_dir()));
    ASSIGN_OR_RETURN(const std::string roles, config::ReadDataFile(platform.resource_dir() + "/roles.json"));
    ASSIGN_OR_RETURN(roles_, config::ReadRoleNames(roles));
    return absl::OkStatus();
  }

  events::PayloadSeal PayloadSeal() {
    const auth::Sealer& sealer = platform_->sealer();
    return {[&sealer](std::string_view plain, std::string_view context) {
              return sealer.Seal(kEventContext, context, plain);
            },
            [&sealer](std::string_view sealed, std::string_view context) {
              return sealer.Open(kEventContext, context, sealed);
            }};
  }

  app::Platform* platform_ = nullptr;
  Config config_;
  db::Database* db_ = nullptr;
  std::unique_ptr<Catalogue> catalogue_;
  RoleNames roles_;
  PaperPrinter printer_;
  std::optional<Store> store_;
  std::optional<events::EventHub> hub_;
  std::optional<events::Jobs> jobs_;
  std::optional<Charges> charges_;
  std::optional<Sweeper> sweeper_;
  std::optional<ServiceMetrics> metrics_;
  std::optional<Handlers> handlers_;
  std::unique_ptr<events::Consumer> consumer_;
};

}  // namespace

std::unique_ptr<app::ServiceModule> MakeProceduresModule() { return std::make_unique<ProceduresModule>(); }

}  // namespace dinh::procedures
