#include "libs/db/errors.h"

#include <string>

#include "libs/base/status.h"

namespace dinh::db {

absl::Status StorageUnavailable() {
  return base::Unavailable("STORAGE_UNAVAILABLE",
                           {"Kho dữ liệu tạm thời không dùng được. Hãy thử lại sau ít phút với cùng mã yêu cầu.",
                            "The data store cannot be used just now. Try again in a few minutes with the same request "
                            "id."},
                           kStorageRetryMs);
}

absl::Status StorageFull() {
  return base::Unavailable(
      "STORAGE_FULL", {"Hết chỗ trên đĩa. Hãy dọn bớt rồi thử lại.", "The disk is full. Make room, then try again."},
      kStorageRetryMs);
}

absl::Status StorageBusy() {
  return base::Unavailable("STORAGE_BUSY",
                           {"Kho dữ liệu đang bận. Hãy thử lại sau giây lát với cùng mã yêu cầu.",
                            "The data store is busy. Try again in a moment with the same request id."},
                           kBusyRetryMs);
}

absl::Status StorageClosed() {
  return base::Unavailable("STORAGE_CLOSED",
                           {"Dịch vụ đang dừng. Hãy thử lại sau giây lát với cùng mã yêu cầu.",
                            "The service is shutting down. Try again in a moment with the same request id."},
                           kBusyRetryMs);
}

absl::Status WriteQueueFull() {
  return base::ResourceExhausted("WRITE_QUEUE_FULL",
                                 {"Hệ thống đang nhận quá nhiều yêu cầu ghi. Hãy thử lại sau giây lát.",
                                  "Too many changes are waiting to be written. Try again in a moment."},
                                 kQueueFullRetryMs);
}

absl::Status StorageQueueFull() {
  return base::ResourceExhausted("STORAGE_QUEUE_FULL",
                                 {"Hệ thống đang phục vụ quá nhiều yêu cầu. Hãy thử lại sau giây lát.",
                                  "Too many requests are waiting for the data store. Try again in a moment."},
                                 kQueueFullRetryMs);
}

absl::Status CommitOutcomeUnknown() {
  return base::MakeError(
      absl::StatusCode::kUnknown,
      {.reason = "COMMIT_OUTCOME_UNKNOWN",
       .text = {"Chưa rõ thay đổi đã được lưu hay chưa. Hãy gửi lại với cùng mã yêu cầu, hoặc tải lại để xem trước khi "
                "làm lại.",
                "It is not known whether the change was stored. Send it again with the same request id, or reload and "
                "look before you repeat it."},
       .retry_after_ms = kStorageRetryMs});
}

absl::Status DatabaseDsnInvalid() {
  return base::FailedPrecondition(
      "DATABASE_DSN_INVALID",
      {"Địa chỉ kho dữ liệu (db.dsn) không hợp lệ. Hãy viết như “host=… dbname=… user=… password=…” hoặc "
       "“postgresql://…”.",
       "The address of the data store (db.dsn) is not valid. Write it like 'host=… dbname=… user=… password=…' or "
       "'postgresql://…'."});
}

absl::Status DatabaseLoginRefused() {
  return base::FailedPrecondition(
      "DATABASE_LOGIN_REFUSED",
      {"PostgreSQL từ chối đăng nhập. Hãy kiểm tra tên và mật khẩu trong db.dsn, và pg_hba.conf của máy chủ.",
       "PostgreSQL refuses the login. Check user and password in db.dsn, and the server's pg_hba.conf."});
}

absl::Status DatabaseAbsent() {
  return base::FailedPrecondition(
      "DATABASE_ABSENT", {"Cơ sở dữ liệu ghi trong db.dsn không có trên máy chủ. Hãy tạo nó trước, hoặc sửa dbname.",
                          "The database named in db.dsn is not on the server. Create it first, or correct dbname."});
}

absl::Status DatabaseRightMissing() {
  return base::FailedPrecondition(
      "DATABASE_RIGHT_MISSING",
      {"Tài khoản cơ sở dữ liệu không có quyền này. Hãy dùng tài khoản chủ, hoặc cấp lại quyền cho schema của dịch vụ.",
       "The database role lacks a right for this. Use the owner's role, or provision the service's schema again."});
}

absl::Status SchemaAbsent(std::string_view schema) {
  const std::string name(schema);
  return base::FailedPrecondition(
      "SCHEMA_ABSENT",
      {"Không có schema “" + name + "” và tài khoản này không được tạo. Hãy tạo schema và quyền cho dịch vụ trước.",
       "There is no schema '" + name +
           "' and this role may not make it. Provision the service's schema and role "
           "first."},
      {{"schema", name}});
}

absl::Status SchemaBehind(std::string_view schema) {
  const std::string name(schema);
  return base::FailedPrecondition(
      "SCHEMA_BEHIND",
      {"Schema “" + name + "” cũ hơn chương trình này. Hãy chạy lệnh migrate của dịch vụ trước.",
       "The schema '" + name + "' is older than this binary needs. Run the service's migrate command first."},
      {{"schema", name}});
}

absl::Status CopyUnfinished(std::string_view schema) {
  const std::string name(schema);
  return base::FailedPrecondition(
      "COPY_UNFINISHED",
      {"Schema “" + name + "” đang được sao chép dở. Hãy chạy lại đúng lệnh “dinh db copy” cho đến khi xong.",
       "A copy into schema '" + name + "' is not finished. Run the same 'dinh db copy' again until it is."},
      {{"schema", name}});
}

absl::Status UniqueViolation() {
  return base::Error(
      absl::StatusCode::kAlreadyExists, "UNIQUE_VIOLATION",
      {"Nội dung này đã có. Hãy tải lại để xem bản đã lưu.", "This exists already. Reload to see what is stored."});
}

absl::Status ReferenceViolation() {
  return base::FailedPrecondition("REFERENCE_VIOLATION",
                                  {"Nội dung được dẫn chiếu không còn. Hãy tải lại rồi thử lại.",
                                   "Something this refers to is not there any more. Reload and try again."});
}

absl::Status RequestInFlight() {
  return base::MakeError(absl::StatusCode::kAborted,
                         {.reason = "REQUEST_IN_FLIGHT",
                          .text = {"Yêu cầu này đang được xử lý. Hãy đợi giây lát rồi gửi lại với cùng mã yêu cầu.",
                                   "This request is being processed. Wait a moment and send it again with the same "
                                   "request id."},
                          .retry_after_ms = kInFlightRetryMs});
}

absl::Status IdempotencyKeyReused() {
  return base::Error(absl::StatusCode::kInvalidArgument, "IDEMPOTENCY_KEY_REUSED",
                     {"Mã yêu cầu này đã được dùng cho một nội dung khác. Hãy dùng mã mới cho yêu cầu mới.",
                      "This request id was already used with another body. Use a new id for a new request."});
}

absl::Status RequestAlreadyDone() {
  return base::FailedPrecondition(
      "REQUEST_ALREADY_DONE",
      {"Yêu cầu với mã này đã được thực hiện và câu trả lời không được lưu lại. Hãy gửi yêu cầu mới với mã mới.",
       "The request with this id was already carried out and its answer was not kept. Send a new request with a new "
       "id."});
}

absl::Status MigrationChanged(std::string_view component, int version) {
  const std::string name(component), number = std::to_string(version);
  return base::FailedPrecondition("MIGRATION_CHANGED",
                                  {"Bước nâng cấp dữ liệu " + number + " của “" + name +
                                       "” đã chạy với nội dung khác. Hãy dùng đúng bản phần mềm "
                                       "đã tạo dữ liệu, hoặc thêm một bước mới thay vì sửa bước cũ.",
                                   "Migration " + number + " of '" + name +
                                       "' has run with another text. Use the release that made the data, or "
                                       "add a new migration instead of changing an old one."},
                                  {{"component", name}, {"version", number}});
}

absl::Status MigrationMissing(std::string_view component, int version, int applied) {
  const std::string name(component), number = std::to_string(version), newest = std::to_string(applied);
  return base::FailedPrecondition(
      "MIGRATION_MISSING",
      {"Bước nâng cấp dữ liệu " + number + " của “" + name + "” chưa chạy dù bước " + newest +
           " đã chạy. Hãy đánh số "
           "bước mới lớn hơn mọi bước cũ.",
       "Migration " + number + " of '" + name + "' has not run although " + newest +
           " has. Number a new migration "
           "above all old ones."},
      {{"component", name}, {"version", number}, {"applied", newest}});
}

absl::Status SchemaTooNew(std::string_view component, int compatible_from, int newest_known) {
  const std::string name(component), needed = std::to_string(compatible_from), known = std::to_string(newest_known);
  return base::FailedPrecondition(
      "SCHEMA_TOO_NEW",
      {"Dữ liệu của “" + name + "” cần phần mềm từ phiên bản dữ liệu " + needed + ", bản này chỉ biết đến " + known +
           ". Hãy chạy bản phần mềm mới hơn, hoặc khôi phục bản sao lưu trước khi nâng cấp.",
       "The data of '" + name + "' needs software of schema version " + needed + " or later, this one knows " + known +
           ". Run a newer release, or restore the copy made before the upgrade."},
      {{"component", name}, {"compatible_from", needed}, {"newest_known", known}});
}

}  // namespace dinh::db
