// The service's errors, by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "libs/base/status.h"

namespace dinh::identity {

// One answer for wrong, used, expired and unknown.
inline absl::Status OwnGrants() {
  return base::FailedPrecondition("OWN_GRANTS", {"Không ai tự cấp quyền cho mình. Hãy nhờ một quản trị viên khác.",
                                                 "Nobody grants themselves a role. Ask another administrator."});
}

inline absl::Status OtpInvalid() {
  return base::Unauthenticated("OTP_INVALID",
                               {"Mã không đúng hoặc đã hết hạn. Hãy kiểm tra lại tin nhắn, hoặc yêu cầu mã mới.",
                                "The code is wrong or no longer valid. Check the message or ask for a new code."});
}

inline absl::Status OtpRateLimited(int64_t retry_after_ms) {
  return base::ResourceExhausted("OTP_RATE_LIMITED",
                                 {"Đã gửi quá nhiều mã trong thời gian ngắn. Hãy chờ một lát rồi yêu cầu lại.",
                                  "Too many codes were sent in a short time. Wait, then ask again."},
                                 retry_after_ms);
}

inline absl::Status SmsNotConfigured() {
  return base::Unavailable("SMS_NOT_CONFIGURED",
                           {"Hệ thống chưa được nối với dịch vụ tin nhắn. Hãy liên hệ quản trị viên.",
                            "No SMS sender is configured (identity.sms_outbox). Tell the administrator."});
}

inline absl::Status PhoneInvalid(std::string_view field) {
  return base::InvalidField(field,
                            {"Đây không phải số di động đang dùng ở Việt Nam. Hãy nhập lại, ví dụ 0912345678.",
                             "This is no Vietnamese mobile number in use. Enter it again, for example 0912345678."});
}

// One answer for unknown, wrong and locked.
inline absl::Status LoginFailed() {
  return base::Unauthenticated(
      "LOGIN_FAILED", {"Tên đăng nhập hoặc mật khẩu không đúng. Hãy thử lại, hoặc nhờ quản trị viên của cơ quan.",
                       "The user name or the password is wrong. Try again, or ask the administrator of your agency."});
}

inline absl::Status LoginRateLimited(int64_t retry_after_ms) {
  return base::ResourceExhausted(
      "LOGIN_RATE_LIMITED",
      {"Đã nhập sai quá nhiều lần. Hãy chờ một lát rồi thử lại.", "Too many wrong passwords. Wait, then try again."},
      retry_after_ms);
}

inline absl::Status RefreshTokenInvalid() {
  return base::Unauthenticated("REFRESH_TOKEN_INVALID", {"Mã làm mới phiên không đúng. Hãy đăng nhập lại.",
                                                         "The refresh token is not valid. Log in again."});
}

inline absl::Status LoginRevoked() {
  return base::Unauthenticated(
      "LOGIN_REVOKED", {"Phiên đăng nhập này đã kết thúc. Hãy đăng nhập lại.", "This login has ended. Log in again."});
}

inline absl::Status PasswordTooWeak(std::string_view field, base::Text text) {
  return base::InvalidField(field, std::move(text), "PASSWORD_TOO_WEAK");
}

inline absl::Status PasswordUnchanged() {
  return PasswordTooWeak("new_password", {"Mật khẩu mới trùng mật khẩu cũ. Hãy chọn mật khẩu khác.",
                                          "The new password is the old one. Choose another."});
}

inline absl::Status TooManyPersons(int64_t max) {
  const std::string n = std::to_string(max);
  return base::FailedPrecondition(
      "TOO_MANY_PERSONS",
      {"Một số điện thoại dùng được cho tối đa " + n + " người. Hãy dùng số khác cho người này.",
       "One phone can serve at most " + n + " persons. Use another phone for this person."},
      {{"max", n}});
}

inline absl::Status PersonExists() {
  return base::FailedPrecondition(
      "PERSON_EXISTS", {"Người mang số định danh này đã có trong danh sách. Hãy chọn người đó thay vì thêm mới.",
                        "A person with this personal number is registered already. Choose that person instead."});
}

inline absl::Status PersonVerified() {
  return base::FailedPrecondition("PERSON_VERIFIED",
                                  {"Họ tên, số định danh và ngày sinh đã được cán bộ đối chiếu giấy tờ nên không sửa ở "
                                   "đây được. Hãy mang giấy tờ đến bộ phận một cửa.",
                                   "Name, personal number and birth date were checked against papers and cannot be "
                                   "changed here. Bring your papers to the desk."});
}

inline absl::Status PersonalNumberTaken() {
  return base::FailedPrecondition(
      "PERSONAL_NUMBER_TAKEN",
      {"Số định danh này đã được xác nhận cho một hồ sơ người khác. Hãy kiểm tra lại giấy tờ.",
       "This personal number has been verified for another person's record. Check the papers again."});
}

inline absl::Status PersonalNumberMismatch() {
  return base::FailedPrecondition(
      "PERSONAL_NUMBER_MISMATCH",
      {"Số trên giấy tờ khác số người này đã khai. Hãy đề nghị họ sửa lời khai rồi xác nhận lại.",
       "The number on the paper differs from what the person said. Ask them to correct it, then verify again."});
}

inline absl::Status PersonNotFound(const std::string& id) {
  return base::NotFound(
      "PERSON_NOT_FOUND",
      {"Không có người mang mã " + id + ". Hãy kiểm tra lại mã.", "There is no person " + id + ". Check the id."},
      {{"id", id}});
}

inline absl::Status PersonNotChosen() {
  return base::FailedPrecondition("PERSON_NOT_CHOSEN",
                                  {"Hãy khai thông tin của bạn, hoặc chọn người mà bạn làm thay, rồi thực hiện lại.",
                                   "Say who you are, or choose the person you act for, then repeat the call."});
}

inline absl::Status TaxCodeInvalid() {
  return base::InvalidField("organisation.tax_code",
                            {"Mã số thuế sai chữ số kiểm tra. Hãy nhập lại như trên giấy chứng nhận đăng ký.",
                             "The tax code's check digit is wrong. Enter it as on the registration certificate."},
                            "TAX_CODE_INVALID");
}

inline absl::Status OrganisationExists() {
  return base::FailedPrecondition(
      "ORGANISATION_EXISTS", {"Bạn đã đăng ký tổ chức có mã số thuế này. Hãy chọn trong danh sách tổ chức của bạn.",
                              "You have registered an organisation with this tax code. Choose it from your list."});
}

inline absl::Status TooManyOrganisations(int64_t max) {
  const std::string n = std::to_string(max);
  return base::FailedPrecondition(
      "TOO_MANY_ORGANISATIONS",
      {"Một người đại diện cho tối đa " + n + " tổ chức. Hãy nhờ người đại diện khác đăng ký.",
       "One person can represent at most " + n + " organisations. Ask another representative."},
      {{"max", n}});
}

inline absl::Status UsernameTaken() {
  return base::FailedPrecondition("USERNAME_TAKEN", {"Tên đăng nhập này đã có người dùng. Hãy chọn tên khác.",
                                                     "This user name is taken. Choose another."});
}

inline absl::Status LastAdmin() {
  return base::FailedPrecondition(
      "LAST_ADMIN", {"Đây là quản trị viên duy nhất của cơ quan. Hãy giao vai trò quản trị cho người khác trước.",
                     "This is the only administrator of the agency. Make somebody else administrator first."});
}

}  // namespace dinh::identity
