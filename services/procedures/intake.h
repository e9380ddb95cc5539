// The one way of a file into the service, however it comes: limits, the check of its content, its hash, its sealed
// blob.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/blob_store.h"
#include "services/procedures/rows.h"

namespace dinh::procedures {

class Intake {
 public:
  explicit Intake(db::BlobWriter& writer) : writer_(writer) {}

  // The pieces in order. UPLOAD_TOO_LARGE above the limit; after an error nothing more is taken.
  absl::Status Add(std::string_view bytes);
  // The whole file is there: checks what it is (the errors of DetectContentType) and makes it durable. Sets name, type,
  // size, hash and blob of the row; whose it is, is the caller's to say. Whoever does not insert the row removes the
  // blob.
  absl::StatusOr<AttachmentRow> Commit(std::string_view file_name);

 private:
  db::BlobWriter& writer_;
  std::string head_, tail_;
  int64_t size_ = 0;
};

}  // namespace dinh::procedures
