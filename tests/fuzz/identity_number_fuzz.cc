// What people type from their papers: personal number, tax code, birth date, phone. What is accepted has the form that
// the law or the numbering plan gives it.
#include "services/identity/domain/numbers.h"
#include "services/identity/domain/phone.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh;
  const fuzz::ExactCopy copy(fuzz::View(data, size));
  const std::string_view text = copy.view();
  constexpr std::string_view kDigits = "0123456789";
  const auto all_digits = [&](std::string_view part) {
    return part.find_first_not_of(kDigits) == std::string_view::npos;
  };

  if (identity::IsPersonalNumber(text)) FUZZ_CHECK(text.size() == 12 && all_digits(text) && text.substr(0, 3) != "000");
  if (identity::IsTaxCode(text)) {
    FUZZ_CHECK(text.size() == 10 || (text.size() == 14 && identity::IsTaxCode(text.substr(0, 10))));
    FUZZ_CHECK(all_digits(text.substr(0, 10)));
  }
  const base::CivilDate today = {2026, 2, 13};
  if (const auto date = identity::ParseBirthDate(text, today)) {
    FUZZ_CHECK(date->year >= 1900 && date->year <= today.year);
    char again[32];
    int length = std::snprintf(again, sizeof(again), "%04d", date->year);
    if (date->month > 0) length += std::snprintf(again + length, sizeof(again) - length, "-%02d", date->month);
    if (date->day > 0) std::snprintf(again + length, sizeof(again) - length, "-%02d", date->day);
    FUZZ_CHECK(text == again, again);
  }
  static const std::vector<std::string> kPrefixes = identity::DefaultPhonePrefixes();
  if (const auto phone = identity::NormalizePhone(text, kPrefixes)) {
    FUZZ_CHECK(phone->size() == identity::kPhoneDigits && all_digits(*phone) && (*phone)[0] == '0', *phone);
    FUZZ_CHECK(identity::NormalizePhone(*phone, kPrefixes) == *phone, *phone);
  }
  identity::PhoneHint(text);
  identity::IsPhonePrefix(text);
  return 0;
}
