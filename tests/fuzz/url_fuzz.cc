// Percent-encoding, query strings and URLs: what is read, written again and read once more is the same.
#include "libs/http/url.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh;
  const fuzz::ExactCopy copy(fuzz::View(data, size));
  const std::string_view text = copy.view();

  if (text.find('\0') == std::string_view::npos) {
    const auto same = http::PercentDecode(http::PercentEncode(text));
    FUZZ_CHECK(same.ok() && *same == text);
  }
  const auto decoded = http::PercentDecode(text);
  if (decoded.ok() && decoded->find('\0') == std::string::npos) {
    const auto again = http::PercentDecode(http::PercentEncode(*decoded));
    FUZZ_CHECK(again.ok() && *again == *decoded);
  }
  const auto parameters = http::ParseQuery(text);
  if (parameters.ok()) {
    FUZZ_CHECK(parameters->size() <= http::kQueryParametersMax);
    bool raw_nul = false;
    for (const auto& [name, value] : *parameters) raw_nul |= (name + value).find('\0') != std::string::npos;
    const auto again = http::ParseQuery(http::EncodeQuery(*parameters));
    FUZZ_CHECK(raw_nul || (again.ok() && *again == *parameters));
  }
  const auto url = http::ParseUrl(text);
  if (url.ok()) {
    FUZZ_CHECK(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
    const bool brackets = url->host.find(':') != std::string::npos;
    const auto again =
        http::ParseUrl((url->tls ? "https://" : "http://") + (brackets ? "[" + url->host + "]" : url->host) + ":" +
                       std::to_string(url->port) + url->target);
    FUZZ_CHECK(again.ok() && again->host == url->host && again->port == url->port && again->tls == url->tls &&
                   again->target == url->target,
               url->host + " | " + url->target);
  }
  return 0;
}
