#include "libs/db/idempotency.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/dialect.h"
#include "libs/db/errors.h"

namespace dinh::db {

std::vector<Migration> IdempotencyMigrations(Engine engine) {
  const std::string bytes(BytesType(engine));
  // Rows are added in the order of time, so the sweep starts at the lowest number and needs no index on created_at.
  return {{1, "idempotency",
           "CREATE TABLE idempotency (\n"
           "  number " +
               std::string(InsertionOrderKey(engine)) +
               ",\n"
               "  claim " +
               bytes +
               " NOT NULL UNIQUE,\n"
               "  body_hash " +
               bytes +
               " NOT NULL,\n"
               "  answer " +
               bytes +
               ",\n"
               "  created_at BIGINT NOT NULL\n"
               ");"}};
}

std::string ClaimKey(const base::IdempotencyClaim& claim) {
  std::string text;
  for (const std::string* part : {&claim.principal, &claim.method, &claim.request_id}) {
    text += std::to_string(part->size());
    text += ':';
    text += *part;
  }
  return base::Sha256(text);
}

absl::StatusOr<ClaimsInFlight::Hold> ClaimsInFlight::Enter(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    if (!keys_.insert(key).second) return RequestInFlight();
  }
  return Hold(*this, key);
}

ClaimsInFlight::Hold::~Hold() {
  if (owner_ == nullptr) return;
  std::lock_guard lock(owner_->mutex_);
  owner_->keys_.erase(key_);
}

absl::StatusOr<std::optional<std::string>> FindAnswer(Tx& tx, const std::string& key,
                                                      const base::IdempotencyClaim& claim) {
  struct Stored {
    bool same_body;
    std::optional<std::string> answer;
    base::Micros created_at;
  };
  ASSIGN_OR_RETURN(std::optional<Stored> stored,
                   tx.QueryOne("SELECT body_hash, answer, created_at FROM idempotency WHERE claim = $1",
                               {BlobView{key}}, [&](const Row& row) {
                                 return Stored{row.TextView(0) == claim.body_hash, row.OptText(1), row.Int(2)};
                               }));
  if (!stored) return std::nullopt;
  if (stored->created_at < tx.context().Now() - kClaimLifetime) {
    RETURN_IF_ERROR(tx.Exec("DELETE FROM idempotency WHERE claim = $1", {BlobView{key}}).status());
    return std::nullopt;
  }
  if (!stored->same_body) return IdempotencyKeyReused();
  if (!stored->answer) return RequestAlreadyDone();
  if (!claim.open) return std::move(stored->answer);
  ASSIGN_OR_RETURN(std::string plain, claim.open(*stored->answer));
  return std::optional<std::string>(std::move(plain));
}

absl::Status StoreAnswer(Tx& tx, const std::string& key, const base::IdempotencyClaim& claim,
                         const std::string* answer) {
  std::string sealed;
  Param stored = Null{};
  if (answer != nullptr && claim.store_answer) {
    sealed = claim.seal ? claim.seal(*answer) : *answer;
    stored = BlobView{sealed};
  }
  return tx.ExecLater("INSERT INTO idempotency (claim, body_hash, answer, created_at) VALUES ($1, $2, $3, $4)",
                      {BlobView{key}, BlobView{claim.body_hash}, stored, tx.context().Now()});
}

absl::StatusOr<bool> SweepClaims(Tx& tx) {
  ASSIGN_OR_RETURN(const int64_t removed, tx.Exec("DELETE FROM idempotency WHERE created_at < $1 AND number IN "
                                                  "(SELECT number FROM idempotency ORDER BY number LIMIT $2)",
                                                  {tx.context().Now() - kClaimLifetime, kSweepRowsMax}));
  return removed == kSweepRowsMax;
}

}  // namespace dinh::db
