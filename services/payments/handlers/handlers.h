// The service's RPCs, and the rounds of its worker. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "dinh/options/v1/common.pb.h"
#include "dinh/payments/v1/resources.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "libs/auth/page_token.h"
#include "libs/auth/sealer.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "libs/events/periodic.h"
#include "libs/rpc/context.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/bookkeeping.h"
#include "services/payments/domain/notification.h"
#include "services/payments/store.h"

namespace dinh::payments {

namespace pb = ::dinh::payments::v1;
namespace options_pb = ::dinh::options::v1;

struct HandlerParts {
  db::Database& database;
  const Store& store;
  events::Outbox& outbox;
  base::IdGenerator& ids;
  base::Random& random;
  const auth::Sealer& sealer;
  const auth::PageTokens& page_tokens;
  telemetry::Metrics& metrics;
};

class Handlers {
 public:
  explicit Handlers(const HandlerParts& parts);
  // Before the first call.
  void SetBankKeys(std::vector<SigningKey> keys) { bank_keys_ = std::move(keys); }
  void SetFallbackAgency(std::string agency) { fallback_agency_ = std::move(agency); }

  absl::StatusOr<pb::Charge> OpenCharge(rpc::Context& ctx, const pb::OpenChargeRequest& request);
  absl::StatusOr<pb::Charge> CancelCharge(rpc::Context& ctx, const pb::CancelChargeRequest& request);
  absl::StatusOr<pb::Charge> GetCharge(rpc::Context& ctx, const pb::GetChargeRequest& request);
  absl::StatusOr<pb::ListChargesResponse> ListCharges(rpc::Context& ctx, const pb::ListChargesRequest& request);
  absl::StatusOr<options_pb::RawBody> GetChargeQr(rpc::Context& ctx, const pb::GetChargeQrRequest& request);
  absl::StatusOr<pb::NotifyCreditResponse> NotifyCredit(rpc::Context& ctx, const options_pb::SignedRequest& request);
  absl::StatusOr<pb::ListSuspenseResponse> ListSuspense(rpc::Context& ctx, const pb::ListSuspenseRequest& request);
  absl::StatusOr<pb::SuspenseItem> ResolveSuspense(rpc::Context& ctx, const pb::ResolveSuspenseRequest& request);

  // Ends unpaid charges whose time is over: one round.
  absl::Status ExpireDue(base::OpContext& ctx, const events::Fence& fence);

 private:
  struct Resolution;

  absl::StatusOr<ChargeRow> NewCharge(db::Tx& tx, const pb::OpenChargeRequest& request, std::string content_hash);
  absl::StatusOr<std::string> NewReference(db::Tx& tx);
  // Applies the event to the charge and writes all that follows from it.
  absl::StatusOr<ChargeRow> Move(db::Tx& tx, ChargeRow row, const ChargeEvent& event);
  absl::StatusOr<CreditRow> Book(db::Tx& tx, CreditRow credit, std::string_view memo);
  absl::StatusOr<SuspenseRow> Resolve(db::Tx& tx, SuspenseRow row, const pb::ResolveSuspenseRequest& request);
  absl::StatusOr<pb::SuspenseItem> ToProto(const rpc::Context& ctx, const SuspenseRow& row) const;

  db::Database& database_;
  const Store& store_;
  const auth::Sealer& sealer_;
  const auth::PageTokens& page_tokens_;
  base::Random& random_;
  const Bookkeeping books_;
  telemetry::Counter& charges_opened_;
  telemetry::CounterFamily& credits_;
  std::vector<SigningKey> bank_keys_;
  std::string fallback_agency_;
};

// The agencies in which the officer holds the permission, each once.
std::vector<AgencyUnit> AgenciesWith(const auth::Principal& principal, std::string_view permission);

pb::Charge ToProto(const ChargeRow& row);
void SetTime(base::Micros at, google::protobuf::Timestamp* out);

}  // namespace dinh::payments
