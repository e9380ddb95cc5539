// The service and the login behind the gateway's tests over real sockets.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dinh/testing/v1/edge.pb.h"
#include "gtest/gtest.h"
#include "libs/app/service_module.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::gateway {

namespace tpb = dinh::testing::v1;
namespace options = dinh::options::v1;

inline constexpr std::string_view kEdgeService = "dinh.testing.v1.EdgeService.";

class EdgeHandlers {
 public:
  absl::StatusOr<tpb::Book> GetBook(rpc::Context& ctx, const tpb::GetBookRequest& request) {
    if (request.code() == "absent") return base::NotFound("BOOK_NOT_FOUND", {"Không có sách này.", "No such book."});
    tpb::Book book;
    book.set_code(request.code());
    book.set_title(ctx.language == "en" ? "Book" : "Sách");
    book.set_price_vnd(9'007'199'254'740'993);
    book.set_etag("r7");
    if (request.has_shelf()) *book.mutable_shelf() = request.shelf();
    return book;
  }
  absl::StatusOr<tpb::ListBooksResponse> ListBooks(rpc::Context&, const tpb::ListBooksRequest& request) {
    tpb::ListBooksResponse response;
    *response.mutable_asked() = request;
    return response;
  }
  absl::StatusOr<tpb::Book> CreateBook(rpc::Context&, const tpb::CreateBookRequest& request) { return request.book(); }
  absl::StatusOr<tpb::Book> LendBook(rpc::Context&, const tpb::LendBookRequest& request) {
    if (!request.etag().empty() && request.etag() != "r7") return base::StaleEtag();
    tpb::Book book;
    book.set_code(request.code());
    book.set_title(request.reader());
    return book;
  }
  absl::StatusOr<options::RawBody> GetCover(rpc::Context&, const tpb::GetBookRequest& request) {
    options::RawBody raw;
    raw.set_content_type(request.code() == "bad" ? "text/html\r\nX-Evil: 1" : "image/svg+xml");
    raw.set_data("<svg/>");
    raw.set_cache_seconds(300);
    if (request.code() == "named") raw.set_file_name("bìa sách.svg");
    return raw;
  }
  absl::StatusOr<tpb::Book> GetFile(rpc::Context&, const tpb::GetFileRequest& request) {
    tpb::Book book;
    book.set_title(request.path());
    return book;
  }
  absl::StatusOr<tpb::Book> Notify(rpc::Context&, const options::SignedRequest& request) {
    tpb::Book book;
    book.set_title(request.body());
    for (const auto& [name, value] : request.headers()) book.add_tags(name + "=" + value);
    std::sort(book.mutable_tags()->begin(), book.mutable_tags()->end());
    return book;
  }
  absl::StatusOr<tpb::UploadedFile> Upload(rpc::Context&, rpc::MessageReader& reader) {
    tpb::UploadedFile file;
    std::string bytes;
    options::UploadChunk chunk;
    for (;;) {
      absl::StatusOr<bool> more = reader.Read(&chunk);
      if (!more.ok()) {
        Broke(more.status());
        return more.status();
      }
      if (!*more) break;
      if (chunk.has_head()) {
        file.set_file_name(chunk.head().file_name());
        file.set_content_type(chunk.head().content_type());
        *file.mutable_fields() = chunk.head().fields();
      }
      EXPECT_LE(chunk.data().size(), 256u * 1024);
      bytes += chunk.data();
    }
    file.set_bytes(static_cast<int64_t>(bytes.size()));
    file.set_sha256(base::HexEncode(base::Sha256(bytes)));
    return file;
  }
  // Tells what has arrived, also when the rest does not.
  absl::StatusOr<tpb::AppendResponse> Append(rpc::Context&, rpc::MessageReader& reader) {
    tpb::AppendResponse answer;
    std::string bytes;
    tpb::AppendRequest piece;
    for (bool first = true;; first = false) {
      absl::StatusOr<bool> more = reader.Read(&piece);
      if (!more.ok()) {
        if (!first) Broke(absl::CancelledError(std::to_string(bytes.size())));
        return more.status();
      }
      if (!*more) break;
      if (first) answer.set_id(piece.id());
      if (first) answer.set_offset(piece.offset());
      bytes += piece.data();
    }
    answer.set_offset(answer.offset() + static_cast<int64_t>(bytes.size()));
    answer.set_size_bytes(1'000'000);
    answer.set_sha256(base::HexEncode(base::Sha256(bytes)));
    return answer;
  }
  absl::Status WatchBook(std::shared_ptr<rpc::Context>, const tpb::WatchBookRequest& request,
                         std::shared_ptr<rpc::StreamSink> sink) {
    if (request.code() == "secret") return base::PermissionDenied();
    sink->OnClosed([this] {
      std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    });
    for (int64_t i = request.after_sequence() + 1; i <= 3; ++i) {
      tpb::BookEvent event;
      event.set_sequence(i);
      event.set_text("dòng một\ndòng hai");
      sink->Write(event);
    }
    if (request.code() == "ends") sink->Finish(absl::OkStatus());
    if (request.code() == "fails") sink->Finish(base::StaleEtag());
    std::lock_guard lock(mutex_);
    sinks_.push_back(std::move(sink));
    return absl::OkStatus();
  }
  absl::StatusOr<tpb::Book> Fail(rpc::Context&, const tpb::FailRequest& request) {
    const auto code = static_cast<absl::StatusCode>(request.code());
    if (code == absl::StatusCode::kInternal) return base::Internal("SELECT secret FROM /etc/passwd");
    return base::MakeError(code, {.reason = request.reason(),
                                  .text = {"Lỗi <thử>.", "Test error."},
                                  .metadata = {{"limit", "5"}},
                                  .retry_after_ms = request.retry_after_ms()});
  }

  bool WaitClosed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return closed_ > 0; });
  }
  absl::Status WaitBroken() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return !broken_.ok(); });
    return broken_;
  }
  void DropSinks() {
    std::lock_guard lock(mutex_);
    sinks_.clear();
  }

 private:
  void Broke(const absl::Status& status) {
    std::lock_guard lock(mutex_);
    broken_ = status;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int closed_ = 0;
  absl::Status broken_;
  std::vector<std::shared_ptr<rpc::StreamSink>> sinks_;
};

class EdgeModule final : public app::ServiceModule {
 public:
  explicit EdgeModule(EdgeHandlers& handlers) : handlers_(handlers) {}
  std::string_view name() const override { return "edge"; }
  absl::Status Init(app::Platform&) override { return absl::OkStatus(); }
  void RegisterMethods(rpc::MethodTable& table) override {
    const auto name = [](std::string_view method) { return std::string(kEdgeService) + std::string(method); };
    table.Unary(name("GetBook"), &handlers_, &EdgeHandlers::GetBook);
    table.Unary(name("ListBooks"), &handlers_, &EdgeHandlers::ListBooks);
    table.Unary(name("CreateBook"), &handlers_, &EdgeHandlers::CreateBook);
    table.Unary(name("LendBook"), &handlers_, &EdgeHandlers::LendBook);
    table.Unary(name("GetCover"), &handlers_, &EdgeHandlers::GetCover);
    table.Unary(name("GetFile"), &handlers_, &EdgeHandlers::GetFile);
    table.Unary(name("Notify"), &handlers_, &EdgeHandlers::Notify);
    table.Unary(name("Fail"), &handlers_, &EdgeHandlers::Fail);
    table.ClientStream(name("Upload"), &handlers_, options::UploadChunk::default_instance(), &EdgeHandlers::Upload);
    table.ClientStream(name("Append"), &handlers_, tpb::AppendRequest::default_instance(), &EdgeHandlers::Append);
    table.ServerStream(name("WatchBook"), &handlers_, tpb::BookEvent::default_instance(), &EdgeHandlers::WatchBook);
  }

 private:
  EdgeHandlers& handlers_;
};

// "citizen" is a good token.
class TestAuthenticator final : public rpc::Authenticator {
 public:
  absl::StatusOr<auth::Principal> Authenticate(const rpc::Credentials& credentials) override {
    if (credentials.kind != rpc::Credentials::Kind::kBearer || credentials.value != "citizen") {
      return base::Unauthenticated("TOKEN_INVALID", {"Hãy đăng nhập lại.", "Log in again."});
    }
    auth::Principal principal;
    principal.kind = auth::CallerKind::kCitizen;
    principal.id = "account-1";
    return principal;
  }
};

}  // namespace dinh::gateway
