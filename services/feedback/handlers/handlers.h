// The RPCs about reports as the reporter and the office see them (ReportService, DeskService, PhotoService). What the
// public sees comes from handlers/public_reports.h and handlers/board.h.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/desk_service.pb.h"
#include "dinh/feedback/v1/photo_service.pb.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "dinh/options/v1/common.pb.h"
#include "libs/auth/page_token.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/base/working_calendar.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/event_hub.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "services/feedback/clients.h"
#include "services/feedback/config.h"
#include "services/feedback/domain/screening.h"
#include "services/feedback/handlers/public_reports.h"
#include "services/feedback/indicator_book.h"
#include "services/feedback/intake.h"
#include "services/feedback/json_data.h"
#include "services/feedback/phone_pass.h"
#include "services/feedback/photo/processor.h"
#include "services/feedback/publisher.h"
#include "services/feedback/report_book.h"
#include "services/feedback/store.h"
#include "services/feedback/view.h"

namespace dinh::feedback {

// What the handlers work with; everything outlives them.
struct HandlerParts {
  db::Database& database;
  const Store& store;
  const FeedbackData& data;
  const Screener& screener;
  const RoleNames& roles;
  ReportBook& book;
  db::BlobStore& blobs;
  PhotoProcessor& photos;
  events::EventHub& events;
  PublicReports& board;
  TerritoryClient& territory;
  IdentityClient& identity;
  const PhonePasses& passes;
  const Config& config;
  const auth::PageTokens& page_tokens;
  base::Random& random;
  base::IdGenerator& ids;
};

class Handlers final : public Intake {
 public:
  explicit Handlers(const HandlerParts& parts) : p_(parts) {}

  // handlers/making.cc
  absl::StatusOr<pb::PhonePass> ConfirmPhone(rpc::Context& ctx, const pb::ConfirmPhoneRequest& request);
  absl::StatusOr<pb::Report> CreateReport(rpc::Context& ctx, const pb::CreateReportRequest& request);
  absl::StatusOr<pb::Report> Make(rpc::Context& ctx, const pb::CreateReportRequest& request,
                                  const ForeignOrigin& origin) override;

  // handlers/reports.cc
  absl::StatusOr<pb::ListReportsResponse> ListReports(rpc::Context& ctx, const pb::ListReportsRequest& request);
  absl::StatusOr<pb::Report> GetReport(rpc::Context& ctx, const pb::GetReportRequest& request);
  absl::StatusOr<pb::ListNearbyReportsResponse> ListNearbyReports(rpc::Context& ctx,
                                                                  const pb::ListNearbyReportsRequest& request);
  absl::Status WatchReport(std::shared_ptr<rpc::Context> call, const pb::WatchReportRequest& request,
                           std::shared_ptr<rpc::StreamSink> client);

  // handlers/talk.cc: what reporters, neighbours and those concerned say
  absl::StatusOr<pb::Report> JoinReport(rpc::Context& ctx, const pb::JoinReportRequest& request);
  absl::StatusOr<pb::Report> AddUpdate(rpc::Context& ctx, const pb::AddUpdateRequest& request);
  absl::StatusOr<std::string> AddForeignUpdate(rpc::Context& ctx, const std::string& code, const std::string& client,
                                               const std::string& update_id, const std::string& text) override;
  absl::StatusOr<pb::Report> ReopenReport(rpc::Context& ctx, const pb::ReopenReportRequest& request);
  absl::StatusOr<pb::Report> RateReport(rpc::Context& ctx, const pb::RateReportRequest& request);
  absl::StatusOr<pb::RequestRemovalResponse> RequestRemoval(rpc::Context& ctx,
                                                            const pb::RequestRemovalRequest& request);
  absl::StatusOr<pb::ReplyToReportResponse> ReplyToReport(rpc::Context& ctx, const pb::ReplyToReportRequest& request);

  // handlers/desk.cc
  absl::StatusOr<pb::Report> AssignReport(rpc::Context& ctx, const pb::AssignReportRequest& request);
  absl::StatusOr<pb::Report> StartReport(rpc::Context& ctx, const pb::StartReportRequest& request);
  absl::StatusOr<pb::Report> AskReporter(rpc::Context& ctx, const pb::AskReporterRequest& request);
  absl::StatusOr<pb::Report> AnswerReport(rpc::Context& ctx, const pb::AnswerReportRequest& request);
  absl::StatusOr<pb::Report> ResolveReport(rpc::Context& ctx, const pb::ResolveReportRequest& request);
  absl::StatusOr<pb::Report> RejectReport(rpc::Context& ctx, const pb::RejectReportRequest& request);
  absl::StatusOr<pb::Report> RouteReport(rpc::Context& ctx, const pb::RouteReportRequest& request);
  absl::StatusOr<pb::ListTemplatesResponse> ListTemplates(rpc::Context& ctx, const pb::ListTemplatesRequest& request);

  // handlers/moderation.cc
  absl::StatusOr<pb::Report> HideReport(rpc::Context& ctx, const pb::HideReportRequest& request);
  absl::StatusOr<pb::Report> ModerateReport(rpc::Context& ctx, const pb::ModerateReportRequest& request);
  absl::StatusOr<pb::ListModerationResponse> ListModeration(rpc::Context& ctx,
                                                            const pb::ListModerationRequest& request);
  absl::StatusOr<pb::Report> DecideRemoval(rpc::Context& ctx, const pb::DecideRemovalRequest& request);

  // handlers/photos.cc
  absl::StatusOr<pb::Photo> UploadPhoto(rpc::Context& ctx, rpc::MessageReader& reader);
  absl::StatusOr<options::v1::RawBody> GetPhoto(rpc::Context& ctx, const pb::GetPhotoRequest& request);
  absl::StatusOr<pb::Photo> ModeratePhoto(rpc::Context& ctx, const pb::ModeratePhotoRequest& request);
  absl::StatusOr<pb::Photo> BlurPhoto(rpc::Context& ctx, const pb::BlurPhotoRequest& request);

 private:
  // Who sees a report as what.
  enum class Seen { kNobody, kReporter, kOffice };

  // handlers/access.cc
  Seen SeenAs(const rpc::Context& ctx, ReportRow& row, std::string_view tracking_token) const;
  // For ctx.InScope: sets from_above where the caller's right comes from an escalation; absent when bypassed.
  absl::StatusOr<std::optional<ReportRow>> SeenBy(const rpc::Context& ctx,
                                                  absl::StatusOr<std::optional<ReportRow>> row) const;
  // Login, or the hexadecimal index of the phone of a pass. PHONE_PASS_INVALID.
  absl::StatusOr<std::string> WhoIs(const rpc::Context& ctx, const std::string& phone_pass) const;
  absl::Status CountToday(db::Tx& tx, std::string_view what, std::string_view who, int64_t at_most,
                          const absl::Status& refusal) const;
  // The caller's title in the report's office: "Công chức chuyên môn, UBND xã Hoằng Hóa".
  std::string OfficerTitle(rpc::Context& ctx, const ReportRow& row) const;
  static void TellAudit(rpc::Context& ctx, const ReportRow& row);
  ViewContext View(rpc::Context& ctx, const ReportRow& row, bool office) const;
  // Everything of a report, as whoever changed or asked for it sees it.
  absl::StatusOr<pb::Report> Show(rpc::Context& ctx, db::Tx& tx, const ReportRow& row, const ViewContext& view) const;

  // handlers/changes.cc: one change of a report and what happens with it in the same transaction.
  struct ChangeRequest {
    std::string code;
    std::string etag;            // "" any
    std::string tracking_token;  // of a reporter without a login
    bool scoped = false;         // a method of the desk: the scope check decides
    Event event;                 // kind, reason, assignee, stars; the rest is filled in
    // Before the transition; may change row and event. Database work only.
    std::function<absl::Status(db::Tx& tx, ReportRow& row, Event& event)> before;
    google::protobuf::RepeatedPtrField<std::string> photos;  // uploads of the caller to hang on it
  };
  absl::StatusOr<pb::Report> ChangeReport(rpc::Context& ctx, const ChangeRequest& request);
  absl::Status TakePhotos(db::Tx& tx, const google::protobuf::RepeatedPtrField<std::string>& ids,
                          const std::string& owner, const ReportRow& row, pb::Photo::Kind kind) const;
  // A text as given, or a template filled in. TEMPLATE_UNKNOWN, INVALID_FIELD.
  absl::StatusOr<std::string> TextOf(rpc::Context& ctx, const ReportRow& row, EventKind event, const std::string& text,
                                     const std::string& id,
                                     const google::protobuf::Map<std::string, std::string>& variables) const;

  // handlers/making.cc
  struct Draft;
  absl::Status FillReporter(rpc::Context& ctx, const pb::CreateReportRequest& request, const ForeignOrigin& origin,
                            Draft& draft) const;
  absl::Status FillPlace(rpc::Context& ctx, const pb::CreateReportRequest& request, Draft& draft) const;
  absl::Status FillContent(const pb::CreateReportRequest& request, Draft& draft) const;
  absl::StatusOr<const Category*> CategoryFor(const pb::CreateReportRequest& request) const;

  // Who may be given a report; fetched before the transaction.
  absl::StatusOr<std::vector<std::string>> CandidatesFor(rpc::Context& ctx, const ReportRow& row) const;
  absl::StatusOr<std::string> ChooseOfficer(db::Tx& tx, const ReportRow& row, Assign way,
                                            const std::vector<std::string>& candidates) const;

  std::string Anew() const;  // a random UUID: carries no time

  const HandlerParts p_;
  std::atomic<int64_t> upload_bytes_{0};  // of photos being received
};

}  // namespace dinh::feedback
