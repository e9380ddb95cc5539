#include "libs/auth/audit_chain.h"

#include <optional>
#include <utility>
#include <vector>

#include "libs/auth/audit_hash.h"
#include "libs/auth/audit_rows.h"
#include "libs/db/dialect.h"

namespace dinh::auth {
namespace {

constexpr std::chrono::seconds kTransactionTimeout{30};

constexpr char kSelectPending[] =
    "SELECT " DINH_AUDIT_COLUMNS " FROM audit WHERE sequence IS NULL ORDER BY number LIMIT $1";
constexpr size_t kPlacesAtOnce = 32;  // what a statement costs is a multiple of what a row costs
constexpr char kCountPlaced[] = "SELECT COUNT(*) FROM audit WHERE sequence BETWEEN $1 AND $2";
constexpr char kSetChain[] = "UPDATE audit_chain SET sequence = $1, hash = $2 WHERE id = 1";
constexpr char kNewestHead[] = "SELECT sequence FROM audit_head ORDER BY sequence DESC LIMIT 1";
constexpr char kDeleteHead[] = "DELETE FROM audit_head WHERE sequence = $1";
constexpr char kInsertHead[] =
    "INSERT INTO audit_head (sequence, hash, at, key_id, signature) VALUES ($1, $2, $3, $4, $5)";

std::string SetPlacesSql(db::Engine engine, size_t rows) {
  std::string sql = "UPDATE audit SET sequence = place.sequence, hash = place.hash FROM (";
  for (size_t i = 0; i < rows; ++i) {
    const auto param = [&](size_t column) { return "$" + std::to_string(3 * i + column); };
    sql += (i == 0 ? "SELECT CAST(" : " UNION ALL SELECT CAST(") + param(1) + " AS BIGINT) AS number, CAST(" +
           param(2) + " AS BIGINT) AS sequence, CAST(" + param(3) + " AS " + std::string(db::BytesType(engine)) +
           ") AS hash";
  }
  return sql + ") AS place WHERE audit.number = place.number AND audit.sequence IS NULL";
}

absl::Status SetPlaces(db::Tx& tx, const std::vector<AuditRecord>& records, const std::vector<std::string>& hashes) {
  std::vector<db::Param> params;
  for (size_t done = 0; done < records.size();) {
    const size_t rows = records.size() - done >= kPlacesAtOnce ? kPlacesAtOnce : 1;
    params.clear();
    for (size_t i = done; i < done + rows; ++i) {
      params.insert(params.end(), {records[i].number, records[i].sequence, db::BlobView{hashes[i]}});
    }
    RETURN_IF_ERROR(tx.ExecLaterParams(SetPlacesSql(tx.engine(), rows), params.data(), params.size()));
    done += rows;
  }
  return absl::OkStatus();
}

}  // namespace

AuditChainer::AuditChainer(db::Database& db, const KeyRing& keys, const base::Clock& clock, std::string service,
                           Options options)
    : db_(db), keys_(keys), clock_(clock), service_(std::move(service)), options_(std::move(options)) {}

AuditChainer::~AuditChainer() { Stop(); }

void AuditChainer::Start() {
  std::lock_guard once(stop_mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void AuditChainer::Stop() {
  std::lock_guard once(stop_mutex_);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void AuditChainer::Run() {
  bool last_round = false;
  while (true) {
    const absl::StatusOr<int64_t> chained = ChainAll();
    if (!chained.ok() && options_.on_error) options_.on_error(chained.status());
    if (last_round) return;
    std::unique_lock lock(mutex_);
    // Rows written just before the stop are chained too: one more round.
    last_round = changed_.wait_for(lock, options_.interval, [&] { return stopping_; });
  }
}

absl::StatusOr<int64_t> AuditChainer::ChainAll() {
  int64_t rows = 0;
  while (true) {
    // A transaction with nothing to do would still cost a sync.
    ASSIGN_OR_RETURN(const bool pending, HasPending());
    if (!pending) return rows;
    ASSIGN_OR_RETURN(const Batch batch, ChainBatch());
    if (batch.rows == 0) return rows;
    rows += batch.rows;
    if (options_.on_head) options_.on_head(batch.head);
  }
}

absl::StatusOr<bool> AuditChainer::HasPending() {
  base::OpContext ctx(clock_, clock_.Steady() + kTransactionTimeout);
  return db_.Read(ctx, [](db::Tx& tx) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto first, tx.QueryOne("SELECT number FROM audit WHERE sequence IS NULL LIMIT 1", {},
                                                   [](const db::Row& row) { return row.Int(0); }));
    return first.has_value();
  });
}

absl::StatusOr<AuditChainer::Batch> AuditChainer::ChainBatch() {
  base::OpContext ctx(clock_, clock_.Steady() + kTransactionTimeout);
  // The chain's row is locked: chainers wait for each other, and whoever adds rows for none of them.
  return db_.Transact(
      ctx, [this](db::Tx& tx) { return ChainIn(tx); }, db::Isolation::kReadCommitted);
}

absl::StatusOr<AuditChainer::Batch> AuditChainer::ChainIn(db::Tx& tx) {
  struct Place {
    int64_t sequence = 0;
    std::string hash;
  };
  const std::string select_chain =
      "SELECT sequence, hash FROM audit_chain WHERE id = 1" + std::string(db::ForUpdate(tx.engine()));
  ASSIGN_OR_RETURN(std::optional<Place> place, tx.QueryOne(select_chain, {}, [](const db::Row& row) {
    return Place{row.Int(0), row.OptText(1).value_or("")};
  }));
  if (!place) return base::Internal("audit_chain has lost its row");
  if (place->sequence == 0) place->hash = GenesisHash(service_);
  ASSIGN_OR_RETURN(std::vector<AuditRecord> pending,
                   tx.QueryAll(kSelectPending, {options_.batch_rows}, ReadAuditRecord));
  Batch batch;
  if (pending.empty()) return batch;
  std::vector<std::string> hashes;
  hashes.reserve(pending.size());
  for (AuditRecord& record : pending) {
    record.sequence = ++place->sequence;
    place->hash = ChainHash(place->hash, record);
    hashes.push_back(place->hash);
  }
  RETURN_IF_ERROR(SetPlaces(tx, pending, hashes));
  ASSIGN_OR_RETURN(const std::optional<int64_t> placed,
                   tx.QueryOne(kCountPlaced, {pending.front().sequence, place->sequence},
                               [](const db::Row& row) { return row.Int(0); }));
  if (placed != static_cast<int64_t>(pending.size())) return base::Internal("an audit row was chained twice");
  RETURN_IF_ERROR(tx.Exec(kSetChain, {place->sequence, db::BlobView{place->hash}}).status());
  batch.rows = static_cast<int64_t>(pending.size());
  batch.head = {service_, place->sequence, place->hash, clock_.Now(), "", ""};
  SignHead(*keys_.Current(KeyPurpose::kAuditHead), &batch.head);
  RETURN_IF_ERROR(StoreHead(tx, batch.head));
  return batch;
}

absl::Status AuditChainer::StoreHead(db::Tx& tx, const AuditHead& head) {
  ASSIGN_OR_RETURN(const std::optional<int64_t> before,
                   tx.QueryOne(kNewestHead, {}, [](const db::Row& row) { return row.Int(0); }));
  // The new head covers what the one before covered; one per kHeadEvery rows is kept to narrow down a damage.
  if (before && *before / kHeadEvery == head.sequence / kHeadEvery) {
    RETURN_IF_ERROR(tx.Exec(kDeleteHead, {*before}).status());
  }
  return tx
      .Exec(kInsertHead, {head.sequence, db::BlobView{head.hash}, head.at, head.key_id, db::BlobView{head.signature}})
      .status();
}

}  // namespace dinh::auth
