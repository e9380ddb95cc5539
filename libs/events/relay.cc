#include "libs/events/relay.h"

#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/dialect.h"

namespace dinh::events {
namespace {

struct Head {
  int64_t last_sequence;
  std::string relay;
  base::Micros leased_until;
};

constexpr std::string_view kNumber =
    "UPDATE outbox SET sequence = $1 + fresh.place FROM ("
    "SELECT number, ROW_NUMBER() OVER (ORDER BY number) AS place FROM outbox WHERE sequence IS NULL "
    "ORDER BY number LIMIT $2) AS fresh WHERE outbox.number = fresh.number";

}  // namespace

Relay::Relay(db::Database& database, std::string name, bool sole)
    : database_(database), name_(std::move(name)), sole_(sole) {}

absl::StatusOr<Relay::Result> Relay::NumberOnce(base::OpContext& ctx) {
  const std::string lock_head = "SELECT last_sequence, relay, leased_until FROM feed_head WHERE one = 1" +
                                std::string(db::ForUpdate(database_.engine()));
  const auto number = [&](db::Tx& tx) -> absl::StatusOr<Result> {
    ASSIGN_OR_RETURN(const std::optional<Head> head, tx.QueryOne(lock_head, {}, [](const db::Row& row) {
      return Head{row.Int(0), row.Text(1), row.Int(2)};
    }));
    if (!head) return base::Internal("feed_head has no row");
    const base::Micros now = tx.context().Now();
    // A lease that ends later than any that could be given now was given by a clock that ran ahead: it is nobody's.
    const bool leased = head->leased_until > now && head->leased_until <= now + kRelayLease;
    if (!sole_ && head->relay != name_ && leased) return Result{0, head->last_sequence, false};
    ASSIGN_OR_RETURN(const int64_t numbered, tx.Exec(kNumber, {head->last_sequence, kNumberedPerTransactionMax}));
    const Result result{numbered, head->last_sequence + numbered, true};
    if (numbered == 0 && sole_) return result;
    RETURN_IF_ERROR(tx.Exec("UPDATE feed_head SET last_sequence = $1, relay = $2, leased_until = $3 WHERE one = 1",
                            {result.head, name_, now + kRelayLease})
                        .status());
    return result;
  };
  // The head's row is locked: relays wait for each other, and appending transactions for none of them.
  return database_.Transact(ctx, number, db::Isolation::kReadCommitted);
}

absl::StatusOr<bool> Relay::HasWork(base::OpContext& ctx) {
  return database_.Read(ctx, [](db::Tx& tx) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto found, tx.QueryOne("SELECT 1 FROM outbox WHERE sequence IS NULL LIMIT 1", {},
                                                   [](const db::Row& row) { return row.Int(0); }));
    return found.has_value();
  });
}

absl::StatusOr<int64_t> Relay::ReadHead(base::OpContext& ctx) {
  return database_.Read(ctx, [](db::Tx& tx) -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto head, tx.QueryOne("SELECT last_sequence FROM feed_head WHERE one = 1", {},
                                                  [](const db::Row& row) { return row.Int(0); }));
    return head.value_or(0);
  });
}

}  // namespace dinh::events
