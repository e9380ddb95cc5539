// HTTP/1.1 requests: the bytes of a connection. Read at once and in pieces they must give the same requests, and what
// is accepted must be framed in one way only (RFC 9112, section 11.2).
#include <cctype>
#include <utility>
#include <vector>

#include "libs/http/message.h"
#include "libs/http/request_parser.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

using http::ParsedHead;
using http::RequestParser;

// Small, so that short inputs reach them.
constexpr http::ParserLimits kLimits = {.header_bytes_max = 512, .target_bytes_max = 64, .fields_max = 8};
constexpr int kRequestsMax = 4;

struct Read {
  enum class End { kNeedsMore, kComplete, kRefused } end = End::kNeedsMore;
  std::string head;  // all that was understood of it, as text; empty: not reached
  std::string body;
};

std::string Describe(const ParsedHead& head, const char* base) {
  std::string text = std::string(head.method.In(base)) + " " + std::string(head.target.In(base)) + " 1." +
                     std::to_string(head.version_minor) + "\n";
  for (const ParsedHead::Field& field : head.fields) {
    text.append(field.name.In(base)).append(": ").append(field.value.In(base)).append("\n");
  }
  text.append(head.authority.In(base)).append(" ").append(head.origin.In(base));
  return text + (head.keep_alive ? " keep" : " close") + (head.expects_continue ? " expect" : "") +
         (head.chunked ? " chunked" : "") +
         (head.content_length ? " length " + std::to_string(*head.content_length) : "") + " " +
         std::to_string(head.bytes);
}

// An independent look at the lines of an accepted head.
void CheckFraming(std::string_view text, const ParsedHead& head) {
  int lengths = 0, codings = 0, hosts = 0;
  FUZZ_CHECK(text.ends_with("\r\n\r\n"));
  FUZZ_CHECK(text.find('\0') == std::string_view::npos);
  bool first = true;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = rest.find("\r\n");
    FUZZ_CHECK(end != std::string_view::npos);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    FUZZ_CHECK(line.find_first_of("\r\n") == std::string_view::npos, "a bare CR or LF: " + std::string(line));
    if (std::exchange(first, false) || line.empty()) continue;
    const std::string_view name = line.substr(0, line.find(':'));
    FUZZ_CHECK(name.size() < line.size() && !name.empty(), std::string(line));
    for (const char c : name) FUZZ_CHECK(std::isgraph(static_cast<unsigned char>(c)) != 0, std::string(line));
    lengths += http::EqualsIgnoreCase(name, "Content-Length") ? 1 : 0;
    codings += http::EqualsIgnoreCase(name, "Transfer-Encoding") ? 1 : 0;
    hosts += http::EqualsIgnoreCase(name, "Host") ? 1 : 0;
  }
  FUZZ_CHECK(lengths + codings <= 1, std::string(text));
  FUZZ_CHECK(lengths == (head.content_length.has_value() ? 1 : 0), std::string(text));
  FUZZ_CHECK(codings == (head.chunked ? 1 : 0), std::string(text));
  FUZZ_CHECK(hosts <= 1 && (hosts == 1 || head.version_minor == 0), std::string(text));
}

// What a connection does: more bytes stand behind the ones that were not used.
class Reader {
 public:
  // `pieces` null: everything is there from the beginning.
  Reader(std::string_view input, Pieces* pieces) : parser_(kLimits), input_(input), pieces_(pieces) {
    known_ = pieces == nullptr ? input.size() : 0;
  }

  std::vector<Read> All() {
    std::vector<Read> reads;
    do {
      parser_.Reset();
      reads.push_back(Next());
    } while (reads.back().end == Read::End::kComplete && reads.size() < kRequestsMax);
    return reads;
  }

 private:
  bool More() {
    if (known_ == input_.size()) return false;
    known_ = std::min(known_ + pieces_->Next(), input_.size());
    return true;
  }
  ExactCopy Known() const { return ExactCopy(input_.substr(at_, known_ - at_)); }

  Read Next() {
    Read read;
    while (true) {
      const ExactCopy buffer = Known();
      const RequestParser::HeadResult result = parser_.ParseHead(buffer.view());
      if (result == RequestParser::HeadResult::kError) read.end = Read::End::kRefused;
      if (result == RequestParser::HeadResult::kDone) {
        const ParsedHead& head = parser_.head();
        FUZZ_CHECK(head.bytes <= buffer.view().size() && head.bytes <= kLimits.header_bytes_max);
        CheckFraming(buffer.view().substr(0, head.bytes), head);
        read.head = Describe(head, buffer.view().data());
        at_ += head.bytes;
        break;
      }
      if (result == RequestParser::HeadResult::kError || !More()) return read;
    }
    if (parser_.has_body()) {
      ReadBody(&read);
    } else {
      read.end = Read::End::kComplete;
    }
    return read;
  }

  void ReadBody(Read* read) {
    while (true) {
      const ExactCopy buffer = Known();
      const RequestParser::BodyPiece piece = parser_.ParseBody(buffer.view());
      if (piece.failed) {
        read->end = Read::End::kRefused;
        return;
      }
      FUZZ_CHECK(piece.consumed <= buffer.view().size() && piece.data.size() <= piece.consumed);
      read->body += piece.data;
      at_ += piece.consumed;
      const auto length = parser_.head().content_length;
      FUZZ_CHECK(!length || read->body.size() <= *length);
      if (piece.done) {
        FUZZ_CHECK(!length || read->body.size() == *length);
        read->end = Read::End::kComplete;
        return;
      }
      if (piece.consumed == 0 && !More()) return;
    }
  }

  RequestParser parser_;
  const std::string_view input_;
  Pieces* const pieces_;
  size_t at_ = 0;     // where the request, or what is left of its body, begins
  size_t known_ = 0;  // how much has arrived
};

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  const std::string_view input = View(data, size);
  Pieces pieces(input);
  const std::vector<Read> whole = Reader(input, nullptr).All();
  const std::vector<Read> cut = Reader(input, &pieces).All();
  FUZZ_CHECK(whole.size() == cut.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    FUZZ_CHECK(whole[i].head == cut[i].head, whole[i].head + "\n---\n" + cut[i].head);
    // What can never become a head is refused sooner or later, depending on the pieces; but it is never taken.
    const bool no_head = whole[i].head.empty() && whole[i].end != Read::End::kComplete;
    FUZZ_CHECK(no_head || whole[i].end == cut[i].end, whole[i].head);
    if (whole[i].end == Read::End::kComplete) FUZZ_CHECK(whole[i].body == cut[i].body);
  }
  return 0;
}
