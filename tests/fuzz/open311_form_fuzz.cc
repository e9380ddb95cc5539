// Forms of Open311 clients: first line the Content-Type, second the query, then the body.
#include "services/gateway/open311/form.h"
#include "services/gateway/transcode/text_forms.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh;
  namespace open311 = gateway::open311;
  fuzz::Input input(fuzz::View(data, size));
  const std::string_view type = input.Line();
  const std::string_view query = input.Line();
  open311::Form form;
  if (!form.AddEncoded(query).ok()) return 0;
  if (open311::IsFormType(type) && !form.AddBody(type, fuzz::ExactCopy(input.Rest()).view()).ok()) return 0;
  const auto attributes = form.Attributes();
  FUZZ_CHECK(attributes.size() <= open311::kFormFieldsMax);
  for (const auto& [code, value] : attributes) {
    FUZZ_CHECK(!code.empty() && code.size() < open311::kFieldNameBytesMax);
    FUZZ_CHECK(code.find_first_of("[]") == std::string::npos, code);
    FUZZ_CHECK(!value.empty() && gateway::transcode::IsUtf8(code) && gateway::transcode::IsUtf8(value));
    FUZZ_CHECK(value.find('\0') == std::string::npos);
    FUZZ_CHECK(form.Get("attribute[" + code + "]") == value, code);
  }
  return 0;
}
