#include "libs/http/multipart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "libs/base/random.h"
#include "libs/base/status.h"

namespace dinh::http {
namespace {

struct Seen {
  MultipartPart part;
  std::string data;
  bool ended = false;
};

class Collector final : public MultipartParser::Listener {
 public:
  absl::Status OnPartBegin(const MultipartPart& part) override {
    EXPECT_TRUE(parts.empty() || parts.back().ended);
    parts.push_back({part, "", false});
    return refuse_begin ? absl::PermissionDeniedError("no") : absl::OkStatus();
  }
  absl::Status OnPartData(std::string_view bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(parts.back().ended);
    parts.back().data += bytes;
    return absl::OkStatus();
  }
  absl::Status OnPartEnd() override {
    EXPECT_FALSE(parts.back().ended);
    parts.back().ended = true;
    return absl::OkStatus();
  }
  std::vector<Seen> parts;
  bool refuse_begin = false;
};

constexpr char kBoundary[] = "X-b0undary";

absl::Status ParseWhole(std::string_view body, Collector* out, const MultipartLimits& limits = {}) {
  MultipartParser parser(kBoundary, limits, *out);
  if (absl::Status status = parser.Feed(body); !status.ok()) {
    EXPECT_EQ(parser.Feed("x"), status);
    EXPECT_EQ(parser.Finish(), status);
    return status;
  }
  return parser.Finish();
}

// The reason of the refusal, or "OK".
std::string Outcome(std::string_view body, const MultipartLimits& limits = {}) {
  Collector seen;
  const absl::Status status = ParseWhole(body, &seen, limits);
  if (status.ok()) return "OK";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return base::DetailOf(status)->reason;
}

std::string Part(std::string_view header, std::string_view data) {
  return "--X-b0undary\r\n" + std::string(header) + "\r\n\r\n" + std::string(data) + "\r\n";
}

const char kField[] = "Content-Disposition: form-data; name=\"kind\"";
const char kFile[] =
    "Content-Disposition: form-data; name=\"file\"; filename=\"Đơn đề nghị.pdf\"\r\nContent-Type: application/pdf";

// Data that looks like boundaries, but is not.
const std::string kHardData =
    "\r\n--X-b0undar\r\r\n--X-b0undar\r\n--\r\n-\r\n\r\r\n--X-b0unda\r\n" + std::string("\0\xff", 2) + "\r";

TEST(MultipartBoundaryTest, ReadsContentType) {
  EXPECT_EQ(*MultipartBoundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*MultipartBoundary("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b:c=d\""), "a b:c=d");
  EXPECT_EQ(MultipartBoundary("multipart/form-data; boundary=" + std::string(70, 'a'))->size(), 70u);
  for (const std::string& bad :
       {std::string("multipart/form-data"), std::string("multipart/mixed; boundary=a"), std::string("application/json"),
        std::string("multipart/form-data; boundary="), std::string("multipart/form-data; boundary=\"\""),
        std::string("multipart/form-data; boundary=\"a"), std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=a{b"), std::string("multipart/form-data; boundary=a; boundary=b"),
        std::string("multipart/form-data; boundary=\"a\r\nb\""),
        "multipart/form-data; boundary=" + std::string(71, 'a')}) {
    EXPECT_EQ(MultipartBoundary(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(MultipartTest, ReadsFieldsAndFilesWithSplitsAtEveryByte) {
  const std::string body = Part(kField, "application") + Part(kFile, kHardData) +
                           Part("content-disposition:form-data;name=empty", "") + "--X-b0undary--\r\n";
  for (size_t split = 0; split <= body.size(); ++split) {
    for (size_t second : {split, std::min(split + 1, body.size()), std::min(split + 13, body.size())}) {
      Collector seen;
      MultipartParser parser(kBoundary, {}, seen);
      ASSERT_TRUE(parser.Feed(std::string_view(body).substr(0, split)).ok());
      ASSERT_TRUE(parser.Feed(std::string_view(body).substr(split, second - split)).ok());
      ASSERT_TRUE(parser.Feed(std::string_view(body).substr(second)).ok());
      ASSERT_TRUE(parser.Finish().ok());
      ASSERT_EQ(seen.parts.size(), 3u);
      EXPECT_EQ(seen.parts[0].part.name, "kind");
      EXPECT_FALSE(seen.parts[0].part.filename.has_value());
      EXPECT_EQ(seen.parts[0].part.content_type, "text/plain");
      EXPECT_EQ(seen.parts[0].data, "application");
      EXPECT_EQ(seen.parts[1].part.filename, "Đơn đề nghị.pdf");
      EXPECT_EQ(seen.parts[1].part.content_type, "application/pdf");
      EXPECT_EQ(seen.parts[1].data, kHardData) << split;
      EXPECT_EQ(seen.parts[2].part.name, "empty");
      EXPECT_EQ(seen.parts[2].data, "");
      EXPECT_TRUE(seen.parts[2].ended);
    }
  }
}

TEST(MultipartTest, HandsDataOnAsItComes) {
  Collector seen;
  MultipartParser parser(kBoundary, {}, seen);
  ASSERT_TRUE(parser.Feed("--X-b0undary\r\n" + std::string(kFile) + "\r\n\r\n").ok());
  size_t fed = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(1000, static_cast<char>(i % 2 == 0 ? '\r' : 'x'));
    ASSERT_TRUE(parser.Feed(piece).ok());
    fed += piece.size();
    EXPECT_GE(seen.parts[0].data.size() + 16, fed);
  }
}

TEST(MultipartTest, RefusesEveryTruncation) {
  const std::string body = Part(kField, "v") + Part(kFile, "data") + "--X-b0undary--";
  EXPECT_EQ(Outcome(body), "OK");
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(Outcome(std::string_view(body).substr(0, size)), "MALFORMED_MULTIPART") << size;
  }
}

TEST(MultipartTest, RefusesMalformedForms) {
  const std::string end = "--X-b0undary--\r\n";
  for (const std::string& bad : {
           end,                                                                 // no part
           "preamble\r\n" + Part(kField, "v") + end,                            // does not begin with the boundary
           "\r\n" + Part(kField, "v") + end,                                    //
           "--X-b0undary\n" + std::string(kField) + "\n\nv\n--X-b0undary--\n",  // bare LF
           "--X-b0undaryZ\r\n" + std::string(kField) + "\r\n\r\nv\r\n" + end,   // longer boundary
           "--X-b0undary \r" + std::string(kField),                             //
           "--X-b0undary\r\n\r\nv\r\n" + end,                                   // no header
           Part("Content-Type: text/plain", "v") + end,                         // no disposition
           Part("Content-Disposition: attachment; name=\"a\"", "v") + end,      //
           Part("Content-Disposition: form-data", "v") + end,                   //
           Part("Content-Disposition: form-data; name=\"\"", "v") + end,        //
           Part("Content-Disposition: form-data; name=\"a", "v") + end,         //
           Part("Content-Disposition: form-data; name=\"a\" x", "v") + end,     //
           Part("Content-Disposition: form-data; name=\"a\"; name=\"b\"", "v") + end,
           Part(std::string(kField) + "\r\n" + kField, "v") + end,
           Part(std::string(kField) + "\r\n folded", "v") + end,
           Part(std::string(kField) + "\r\nNoColon", "v") + end,
           Part("Content-Disposition: form-data; name=\"a%0D%0Ab\"", "v") + end,
           Part("Content-Disposition: form-data; name=\"a\xff\"", "v") + end,
           Part("Content-Disposition: form-data; name=\"f\"; filename=\"a\x01\"", "v") + end,
           Part(std::string(kField) + "\r\nContent-Transfer-Encoding: base64", "dg==") + end,
           Part(kField, "v") + "--X-b0undary-\r\n",
       }) {
    EXPECT_EQ(Outcome(bad), "MALFORMED_MULTIPART") << bad;
  }
}

TEST(MultipartTest, FileNamesAreReducedToTheirLastComponent) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"..\\..\\a.pdf", "a.pdf"}, {"/etc/passwd", "passwd"}, {"a%22b.pdf", "a\"b.pdf"},
      {"a\\\"b.pdf", "a\"b.pdf"}, {"C:\\x\\y.pdf", "y.pdf"}, {"", ""}};
  for (const auto& [sent, expected] : names) {
    Collector seen;
    ASSERT_TRUE(ParseWhole(Part("Content-Disposition: form-data; name=\"f\"; filename=\"" + sent + "\"", "v") +
                               "--X-b0undary--",
                           &seen)
                    .ok());
    EXPECT_EQ(seen.parts[0].part.filename, expected) << sent;
  }
}

TEST(MultipartTest, KeepsItsLimits) {
  const MultipartLimits limits{
      .parts_max = 2, .header_bytes_max = 200, .name_bytes_max = 8, .filename_bytes_max = 10, .epilogue_bytes_max = 8};
  const std::string end = "--X-b0undary--";
  EXPECT_EQ(Outcome(Part(kField, "v") + Part(kField, "v") + end, limits), "OK");
  EXPECT_EQ(Outcome(Part(kField, "v") + Part(kField, "v") + Part(kField, "v") + end, limits), "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome(Part(std::string(kField) + "\r\nX: " + std::string(200, 'x'), "v") + end, limits),
            "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome("--X-b0undary\r\n" + std::string(300, 'x'), limits), "MULTIPART_LIMIT");
  // A header of exactly the limit, cut within its end.
  const std::string header = std::string(kField) + "\r\nX: " + std::string(200 - sizeof(kField) - 4, 'x');
  ASSERT_EQ(header.size(), limits.header_bytes_max);
  const std::string exact = Part(header, "v") + end;
  Collector seen;
  MultipartParser pieces(kBoundary, limits, seen);
  for (const char c : exact) ASSERT_TRUE(pieces.Feed({&c, 1}).ok());
  EXPECT_TRUE(pieces.Finish().ok());
  EXPECT_EQ(Outcome(Part(header + "x", "v") + end, limits), "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome(Part("Content-Disposition: form-data; name=\"123456789\"", "v") + end, limits), "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome(Part("Content-Disposition: form-data; name=\"f\"; filename=\"12345678901\"", "v") + end, limits),
            "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome(Part(kField, "v") + end + "12345678", limits), "OK");
  EXPECT_EQ(Outcome(Part(kField, "v") + end + "123456789", limits), "MULTIPART_LIMIT");
  EXPECT_EQ(Outcome("--X-b0undary" + std::string(100, ' ')), "MALFORMED_MULTIPART");
}

TEST(MultipartTest, ListenersErrorEndsTheParsing) {
  Collector seen;
  seen.refuse_begin = true;
  EXPECT_EQ(ParseWhole(Part(kField, "v") + "--X-b0undary--", &seen).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(seen.parts[0].data, "");
}

TEST(MultipartTest, WriterIsReadBack) {
  MultipartWriter writer("X-b0undary");
  std::string body = writer.Field("note", "một \"hai\"");
  body += writer.FileHead("file", "a\"b.pdf", "application/pdf");
  body += kHardData + writer.End();
  EXPECT_EQ(*MultipartBoundary(writer.ContentType()), "X-b0undary");
  Collector seen;
  ASSERT_TRUE(ParseWhole(body, &seen).ok());
  EXPECT_EQ(seen.parts[0].data, "một \"hai\"");
  EXPECT_EQ(seen.parts[1].part.filename, "a\"b.pdf");
  EXPECT_EQ(seen.parts[1].data, kHardData);
  MultipartWriter again("X-b0undary");
  Collector refused;
  EXPECT_FALSE(ParseWhole(again.FileHead("file", "a\r\nb.pdf", "application/pdf") + again.End(), &refused).ok());
}

// Whatever is fed: no crash, and pieces give the same parts and the same outcome as the whole.
TEST(MultipartFuzzTest, MutatedFormsGiveTheSameHoweverTheyAreSplit) {
  base::SeededRandom random(31);
  const std::string valid = Part(kField, "application") + Part(kFile, kHardData) + "--X-b0undary--\r\n";
  const std::vector<std::string> tokens = {
      "\r\n", "--", "--X-b0undary", "\r\n--X-b0undary", "\r\n\r\n", ":", ";", "\"", "=", "\r", " "};
  for (int round = 0; round < 4000; ++round) {
    std::string body = valid;
    for (uint64_t edits = random.Below(6); edits > 0; --edits) {
      const size_t at = random.Below(body.size() + 1);
      switch (random.Below(4)) {
        case 0:
          body.insert(at, tokens[random.Below(tokens.size())]);
          break;
        case 1:
          body.erase(at, random.Below(20));
          break;
        case 2:
          if (at < body.size()) body[at] = static_cast<char>(random.Below(256));
          break;
        default:
          body.insert(at, body.substr(random.Below(body.size() + 1), random.Below(60)));
      }
    }
    Collector whole, pieces;
    const absl::Status expected = ParseWhole(body, &whole);
    MultipartParser parser(kBoundary, {}, pieces);
    absl::Status status;
    for (size_t at = 0; at < body.size() && status.ok();) {
      const size_t n = std::min<size_t>(1 + random.Below(24), body.size() - at);
      status = parser.Feed(std::string_view(body).substr(at, n));
      at += n;
    }
    if (status.ok()) status = parser.Finish();
    ASSERT_EQ(status.ok(), expected.ok()) << body;
    ASSERT_EQ(pieces.parts.size(), whole.parts.size()) << body;
    for (size_t i = 0; i < whole.parts.size(); ++i) {
      EXPECT_EQ(pieces.parts[i].part.name, whole.parts[i].part.name);
      if (expected.ok()) {
        EXPECT_EQ(pieces.parts[i].data, whole.parts[i].data);
      }
    }
  }
}

}  // namespace
}  // namespace dinh::http
