// For tests of what lies in the store in clear. Header-only.
#pragma once

#include <string>
#include <vector>

#include "libs/base/op_context.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace dinh::db {

// Every value of every table of a PostgreSQL schema, bytes as they are: what lies in an SQLite file can be read there.
inline std::string StoredBytes(Database& database, base::OpContext& ctx) {
  std::string bytes;
  const absl::Status read = database.Read(ctx, [&](Tx& tx) -> absl::Status {
    std::vector<std::string> columns;
    RETURN_IF_ERROR(
        tx.Query("SELECT column_name, table_name, data_type FROM information_schema.columns WHERE table_schema = "
                 "current_schema()",
                 {}, [&](const Row& row) {
                   const std::string column = "\"" + row.Text(0) + "\"";
                   columns.push_back("SELECT " + (row.Text(2) == "bytea" ? column : "CAST(" + column + " AS TEXT)") +
                                     " FROM \"" + row.Text(1) + "\"");
                 }));
    for (const std::string& sql : columns) {
      RETURN_IF_ERROR(tx.Query(sql, {}, [&](const Row& row) { (bytes += row.TextView(0)) += '\n'; }));
    }
    return absl::OkStatus();
  });
  return read.ok() ? bytes : std::string();
}

}  // namespace dinh::db
