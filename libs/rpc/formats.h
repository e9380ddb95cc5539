// The formats a field rule can name. Each check is linear in the length and says nothing about existence.
#pragma once

#include <string_view>

#include "dinh/options/v1/options.pb.h"
#include "libs/base/status.h"

namespace dinh::rpc {

// FORMAT_TEXT and FORMAT_UNSPECIFIED accept everything here: texts are treated by NormalizeField.
bool MatchesFormat(options::v1::Format format, std::string_view value);
// What a value of this format should look like.
base::Text FormatHint(options::v1::Format format);

// 12 digits: province of birth registration (001–096), century and sex (one digit), two digits of the year, six of
// chance (Decree 137/2015/NĐ-CP, article 13).
bool IsPersonalNumber(std::string_view value);
// "0912345678", "+84912345678" or "84912345678"; which prefixes are in use is identity's configuration.
bool IsMobileNumber(std::string_view value);

// true: `value` holds a control character other than line feed, carriage return and tab, or one without width (which
// would let two names look the same).
bool HasForbiddenCharacter(std::string_view utf8);

}  // namespace dinh::rpc
