// The errors of photo intake, by name. Each is about one photo; the rest of a report is not touched by it.
#pragma once

#include <cstdint>
#include <string>

#include "libs/base/status.h"

namespace dinh::feedback {

inline absl::Status PhotoTooLarge(int64_t bytes_max) {
  const std::string mib = std::to_string(bytes_max / (1024 * 1024));
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_TOO_LARGE",
                     {"Ảnh lớn hơn " + mib + " MB. Hãy gửi ảnh nhỏ hơn.",
                      "The photo is larger than " + mib + " MiB. Send a smaller one."},
                     {{"bytes_max", std::to_string(bytes_max)}});
}

inline absl::Status PhotoTypeRefused() {
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_TYPE_REFUSED",
                     {"Tệp này không phải ảnh JPEG, PNG hoặc WebP. Hãy gửi ảnh chụp ở một trong ba định dạng đó.",
                      "This file is not a still JPEG, PNG or WebP picture. Send a photo in one of these formats."});
}

inline absl::Status PhotoDamaged() {
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_DAMAGED",
                     {"Ảnh bị hỏng hoặc chưa tải lên đủ. Hãy gửi lại, hoặc chụp ảnh khác.",
                      "The photo is damaged or was not uploaded to its end. Send it again, or take another one."});
}

inline absl::Status PhotoTooManyPixels(int64_t pixels_max) {
  const std::string mega = std::to_string(pixels_max / 1'000'000);
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_TOO_MANY_PIXELS",
                     {"Ảnh có quá nhiều điểm ảnh (tối đa " + mega + " triệu). Hãy giảm độ phân giải rồi gửi lại.",
                      "The photo has too many pixels (at most " + mega + " million). Send it at a lower resolution."},
                     {{"pixels_max", std::to_string(pixels_max)}});
}

inline absl::Status PhotoTooNarrow(int aspect_max) {
  const std::string times = std::to_string(aspect_max);
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_TOO_NARROW",
                     {"Ảnh quá dài và hẹp (cạnh dài hơn cạnh ngắn " + times + " lần). Hãy cắt bớt rồi gửi lại.",
                      "The photo is too long and narrow (sides differ more than " + times + " times). Crop it."},
                     {{"aspect_max", times}});
}

inline absl::Status PhotoExtraDataRefused() {
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_EXTRA_DATA_REFUSED",
                     {"Tệp ảnh chứa quá nhiều dữ liệu không phải ảnh. Hãy lưu lại ảnh bằng ứng dụng khác rồi gửi.",
                      "The file carries too much data that is not the picture. Save it anew and send that."});
}

// The decoder failed, or took too long, on this photo.
inline absl::Status PhotoNotProcessed() {
  return base::Error(absl::StatusCode::kInvalidArgument, "PHOTO_NOT_PROCESSED",
                     {"Không xử lý được ảnh này. Hãy chụp lại hoặc gửi ảnh khác.",
                      "This photo could not be processed. Take it again or send another one."});
}

inline absl::Status PhotoBusy(int64_t retry_after_ms) {
  return base::ResourceExhausted("PHOTO_BUSY",
                                 {"Đang có nhiều ảnh chờ xử lý. Hãy gửi lại sau ít giây.",
                                  "Many photos are being processed. Send it again in a few seconds."},
                                 retry_after_ms);
}

inline absl::Status PhotoWorkerMissing() {
  return base::Unavailable("PHOTO_WORKER_MISSING",
                           {"Máy chủ chưa nhận được ảnh vì không chạy được chương trình dinh-photo. Hãy gửi phản ánh "
                            "không kèm ảnh và báo cho quản trị viên.",
                            "The server cannot take photos: its program dinh-photo does not start. Send the report "
                            "without photos and tell the operator."},
                           60'000);
}

inline absl::Status BlurBoxesInvalid(int boxes_max) {
  const std::string most = std::to_string(boxes_max);
  return base::InvalidField(
      "boxes", {"Hãy chọn từ 1 đến " + most + " vùng cần che, mỗi vùng nằm trong ảnh: x, y, width, height từ 0 đến 1.",
                "Give 1 to " + most + " boxes inside the picture: x, y, width, height as fractions from 0 to 1."});
}

}  // namespace dinh::feedback
