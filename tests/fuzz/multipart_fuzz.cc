// multipart/form-data: first line the Content-Type, then the body. At once and in pieces it must give the same parts;
// what was read and is written again must read the same.
#include <optional>
#include <vector>

#include "libs/http/multipart.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

constexpr http::MultipartLimits kLimits = {
    .parts_max = 4, .header_bytes_max = 256, .name_bytes_max = 32, .filename_bytes_max = 32, .epilogue_bytes_max = 64};

struct Part {
  http::MultipartPart head;
  std::string data;
  bool ended = false;
};

class Parts final : public http::MultipartParser::Listener {
 public:
  absl::Status OnPartBegin(const http::MultipartPart& part) override {
    FUZZ_CHECK(list.empty() || list.back().ended);
    FUZZ_CHECK(!part.name.empty() && part.name.size() <= kLimits.name_bytes_max);
    FUZZ_CHECK(part.filename.value_or("").find_first_of("/\\\r\n") == std::string::npos);
    list.push_back({part, "", false});
    return absl::OkStatus();
  }
  absl::Status OnPartData(std::string_view bytes) override {
    FUZZ_CHECK(!bytes.empty() && !list.empty() && !list.back().ended);
    list.back().data += bytes;
    return absl::OkStatus();
  }
  absl::Status OnPartEnd() override {
    FUZZ_CHECK(!list.empty() && !list.back().ended);
    list.back().ended = true;
    return absl::OkStatus();
  }

  std::vector<Part> list;
};

bool Parse(std::string_view boundary, std::string_view body, Pieces* pieces, Parts* parts) {
  http::MultipartParser parser(boundary, kLimits, *parts);
  while (!body.empty()) {
    const size_t size = pieces == nullptr ? body.size() : std::min(pieces->Next(), body.size());
    if (!parser.Feed(ExactCopy(body.substr(0, size)).view()).ok()) return false;
    body.remove_prefix(size);
  }
  return parser.Finish().ok();
}

void CheckSame(const std::vector<Part>& a, const std::vector<Part>& b) {
  FUZZ_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    FUZZ_CHECK(a[i].head.name == b[i].head.name, a[i].head.name + " | " + b[i].head.name);
    FUZZ_CHECK(a[i].head.filename == b[i].head.filename);
    FUZZ_CHECK(a[i].head.content_type == b[i].head.content_type);
    FUZZ_CHECK(a[i].data == b[i].data);
  }
}

// Browsers escape quotes and line ends only, so names with what reads as an escape do not come back as they were.
bool Writable(const Part& part) {
  const std::string names = part.head.name + part.head.filename.value_or("");
  return names.find_first_of("\\%") == std::string::npos;
}

void CheckWrittenAgain(const std::vector<Part>& parts) {
  constexpr std::string_view kBoundary = "again";
  http::MultipartWriter writer{std::string(kBoundary)};
  std::string body;
  for (const Part& part : parts) {
    if (!Writable(part) || part.data.find("\r\n--again") != std::string::npos) return;
    if (part.head.filename) {
      body += writer.FileHead(part.head.name, *part.head.filename, part.head.content_type) + part.data;
    } else if (part.head.content_type == "text/plain") {
      body += writer.Field(part.head.name, part.data);
    } else {
      return;
    }
  }
  body += writer.End();
  const auto boundary = http::MultipartBoundary(writer.ContentType());
  FUZZ_CHECK(boundary.ok() && *boundary == kBoundary);
  Parts again;
  FUZZ_CHECK(Parse(*boundary, body, nullptr, &again), body);
  CheckSame(parts, again.list);
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  Input input(View(data, size));
  const auto given = dinh::http::MultipartBoundary(input.Line());
  const std::string boundary = given.ok() ? *given : "b";
  Pieces pieces(View(data, size));
  Parts whole, cut;
  const bool ok = Parse(boundary, input.Rest(), nullptr, &whole);
  FUZZ_CHECK(Parse(boundary, input.Rest(), &pieces, &cut) == ok);
  if (!ok) return 0;
  CheckSame(whole.list, cut.list);
  CheckWrittenAgain(whole.list);
  return 0;
}
