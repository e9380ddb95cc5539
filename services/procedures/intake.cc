#include "services/procedures/intake.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "services/procedures/domain/content_type.h"
#include "services/procedures/errors.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {

absl::Status Intake::Add(std::string_view bytes) {
  size_ += static_cast<int64_t>(bytes.size());
  if (size_ > kUploadBytesMax) return UploadTooLarge();
  if (head_.size() < kSniffHeadBytes) head_ += bytes.substr(0, kSniffHeadBytes - head_.size());
  tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), kSniffTailBytes));
  if (tail_.size() > kSniffTailBytes) tail_.erase(0, tail_.size() - kSniffTailBytes);
  return writer_.Write(bytes);
}

absl::StatusOr<AttachmentRow> Intake::Commit(std::string_view file_name) {
  AttachmentRow row;
  ASSIGN_OR_RETURN(row.content_type, DetectContentType(head_, tail_, size_));
  ASSIGN_OR_RETURN(const db::BlobInfo blob, writer_.Commit());
  row.file_name = CleanFileName(file_name, row.content_type);
  row.blob = blob.id;
  row.size_bytes = blob.size;
  row.sha256 = base::HexEncode(blob.sha256);
  return row;
}

}  // namespace dinh::procedures
