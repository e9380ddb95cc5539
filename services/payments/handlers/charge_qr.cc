// The VietQR of what a charge still lacks.
#include "services/payments/domain/vietqr.h"
#include "services/payments/errors.h"
#include "services/payments/handlers/handlers.h"
#include "services/payments/limits.h"
#include "services/payments/qr_image.h"

namespace dinh::payments {
namespace {

absl::StatusOr<options_pb::RawBody> Render(const std::string& payload, const std::string& format) {
  options_pb::RawBody body;
  if (format == "text") {
    body.set_content_type("text/plain; charset=us-ascii");
    body.set_data(payload);
    return body;
  }
  ASSIGN_OR_RETURN(const QrMatrix matrix, MakeQrMatrix(payload));
  const bool svg = format == "svg";
  body.set_content_type(svg ? "image/svg+xml" : "image/png");
  body.set_data(svg ? QrSvg(matrix) : QrPng(matrix, kQrPixelsPerModule));
  return body;
}

}  // namespace

absl::StatusOr<options_pb::RawBody> Handlers::GetChargeQr(rpc::Context& ctx, const pb::GetChargeQrRequest& request) {
  ASSIGN_OR_RETURN(const ChargeRow row,
                   ctx.InScope(database_.Read(ctx, [&](db::Tx& tx) { return store_.FindCharge(tx, request.id()); })));
  const Charge& charge = row.charge;
  // Not yet swept, but over: a payment made now would come too late.
  const bool over = charge.expires_at && *charge.expires_at < ctx.Now();
  if (charge.outstanding_vnd() == 0 || over) {
    return ChargeNotPayable(std::string(over ? "expired" : ChargeStateName(charge.state)));
  }
  VietQr qr;
  qr.bin = row.account.bank_bin;
  qr.account = row.account.account_number;
  qr.amount_vnd = charge.outstanding_vnd();
  qr.purpose = row.memo;
  const auto payload = EncodeVietQr(qr);
  if (!payload.ok()) return base::Internal("VietQR of charge " + charge.id + " cannot be written");
  return Render(*payload, request.format());
}

}  // namespace dinh::payments
