// Moves the rows of one store into a PostgreSQL schema, table by table in batches of the primary key. A copy that was
// stopped goes on where it was: the table copy_progress of the schema is written with every batch. While it is there
// nobody but a copy opens the schema (reason COPY_UNFINISHED).
//
//   switch (*LookAtTarget(options)) …                          // kInUse: refuse
//   RETURN_IF_ERROR(PrepareTarget(options));
//   … PostgresOptions::copying = true; OpenPostgres; migrations …
//   RETURN_IF_ERROR(CopyStore(from, to, options));              // every store of the installation
//   … verify …
//   RETURN_IF_ERROR(FinishCopies({&to, …}));                    // all at once
//
// Nothing else may write on either side. What the engines keep differently is left out and made anew by its owner: text
// indexes (text_index.h), and files that lay in a folder (CopyBlob). Thread safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/db/postgres.h"

namespace dinh::db {

enum class CopyTarget {
  kEmpty,
  kUnfinished,  // a copy began
  kInUse,       // it holds tables of somebody's
};
absl::StatusOr<CopyTarget> LookAtTarget(const PostgresOptions& options);

// Before anything else: makes the schema where it is missing, and the mark in it. Once more is fine.
absl::Status PrepareTarget(const PostgresOptions& options);

struct CopyOptions {
  const base::Clock& clock;
  // After every batch; an error stops the copy. May be empty.
  std::function<absl::Status(const std::string& table, int64_t rows)> progress;
};

struct CopiedTable {
  std::string table;
  int64_t source_rows = 0;
  int64_t target_rows = 0;
};

// Both have the same migrations behind them, or FAILED_PRECONDITION reason SOURCE_SCHEMA_DIFFERS, or
// SOURCE_TABLE_UNKNOWN when the source holds a table that the target has no place for. Counts both sides at the end.
absl::StatusOr<std::vector<CopiedTable>> CopyStore(Database& from, Database& to, const CopyOptions& options);

// Sequences go on behind the copied rows, tables belong to the owner of their schema, statistics are fresh, the marks
// go in one transaction. `to`: schemas of one PostgreSQL database.
absl::Status FinishCopies(base::OpContext& ctx, const std::vector<Database*>& to);

}  // namespace dinh::db
