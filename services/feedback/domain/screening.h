// What keeps a text from showing before an officer has read it, and the masking of contacts in what does show. It errs
// towards holding: a held text costs an officer a minute, a published name may cost a neighbour's peace.
// What it cannot see: a given name alone typed without a capital ("ông tuấn"), digits spelt out, and meaning.
// Categories that point at people are therefore read by an officer whatever is found here (Category::moderate_text).
//
// Texts are valid UTF-8, best after base::NormalizeText (which drops the zero-width characters that would split words).
// Pure. A Screener is built once and then shared by threads.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/feedback/domain/words.h"

namespace dinh::feedback {

// The names are stored; the text never is, beside its reasons.
enum class HoldReason {
  kPersonName,      // ông, bà, anh, chị … with a name; "tên là …"; a full name by its family name
  kPhoneNumber,     // mobile or landline; hotlines (1800, 1900, 11x) are no one's
  kPersonalNumber,  // 9 or 12 digits
  kBankAccount,     // "STK …", or 13 to 19 digits
  kPlate,           // 36A-123.45
  kHouseAddress,    // "số nhà 12", "12 ngõ 5"
  kEmail,
  kProfanity,
};

class Screener {
 public:
  // `profanity`: words and phrases, matched whole, with their marks, in lower case.
  explicit Screener(const std::vector<std::string>& profanity);

  // In the enum's order, each once; empty: nothing found.
  std::vector<HoldReason> Screen(std::string_view text) const;

 private:
  bool HasProfanity(const std::vector<Word>& words) const;

  std::set<std::vector<std::string>> profanity_;  // phrases as words
  size_t longest_ = 0;                            // words of the longest phrase
};

// Phone numbers, personal numbers, bank accounts and e-mail addresses replaced by kMask; all else as it was. Applying
// it twice changes nothing more.
std::string RedactContacts(std::string_view text);
inline constexpr std::string_view kMask = "[đã ẩn]";

std::string_view HoldReasonName(HoldReason reason);  // "person_name"
std::optional<HoldReason> ParseHoldReason(std::string_view name);
std::string_view HoldReasonVi(HoldReason reason);  // for the moderator: "có thể nêu tên người"

}  // namespace dinh::feedback
