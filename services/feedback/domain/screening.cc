#include "services/feedback/domain/screening.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/text.h"
#include "services/feedback/domain/contacts.h"
#include "services/feedback/domain/words.h"

namespace dinh::feedback {
namespace {

using WordSet = std::set<std::string_view>;

// What goes before a person's name. Those that are other words without marks ("co" = có, "ba" = ba) stand with marks
// only.
const WordSet kHonorifics = {"ông", "bà",  "anh",  "chị",  "cô",    "chú",  "bác",  "em",    "cụ",   "dì",
                             "cậu", "mợ",  "thím", "thầy", "mụ",    "lão",  "cháu", "thằng", "con",  "ong",
                             "chi", "chu", "bac",  "thay", "thang", "chau", "cau",  "lao",   "thim", "cu"};
// May stand between the honorific and the name: "ông trưởng thôn Tuấn".
const WordSet kTitles = {"trưởng", "phó",  "chủ",  "tịch", "bí",  "thư",  "giáo", "bác",  "sĩ",   "sỹ",  "y",
                         "tá",     "hiệu", "công", "an",   "cán", "bộ",   "thôn", "hàng", "xóm",  "nhà", "quán",
                         "tiệm",   "cửa",  "đại",  "biểu", "kế",  "toán", "bảo",  "vệ",   "giám", "đốc", "chồng",
                         "vợ",     "trai", "gái",  "dâu",  "rể",  "họ",   "tên",  "là",   "đồng", "chí"};
// Names of places follow these: no person is meant.
const WordSet kPlaces = {"đường", "phố",   "xã",  "phường", "huyện", "tỉnh",  "thôn", "làng", "ấp",   "khu",    "tổ",
                         "ngõ",   "ngách", "hẻm", "chợ",    "cầu",   "cống",  "kênh", "sông", "hồ",   "trường", "thcs",
                         "thpt",  "học",   "non", "viện",   "viên",  "lộ",    "phủ",  "đền",  "chùa", "đình",   "nghè",
                         "biển",  "núi",   "đồi", "quận",   "trấn",  "thành", "bến",  "cảng", "ga",   "đê",     "bãi"};
// The commonest family names. In capitals or not, they begin a full name.
const WordSet kFamilyNames = {
    "nguyễn", "trần",   "lê",   "phạm", "hoàng", "huỳnh", "phan",   "vũ",    "võ",    "đặng",  "bùi",    "đỗ",   "hồ",
    "ngô",    "dương",  "lý",   "đào",  "đinh",  "trịnh", "trương", "lương", "mai",   "cao",   "tạ",     "tô",   "hà",
    "lưu",    "nguyen", "tran", "pham", "hoang", "huynh", "dang",   "bui",   "duong", "trinh", "truong", "luong"};

bool In(const WordSet& words, const Word& word) { return words.contains(word.lower); }

class PersonFinder {
 public:
  PersonFinder(const std::vector<Word>& words, bool shouting) : words_(words), shouting_(shouting) {}

  bool Found() const {
    for (size_t i = 0; i < words_.size(); ++i) {
      if (AfterHonorific(i) || AfterNamed(i) || FullName(i)) return true;
    }
    return false;
  }

 private:
  // Is there a word at i that goes on the sentence of the one before?
  bool Follows(size_t i) const { return i < words_.size() && words_[i].after_blank; }
  // In a text all of capitals, only a family name tells.
  bool LooksLikeName(size_t i) const {
    return words_[i].letters &&
           (In(kFamilyNames, words_[i]) ? (words_[i].capital || FullNameLower(i)) : words_[i].capital && !shouting_);
  }
  // "nguyễn văn an" typed without capitals: a family name and the middle names that are nothing else.
  bool FullNameLower(size_t i) const {
    return Follows(i + 1) && (words_[i + 1].lower == "văn" || words_[i + 1].lower == "thị" ||
                              words_[i + 1].lower == "van" || words_[i + 1].lower == "thi");
  }

  bool AfterHonorific(size_t i) const {
    if (!In(kHonorifics, words_[i])) return false;
    constexpr size_t kTitlesMax = 5;
    bool heads = false;  // "trưởng thôn Lan" is a person, "bà con thôn Quang Trung" is a place
    for (size_t next = i + 1; Follows(next) && next <= i + 1 + kTitlesMax; ++next) {
      if (!In(kTitles, words_[next])) {
        return !In(kPlaces, words_[next]) && LooksLikeName(next) && (heads || !AfterPlace(next));
      }
      heads = heads || words_[next].lower == "trưởng" || words_[next].lower == "phó";
    }
    return false;
  }
  // "tên là Lan", "tên thật: Lan"
  bool AfterNamed(size_t i) const {
    static const WordSet kBridges = {"là", "la", "thật", "gọi", "khai", "sinh", "của", "họ", "nó"};
    if (words_[i].lower != "tên" && words_[i].lower != "ten") return false;
    size_t next = i + 1;
    while (next < words_.size() && In(kBridges, words_[next])) ++next;
    return next < words_.size() && LooksLikeName(next);
  }
  // Three capitalised words or more that begin with a family name; or a family name with văn or thị.
  bool FullName(size_t i) const {
    if (!In(kFamilyNames, words_[i]) || AfterPlace(i)) return false;
    if (FullNameLower(i) && Follows(i + 2)) return true;
    if (shouting_ || !words_[i].capital) return false;
    return Follows(i + 1) && words_[i + 1].capital && Follows(i + 2) && words_[i + 2].capital;
  }
  bool AfterPlace(size_t i) const { return i > 0 && words_[i].after_blank && In(kPlaces, words_[i - 1]); }

  const std::vector<Word>& words_;
  bool shouting_;
};

bool IsNumber(const Word& word) {
  return !word.lower.empty() && word.lower.front() >= '0' && word.lower.front() <= '9';
}

// "số nhà 12", "nhà số 12", "căn hộ 302", "số 12/3 ngõ 5", "nhà 12 ngõ 5".
bool HasHouseAddress(const std::vector<Word>& words) {
  static const WordSet kStreets = {"đường", "phố", "ngõ", "ngách", "hẻm", "kiệt"};
  static const WordSet kHouse = {"nhà", "nha"};
  static const WordSet kNumber = {"số", "so"};
  for (size_t i = 1; i < words.size(); ++i) {
    if (!IsNumber(words[i]) || IsNumber(words[i - 1])) continue;
    const bool house = In(kHouse, words[i - 1]);
    const bool number = In(kNumber, words[i - 1]);
    if (i >= 2 && ((house && In(kNumber, words[i - 2])) || (number && In(kHouse, words[i - 2])))) return true;
    if (i >= 2 && words[i - 2].lower == "căn" && words[i - 1].lower == "hộ") return true;
    size_t next = i + 1;
    while (next < words.size() && IsNumber(words[next])) ++next;
    if ((house || number) && next < words.size() && In(kStreets, words[next])) return true;
  }
  return false;
}

constexpr std::array<std::pair<HoldReason, std::pair<std::string_view, std::string_view>>, 8> kReasons = {{
    {HoldReason::kPersonName, {"person_name", "có thể nêu tên người"}},
    {HoldReason::kPhoneNumber, {"phone_number", "có số điện thoại"}},
    {HoldReason::kPersonalNumber, {"personal_number", "có thể có số định danh cá nhân"}},
    {HoldReason::kBankAccount, {"bank_account", "có thể có số tài khoản"}},
    {HoldReason::kPlate, {"plate", "có biển số xe"}},
    {HoldReason::kHouseAddress, {"house_address", "có địa chỉ nhà"}},
    {HoldReason::kEmail, {"email", "có địa chỉ thư điện tử"}},
    {HoldReason::kProfanity, {"profanity", "có lời lẽ thô tục"}},
}};

HoldReason ReasonOf(ContactKind kind) {
  switch (kind) {
    case ContactKind::kPhone:
      return HoldReason::kPhoneNumber;
    case ContactKind::kPersonalNumber:
      return HoldReason::kPersonalNumber;
    case ContactKind::kBankAccount:
      return HoldReason::kBankAccount;
    case ContactKind::kEmail:
      return HoldReason::kEmail;
  }
  return HoldReason::kPhoneNumber;
}

}  // namespace

Screener::Screener(const std::vector<std::string>& profanity) {
  for (const std::string& phrase : profanity) {
    std::vector<std::string> words;
    for (Word& word : WordsOf(phrase)) words.push_back(std::move(word.lower));
    if (words.empty()) continue;
    longest_ = std::max(longest_, words.size());
    profanity_.insert(std::move(words));
  }
}

bool Screener::HasProfanity(const std::vector<Word>& words) const {
  for (size_t i = 0; i < words.size(); ++i) {
    std::vector<std::string> phrase;
    for (size_t j = i; j < words.size() && j < i + longest_; ++j) {
      phrase.push_back(words[j].lower);
      if (profanity_.contains(phrase)) return true;
    }
  }
  return false;
}

std::vector<HoldReason> Screener::Screen(std::string_view text) const {
  const std::vector<Word> words = WordsOf(text);
  const bool shouting = std::none_of(words.begin(), words.end(), [](const Word& word) { return word.has_small; });
  std::set<HoldReason> found;
  if (PersonFinder(words, shouting).Found()) found.insert(HoldReason::kPersonName);
  for (const Contact& contact : ContactsOf(text)) found.insert(ReasonOf(contact.kind));
  if (HasPlate(text)) found.insert(HoldReason::kPlate);
  if (HasHouseAddress(words)) found.insert(HoldReason::kHouseAddress);
  if (HasProfanity(words)) found.insert(HoldReason::kProfanity);
  return {found.begin(), found.end()};
}

std::string RedactContacts(std::string_view text) {
  std::string out;
  size_t from = 0;
  for (const Contact& contact : ContactsOf(text)) {
    out.append(text.substr(from, contact.begin - from)).append(kMask);
    from = contact.end;
  }
  return out.append(text.substr(from));
}

std::string_view HoldReasonName(HoldReason reason) { return kReasons.at(static_cast<size_t>(reason)).second.first; }

std::optional<HoldReason> ParseHoldReason(std::string_view name) {
  for (const auto& [reason, texts] : kReasons) {
    if (texts.first == name) return reason;
  }
  return std::nullopt;
}

std::string_view HoldReasonVi(HoldReason reason) { return kReasons.at(static_cast<size_t>(reason)).second.second; }

}  // namespace dinh::feedback
