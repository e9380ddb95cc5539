#include "libs/db/store_copy.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/store_tables.h"

namespace dinh::db {
namespace {

constexpr std::chrono::minutes kStepLimit{30};
constexpr int64_t kBatchMin = 16;
constexpr int64_t kBatchFirst = 256;
constexpr int64_t kBatchMax = 2048;
// A batch of more bytes makes the next one smaller.
constexpr size_t kBatchBytes = size_t{4} << 20;
// Files lie in such tables on PostgreSQL, and in a folder beside SQLite.
constexpr std::string_view kBlobTables[] = {"_blobs", "_blob_chunks", "_blob_drafts"};
constexpr std::string_view kBlobSteps = "blobs_";

using Value = std::variant<std::monostate, int64_t, double, std::string>;

struct Rows {
  std::vector<std::vector<Value>> rows;
  size_t bytes = 0;
};

struct Progress {
  std::string last_key;  // empty: none yet
  bool done = false;
};

bool IsBlobTable(const std::string& table) {
  return std::any_of(std::begin(kBlobTables), std::end(kBlobTables),
                     [&](std::string_view end) { return table.ends_with(end); });
}

absl::Status SchemaDiffers(const std::string& step) {
  return base::FailedPrecondition("SOURCE_SCHEMA_DIFFERS",
                                  {"Dữ liệu nguồn và đích không cùng phiên bản (bước “" + step +
                                       "”). Hãy chạy nguồn một lần bằng đúng bản phần mềm này rồi sao chép lại.",
                                   "Source and target are not of the same version (step '" + step +
                                       "'). Run the source once with this very release, then copy again."},
                                  {{"step", step}});
}

absl::Status TableUnknown(const std::string& table) {
  return base::FailedPrecondition(
      "SOURCE_TABLE_UNKNOWN",
      {"Nguồn có bảng “" + table + "” mà đích không có chỗ chứa. Không có gì được bỏ lại: hãy hỏi nơi hỗ trợ.",
       "The source holds a table '" + table +
           "' that the target has no place for. Nothing is left behind: ask support."},
      {{"table", table}});
}

Value ValueOf(const Row& row, int column, StoredColumn::Kind kind) {
  if (row.IsNull(column)) return {};
  switch (kind) {
    case StoredColumn::Kind::kInteger:
      return row.Int(column);
    case StoredColumn::Kind::kReal:
      return row.Double(column);
    case StoredColumn::Kind::kText:
    case StoredColumn::Kind::kBytes:
      break;
  }
  return row.Text(column);
}

Param ParamOf(const Value& value, StoredColumn::Kind kind) {
  if (const auto* number = std::get_if<int64_t>(&value)) return {*number};
  if (const auto* real = std::get_if<double>(&value)) return {*real};
  if (const auto* text = std::get_if<std::string>(&value)) {
    return kind == StoredColumn::Kind::kBytes ? Param(BlobView{*text}) : Param(*text);
  }
  return {Null{}};
}

// A table as it is read: where it has no primary key, SQLite's own number of each row stands at its end. PostgreSQL has
// none; such tables are small and go in one batch.
StoredTable WithKey(StoredTable table, Engine source) {
  if (!table.key.empty() || source != Engine::kSqlite) return table;
  table.columns.push_back({"rowid", StoredColumn::Kind::kInteger, false});
  table.key.push_back(table.columns.size() - 1);
  return table;
}

// A key as text: its values in hexadecimal, separated by commas.
std::string WriteKey(const StoredTable& table, const std::vector<Value>& row) {
  std::vector<std::string> parts;
  for (const size_t column : table.key) {
    const auto* number = std::get_if<int64_t>(&row[column]);
    parts.push_back(base::HexEncode(number != nullptr ? std::to_string(*number) : std::get<std::string>(row[column])));
  }
  return base::Join(parts, ",") + ".";
}

absl::StatusOr<std::vector<Value>> ReadKey(const StoredTable& table, std::string_view text) {
  std::vector<Value> key;
  for (const size_t column : table.key) {
    const size_t end = text.find_first_of(",.");
    std::string part;
    if (end == std::string_view::npos || !base::HexDecode(text.substr(0, end), &part)) {
      return base::Internal("copy_progress holds a key that cannot be read");
    }
    text.remove_prefix(end + 1);
    if (table.columns[column].kind != StoredColumn::Kind::kInteger) {
      key.emplace_back(std::move(part));
      continue;
    }
    int64_t number = 0;
    std::from_chars(part.data(), part.data() + part.size(), number);
    key.emplace_back(number);
  }
  return key;
}

// "($1, $2)" from the n-th parameter on.
std::string Places(size_t count, size_t first = 1) {
  std::string places = "(";
  for (size_t i = 0; i < count; ++i) places += (i == 0 ? "$" : ", $") + std::to_string(first + i);
  return places + ")";
}

class TableCopy {
 public:
  TableCopy(Database& from, Database& to, const CopyOptions& options, const StoredTable& table)
      : from_(from), to_(to), options_(options), table_(WithKey(table, from.engine())), written_(table.columns.size()) {
    for (const StoredColumn& column : table_.columns) columns_.push_back("\"" + column.name + "\"");
    for (const size_t column : table_.key) key_.push_back(columns_[column]);
    const std::vector<std::string> own(columns_.begin(), columns_.begin() + static_cast<std::ptrdiff_t>(written_));
    insert_ = "INSERT INTO \"" + table.name + "\" (" + base::Join(own, ", ") + ") VALUES " + Places(written_);
  }

  absl::Status Run() {
    ASSIGN_OR_RETURN(Progress progress, ReadProgress());
    for (int64_t limit = key_.empty() ? std::numeric_limits<int64_t>::max() : kBatchFirst; !progress.done;) {
      ASSIGN_OR_RETURN(const Rows batch, ReadBatch(progress.last_key, limit));
      const bool first = progress.last_key.empty();
      if (!batch.rows.empty()) progress.last_key = WriteKey(table_, batch.rows.back());
      progress.done = static_cast<int64_t>(batch.rows.size()) < limit;
      RETURN_IF_ERROR(WriteBatch(batch, progress, first));
      rows_ += static_cast<int64_t>(batch.rows.size());
      limit = batch.bytes > kBatchBytes ? std::max(kBatchMin, limit / 4) : std::min(kBatchMax, limit * 2);
      if (options_.progress) RETURN_IF_ERROR(options_.progress(table_.name, rows_));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<CopiedTable> Count() {
    CopiedTable counted{table_.name, 0, 0};
    const std::string sql = "SELECT COUNT(*) FROM \"" + table_.name + "\"";
    for (auto [database, count] : {std::pair(&from_, &counted.source_rows), {&to_, &counted.target_rows}}) {
      base::OpContext ctx(options_.clock, options_.clock.Steady() + kStepLimit);
      int64_t* const out = count;
      RETURN_IF_ERROR(
          database->Read(ctx, [&](Tx& tx) { return tx.Query(sql, {}, [out](const Row& row) { *out = row.Int(0); }); }));
    }
    return counted;
  }

 private:
  absl::StatusOr<Progress> ReadProgress() {
    base::OpContext ctx(options_.clock, options_.clock.Steady() + kStepLimit);
    ASSIGN_OR_RETURN(const auto found, to_.Read(ctx, [&](Tx& tx) {
      return tx.QueryOne("SELECT last_key, done FROM copy_progress WHERE table_name = $1", {table_.name},
                         [](const Row& row) {
                           return Progress{row.Text(0), row.Bool(1)};
                         });
    }));
    return found.value_or(Progress());
  }

  absl::StatusOr<Rows> ReadBatch(const std::string& last_key, int64_t limit) {
    std::vector<Value> key;
    if (!last_key.empty()) {
      ASSIGN_OR_RETURN(key, ReadKey(table_, last_key));
    }
    std::string sql = "SELECT " + base::Join(columns_, ", ") + " FROM \"" + table_.name + "\"";
    if (!key.empty()) sql += " WHERE (" + base::Join(key_, ", ") + ") > " + Places(key.size());
    if (!key_.empty()) sql += " ORDER BY " + base::Join(key_, ", ");
    sql += " LIMIT $" + std::to_string(key.size() + 1);
    std::vector<Param> params;
    for (size_t i = 0; i < key.size(); ++i) params.push_back(ParamOf(key[i], table_.columns[table_.key[i]].kind));
    params.emplace_back(limit);
    base::OpContext ctx(options_.clock, options_.clock.Steady() + kStepLimit);
    Rows batch;
    RETURN_IF_ERROR(from_.Read(ctx, [&](Tx& tx) {
      batch = Rows();
      return tx.QueryParams(sql, params.data(), params.size(), [&](const Row& row) -> absl::Status {
        std::vector<Value> values;
        for (size_t i = 0; i < columns_.size(); ++i) {
          values.push_back(ValueOf(row, static_cast<int>(i), table_.columns[i].kind));
          if (const auto* text = std::get_if<std::string>(&values.back())) batch.bytes += text->size();
        }
        batch.rows.push_back(std::move(values));
        return absl::OkStatus();
      });
    }));
    return batch;
  }

  absl::Status WriteBatch(const Rows& batch, const Progress& progress, bool first) {
    base::OpContext ctx(options_.clock, options_.clock.Steady() + kStepLimit);
    const auto write = [&](Tx& tx) -> absl::Status {
      // What migrations wrote gives way to what became of it.
      if (first) RETURN_IF_ERROR(Clear(tx));
      for (const std::vector<Value>& row : batch.rows) {
        std::vector<Param> params;
        for (size_t i = 0; i < written_; ++i) params.push_back(ParamOf(row[i], table_.columns[i].kind));
        RETURN_IF_ERROR(tx.ExecLaterParams(insert_, params.data(), params.size()));
      }
      return tx
          .Exec(
              "INSERT INTO copy_progress (table_name, last_key, done) VALUES ($1, $2, $3) "
              "ON CONFLICT (table_name) DO UPDATE SET last_key = excluded.last_key, done = excluded.done",
              {table_.name, progress.last_key, progress.done})
          .status();
    };
    return to_.Transact(ctx, write, Isolation::kReadCommitted);
  }

  // Tables that are written once cannot be emptied, and are empty.
  absl::Status Clear(Tx& tx) {
    ASSIGN_OR_RETURN(const auto any, tx.QueryOne("SELECT 1 FROM \"" + table_.name + "\" LIMIT 1", {},
                                                 [](const Row& row) { return row.Int(0); }));
    return any ? tx.Exec("DELETE FROM \"" + table_.name + "\"").status() : absl::OkStatus();
  }

  Database& from_;
  Database& to_;
  const CopyOptions& options_;
  const StoredTable table_;
  const size_t written_;  // columns of the target
  std::vector<std::string> columns_, key_;
  std::string insert_;
  int64_t rows_ = 0;
};

struct Sides {
  std::vector<std::string> source_tables;
  std::vector<StoredTable> target_tables;
};

absl::StatusOr<Sides> Compare(Database& from, Database& to, const base::Clock& clock) {
  Sides sides;
  std::vector<std::string> source_steps, target_steps;
  base::OpContext from_ctx(clock, clock.Steady() + kStepLimit), to_ctx(clock, clock.Steady() + kStepLimit);
  RETURN_IF_ERROR(from.Read(from_ctx, [&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(sides.source_tables, TableNames(tx));
    ASSIGN_OR_RETURN(source_steps, AppliedSteps(tx));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(to.Read(to_ctx, [&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(sides.target_tables, PostgresTables(tx));
    ASSIGN_OR_RETURN(target_steps, AppliedSteps(tx));
    return absl::OkStatus();
  }));
  if (from.engine() == Engine::kSqlite) {
    std::erase_if(target_steps, [](const std::string& step) { return step.starts_with(kBlobSteps); });
    std::erase_if(sides.target_tables, [](const StoredTable& table) { return IsBlobTable(table.name); });
  }
  std::vector<std::string> unlike;
  std::set_symmetric_difference(source_steps.begin(), source_steps.end(), target_steps.begin(), target_steps.end(),
                                std::back_inserter(unlike));
  if (!unlike.empty()) return SchemaDiffers(unlike.front());
  for (const std::string& name : sides.source_tables) {
    const auto same = [&](const StoredTable& table) { return table.name == name; };
    if (std::none_of(sides.target_tables.begin(), sides.target_tables.end(), same)) return TableUnknown(name);
  }
  return sides;
}

absl::StatusOr<std::string> SchemaOf(Tx& tx) {
  ASSIGN_OR_RETURN(const auto schema, tx.QueryOne("SELECT CAST(current_schema() AS TEXT)", {},
                                                  [](const Row& row) { return row.Text(0); }));
  return schema.value_or("");
}

// Rows that come from now on are numbered behind those that were copied.
absl::Status SetSequences(Tx& tx, const StoredTable& table) {
  for (const StoredColumn& column : table.columns) {
    if (!column.identity) continue;
    RETURN_IF_ERROR(tx.Query("SELECT setval(pg_get_serial_sequence('\"" + table.name + "\"', '" + column.name +
                                 "'), (SELECT COALESCE(MAX(\"" + column.name + "\"), 0) + 1 FROM \"" + table.name +
                                 "\"), FALSE)",
                             {}, [](const Row&) {}));
  }
  return absl::OkStatus();
}

// Whoever copies is the owner of the database perhaps, and the service somebody else.
absl::Status GiveToOwner(Tx& tx) {
  ASSIGN_OR_RETURN(const std::vector<std::string> commands,
                   tx.QueryAll("SELECT CAST(format('ALTER TABLE %I OWNER TO %I', c.relname, r.rolname) AS TEXT) "
                               "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                               "JOIN pg_roles r ON r.oid = n.nspowner "
                               "WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relowner <> n.nspowner "
                               "UNION ALL "
                               "SELECT CAST(format('ALTER FUNCTION %I() OWNER TO %I', p.proname, r.rolname) AS TEXT) "
                               "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                               "JOIN pg_roles r ON r.oid = n.nspowner "
                               "WHERE n.nspname = current_schema() AND p.proowner <> n.nspowner",
                               {}, [](const Row& row) { return row.Text(0); }));
  for (const std::string& command : commands) RETURN_IF_ERROR(tx.Exec(command).status());
  return absl::OkStatus();
}

absl::Status FinishOne(Tx& tx) {
  ASSIGN_OR_RETURN(const std::vector<StoredTable> tables, PostgresTables(tx));
  for (const StoredTable& table : tables) {
    RETURN_IF_ERROR(SetSequences(tx, table));
    RETURN_IF_ERROR(tx.Exec("ANALYZE \"" + table.name + "\"").status());
  }
  return GiveToOwner(tx);
}

}  // namespace

absl::StatusOr<std::vector<CopiedTable>> CopyStore(Database& from, Database& to, const CopyOptions& options) {
  ASSIGN_OR_RETURN(const Sides sides, Compare(from, to, options.clock));
  std::vector<CopiedTable> copied;
  for (const StoredTable& table : sides.target_tables) {
    TableCopy copy(from, to, options, table);
    RETURN_IF_ERROR(copy.Run());
    ASSIGN_OR_RETURN(CopiedTable counted, copy.Count());
    copied.push_back(std::move(counted));
  }
  return copied;
}

absl::Status FinishCopies(base::OpContext& ctx, const std::vector<Database*>& to) {
  std::string marks;
  for (Database* const database : to) {
    RETURN_IF_ERROR(database->Transact(ctx, [](Tx& tx) { return FinishOne(tx); }));
    ASSIGN_OR_RETURN(const std::string schema, database->Read(ctx, [](Tx& tx) { return SchemaOf(tx); }));
    marks += (marks.empty() ? "\"" : ", \"") + schema + "\".copy_progress";
  }
  if (to.empty()) return absl::OkStatus();
  return to.front()->Transact(ctx, [&](Tx& tx) { return tx.Exec("DROP TABLE IF EXISTS " + marks).status(); });
}

}  // namespace dinh::db
