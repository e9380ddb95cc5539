// Charges of dossiers, kept by payments: what to open and cancel (jobs, made after the commit that asked for them),
// and what a payment does to a dossier (consumer).
//
// Thread-safe after Register.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "dinh/payments/v1/service.pb.h"
#include "libs/db/database.h"
#include "libs/events/jobs.h"
#include "libs/rpc/channel.h"
#include "services/procedures/store.h"

namespace dinh::procedures {

class Charges {
 public:
  Charges(events::Jobs& jobs, rpc::Channel& payments, db::Database& database, const Store& store)
      : jobs_(jobs), payments_(payments), database_(database), store_(store) {}

  // Init only.
  absl::Status Register();

  absl::Status EnqueueOpen(db::Tx& tx, const DossierRow& row, const FeeResult& fee);
  absl::Status EnqueueCancel(db::Tx& tx, const DossierRow& row);
  // After the commit, on this thread; a failure is left to the worker.
  void OpenNow(base::OpContext& ctx, const std::string& charge);
  void CancelNow(base::OpContext& ctx, const std::string& charge);

 private:
  absl::StatusOr<events::JobDone> Open(base::OpContext& ctx, const events::Job& job);
  absl::StatusOr<events::JobDone> Cancel(base::OpContext& ctx, const events::Job& job);

  events::Jobs& jobs_;
  rpc::Channel& payments_;
  db::Database& database_;
  const Store& store_;
};

}  // namespace dinh::procedures
