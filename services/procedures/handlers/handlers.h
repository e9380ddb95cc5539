// The service's RPCs. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dinh/identity/v1/resources.pb.h"
#include "dinh/options/v1/common.pb.h"
#include "dinh/payments/v1/events.pb.h"
#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/desk_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/procedures/v1/events.pb.h"
#include "dinh/procedures/v1/upload_service.pb.h"
#include "dinh/territory/v1/resources.pb.h"
#include "libs/auth/page_token.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/cache/local_cache.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/event_hub.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "services/procedures/catalogue.h"
#include "services/procedures/charges.h"
#include "services/procedures/config.h"
#include "services/procedures/documents/receipt.h"
#include "services/procedures/limits.h"
#include "services/procedures/metrics.h"
#include "services/procedures/store.h"
#include "services/procedures/view.h"

namespace dinh::procedures {

// What the handlers work with; everything outlives them.
struct HandlerParts {
  db::Database& database;
  const Store& store;
  const Catalogue& catalogue;
  const RoleNames& roles;
  db::BlobStore& blobs;
  events::EventHub& events;
  Charges& charges;
  PaperPrinter& printer;
  const Config& config;
  ServiceMetrics& metrics;
  const auth::PageTokens& page_tokens;
  base::Random& random;
  base::IdGenerator& ids;
  rpc::Channel& identity;
  rpc::Channel& territory;
  const base::Clock& clock;
};

class Handlers {
 public:
  explicit Handlers(const HandlerParts& parts) : p_(parts), offices_({.bytes_max = kOfficesBytes}, parts.clock) {}

  // handlers/catalogue.cc
  absl::StatusOr<pb::ListProceduresResponse> ListProcedures(rpc::Context& ctx,
                                                            const pb::ListProceduresRequest& request);
  absl::StatusOr<pb::Procedure> GetProcedure(rpc::Context& ctx, const pb::GetProcedureRequest& request);
  absl::StatusOr<options::v1::RawBody> GetProcedureQr(rpc::Context& ctx, const pb::GetProcedureQrRequest& request);
  absl::StatusOr<pb::FormDefinition> GetForm(rpc::Context& ctx, const pb::GetFormRequest& request);

  // handlers/attachments.cc
  absl::StatusOr<pb::Attachment> UploadAttachment(rpc::Context& ctx, rpc::MessageReader& reader);
  absl::StatusOr<options::v1::RawBody> GetAttachment(rpc::Context& ctx, const pb::GetAttachmentRequest& request);

  // handlers/uploads.cc
  absl::StatusOr<pb::Upload> CreateUpload(rpc::Context& ctx, const pb::CreateUploadRequest& request);
  absl::StatusOr<pb::Upload> GetUpload(rpc::Context& ctx, const pb::GetUploadRequest& request);
  absl::StatusOr<pb::Upload> AppendUpload(rpc::Context& ctx, rpc::MessageReader& reader);

  // handlers/filing.cc
  absl::StatusOr<pb::Dossier> CreateDossier(rpc::Context& ctx, const pb::CreateDossierRequest& request);

  // handlers/dossiers.cc
  absl::StatusOr<pb::ListDossiersResponse> ListDossiers(rpc::Context& ctx, const pb::ListDossiersRequest& request);
  absl::StatusOr<pb::Dossier> GetDossier(rpc::Context& ctx, const pb::GetDossierRequest& request);
  absl::StatusOr<pb::TrackedDossier> TrackDossier(rpc::Context& ctx, const pb::TrackDossierRequest& request);
  absl::Status WatchDossier(std::shared_ptr<rpc::Context> call, const pb::WatchDossierRequest& request,
                            std::shared_ptr<rpc::StreamSink> client);

  // handlers/citizen.cc
  absl::StatusOr<pb::Dossier> WithdrawDossier(rpc::Context& ctx, const pb::WithdrawDossierRequest& request);
  absl::StatusOr<pb::Dossier> SupplyDossier(rpc::Context& ctx, const pb::SupplyDossierRequest& request);
  absl::StatusOr<pb::Dossier> RateDossier(rpc::Context& ctx, const pb::RateDossierRequest& request);

  // handlers/desk.cc
  absl::StatusOr<pb::Dossier> AcceptDossier(rpc::Context& ctx, const pb::AcceptDossierRequest& request);
  absl::StatusOr<pb::Dossier> RejectDossier(rpc::Context& ctx, const pb::RejectDossierRequest& request);
  absl::StatusOr<pb::Dossier> RequestSupplement(rpc::Context& ctx, const pb::RequestSupplementRequest& request);
  absl::StatusOr<pb::Dossier> ForwardDossier(rpc::Context& ctx, const pb::ForwardDossierRequest& request);
  absl::StatusOr<pb::Dossier> SignDossier(rpc::Context& ctx, const pb::SignDossierRequest& request);
  absl::StatusOr<pb::Dossier> SendBackDossier(rpc::Context& ctx, const pb::SendBackDossierRequest& request);
  absl::StatusOr<pb::Dossier> ReturnDossier(rpc::Context& ctx, const pb::ReturnDossierRequest& request);
  absl::StatusOr<pb::Dossier> StopDossier(rpc::Context& ctx, const pb::StopDossierRequest& request);

  // handlers/papers.cc
  absl::StatusOr<options::v1::RawBody> GetReceipt(rpc::Context& ctx, const pb::GetReceiptRequest& request);

  // handlers/changes.cc: what payments tells, inside the consumer's transaction.
  absl::Status ChargePaid(db::Tx& tx, const payments::v1::ChargePaid& paid);

 private:
  // One change of a dossier: who asked, what for, and what else happens in the same transaction.
  struct ChangeRequest {
    std::string code;
    std::string etag;  // "" any
    EventKind kind = EventKind::kSubmit;
    std::string reason;
    int stars = 0;
    // Before the transition, e.g. to attach files; may change the event.
    std::function<absl::Status(db::Tx& tx, DossierRow& row, Event& event, std::vector<AttachmentRow>& files)> before;
    // After it, in the same transaction.
    std::function<absl::Status(db::Tx& tx, const DossierRow& row)> after;
  };
  absl::StatusOr<pb::Dossier> ChangeDossier(rpc::Context& ctx, const ChangeRequest& request);
  absl::StatusOr<const Workflow*> WorkflowOf(const DossierRow& row) const;
  // Applies the event, moves the clock, writes row, history and events. Returns the new lines of the history.
  absl::StatusOr<std::vector<TimelineRow>> Transition(db::Tx& tx, const Event& event, DossierRow& row);
  // Hangs uploads on the dossier and adds them to `files`.
  absl::Status TakeFiles(db::Tx& tx, const auth::Principal& principal,
                         const google::protobuf::RepeatedPtrField<std::string>& ids, const DossierRow& row,
                         FileKind kind, std::vector<AttachmentRow>& files) const;
  class PartKeeper;
  absl::StatusOr<UploadRow> OwnUpload(rpc::Context& ctx, const std::string& id);
  absl::StatusOr<pb::Upload> RefuseOffset(rpc::Context& ctx, rpc::MessageReader& reader, const UploadRow& row);
  absl::StatusOr<AttachmentRow> JoinParts(rpc::Context& ctx, const UploadRow& row,
                                          const std::vector<UploadPart>& parts);
  absl::StatusOr<pb::Upload> FinishUpload(rpc::Context& ctx, const UploadRow& row);
  ViewContext View(const rpc::Context& ctx, const DossierRow& row) const;

  absl::StatusOr<identity::v1::Person> FetchPerson(rpc::Context& ctx, const std::string& id) const;
  // Who receives what is filed for that unit, and the unit's name of today.
  struct Office {
    territory::v1::Agency agency;
    std::string unit_name;
  };
  // Remembered for kOfficeLasts: every filing asks, and the map changes with a decree.
  absl::StatusOr<Office> FindOffice(rpc::Context& ctx, const std::string& unit, const std::string& from,
                                    Executor executor) const;
  absl::StatusOr<Office> AskForOffice(rpc::Context& ctx, const std::string& unit, const std::string& from,
                                      Executor executor) const;

  const HandlerParts p_;
  mutable cache::LocalCache offices_;
};

// Of an officer in the dossier's agency.
std::vector<std::string> RolesFor(const auth::Principal& principal, const DossierRow& row);

// Whose data the call touched and why, for the audit row: "hồ sơ H56.15865-260213-0001".
void TellAudit(rpc::Context& ctx, const DossierRow& row);

base::CivilDate Today(const base::OpContext& ctx);

}  // namespace dinh::procedures
