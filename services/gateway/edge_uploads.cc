// Uploads as client streams: read while they arrive, never whole in memory. Either multipart/form-data, form fields
// before the file and one file a request; or a raw body that begins at the offset its header says.
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "dinh/options/v1/common.pb.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/http/multipart.h"
#include "services/gateway/binding.h"
#include "services/gateway/edge.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway {
namespace {

namespace options = dinh::options::v1;

constexpr size_t kFieldBytesMax = 4 * base::kKiB;  // of one form field's value

class UploadReader final : public rpc::MessageReader, private http::MultipartParser::Listener {
 public:
  UploadReader(http::BodyReader& body, std::string_view boundary)
      : body_(body), parser_(boundary, http::MultipartLimits{}, *this) {}

  absl::StatusOr<bool> Read(google::protobuf::Message* out) override {
    auto* chunk = static_cast<options::UploadChunk*>(out);
    chunk->Clear();
    while (!head_ready_ && data_.empty()) {
      if (ended_) return false;
      RETURN_IF_ERROR(Fill());
    }
    if (head_ready_) {
      *chunk->mutable_head() = std::move(head_);
      head_ready_ = false;
      return true;
    }
    chunk->set_data(std::exchange(data_, {}));
    return true;
  }

 private:
  // Once more from the socket; at the end of the body everything must have been there.
  absl::Status Fill() {
    ASSIGN_OR_RETURN(const size_t got, body_.Read(buffer_));
    if (got > 0) return parser_.Feed({buffer_.data(), got});
    RETURN_IF_ERROR(parser_.Finish());
    ended_ = true;
    if (file_ != File::kDone) {
      return base::InvalidField(
          "file", {"thiếu tệp; hãy gửi một phần có tên tệp.", "the file is missing; send one part with a file name."},
          "FILE_MISSING");
    }
    return absl::OkStatus();
  }

  absl::Status OnPartBegin(const http::MultipartPart& part) override {
    if (file_ != File::kNone) {
      return base::InvalidField(part.filename.has_value() ? "file" : "fields",
                                {"mỗi lần chỉ gửi một tệp, và các trường khác phải đứng trước tệp.",
                                 "one file a request, and other fields stand before it."},
                                "UNEXPECTED_PART");
    }
    if (part.filename.has_value()) {
      file_ = File::kOpen;
      head_.set_file_name(*part.filename);
      head_.set_content_type(part.content_type);
      head_ready_ = true;
      return absl::OkStatus();
    }
    const auto [at, fresh] = head_.mutable_fields()->insert({part.name, ""});
    if (!fresh || !transcode::IsUtf8(part.name)) {
      return base::InvalidField(
          "fields",
          {"một trường có hai lần hoặc tên không phải UTF-8.", "a field stands twice, or its name is not UTF-8."},
          "DUPLICATE_FIELD");
    }
    field_ = &at->second;
    return absl::OkStatus();
  }

  absl::Status OnPartData(std::string_view bytes) override {
    if (file_ != File::kOpen) {
      if (field_->size() + bytes.size() > kFieldBytesMax) {
        return base::InvalidField("fields", {"một trường dài quá 4 KiB.", "a field is longer than 4 KiB."}, "TOO_LONG");
      }
      field_->append(bytes);
      return absl::OkStatus();
    }
    file_bytes_ += bytes.size();
    if (file_bytes_ > base::kUploadBytesMax) {
      const std::string mib = std::to_string(base::kUploadBytesMax / base::kMiB);
      return base::Error(absl::StatusCode::kOutOfRange, "UPLOAD_TOO_LARGE",
                         {"Tệp lớn quá " + mib + " MiB. Hãy giảm dung lượng rồi gửi lại.",
                          "The file is larger than " + mib + " MiB. Make it smaller and send it again."},
                         {{"max_bytes", std::to_string(base::kUploadBytesMax)}});
    }
    data_.append(bytes);
    return absl::OkStatus();
  }

  absl::Status OnPartEnd() override {
    if (file_ == File::kOpen) {
      file_ = File::kDone;
      return absl::OkStatus();
    }
    if (transcode::IsUtf8(*field_)) return absl::OkStatus();
    return base::InvalidField("fields", {"một trường không phải UTF-8.", "a field is not UTF-8."}, "BAD_VALUE");
  }

  enum class File { kNone, kOpen, kDone };

  http::BodyReader& body_;
  http::MultipartParser parser_;
  std::array<char, base::kUploadChunkBytes> buffer_;
  options::UploadHead head_;
  bool head_ready_ = false;  // to be handed out next
  std::string data_;         // not handed out yet; at most one buffer's worth
  std::string* field_ = nullptr;
  File file_ = File::kNone;
  size_t file_bytes_ = 0;
  bool ended_ = false;
};

// Decimal, as a number of bytes.
absl::StatusOr<int64_t> UploadOffset(const http::HeaderList& headers) {
  const std::string_view text = headers.Get("upload-offset");
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool number = error == std::errc() && end == text.data() + text.size() && offset >= 0;
  if (number && headers.Count("upload-offset") == 1) return offset;
  return base::InvalidField("Upload-Offset",
                            {"cần tiêu đề này, một lần, là số byte đã gửi xong; HEAD cho biết số ấy.",
                             "this header is needed, once: the bytes that are there already; HEAD tells them."},
                            "BAD_VALUE");
}

// First what path and header say, then the body as it comes. What is wrong with them is told by Read, so that a
// stranger is told to log in first.
class OffsetReader final : public rpc::MessageReader {
 public:
  explicit OffsetReader(const EdgeCall& call) : call_(call), body_(call.exchange->body_reader()) {}

  absl::StatusOr<bool> Read(google::protobuf::Message* out) override {
    out->Clear();
    const Endpoint& endpoint = *call_.endpoint;
    if (!std::exchange(begun_, true)) {
      ASSIGN_OR_RETURN(const int64_t offset, UploadOffset(call_.http().headers));
      RETURN_IF_ERROR(BindUpload(*call_.route, call_.segments, call_.http(), out));
      out->GetReflection()->SetInt64(out, endpoint.stream_offset, offset);
      return true;
    }
    if (body_ == nullptr) return false;
    ASSIGN_OR_RETURN(const size_t got, body_->Read(buffer_));
    if (got == 0) return false;
    out->GetReflection()->SetString(out, endpoint.stream_data, std::string(buffer_.data(), got));
    return true;
  }

 private:
  const EdgeCall& call_;
  http::BodyReader* const body_;  // null: no body
  std::array<char, base::kUploadChunkBytes> buffer_;
  bool begun_ = false;
};

// What a stranger's upload is to a method that takes none: the refusal comes before anything is read.
class UnreadBody final : public rpc::MessageReader {
 public:
  absl::StatusOr<bool> Read(google::protobuf::Message*) override {
    return base::Unauthenticated("LOGIN_REQUIRED", {"Hãy đăng nhập rồi gửi lại.", "Log in, then send it again."});
  }
};

}  // namespace

void Edge::RunUpload(EdgeCall& call) const {
  const Endpoint& endpoint = *call.endpoint;
  if (LacksLogin(call)) return RunStream(call, std::make_unique<UnreadBody>());
  if (endpoint.stream_offset != nullptr) return RunStream(call, std::make_unique<OffsetReader>(call));
  const auto boundary = http::MultipartBoundary(call.http().headers.Get("content-type"));
  http::BodyReader* body = call.exchange->body_reader();
  if (!boundary.ok() || body == nullptr) {
    return AnswerProblem(call, base::InvalidField("body", {"cần multipart/form-data có nội dung.",
                                                           "multipart/form-data with content is needed."}));
  }
  RunStream(call, std::make_unique<UploadReader>(*body, *boundary));
}

// Readers are large: they live on the heap.
void Edge::RunStream(EdgeCall& call, const std::unique_ptr<rpc::MessageReader>& reader) const {
  const std::unique_ptr<Message> response(call.endpoint->entry().response_prototype->New());
  call.reached = true;
  const absl::Status status = parts_.pipeline.ClientStream(*call.endpoint->method, call.head, *reader, response.get());
  if (!status.ok()) return AnswerProblem(call, status);
  AnswerMessage(call, response.get());
}

}  // namespace dinh::gateway
