// Mobile numbers: the one form in which they are stored and compared, "0912345678".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::identity {

inline constexpr size_t kPhoneDigits = 10;
// How many leading digits share one limit on codes: a block of ten thousand numbers.
inline constexpr size_t kPhoneBlockDigits = 6;

// The prefixes of Vietnamese mobile numbers in use: ^0(3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9]) (numbering plan of the
// Ministry of Information and Communications after the change of 2018). Each begins with 0.
std::vector<std::string> DefaultPhonePrefixes();
// Two to five digits, the first of them 0.
bool IsPhonePrefix(std::string_view text);

// "0912345678" for any of "0912345678", "+84912345678", "84912345678"; nullopt when it is no mobile number with one of
// the prefixes.
std::optional<std::string> NormalizePhone(std::string_view text, const std::vector<std::string>& prefixes);

// "…678": enough for a person to know their own number by. Empty for an empty phone.
std::string PhoneHint(std::string_view phone);

}  // namespace dinh::identity
