#include "services/feedback/module.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/config/data_files.h"
#include "libs/events/event_hub.h"
#include "libs/events/jobs.h"
#include "services/feedback/clock_work.h"
#include "services/feedback/handlers/board.h"
#include "services/feedback/handlers/follows.h"
#include "services/feedback/handlers/handlers.h"
#include "services/feedback/handlers/open311.h"
#include "services/feedback/hidden_sequence.h"

namespace dinh::feedback {
namespace {

constexpr std::chrono::seconds kStartDeadline{30};
constexpr char kEventContext[] = "feedback.events";

class FeedbackModule final : public app::ServiceModule {
 public:
  explicit FeedbackModule(std::unique_ptr<PhotoProcessor> photos) : photos_(std::move(photos)) {}

  std::string_view name() const override { return "feedback"; }
  std::vector<std::string> depends_on() const override { return {"territory", "identity"}; }
  void BindConfig(config::Registry& registry) override { config_.Bind(registry); }

  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    RETURN_IF_ERROR(LoadData(platform));
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase(Migrations()));
    ASSIGN_OR_RETURN(db::BlobStore* const blobs, platform.OpenBlobs());
    store_.emplace(platform.sealer());
    board_store_.emplace(platform.sealer());
    RETURN_IF_ERROR(board_store_->EnsureSchema(*db_));
    hub_.emplace(*db_, platform.service(), platform.clock(), platform.random(), platform.ids(), platform.logger(),
                 platform.metrics(), PayloadSeal(), platform.fanout());
    RETURN_IF_ERROR(hub_->Init());
    jobs_.emplace(events::JobsOptions{.service = platform.service()}, *db_, platform.clock(), platform.ids(),
                  platform.logger(), platform.metrics(), PayloadSeal());
    if (photos_ == nullptr) {
      ASSIGN_OR_RETURN(photos_, MakePhotoProcessor({.worker_path = config_.photo_worker}));
    }
    territory_.emplace(platform.To("territory"));
    identity_.emplace(platform.To("identity"));
    passes_.emplace(platform.sealer());
    screener_.emplace(data_.profanity);
    hidden_sequence_.emplace(platform.sealer());
    ASSIGN_OR_RETURN(keys_, ApiKeys::Parse(config_.open311_keys));
    InitBoard(platform);
    InitReports(platform, *blobs);
    return clock_->Register();
  }

  void RegisterMethods(rpc::MethodTable& table) override {
    hub_->RegisterMethods(table);
    RegisterReports(table);
    RegisterDesk(table);
    board_->Register(table);
    follows_->Register(table);
    open311_->Register(table);
  }

  absl::Status Start() override {
    RETURN_IF_ERROR(hub_->Start());
    base::OpContext ctx(platform_->clock(), platform_->clock().Steady() + kStartDeadline);
    RETURN_IF_ERROR(clock_->Begin(ctx));
    RETURN_IF_ERROR(territory_->LearnAll(ctx));
    jobs_->Start();
    merger_->Start();
    publisher_->Start();
    return absl::OkStatus();
  }

  void Stop() override {
    publisher_->Stop();
    merger_->Stop();
    jobs_->Stop();
    hub_->Stop();
  }

 private:
  absl::Status LoadData(app::Platform& platform) {
    const std::string& folder = platform.resource_dir();
    ASSIGN_OR_RETURN(const std::string feedback, config::ReadDataFile(folder + "/feedback.json"));
    ASSIGN_OR_RETURN(data_, ReadFeedback(feedback));
    ASSIGN_OR_RETURN(const std::string holidays, config::ReadDataFile(folder + "/holidays.json"));
    ASSIGN_OR_RETURN(const std::vector<base::CalendarDay> days, config::ReadHolidays(holidays));
    ASSIGN_OR_RETURN(calendar_, base::WorkingCalendar::Create(days));
    ASSIGN_OR_RETURN(const std::string roles, config::ReadDataFile(folder + "/roles.json"));
    ASSIGN_OR_RETURN(roles_, config::ReadRoleNames(roles));
    return absl::OkStatus();
  }

  void InitBoard(app::Platform& platform) {
    merger_.emplace(
        FigureMerger::Parts{*db_, *store_, *board_store_, platform.clock(), platform.logger(), platform.metrics()});
    indicators_.emplace(*board_store_, platform.ids(), *merger_, platform.metrics());
    public_cache_.emplace(platform.cache(), platform.clock(), platform.metrics());
    publisher_.emplace(Publisher::Parts{*db_, *store_, *board_store_, data_, *territory_, hub_->outbox(),
                                        platform.random(), platform.ids(), platform.clock(), platform.logger(),
                                        platform.metrics(), HiddenPlaceKey(platform.sealer()), *public_cache_});
    public_reports_.emplace(
        PublicReports::Parts{*db_, *board_store_, data_, *territory_, platform.page_tokens(), *public_cache_});
  }

  void InitReports(app::Platform& platform, db::BlobStore& blobs) {
    book_.emplace(ReportBook::Parts{*store_, data_.categories, *calendar_, *indicators_, *merger_, *publisher_,
                                    hub_->outbox(), platform.random(), platform.ids()});
    clock_.emplace(ClockWork::Parts{*jobs_, *db_, *store_, data_.categories, *book_, *indicators_, blobs, *territory_,
                                    *identity_, config_.clock_interval});
    handlers_.emplace(HandlerParts{*db_, *store_, data_, *screener_, roles_, *book_, blobs, *photos_, *hub_,
                                   *public_reports_, *territory_, *identity_, *passes_, config_, platform.page_tokens(),
                                   platform.random(), platform.ids()});
    board_.emplace(
        BoardHandlers::Parts{*db_, *board_store_, data_, *territory_, *hub_, *hidden_sequence_, *public_cache_});
    follows_.emplace(
        FollowHandlers::Parts{*db_, *store_, *board_store_, *territory_, platform.page_tokens(), platform.ids()});
    open311_.emplace(
        Open311Handlers::Parts{*db_, *board_store_, data_, *territory_, *handlers_, *keys_, platform.random()});
  }

  void RegisterReports(rpc::MethodTable& table) {
    Handlers* const h = &*handlers_;
    const std::string reports = "dinh.feedback.v1.ReportService.";
    table.Unary(reports + "ConfirmPhone", h, &Handlers::ConfirmPhone);
    table.Unary(reports + "CreateReport", h, &Handlers::CreateReport);
    table.Unary(reports + "ListReports", h, &Handlers::ListReports);
    table.Unary(reports + "GetReport", h, &Handlers::GetReport);
    table.Unary(reports + "ListNearbyReports", h, &Handlers::ListNearbyReports);
    table.Unary(reports + "JoinReport", h, &Handlers::JoinReport);
    table.Unary(reports + "AddUpdate", h, &Handlers::AddUpdate);
    table.Unary(reports + "ReopenReport", h, &Handlers::ReopenReport);
    table.Unary(reports + "RateReport", h, &Handlers::RateReport);
    table.Unary(reports + "RequestRemoval", h, &Handlers::RequestRemoval);
    table.Unary(reports + "ReplyToReport", h, &Handlers::ReplyToReport);
    table.ServerStream(reports + "WatchReport", h, pb::ReportUpdate::default_instance(), &Handlers::WatchReport);
    const std::string photos = "dinh.feedback.v1.PhotoService.";
    table.ClientStream(photos + "UploadPhoto", h, options::v1::UploadChunk::default_instance(), &Handlers::UploadPhoto);
    table.Unary(photos + "GetPhoto", h, &Handlers::GetPhoto);
    table.Unary(photos + "ModeratePhoto", h, &Handlers::ModeratePhoto);
    table.Unary(photos + "BlurPhoto", h, &Handlers::BlurPhoto);
  }

  void RegisterDesk(rpc::MethodTable& table) {
    Handlers* const h = &*handlers_;
    const std::string desk = "dinh.feedback.v1.DeskService.";
    table.Unary(desk + "AssignReport", h, &Handlers::AssignReport);
    table.Unary(desk + "StartReport", h, &Handlers::StartReport);
    table.Unary(desk + "AskReporter", h, &Handlers::AskReporter);
    table.Unary(desk + "AnswerReport", h, &Handlers::AnswerReport);
    table.Unary(desk + "ResolveReport", h, &Handlers::ResolveReport);
    table.Unary(desk + "RejectReport", h, &Handlers::RejectReport);
    table.Unary(desk + "RouteReport", h, &Handlers::RouteReport);
    table.Unary(desk + "HideReport", h, &Handlers::HideReport);
    table.Unary(desk + "ModerateReport", h, &Handlers::ModerateReport);
    table.Unary(desk + "ListModeration", h, &Handlers::ListModeration);
    table.Unary(desk + "DecideRemoval", h, &Handlers::DecideRemoval);
    table.Unary(desk + "ListTemplates", h, &Handlers::ListTemplates);
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
  FeedbackData data_;
  std::optional<base::WorkingCalendar> calendar_;
  RoleNames roles_;
  std::optional<Screener> screener_;
  std::unique_ptr<PhotoProcessor> photos_;
  db::Database* db_ = nullptr;
  std::optional<Store> store_;
  std::optional<BoardStore> board_store_;
  std::optional<events::EventHub> hub_;
  std::optional<events::Jobs> jobs_;
  std::optional<TerritoryClient> territory_;
  std::optional<IdentityClient> identity_;
  std::optional<PhonePasses> passes_;
  std::optional<FigureMerger> merger_;
  std::optional<PublicCache> public_cache_;
  std::optional<IndicatorBook> indicators_;
  std::optional<Publisher> publisher_;
  std::optional<PublicReports> public_reports_;
  std::optional<ReportBook> book_;
  std::optional<ClockWork> clock_;
  std::optional<Handlers> handlers_;
  std::optional<BoardHandlers> board_;
  std::optional<FollowHandlers> follows_;
  std::optional<ApiKeys> keys_;
  std::optional<HiddenSequence> hidden_sequence_;
  std::optional<Open311Handlers> open311_;
};

}  // namespace

std::unique_ptr<app::ServiceModule> MakeFeedbackModule() { return std::make_unique<FeedbackModule>(nullptr); }
std::unique_ptr<app::ServiceModule> MakeFeedbackModule(std::unique_ptr<PhotoProcessor> photos) {
  return std::make_unique<FeedbackModule>(std::move(photos));
}

}  // namespace dinh::feedback
