#include "libs/db/sqlite_connection.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"
#include "libs/db/rewrite.h"

namespace dinh::db {
namespace {

// A read asks for its deadline every so many virtual machine steps (about a millisecond).
constexpr int kDeadlineCheckSteps = 20'000;
// After a checkpoint the log file is cut back to this size.
constexpr int64_t kWalSizeMaxBytes = 64 << 20;

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }
  double Double(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view TextView(int column) const override {
    const void* data = sqlite3_column_type(statement_, column) == SQLITE_BLOB
                           ? sqlite3_column_blob(statement_, column)
                           : static_cast<const void*>(sqlite3_column_text(statement_, column));
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

int BindOne(sqlite3_stmt* statement, int index, const Param::Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, index, *number);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, index, *real);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    // A null pointer would bind NULL where an empty text is meant.
    return sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<BlobView>(&value)) {
    return sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(), blob->bytes.size(),
                               SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

absl::Status NotInClosure(std::string_view sql) { return base::Internal("a closure may not run: " + std::string(sql)); }

}  // namespace

class SqliteConnection::Lease {
 public:
  Lease(sqlite3_stmt* statement, bool kept) : statement_(statement), kept_(kept) {}
  Lease(Lease&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), kept_(other.kept_) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (statement_ == nullptr) return;
    if (kept_) {
      sqlite3_reset(statement_);
    } else {
      sqlite3_finalize(statement_);
    }
  }
  sqlite3_stmt* get() const { return statement_; }

 private:
  sqlite3_stmt* statement_;
  bool kept_;
};

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const SqliteOptions& options, Role role) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (role == Role::kWriter ? SQLITE_OPEN_CREATE : 0);
  const int code =
      sqlite3_open_v2(options.path.c_str(), &db, flags, options.vfs.empty() ? nullptr : options.vfs.c_str());
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(db, options));
  if (code != SQLITE_OK) return connection->Error(code, "open");
  RETURN_IF_ERROR(connection->Configure(options, role));
  return connection;
}

absl::Status SqliteConnection::Configure(const SqliteOptions& options, Role role) {
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, options.busy_timeout_ms);
  std::string pragmas =
      "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; "
      "PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA cache_size=-" +
      std::to_string(options.page_cache_kib) + ";";
  if (role == Role::kWriter) {
    // Checkpoints are the writer thread's work between groups, so that no commit waits for one.
    pragmas += "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=" +
               std::to_string(kWalSizeMaxBytes) + ";";
  } else {
    pragmas += "PRAGMA query_only=ON;";
  }
  RETURN_IF_ERROR(Script(pragmas));
  if (role == Role::kReader) {
    sqlite3_progress_handler(
        db_, kDeadlineCheckSteps,
        [](void* self) {
          const base::OpContext* ctx = static_cast<SqliteConnection*>(self)->watched_;
          return ctx != nullptr && !ctx->Check().ok() ? 1 : 0;
        },
        this);
    return absl::OkStatus();
  }
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteConnection*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  sqlite3_stmt* statement = nullptr;
  if (int code = sqlite3_prepare_v2(db_, "PRAGMA journal_mode", -1, &statement, nullptr); code != SQLITE_OK) {
    return Error(code, "journal_mode");
  }
  const Lease lease(statement, false);
  if (sqlite3_step(statement) != SQLITE_ROW || SqliteRow(statement).TextView(0) != "wal") {
    if (log_) log_("the file system does not support write-ahead logging");
    return StorageUnavailable();
  }
  return absl::OkStatus();
}

SqliteConnection::~SqliteConnection() {
  for (Entry& entry : recent_) sqlite3_finalize(entry.statement);
  sqlite3_close(db_);
}

absl::Status SqliteConnection::Error(int code, std::string_view sql) {
  const std::string cause = std::string(db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code)) + " (" +
                            std::to_string(code) + ") in: " + std::string(sql);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID) {
        return UniqueViolation();
      }
      if (code == SQLITE_CONSTRAINT_FOREIGNKEY) return ReferenceViolation();
      return base::Internal(cause);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (log_) log_(cause);
      return StorageBusy();
    case SQLITE_INTERRUPT:
      return absl::CancelledError("interrupted");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
      if (log_) log_(cause);
      return StorageUnavailable();
    default:
      return base::Internal(cause);
  }
}

absl::StatusOr<sqlite3_stmt*> SqliteConnection::Compile(std::string_view sql, bool control) {
  if (!control && ControlsTransaction(sql)) return NotInClosure(sql);
  const std::string text = RewriteParameters(sql);
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (code != SQLITE_OK) return Error(code, sql);
  const std::string_view rest =
      base::Trim(std::string_view(tail, static_cast<size_t>(text.data() + text.size() - tail)));
  if (statement == nullptr || !rest.empty()) {
    sqlite3_finalize(statement);
    return base::Internal("exactly one statement is expected: " + std::string(sql));
  }
  if (on_prepare_ && !control) on_prepare_(sql);
  return statement;
}

absl::StatusOr<SqliteConnection::Lease> SqliteConnection::Get(std::string_view sql, bool control) {
  if (auto found = statements_.find(sql); found != statements_.end()) {
    if (found->second->control && !control) return NotInClosure(sql);
    // The same query inside its own rows needs a statement of its own.
    if (sqlite3_stmt_busy(found->second->statement)) {
      ASSIGN_OR_RETURN(sqlite3_stmt * extra, Compile(sql, control));
      return Lease(extra, false);
    }
    recent_.splice(recent_.begin(), recent_, found->second);
    return Lease(found->second->statement, true);
  }
  ASSIGN_OR_RETURN(sqlite3_stmt * statement, Compile(sql, control));
  recent_.push_front(Entry{std::string(sql), statement, control});
  statements_.emplace(recent_.front().sql, recent_.begin());
  for (auto last = std::prev(recent_.end()); statements_.size() > kStatementsMax && last != recent_.begin();) {
    const auto entry = last--;
    if (sqlite3_stmt_busy(entry->statement)) continue;
    statements_.erase(entry->sql);
    sqlite3_finalize(entry->statement);
    recent_.erase(entry);
  }
  return Lease(statement, true);
}

absl::Status SqliteConnection::Bind(sqlite3_stmt* statement, std::string_view sql, const Param* params, size_t count) {
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(count)) {
    return base::Internal("the statement has " + std::to_string(sqlite3_bind_parameter_count(statement)) +
                          " parameters, given " + std::to_string(count) + ": " + std::string(sql));
  }
  for (size_t i = 0; i < count; ++i) {
    const int code = BindOne(statement, static_cast<int>(i) + 1, params[i].value());
    if (code != SQLITE_OK) return Error(code, sql);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> SqliteConnection::Exec(std::string_view sql, const Param* params, size_t count) {
  // After a disk-full error SQLite is back in autocommit mode: this statement would commit by itself.
  if (autocommit()) return StorageUnavailable();
  ASSIGN_OR_RETURN(const Lease lease, Get(sql, false));
  RETURN_IF_ERROR(Bind(lease.get(), sql, params, count));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(lease.get());
  if (code != SQLITE_DONE) return Error(code, sql);
  return sqlite3_stmt_readonly(lease.get()) ? 0 : sqlite3_changes64(db_);
}

absl::Status SqliteConnection::Query(std::string_view sql, const Param* params, size_t count,
                                     const std::function<absl::Status(const Row&)>& on_row) {
  if (autocommit()) return StorageUnavailable();
  ASSIGN_OR_RETURN(const Lease lease, Get(sql, false));
  RETURN_IF_ERROR(Bind(lease.get(), sql, params, count));
  const SqliteRow row(lease.get());
  while (true) {
    const int code = sqlite3_step(lease.get());
    if (code == SQLITE_DONE) return absl::OkStatus();
    if (code != SQLITE_ROW) return Error(code, sql);
    RETURN_IF_ERROR(on_row(row));
  }
}

absl::Status SqliteConnection::Control(std::string_view sql) {
  ASSIGN_OR_RETURN(const Lease lease, Get(sql, true));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(lease.get());
  return code == SQLITE_DONE ? absl::OkStatus() : Error(code, sql);
}

absl::Status SqliteConnection::Script(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, sql);
}

}  // namespace dinh::db
