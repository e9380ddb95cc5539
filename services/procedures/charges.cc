#include "services/procedures/charges.h"

#include <optional>
#include <utility>

#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

constexpr char kOpenKind[] = "charge.open";
constexpr char kCancelKind[] = "charge.cancel";
constexpr std::string_view kOpenPath = "/dinh.payments.v1.PaymentsService/OpenCharge";
constexpr std::string_view kCancelPath = "/dinh.payments.v1.PaymentsService/CancelCharge";

std::string CancelId(const std::string& charge) { return charge + "-cancel"; }

}  // namespace

absl::Status Charges::Register() {
  events::JobKind open;
  open.run = [this](base::OpContext& ctx, const events::Job& job) { return Open(ctx, job); };
  open.attempts_max = 200;  // a citizen waits for it: days of trying
  RETURN_IF_ERROR(jobs_.Register(kOpenKind, std::move(open)));
  events::JobKind cancel;
  cancel.run = [this](base::OpContext& ctx, const events::Job& job) { return Cancel(ctx, job); };
  cancel.attempts_max = 200;
  return jobs_.Register(kCancelKind, std::move(cancel));
}

absl::Status Charges::EnqueueOpen(db::Tx& tx, const DossierRow& row, const FeeResult& fee) {
  payments::v1::OpenChargeRequest request;
  request.set_id(row.charge);
  request.set_purpose_kind("dossier");
  request.set_purpose_ref(row.code);
  request.set_description("Phí, lệ phí hồ sơ " + row.code);
  for (const FeeLine& line : fee.lines) {
    if (line.amount_vnd == 0) continue;
    payments::v1::ChargeLine* out = request.add_lines();
    out->set_text(line.text.vi);
    out->set_unit_price_vnd(line.unit_vnd);
    out->set_count(line.count);
    out->set_amount_vnd(line.amount_vnd);
  }
  request.set_agency(row.receiving_agency);
  request.set_unit(row.unit);
  request.add_owner_persons(row.filer_person);
  return jobs_.Enqueue(tx, {.kind = kOpenKind, .payload = request.SerializeAsString(), .id = row.charge}).status();
}

absl::Status Charges::EnqueueCancel(db::Tx& tx, const DossierRow& row) {
  payments::v1::CancelChargeRequest request;
  request.set_id(row.charge);
  return jobs_.Enqueue(tx, {.kind = kCancelKind, .payload = request.SerializeAsString(), .id = CancelId(row.charge)})
      .status();
}

void Charges::OpenNow(base::OpContext& ctx, const std::string& charge) { (void)jobs_.RunNow(ctx, charge); }
void Charges::CancelNow(base::OpContext& ctx, const std::string& charge) { (void)jobs_.RunNow(ctx, CancelId(charge)); }

absl::StatusOr<events::JobDone> Charges::Open(base::OpContext& ctx, const events::Job& job) {
  payments::v1::OpenChargeRequest request;
  if (!request.ParseFromString(job.payload)) return base::Internal("charge job does not parse");
  ASSIGN_OR_RETURN(const std::optional<DossierRow> row,
                   database_.Read(ctx, [&](db::Tx& tx) { return store_.ByCharge(tx, request.id()); }));
  // Withdrawn or stopped meanwhile: nothing is to be paid any more.
  if (!row || IsFinished(row->progress.state)) return events::JobDone();
  rpc::CallOptions options;
  options.request_id = job.id;
  RETURN_IF_ERROR(payments_.Call<payments::v1::Charge>(ctx, kOpenPath, request, options).status());
  return events::JobDone();
}

absl::StatusOr<events::JobDone> Charges::Cancel(base::OpContext& ctx, const events::Job& job) {
  payments::v1::CancelChargeRequest request;
  if (!request.ParseFromString(job.payload)) return base::Internal("charge job does not parse");
  rpc::CallOptions options;
  options.request_id = job.id;
  const absl::Status status = payments_.Call<payments::v1::Charge>(ctx, kCancelPath, request, options).status();
  const bool absent = absl::IsNotFound(status) || absl::IsPermissionDenied(status);
  if (absent && job.attempt >= kCancelAttemptsMax) return events::JobDone();
  if (absent)
    return base::Unavailable("CHARGE_NOT_YET", {"Khoản thu chưa có để hủy.", "There is no charge to cancel yet."});
  RETURN_IF_ERROR(status);
  return events::JobDone();
}

}  // namespace dinh::procedures
