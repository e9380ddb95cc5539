// How values travel to and from PostgreSQL: in its binary form, by the types that the server found for a statement's
// parameters and columns. Internal to libs/db.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace dinh::db {

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, ResultDeleter>;

// The parameters of one execution. Views of `values` must live until the statement has been sent. Reused from one
// statement to the next.
class PostgresParams {
 public:
  // INTERNAL when a value does not fit the parameter's type; INVALID_ARGUMENT reason TEXT_HAS_NUL.
  absl::Status Encode(const std::vector<Oid>& types, const Param* params, size_t count);
  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  absl::Status EncodeOne(size_t index, Oid type, const Param::Value& value);
  void SetBytes(size_t index, std::string_view bytes, bool binary);
  void SetInteger(size_t index, int64_t value, size_t bytes);

  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::array<char, 8>> numbers_;
  std::vector<std::string> texts_;
};

// OK when PostgresRow can read every column; INTERNAL names the first that needs a CAST.
absl::Status CheckColumns(const std::vector<Oid>& types);

// One row of a result in binary form.
class PostgresRow final : public Row {
 public:
  PostgresRow(const PGresult* result, const std::vector<Oid>& types) : result_(result), types_(types) {}
  void Go(int row) { row_ = row; }
  bool IsNull(int column) const override { return PQgetisnull(result_, row_, column) != 0; }
  int64_t Int(int column) const override;
  double Double(int column) const override;
  std::string_view TextView(int column) const override;

 private:
  std::string_view Raw(int column) const {
    return {PQgetvalue(result_, row_, column), static_cast<size_t>(PQgetlength(result_, row_, column))};
  }

  const PGresult* result_;
  const std::vector<Oid>& types_;
  int row_ = 0;
  mutable std::vector<std::string> printed_;  // numbers that were asked for as texts
};

}  // namespace dinh::db
