// The service's errors, by name. Those of the states stand in domain/.
#pragma once

#include <string>

#include "libs/base/status.h"

namespace dinh::payments {

inline absl::Status ChargeNotFound() {
  return base::NotFound("CHARGE_NOT_FOUND", {"Không có khoản thu này. Hãy kiểm tra lại mã khoản thu.",
                                             "There is no such charge. Check its id."});
}

inline absl::Status ChargeExists() {
  return base::FailedPrecondition("CHARGE_EXISTS",
                                  {"Mã khoản thu này đã dùng cho nội dung khác. Hãy chọn mã mới.",
                                   "A charge with this id and other content exists. Choose a new id."});
}

inline absl::Status NoCollectingAccount(const std::string& agency) {
  return base::FailedPrecondition(
      "NO_COLLECTING_ACCOUNT",
      {"Cơ quan " + agency + " chưa có tài khoản thu tiền. Hãy khai báo trong cấu hình payments.accounts_file.",
       "Agency " + agency + " has no collecting account. Register one in payments.accounts_file."},
      {{"agency", agency}});
}

inline absl::Status NoFallbackAgency() {
  return base::FailedPrecondition("NO_COLLECTING_ACCOUNT",
                                  {"Chưa có tài khoản thu tiền nào được khai báo nên chưa nhận báo có. Hãy khai báo "
                                   "payments.accounts_file; ngân hàng "
                                   "gửi lại sau.",
                                   "No collecting account is registered, so credits cannot be booked. Set "
                                   "payments.accounts_file; send again later."});
}

inline absl::Status ChargeNotPayable(const std::string& state) {
  return base::FailedPrecondition("CHARGE_NOT_PAYABLE",
                                  {"Khoản thu này không còn chờ nộp tiền. Hãy tải lại để xem trạng thái.",
                                   "The charge is not waiting for payment. Read it again to see its state."},
                                  {{"state", state}});
}

inline absl::Status NotificationMalformed(const std::string& field) {
  return base::InvalidField(
      field,
      {"Thiếu hoặc sai giá trị. Hãy gửi JSON gồm transaction_id, bank_bin, account_number, amount_vnd (số nguyên "
       "đồng), "
       "memo, booked_at (giây Unix).",
       "Missing or wrong. Send JSON with transaction_id, bank_bin, account_number, amount_vnd (whole VND), memo, "
       "booked_at (Unix seconds)."},
      "NOTIFICATION_MALFORMED");
}

inline absl::Status NotificationConflict(const std::string& bank_transaction) {
  return base::FailedPrecondition(
      "NOTIFICATION_CONFLICT",
      {"Mã giao dịch " + bank_transaction + " đã được báo với nội dung khác. Hãy kiểm tra và dùng mã giao dịch riêng.",
       "Transaction " + bank_transaction + " was notified with other content. Check it and use an id of its own."},
      {{"bank_transaction", bank_transaction}});
}

inline absl::Status NotificationForeignBank(const std::string& bank_bin) {
  return base::Error(absl::StatusCode::kPermissionDenied, "NOTIFICATION_FOREIGN_BANK",
                     {"Khóa này không được báo có thay cho ngân hàng " + bank_bin + ". Hãy dùng khóa của ngân hàng đó.",
                      "This key may not notify credits of bank " + bank_bin + ". Use that bank's key."},
                     {{"bank_bin", bank_bin}});
}

inline absl::Status OneDecision() {
  return base::InvalidField("charge", {"Hãy chọn đúng một cách xử lý: gán vào khoản thu, hoàn tiền, hoặc đã hoàn tiền.",
                                       "Choose exactly one of charge, refund and refund_sent."});
}

inline absl::Status BadAccountsFile(const std::string& what_vi, const std::string& what_en) {
  return base::FailedPrecondition(
      "ACCOUNTS_FILE_INVALID",
      {"Tệp tài khoản thu tiền không dùng được: " + what_vi + ". Hãy sửa tệp rồi khởi động lại.",
       "The file of collecting accounts cannot be used: " + what_en + ". Correct it and start again."});
}

inline absl::Status AccountMoved(const std::string& account) {
  return BadAccountsFile("tài khoản " + account + " đang thuộc cơ quan khác; hãy mở tài khoản mới cho cơ quan này",
                         "account " + account + " belongs to another agency; open a new one for this agency");
}

}  // namespace dinh::payments
