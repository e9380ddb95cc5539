// JSON -> message. What is accepted is JSON (RFC 8259), prints, and reads back as the same message; and where json_util
// accepts it too, that gives the same message. json_util takes single quotes, bare names and trailing commas, so it is
// asked only about what has been accepted.
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "tests/fuzz/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  static const Json kJson;
  const ExactCopy copy(View(data, size));
  Everything message;
  if (!kJson.Parse(copy.view(), &message)) return 0;
  FUZZ_CHECK(nlohmann::json::accept(copy.view()));

  std::string difference;
  std::string printed, printed_again;
  FUZZ_CHECK(kJson.Print(message, &printed));
  Everything again;
  FUZZ_CHECK(kJson.Parse(printed, &again), printed);
  FUZZ_CHECK(kJson.Same(message, again, &difference), difference + printed);
  FUZZ_CHECK(kJson.Print(again, &printed_again) && printed == printed_again, printed + "\n" + printed_again);

  Everything theirs;
  if (google::protobuf::util::JsonStringToMessage(std::string(copy.view()), &theirs).ok()) {
    // json_util does not keep two capitals in a row of a field mask; text_value asks FieldMaskUtil, which does.
    FUZZ_CHECK(kJson.Same(message, theirs, &difference, /*ignore_masks=*/true), difference);
  }
  return 0;
}
