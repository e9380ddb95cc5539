// Writes what the domain decided: transfers with the ids that link them to their charge, credit and suspense item, and
// suspense items with their event. Everything within the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "services/payments/store.h"

namespace dinh::payments {

// Where the transfers of one change belong. Ids; empty: none.
struct Links {
  std::string charge;
  std::string credit;
  std::string held;      // suspense item that holds the credit or its excess, or that is being resolved
  std::string released;  // suspense item that holds what a charge released
};

// Thread-safe.
class Bookkeeping {
 public:
  Bookkeeping(const Store& store, events::Outbox& outbox, base::IdGenerator& ids)
      : store_(store), outbox_(outbox), ids_(ids) {}

  absl::Status Write(db::Tx& tx, const std::vector<Posting>& postings, const Links& links) const;
  // A new open item, and payments.credit_suspended. Its id was made by NewId.
  absl::Status Suspend(db::Tx& tx, SuspenseRow row) const;
  // charge_opened, charge_paid, charge_cancelled or charge_expired, by where the change led; nothing for part_paid.
  absl::Status Announce(db::Tx& tx, const ChargeRow& row, const ChargeChange& change) const;
  std::string NewId() const { return ids_.Next(); }

 private:
  const Store& store_;
  events::Outbox& outbox_;
  base::IdGenerator& ids_;
};

// The item that keeps what the charge released; nullopt when it released nothing.
std::optional<SuspenseRow> ReleasedItem(const ChargeRow& row, base::Vnd released_vnd, std::string id);

}  // namespace dinh::payments
