// Files as rows of a database.
#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/blob_seal.h"
#include "libs/db/blob_store.h"
#include "libs/db/dialect.h"

namespace dinh::db {
namespace {

constexpr int64_t kPiecesAtOnce = 8;  // half a MiB
constexpr std::chrono::seconds kStepLimit{60};
constexpr base::Micros kDraftLife = 24 * 3600 * int64_t{base::kMicrosPerSecond};
constexpr int kDraftsCleared = 16;  // at a time

// The SQL of one store.
struct Sql {
  explicit Sql(const std::string& name)
      : blobs(name + "_blobs"), chunks(name + "_blob_chunks"), drafts(name + "_blob_drafts") {}
  const std::string blobs, chunks, drafts;
  const std::string insert_piece = "INSERT INTO " + chunks + " (blob, position, bytes) VALUES ($1, $2, $3)";
  const std::string insert_blob = "INSERT INTO " + blobs + " (id, pieces) VALUES ($1, $2)";
  const std::string insert_draft = "INSERT INTO " + drafts + " (id, begun_at) VALUES ($1, $2)";
  const std::string delete_pieces = "DELETE FROM " + chunks + " WHERE blob = $1";
  const std::string delete_blob = "DELETE FROM " + blobs + " WHERE id = $1";
  const std::string delete_draft = "DELETE FROM " + drafts + " WHERE id = $1";
  const std::string old_drafts = "SELECT id FROM " + drafts + " WHERE begun_at < $1 ORDER BY begun_at LIMIT $2";
  const std::string find_blob = "SELECT pieces FROM " + blobs + " WHERE id = $1";
  const std::string read_pieces =
      "SELECT bytes FROM " + chunks + " WHERE blob = $1 AND position >= $2 AND position < $3 ORDER BY position";
  const std::string list = "SELECT id FROM " + blobs + " WHERE id > $1 ORDER BY id LIMIT $2";
};

struct Place {
  Database& database;
  const base::Clock& clock;
  const Sql sql;

  template <typename F>
  auto Read(F&& work) const {
    base::OpContext ctx(clock, clock.Steady() + kStepLimit);
    return database.Read(ctx, std::forward<F>(work));
  }
  // Rows are only added, or deleted by who alone knows them: nothing is decided by what others write.
  template <typename F>
  absl::Status Write(F&& work) const {
    base::OpContext ctx(clock, clock.Steady() + kStepLimit);
    return database.Transact(ctx, std::forward<F>(work), Isolation::kReadCommitted);
  }
};

absl::Status DropDraft(Tx& tx, const Sql& sql, const std::string& id) {
  ASSIGN_OR_RETURN(const int64_t dropped, tx.Exec(sql.delete_draft, {id}));
  // Somebody else cleared it, or its commit came first.
  if (dropped == 0) return absl::OkStatus();
  return tx.Exec(sql.delete_pieces, {id}).status();
}

absl::Status ClearOldDrafts(const Place& place) {
  return place.Write([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<std::string> old,
                     tx.QueryAll(place.sql.old_drafts, {tx.context().Now() - kDraftLife, kDraftsCleared},
                                 [](const Row& row) { return row.Text(0); }));
    for (const std::string& id : old) RETURN_IF_ERROR(DropDraft(tx, place.sql, id));
    return absl::OkStatus();
  });
}

// Small files are written in one transaction. Others in several, as a draft that their commit gives its name.
class DatabaseSink final : public BlobSink {
 public:
  DatabaseSink(const Place& place, std::string id) : place_(place), id_(std::move(id)) {}
  ~DatabaseSink() override {
    if (!draft_ || committed_) return;
    (void)place_.Write([&](Tx& tx) { return DropDraft(tx, place_.sql, id_); });
  }

  absl::Status Write(std::string_view piece) override {
    if (static_cast<int64_t>(waiting_.size()) == kPiecesAtOnce) RETURN_IF_ERROR(WriteDraft());
    waiting_.emplace_back(piece);
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    RETURN_IF_ERROR(place_.Write([&](Tx& tx) -> absl::Status {
      if (draft_) {
        ASSIGN_OR_RETURN(const int64_t dropped, tx.Exec(place_.sql.delete_draft, {id_}));
        if (dropped != 1) return base::Internal("a file was being written for longer than a draft lives");
      }
      RETURN_IF_ERROR(Insert(tx));
      return tx.Exec(place_.sql.insert_blob, {id_, written_ + static_cast<int64_t>(waiting_.size())}).status();
    }));
    committed_ = true;
    return absl::OkStatus();
  }

 private:
  absl::Status Insert(Tx& tx) const {
    int64_t position = written_;
    for (const std::string& piece : waiting_) {
      RETURN_IF_ERROR(tx.ExecLater(place_.sql.insert_piece, {id_, position++, BlobView{piece}}));
    }
    return absl::OkStatus();
  }
  absl::Status WriteDraft() {
    const bool first = !draft_;
    if (first) RETURN_IF_ERROR(ClearOldDrafts(place_));
    draft_ = true;
    RETURN_IF_ERROR(place_.Write([&](Tx& tx) -> absl::Status {
      if (tx.engine() == Engine::kPostgres) {
        // Durable with the commit that follows it in the log.
        RETURN_IF_ERROR(tx.Query("SELECT set_config('synchronous_commit', 'off', TRUE)", {}, [](const Row&) {}));
      }
      if (first) RETURN_IF_ERROR(tx.ExecLater(place_.sql.insert_draft, {id_, tx.context().Now()}));
      return Insert(tx);
    }));
    written_ += static_cast<int64_t>(waiting_.size());
    waiting_.clear();
    return absl::OkStatus();
  }

  const Place& place_;
  const std::string id_;
  std::vector<std::string> waiting_;
  int64_t written_ = 0;
  bool draft_ = false;
  bool committed_ = false;
};

class DatabasePieces final : public BlobPieces {
 public:
  DatabasePieces(const Place& place, std::string id, int64_t count)
      : place_(place), id_(std::move(id)), count_(count) {}

  absl::StatusOr<std::string> Next() override {
    if (at_ == batch_.size()) {
      if (read_ == count_) return std::string();
      RETURN_IF_ERROR(ReadBatch());
    }
    return std::move(batch_[at_++]);
  }

 private:
  absl::Status ReadBatch() {
    const int64_t end = std::min(count_, read_ + kPiecesAtOnce);
    ASSIGN_OR_RETURN(batch_, place_.Read([&](Tx& tx) {
      return tx.QueryAll(place_.sql.read_pieces, {id_, read_, end}, [](const Row& row) { return row.Text(0); });
    }));
    at_ = 0;
    if (static_cast<int64_t>(batch_.size()) == end - read_) {
      read_ = end;
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto there, place_.Read([&](Tx& tx) {
      return tx.QueryOne(place_.sql.find_blob, {id_}, [](const Row& row) { return row.Int(0); });
    }));
    return there ? BlobDamaged() : BlobAbsent();
  }

  const Place& place_;
  const std::string id_;
  const int64_t count_;
  std::vector<std::string> batch_;
  size_t at_ = 0;
  int64_t read_ = 0;
};

class DatabaseBlobStore final : public BlobStore {
 public:
  DatabaseBlobStore(Database& database, const std::string& name, BlobKeyWrap keys, base::Random& random,
                    const base::Clock& clock)
      : BlobStore(std::move(keys), random), place_{database, clock, Sql(name)} {}

  absl::Status Prepare(const std::string& name) const {
    const Sql& sql = place_.sql;
    const bool postgres = place_.database.engine() == Engine::kPostgres;
    std::string schema = "CREATE TABLE " + sql.blobs +
                         " (\n"
                         "  id TEXT NOT NULL PRIMARY KEY,\n"
                         "  pieces BIGINT NOT NULL\n"
                         ");\n"
                         "CREATE TABLE " +
                         sql.chunks +
                         " (\n"
                         "  blob TEXT NOT NULL,\n"
                         "  position BIGINT NOT NULL,\n"
                         "  bytes BLOB NOT NULL,\n"
                         "  PRIMARY KEY (blob, position)\n"
                         ");\n"
                         "CREATE TABLE " +
                         sql.drafts +
                         " (\n"
                         "  id TEXT NOT NULL PRIMARY KEY,\n"
                         "  begun_at BIGINT NOT NULL\n"
                         ");\n";
    // What is sealed cannot be compressed.
    if (postgres) schema += "ALTER TABLE " + sql.chunks + " ALTER COLUMN bytes SET STORAGE EXTERNAL;\n";
    RETURN_IF_ERROR(place_.database.MigrateComponent("blobs_" + name, {{1, "files", schema, 1}}));
    return ClearOldDrafts(place_);
  }

  absl::StatusOr<std::unique_ptr<BlobSink>> BeginPieces(std::string_view id) override {
    if (!IsBlobId(id)) return base::Internal("not a blob id");
    return std::make_unique<DatabaseSink>(place_, std::string(id));
  }

  absl::StatusOr<std::unique_ptr<BlobPieces>> OpenPieces(std::string_view id) override {
    if (!IsBlobId(id)) return BlobAbsent();
    ASSIGN_OR_RETURN(const auto pieces, place_.Read([&](Tx& tx) {
      return tx.QueryOne(place_.sql.find_blob, {id}, [](const Row& row) { return row.Int(0); });
    }));
    if (!pieces) return BlobAbsent();
    return std::make_unique<DatabasePieces>(place_, std::string(id), *pieces);
  }

  absl::StatusOr<std::vector<std::string>> List(std::string_view after, size_t limit) override {
    if (!after.empty() && !IsBlobId(after)) return base::Internal("not a blob id");
    return place_.Read([&](Tx& tx) {
      return tx.QueryAll(place_.sql.list, {after, limit}, [](const Row& row) { return row.Text(0); });
    });
  }

  absl::Status Remove(std::string_view id) override {
    if (!IsBlobId(id)) return absl::OkStatus();
    return place_.Write([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const int64_t removed, tx.Exec(place_.sql.delete_blob, {id}));
      if (removed == 0) return absl::OkStatus();
      return tx.Exec(place_.sql.delete_pieces, {id}).status();
    });
  }

 private:
  const Place place_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenDatabaseBlobStore(Database& database, const std::string& name,
                                                                 BlobKeyWrap keys, base::Random& random,
                                                                 const base::Clock& clock) {
  auto store = std::make_unique<DatabaseBlobStore>(database, name, std::move(keys), random, clock);
  RETURN_IF_ERROR(store->Prepare(name));
  return std::unique_ptr<BlobStore>(std::move(store));
}

}  // namespace dinh::db
