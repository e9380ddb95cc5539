// Photos before any decoder sees them: container, EXIF, and the messages between server and worker. A file that opens
// gives a bare one that opens to itself and carries nothing beside the picture.
#include "services/feedback/photo_worker/container.h"
#include "services/feedback/photo_worker/exif.h"
#include "services/feedback/photo_worker/jpeg_segments.h"
#include "services/feedback/photo_worker/protocol.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

void CheckExif(std::string_view tiff) {
  const photo::ExifFacts facts = photo::ReadExif(ExactCopy(tiff).view());
  FUZZ_CHECK(facts.orientation >= 1 && facts.orientation <= 8);
  FUZZ_CHECK(!facts.position || photo::IsOnEarth(*facts.position));
}

void CheckContainer(std::string_view file) {
  photo::Source source;
  if (photo::OpenContainer(file, &source) != photo::Verdict::kOk) return;
  FUZZ_CHECK(source.icc.size() <= photo::kProfileBytesMax);
  FUZZ_CHECK(source.bare.size() <= file.size() + 1);  // a last chunk of WebP may have come without its padding
  CheckExif(source.exif);
  photo::Source again;
  FUZZ_CHECK(photo::OpenContainer(source.bare, &again) == photo::Verdict::kOk);
  FUZZ_CHECK(again.type == source.type && again.bare == source.bare && again.exif.empty() && again.icc.empty());
}

void CheckProtocol(std::string_view bytes) {
  photo::RequestHead head;
  int boxes = 0;
  const std::string_view start = bytes.substr(0, photo::kRequestStartBytes);
  if (photo::DecodeRequestStart(start, &head, &boxes)) {
    const std::string_view rest = bytes.substr(start.size());
    const std::string_view coded = rest.substr(0, static_cast<size_t>(boxes) * photo::kBoxBytes);
    if (coded.size() == static_cast<size_t>(boxes) * photo::kBoxBytes && photo::DecodeBoxes(coded, &head)) {
      FUZZ_CHECK(photo::EncodeRequestHead(head) == bytes.substr(0, start.size() + coded.size()));
    }
  }
  photo::Answer answer;
  if (!photo::DecodeAnswer(bytes, &answer) || answer.verdict != photo::Verdict::kOk) return;
  FUZZ_CHECK(answer.width >= 1 && answer.width <= photo::kFullSideMax);
  FUZZ_CHECK(answer.height >= 1 && answer.height <= photo::kFullSideMax);
  photo::Answer again;
  FUZZ_CHECK(photo::DecodeAnswer(photo::EncodeAnswer(answer), &again));
  FUZZ_CHECK(again.full == answer.full && again.thumbnail == answer.thumbnail);
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  const ExactCopy copy(View(data, size));
  CheckContainer(copy.view());
  CheckExif(copy.view());
  CheckProtocol(copy.view());
  dinh::photo::JpegSize picture;
  if (dinh::photo::IsPlainJpeg(copy.view(), &picture)) FUZZ_CHECK(picture.width >= 0 && picture.height >= 0);
  return 0;
}
