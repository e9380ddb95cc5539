// Sealed columns of the stores: NULL when empty. Private to store*.cc.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/auth/sealer.h"
#include "libs/db/database.h"

namespace dinh::feedback {

// What a sealed value is bound to.
struct SealedPlace {
  std::string_view column;
  std::string_view row;
};

class SealedText {
 public:
  SealedText(const auth::Sealer& sealer, std::string_view plain, const SealedPlace& place)
      : present_(!plain.empty()), bytes_(present_ ? sealer.Seal(place.column, place.row, plain) : "") {}
  db::Param param() const { return present_ ? db::Param(db::BlobView{bytes_}) : db::Param(db::Null{}); }

 private:
  bool present_;
  std::string bytes_;
};

inline absl::StatusOr<std::string> OpenSealed(const auth::Sealer& sealer, const db::Row& row, int column,
                                              const SealedPlace& place) {
  if (row.IsNull(column)) return std::string();
  return sealer.Open(place.column, place.row, row.TextView(column));
}

inline db::Param BlobOrNull(const std::string& bytes) {
  return bytes.empty() ? db::Param(db::Null{}) : db::Param(db::BlobView{bytes});
}

}  // namespace dinh::feedback
