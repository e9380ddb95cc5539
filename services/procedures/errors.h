// The service's errors, by name; those of the domain stand beside its rules (domain/transitions.h, form.h, fees.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"

namespace dinh::procedures {

inline absl::Status ProcedureNotFound(const std::string& code) {
  return base::NotFound("PROCEDURE_NOT_FOUND",
                        {"Không có thủ tục mang mã " + code + " đang có hiệu lực. Hãy tìm theo tên thủ tục.",
                         "No procedure with the code " + code + " is valid. Search by name."},
                        {{"code", code}});
}

inline absl::Status PersonNotChosen() {
  return base::FailedPrecondition(
      "PERSON_NOT_CHOSEN", {"Hãy khai thông tin của bạn, hoặc chọn người trong hộ mà bạn nộp hồ sơ thay, rồi nộp lại.",
                            "Say who you are, or choose the person of your household, then file again."});
}

inline absl::Status UnitHasNoAgency(const std::string& unit) {
  return base::FailedPrecondition("UNIT_HAS_NO_AGENCY",
                                  {"Đơn vị " + unit + " không có cơ quan giải quyết thủ tục này. Hãy chọn xã khác.",
                                   "Unit " + unit + " has no agency for this procedure. Choose another commune."},
                                  {{"unit", unit}});
}

inline absl::Status UnitUnknown(const std::string& unit) {
  return base::InvalidField("unit",
                            {"Không có đơn vị hành chính mang mã " + unit + ". Hãy chọn xã, phường trong danh sách.",
                             "No unit has the code " + unit + ". Choose a commune from the list."});
}

inline base::FieldViolation AttachmentUnknown(size_t index) {
  return {"attachments[" + std::to_string(index) + "]",
          {"Tệp này không có, hoặc đã dùng cho hồ sơ khác. Hãy tải tệp lên lại.",
           "This file does not exist or belongs to another dossier. Upload it again."}};
}

inline absl::Status AttachmentsUnknown(std::vector<base::FieldViolation> violations) {
  base::ErrorDetail detail;
  detail.reason = "ATTACHMENT_UNKNOWN";
  detail.text = {"Có tệp đính kèm không dùng được. Hãy tải lại các tệp được nêu.",
                 "Some attachments cannot be used. Upload the named files again."};
  detail.violations = std::move(violations);
  return base::MakeError(absl::StatusCode::kInvalidArgument, detail);
}

inline absl::Status TooManyFiles() {
  return base::FailedPrecondition("TOO_MANY_FILES",
                                  {"Hồ sơ đã có đủ số tệp tối đa. Hãy gộp các giấy tờ vào ít tệp hơn.",
                                   "The dossier holds the most files it can. Join papers into fewer files."});
}

inline absl::Status TooManyUnusedFiles() {
  return base::FailedPrecondition(
      "TOO_MANY_UNUSED_FILES",
      {"Bạn có quá nhiều tệp đã tải lên mà chưa dùng. Hãy nộp hồ sơ, hoặc chờ 48 giờ để tệp cũ tự xóa.",
       "Too many uploads wait to be used. File a dossier, or wait 48 hours until old ones go."});
}

inline absl::Status UploadTooLarge() {
  return base::InvalidField("file",
                            {"Tệp lớn hơn 20 MiB. Hãy giảm dung lượng, hoặc tách thành nhiều tệp.",
                             "The file is larger than 20 MiB. Make it smaller or split it."},
                            "UPLOAD_TOO_LARGE");
}

inline absl::Status UploadIncomplete() {
  return base::InvalidField("file",
                            {"Tệp chưa được gửi trọn vẹn. Hãy gửi lại.", "The upload is incomplete. Send it again."},
                            "UPLOAD_INCOMPLETE");
}

inline absl::Status TooManyOpenUploads() {
  return base::FailedPrecondition("TOO_MANY_OPEN_UPLOADS",
                                  {"Bạn có quá nhiều tệp đang tải dở. Hãy tải nốt, hoặc chờ 48 giờ để chúng tự xóa.",
                                   "Too many uploads are not finished. Finish them, or wait 48 hours until they go."});
}

inline absl::Status UploadOffsetWrong(int64_t offset) {
  const std::string there = std::to_string(offset);
  return base::FailedPrecondition("UPLOAD_OFFSET_WRONG",
                                  {"Máy chủ đã có " + there + " byte của tệp này. Hãy gửi tiếp từ vị trí đó.",
                                   "The server has " + there + " bytes of this file. Go on from there."},
                                  {{"offset", there}});
}

inline absl::Status UploadLongerThanSaid(int64_t size_bytes) {
  const std::string size = std::to_string(size_bytes);
  return base::Error(absl::StatusCode::kInvalidArgument, "UPLOAD_LONGER_THAN_SAID",
                     {"Tệp dài hơn " + size + " byte đã báo. Hãy bắt đầu lại với đúng kích thước.",
                      "The file is longer than the " + size + " bytes said. Begin again with its real size."},
                     {{"size_bytes", size}});
}

inline absl::Status UploadStillFinishing() {
  return base::Error(absl::StatusCode::kAborted, "UPLOAD_STILL_FINISHING",
                     {"Một lệnh khác đang hoàn tất tệp này. Hãy hỏi lại trạng thái của lần tải.",
                      "Another call is just finishing this file. Ask for the upload again."});
}

inline absl::Status TooManyParts() {
  return base::FailedPrecondition("TOO_MANY_PARTS",
                                  {"Tệp được gửi thành quá nhiều mảnh nhỏ. Hãy tải lại từ đầu khi mạng ổn định hơn.",
                                   "The file came in too many small pieces. Begin again over a steadier network."});
}

inline absl::Status UploadHashWrong() {
  return base::InvalidField("sha256",
                            {"Nội dung nhận được không khớp mã SHA-256 đã báo. Hãy tải lại từ đầu.",
                             "The content does not have the SHA-256 said. Begin again."},
                            "UPLOAD_HASH_WRONG");
}

inline absl::Status PaperNotYet() {
  return base::FailedPrecondition(
      "RECEIPT_NOT_YET", {"Giấy này chưa có: hồ sơ chưa đến bước đó. Hãy chờ cán bộ một cửa kiểm tra hồ sơ.",
                          "This paper does not exist yet: the dossier has not come that far. Wait for the desk."});
}

inline absl::Status TrackingNotFound() {
  return base::NotFound("TRACKING_NOT_FOUND",
                        {"Mã tra cứu không đúng. Hãy quét lại mã QR trên giấy tiếp nhận.",
                         "The tracking code is not known. Scan the QR code of the receipt again."});
}

inline absl::Status FilerUnknown() {
  return base::InvalidField("filer", {"Không tìm thấy người nộp hồ sơ. Hãy đăng ký người đó tại quầy trước.",
                                      "The person is not known. Register the person at the desk first."});
}

}  // namespace dinh::procedures
