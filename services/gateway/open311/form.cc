#include "services/gateway/open311/form.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/message.h"
#include "libs/http/multipart.h"
#include "libs/http/url.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::open311 {
namespace {

constexpr std::string_view kAttribute = "attribute[";
constexpr std::string_view kList = "][]";

// The code of "attribute[code]"; empty when there is none.
std::string_view AttributeCode(std::string_view name) {
  std::string_view code = name.substr(kAttribute.size());
  if (code.empty() || code.back() != ']') return {};
  code.remove_suffix(1);
  return code.find_first_of("[]") == std::string_view::npos ? code : std::string_view();
}

}  // namespace

// The fields of a multipart body.
class Form::MultipartFields final : public http::MultipartParser::Listener {
 public:
  explicit MultipartFields(Form& form) : form_(form) {}

  absl::Status OnPartBegin(const http::MultipartPart& part) override {
    if (part.filename.has_value()) {
      return base::InvalidField(
          part.name, {"địa chỉ này không nhận tệp; hãy gửi media_url.", "files are not taken here; send media_url."},
          "UNEXPECTED_PART");
    }
    name_ = part.name;
    value_.clear();
    return absl::OkStatus();
  }
  absl::Status OnPartData(std::string_view bytes) override {
    value_.append(bytes);  // the whole body is bounded
    return absl::OkStatus();
  }
  absl::Status OnPartEnd() override { return form_.Add(std::move(name_), value_); }

 private:
  Form& form_;
  std::string name_, value_;
};

bool IsFormType(std::string_view content_type) {
  const std::string_view type = base::Trim(content_type.substr(0, content_type.find(';')));
  return http::EqualsIgnoreCase(type, "application/x-www-form-urlencoded") ||
         http::MultipartBoundary(content_type).ok();
}

absl::Status Form::AddEncoded(std::string_view text) {
  absl::StatusOr<http::Parameters> parameters = http::ParseQuery(text);
  if (!parameters.ok()) {
    return base::InvalidField("form",
                              {"một trường không có tên, mã hóa phần trăm sai, hoặc có quá nhiều trường.",
                               "a field has no name or a wrong percent-encoding, or there are too many fields."},
                              "BAD_FORM");
  }
  for (auto& [name, value] : *parameters) RETURN_IF_ERROR(Add(std::move(name), value));
  return absl::OkStatus();
}

absl::Status Form::AddBody(std::string_view content_type, std::string_view body) {
  const absl::StatusOr<std::string> boundary = http::MultipartBoundary(content_type);
  if (!boundary.ok()) return AddEncoded(body);
  MultipartFields fields(*this);
  const http::MultipartLimits limits = {.parts_max = kFormFieldsMax, .name_bytes_max = kFieldNameBytesMax};
  http::MultipartParser parser(*boundary, limits, fields);
  RETURN_IF_ERROR(parser.Feed(body));
  return parser.Finish();
}

absl::Status Form::Add(std::string name, std::string_view value) {
  if (++count_ > kFormFieldsMax) {
    const std::string max = std::to_string(kFormFieldsMax);
    return base::InvalidField(
        "form", {"có quá nhiều trường; hãy gửi tối đa " + max + ".", "too many fields; send at most " + max + "."},
        "TOO_MANY_FIELDS");
  }
  if (name.size() > kFieldNameBytesMax || !transcode::IsUtf8(name)) {
    return base::InvalidField(
        "form", {"tên một trường quá dài hoặc không phải UTF-8.", "the name of a field is too long or not UTF-8."},
        "BAD_FORM");
  }
  if (!transcode::IsUtf8(value) || value.find('\0') != std::string_view::npos) {
    return base::InvalidField(name,
                              {"giá trị không phải văn bản UTF-8; hãy gửi lại bằng UTF-8.",
                               "the value is not UTF-8 text; send it again as UTF-8."},
                              "BAD_VALUE");
  }
  const bool attribute = name.starts_with(kAttribute);
  const bool list = attribute && name.ends_with(kList);
  if (list) name.resize(name.size() - kList.size() + 1);
  if (attribute && AttributeCode(name).empty()) {
    return base::InvalidField(
        name,
        {"cần dạng attribute[mã] hoặc attribute[mã][].", "it must look like attribute[code] or attribute[code][]."},
        "BAD_FORM");
  }
  const auto [at, fresh] = fields_.try_emplace(std::move(name));
  if (!fresh && !(list && at->second.list)) {
    return base::InvalidField(at->first, {"trường này có hai lần.", "this field stands twice."}, "DUPLICATE_FIELD");
  }
  at->second.list = list;
  if (!at->second.value.empty() && !value.empty()) at->second.value.push_back(',');
  at->second.value += value;
  return absl::OkStatus();
}

std::string_view Form::Get(std::string_view name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string_view() : std::string_view(found->second.value);
}

std::map<std::string, std::string> Form::Attributes() const {
  std::map<std::string, std::string> attributes;
  for (auto at = fields_.lower_bound(kAttribute); at != fields_.end() && at->first.starts_with(kAttribute); ++at) {
    if (!at->second.value.empty()) attributes.emplace(AttributeCode(at->first), at->second.value);
  }
  return attributes;
}

}  // namespace dinh::gateway::open311
