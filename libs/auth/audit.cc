#include "libs/auth/audit.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libs/auth/audit_rows.h"
#include "libs/base/status.h"
#include "libs/db/dialect.h"

namespace dinh::auth {
namespace {

constexpr size_t kRowsAtOnce = 8;  // what a statement costs is a multiple of what a row costs
constexpr size_t kRowParams = 11;

std::string MakeInsert(size_t rows) {
  std::string sql =
      "INSERT INTO audit (id, at, caller_kind, caller, person, method, subject, resource, outcome, reason, trace) "
      "VALUES ";
  for (size_t i = 0; i < rows; ++i) {
    sql += i == 0 ? "(" : ", (";
    for (size_t j = 1; j <= kRowParams; ++j) sql += (j == 1 ? "$" : ", $") + std::to_string(i * kRowParams + j);
    sql += ")";
  }
  return sql;
}

std::vector<db::Migration> Schema(db::Engine engine) {
  const std::string key(db::InsertionOrderKey(engine));
  const std::string bytes(db::BytesType(engine));
  return {{1, "audit",
           "CREATE TABLE audit (\n"
           "  number " +
               key +
               ",\n"
               "  sequence BIGINT,\n"
               "  hash " +
               bytes +
               ",\n"
               "  id TEXT NOT NULL,\n"
               "  at BIGINT NOT NULL,\n"
               "  caller_kind SMALLINT NOT NULL,\n"
               "  caller TEXT NOT NULL,\n"
               "  person TEXT NOT NULL,\n"
               "  method TEXT NOT NULL,\n"
               "  subject TEXT NOT NULL,\n"
               "  resource TEXT NOT NULL,\n"
               "  outcome SMALLINT NOT NULL,\n"
               "  reason TEXT NOT NULL,\n"
               "  trace TEXT NOT NULL\n"
               ");\n"
               "CREATE INDEX audit_pending ON audit (number) WHERE sequence IS NULL;\n"
               "CREATE UNIQUE INDEX audit_by_sequence ON audit (sequence) WHERE sequence IS NOT NULL;\n"
               "CREATE INDEX audit_by_subject ON audit (subject, number) WHERE subject <> '';\n"
               "CREATE INDEX audit_to_hand_on ON audit (sequence) WHERE sequence IS NOT NULL AND subject <> '';\n"
               "CREATE TABLE audit_chain (\n"
               "  id SMALLINT PRIMARY KEY CHECK (id = 1),\n"
               "  sequence BIGINT NOT NULL,\n"
               "  hash " +
               bytes +
               "\n"
               ");\n"
               "INSERT INTO audit_chain (id, sequence, hash) VALUES (1, 0, NULL);\n"
               "CREATE TABLE audit_head (\n"
               "  sequence BIGINT PRIMARY KEY,\n"
               "  hash " +
               bytes +
               " NOT NULL,\n"
               "  at BIGINT NOT NULL,\n"
               "  key_id TEXT NOT NULL,\n"
               "  signature " +
               bytes +
               " NOT NULL\n"
               ");\n"}};
}

// Cut between letters, control characters out: rows are printed and hashed.
std::string Clean(std::string_view text) {
  if (text.size() > kAuditTextBytesMax) {
    size_t end = kAuditTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

absl::Status Stopped() {
  return base::Unavailable("AUDIT_STOPPED", {"Hệ thống đang dừng. Hãy thử lại sau ít phút.",
                                             "The service is stopping. Try again in a few minutes."});
}

absl::Status Backlog() {
  return base::ResourceExhausted(
      "AUDIT_BACKLOG",
      {"Hệ thống đang quá tải. Hãy thử lại sau vài giây.", "The service is overloaded. Try again in a few seconds."},
      1000);
}

}  // namespace

AuditRecord ReadAuditRecord(const db::Row& row) {
  AuditRecord record;
  record.number = row.Int(0);
  record.sequence = row.OptInt(1).value_or(0);
  record.id = row.Text(2);
  record.at = row.Int(3);
  record.row.caller_kind = static_cast<CallerKind>(row.Int(4));
  record.row.caller = row.Text(5);
  record.row.person = row.Text(6);
  record.row.method = row.Text(7);
  record.row.subject = row.Text(8);
  record.row.resource = row.Text(9);
  record.row.outcome = static_cast<absl::StatusCode>(row.Int(10));
  record.row.reason = row.Text(11);
  record.row.trace = row.Text(12);
  return record;
}

AuditLog::AuditLog(db::Database& db, const base::Clock& clock, base::IdGenerator& ids)
    : db_(db), clock_(clock), ids_(ids) {}

absl::Status AuditLog::EnsureSchema(db::Database& db) { return db.MigrateComponent("audit", Schema(db.engine())); }

absl::Status AuditLog::Append(db::Tx& tx, const AuditRow& row) { return Insert(tx, &row, 1); }

absl::Status AuditLog::Append(db::Tx& tx, const std::vector<AuditRow>& rows) {
  for (size_t done = 0; done < rows.size();) {
    const size_t count = rows.size() - done >= kRowsAtOnce ? kRowsAtOnce : 1;
    RETURN_IF_ERROR(Insert(tx, rows.data() + done, count));
    done += count;
  }
  return absl::OkStatus();
}

// `count`: 1 or kRowsAtOnce, so that there are two statements.
absl::Status AuditLog::Insert(db::Tx& tx, const AuditRow* rows, size_t count) {
  static const std::string kOne = MakeInsert(1), kMany = MakeInsert(kRowsAtOnce);
  std::vector<std::string> texts;
  texts.reserve(count * kRowParams);  // parameters point into it
  const auto text = [&](std::string value) { return db::Param(texts.emplace_back(std::move(value))); };
  std::vector<db::Param> params;
  for (const AuditRow* row = rows; row != rows + count; ++row) {
    params.insert(params.end(),
                  {text(ids_.Next()), clock_.Now(), row->caller_kind, text(Clean(row->caller)),
                   text(Clean(row->person)), text(Clean(row->method)), text(Clean(row->subject)),
                   text(Clean(row->resource)), row->outcome, text(Clean(row->reason)), text(Clean(row->trace))});
  }
  return tx.ExecLaterParams(count == 1 ? kOne : kMany, params.data(), params.size());
}

absl::StatusOr<std::vector<AuditRecord>> AuditLog::ListBySubject(base::OpContext& ctx, std::string_view subject,
                                                                 int64_t before, int limit) {
  // Rows without a subject belong to nobody's list.
  if (subject.empty() || limit <= 0) return std::vector<AuditRecord>();
  const int64_t below = before > 0 ? before : std::numeric_limits<int64_t>::max();
  static constexpr char kSql[] =
      "SELECT " DINH_AUDIT_COLUMNS
      " FROM audit WHERE subject = $1 AND subject <> '' AND number < $2 ORDER BY number DESC LIMIT $3";
  return db_.Read(ctx, [&](db::Tx& tx) { return tx.QueryAll(kSql, {subject, below, limit}, ReadAuditRecord); });
}

absl::StatusOr<std::vector<AuditRecord>> AuditLog::ListChainedAfter(base::OpContext& ctx, int64_t sequence, int limit) {
  static constexpr char kSql[] =
      "SELECT " DINH_AUDIT_COLUMNS " FROM audit WHERE sequence > $1 AND subject <> '' ORDER BY sequence LIMIT $2";
  return db_.Read(ctx, [&](db::Tx& tx) { return tx.QueryAll(kSql, {sequence, limit}, ReadAuditRecord); });
}

AuditWriter::AuditWriter(AuditLog& log, const base::Clock& clock, Options options)
    : log_(log), clock_(clock), options_(options), thread_([this] { Run(); }) {}

AuditWriter::~AuditWriter() { Stop(); }

absl::Status AuditWriter::Submit(std::vector<AuditRow> rows) {
  std::mutex mutex;
  std::condition_variable changed;
  bool finished = false;
  absl::Status result;
  SubmitAsync(std::move(rows), [&](const absl::Status& status) {
    std::lock_guard lock(mutex);
    result = status;
    finished = true;
    changed.notify_one();  // under the lock: the waiter's stack is gone as soon as it sees `finished`
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return finished; });
  return result;
}

void AuditWriter::SubmitAsync(std::vector<AuditRow> rows, std::function<void(const absl::Status&)> done) {
  if (rows.empty()) return done(absl::OkStatus());
  absl::Status refused;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = Stopped();
    } else if (queued_rows_ + rows.size() > options_.queue_rows_max) {
      refused = Backlog();
    } else {
      queued_rows_ += rows.size();
      queue_.push_back({std::move(rows), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  done(refused);
}

void AuditWriter::Stop() {
  std::lock_guard once(stop_mutex_);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

int64_t AuditWriter::batches() const {
  std::lock_guard lock(mutex_);
  return batches_;
}

std::vector<AuditWriter::Item> AuditWriter::TakeBatch(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  const auto gather = std::min<std::chrono::milliseconds>(options_.gather, base::kAuditBatchDelayMax);
  changed_.wait_for(lock, gather, [&] { return stopping_ || queued_rows_ >= options_.batch_rows_max; });
  std::vector<Item> batch;
  size_t rows = 0;
  while (!queue_.empty() && (batch.empty() || rows + queue_.front().rows.size() <= options_.batch_rows_max)) {
    rows += queue_.front().rows.size();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_rows_ -= rows;
  return batch;
}

absl::Status AuditWriter::WriteBatch(const std::vector<Item>& batch) {
  base::OpContext ctx(clock_, clock_.Steady() + options_.commit_timeout);
  const auto write = [&](db::Tx& tx) -> absl::Status {
    for (const Item& item : batch) RETURN_IF_ERROR(log_.Append(tx, item.rows));
    return absl::OkStatus();
  };
  return log_.database().Transact(ctx, write, db::Isolation::kReadCommitted);  // it only adds rows
}

void AuditWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const std::vector<Item> batch = TakeBatch(lock);
    if (batch.empty()) return;  // stopping, and nothing left
    lock.unlock();
    const absl::Status status = WriteBatch(batch);
    for (const Item& item : batch) item.done(status);
    lock.lock();
    if (status.ok()) ++batches_;
  }
}

}  // namespace dinh::auth
