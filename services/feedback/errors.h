// The service's errors, by name; those of the domain and of photos stand beside their rules.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"

namespace dinh::feedback {

inline absl::Status CategoryUnknown() {
  return base::InvalidField("category",
                            {"Không có loại phản ánh này, hoặc cần chọn loại cụ thể hơn. Hãy chọn trong danh sách.",
                             "There is no such category, or a more exact one is needed. Choose from the list."},
                            "CATEGORY_UNKNOWN");
}

// `guidance` and `phones` go along so that an app can show them without asking again.
inline absl::Status LegalChannel(const std::string& category, base::Text guidance) {
  return base::FailedPrecondition("LEGAL_CHANNEL", std::move(guidance), {{"category", category}});
}

inline absl::Status EmergencyNotConfirmed(const std::string& phones, base::Text guidance) {
  return base::FailedPrecondition("EMERGENCY_NOT_CONFIRMED", std::move(guidance), {{"phones", phones}});
}

inline absl::Status PhonePassInvalid() {
  return base::InvalidField("phone_pass",
                            {"Mã xác nhận số điện thoại thiếu, sai hoặc đã hết hạn. Hãy xác nhận lại số điện thoại.",
                             "The phone pass is missing, wrong or expired. Confirm the phone again."},
                            "PHONE_PASS_INVALID");
}

inline absl::Status PlaceUnknown() {
  return base::InvalidField("place",
                            {"Chưa biết nơi xảy ra thuộc xã nào. Hãy chọn xã, thôn hoặc quét biển số nhà.",
                             "It is not known which commune the place is in. Choose a commune or village, or scan a "
                             "house plate."},
                            "PLACE_UNKNOWN");
}

inline absl::Status PlaceNeeded() {
  return base::InvalidField("place", {"Hãy cho biết nơi xảy ra: vị trí trên bản đồ, biển số nhà hoặc thôn.",
                                      "Say where it is: a point on the map, a house code or a village."});
}

inline absl::Status OutsideArea() {
  return base::InvalidField("place.point",
                            {"Vị trí nằm ngoài địa bàn. Hãy gửi phản ánh tới địa phương nơi xảy ra.",
                             "The place is outside the district. Report it where it is."},
                            "OUTSIDE_AREA");
}

inline absl::Status UnitHasNoAgency(const std::string& unit) {
  return base::FailedPrecondition(
      "UNIT_HAS_NO_AGENCY",
      {"Đơn vị " + unit + " không có cơ quan tiếp nhận loại phản ánh này. Hãy chọn xã khác.",
       "Unit " + unit + " has no agency for this category. Choose another commune."},
      {{"unit", unit}});
}

inline absl::Status TooManyReports() {
  return base::ResourceExhausted("TOO_MANY_REPORTS",
                                 {"Hôm nay bạn đã gửi đủ số phản ánh cho phép. Hãy gửi tiếp vào ngày mai.",
                                  "You have sent as many reports as a day allows. Go on tomorrow."},
                                 3'600'000);
}

inline absl::Status TooManyRequests() {
  return base::ResourceExhausted("TOO_MANY_REQUESTS",
                                 {"Hôm nay bạn đã gửi đủ số yêu cầu cho phép. Hãy gửi tiếp vào ngày mai.",
                                  "You have sent as many requests as a day allows. Go on tomorrow."},
                                 3'600'000);
}

inline base::FieldViolation PhotoUnknown(size_t index) {
  return {"photos[" + std::to_string(index) + "]",
          {"Ảnh này không có, hoặc đã dùng cho phản ánh khác. Hãy tải ảnh lên lại.",
           "This photo does not exist or belongs to another report. Upload it again."}};
}

inline absl::Status PhotosUnknown(std::vector<base::FieldViolation> violations) {
  base::ErrorDetail detail;
  detail.reason = "PHOTO_UNKNOWN";
  detail.text = {"Có ảnh không dùng được. Hãy tải lại các ảnh được nêu.",
                 "Some photos cannot be used. Upload the named ones again."};
  detail.violations = std::move(violations);
  return base::MakeError(absl::StatusCode::kInvalidArgument, detail);
}

inline absl::Status TooManyPhotos() {
  return base::FailedPrecondition("TOO_MANY_PHOTOS", {"Phản ánh đã có đủ số ảnh tối đa. Hãy chọn ít ảnh hơn.",
                                                      "The report holds the most photos it can. Choose fewer."});
}

inline absl::Status TooManyUnusedFiles() {
  return base::FailedPrecondition(
      "TOO_MANY_UNUSED_FILES",
      {"Bạn có quá nhiều ảnh đã tải lên mà chưa dùng. Hãy gửi phản ánh, hoặc chờ 48 giờ để ảnh cũ tự xóa.",
       "Too many uploads wait to be used. Send a report, or wait 48 hours until old ones go."});
}

inline absl::Status UploadTooLarge() {
  return base::InvalidField(
      "file", {"Ảnh lớn hơn 20 MiB. Hãy giảm dung lượng.", "The photo is larger than 20 MiB. Make it smaller."},
      "UPLOAD_TOO_LARGE");
}

inline absl::Status UploadIncomplete() {
  return base::InvalidField("file",
                            {"Ảnh chưa được gửi trọn vẹn. Hãy gửi lại.", "The upload is incomplete. Send it again."},
                            "UPLOAD_INCOMPLETE");
}

inline absl::Status UploadsBusy() {
  return base::ResourceExhausted("PHOTO_BUSY",
                                 {"Đang có quá nhiều ảnh được tải lên. Hãy thử lại sau ít giây.",
                                  "Too many photos are being uploaded. Try again in some seconds."},
                                 3'000);
}

inline absl::Status OwnReport() {
  return base::FailedPrecondition("OWN_REPORT", {"Đây là phản ánh của chính bạn; không cần tham gia thêm.",
                                                 "This is your own report; there is no need to join it."});
}

inline absl::Status AlreadyJoined() {
  return base::FailedPrecondition("ALREADY_JOINED",
                                  {"Bạn đã tham gia phản ánh này rồi.", "You have joined this report already."});
}

inline absl::Status StateDoesNotAllow(const std::string& state, const std::string& event) {
  return base::FailedPrecondition(
      "STATE_DOES_NOT_ALLOW",
      {"Phản ánh không còn ở bước làm được việc này. Hãy tải lại trang để xem bước hiện tại.",
       "The report is not in a state that allows this. Load it again."},
      {{"state", state}, {"event", event}});
}

inline absl::Status TextNeeded(const char* field) {
  return base::InvalidField(field, {"Hãy viết nội dung, hoặc chọn một mẫu.", "Write a text, or choose a template."});
}

inline absl::Status TemplateUnknown() {
  return base::InvalidField("template",
                            {"Không có mẫu trả lời này cho loại phản ánh này. Hãy chọn trong danh sách.",
                             "There is no such template for this category. Choose from the list."},
                            "TEMPLATE_UNKNOWN");
}

inline absl::Status OfficerUnknown() {
  return base::InvalidField("officer",
                            {"Cán bộ này không xử lý được phản ánh này. Hãy chọn cán bộ khác của cơ quan.",
                             "This officer cannot work on this report. Choose another one of the agency."},
                            "OFFICER_UNKNOWN");
}

inline absl::Status NoOfficer() {
  return base::FailedPrecondition("NO_OFFICER",
                                  {"Cơ quan chưa có cán bộ giữ vị trí này. Hãy chọn cán bộ hoặc chuyển đơn vị.",
                                   "The agency has no officer in this position. Choose one, or route the report."});
}

inline absl::Status NothingToRoute() {
  return base::InvalidField("category",
                            {"Hãy chọn loại, đơn vị hoặc vị trí mới.", "Choose a new category, unit or position."});
}

inline absl::Status BypassedUnit() {
  return base::FailedPrecondition("BYPASSED_UNIT",
                                  {"Phản ánh về cán bộ không được chuyển về đơn vị của cán bộ đó.",
                                   "A report about staff does not go to the unit the staff belongs to."});
}

inline absl::Status UpdateUnknown() {
  return base::InvalidField("update", {"Không có nội dung này trong phản ánh.", "The report has no such update."},
                            "UPDATE_UNKNOWN");
}

inline absl::Status RequestUnknown() {
  return base::InvalidField("request", {"Không có yêu cầu gỡ bỏ này.", "There is no such request for removal."},
                            "REQUEST_UNKNOWN");
}

inline absl::Status AlreadyDecided() {
  return base::FailedPrecondition("ALREADY_DECIDED",
                                  {"Yêu cầu này đã được quyết định.", "This request has been decided."});
}

}  // namespace dinh::feedback
