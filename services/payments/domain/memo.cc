#include "services/payments/domain/memo.h"

#include <algorithm>
#include <array>

#include "libs/base/text.h"

namespace dinh::payments {
namespace {

constexpr uint32_t kModulus = 19;
constexpr size_t kChecked = kReferenceBody + 1;
// 9 × 17 = 153 = 8 × 19 + 1: the inverse of the check character's own weight.
constexpr uint32_t kInverseOfLastWeight = 17;
constexpr int kGapMax = 3;  // separators in a row inside a reference

static_assert(kReferenceAlphabet.size() == kModulus);
static_assert(kChecked * kInverseOfLastWeight % kModulus == 1);
static_assert(kReferenceAlphabet.find(kReferencePrefix[0]) == std::string_view::npos);

constexpr std::array<int8_t, 256> MakeValues() {
  std::array<int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (size_t i = 0; i < kReferenceAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kReferenceAlphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kValues = MakeValues();

int Value(char c) { return kValues[static_cast<unsigned char>(c)]; }

// `body`: kChecked characters of the alphabet.
bool CheckHolds(std::string_view body) {
  uint32_t sum = 0;
  for (size_t i = 0; i < kChecked; ++i) sum += static_cast<uint32_t>(i + 1) * static_cast<uint32_t>(Value(body[i]));
  return sum % kModulus == 0;
}

char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// Bytes of the separator at the start of `text`, 0 if there is none. Beside ASCII: the no-break space and the dashes
// and odd spaces of U+2000..U+203F, which phones put where somebody typed a blank or a dash.
size_t SeparatorLength(std::string_view text) {
  constexpr std::string_view kAscii = " .-_/,:;|*\t\r\n";
  if (kAscii.find(text[0]) != std::string_view::npos) return 1;
  if (text.size() >= 2 && text[0] == '\xC2' && text[1] == '\xA0') return 2;
  if (text.size() >= 3 && text[0] == '\xE2' && text[1] == '\x80') return 3;
  return 0;
}

// Reads the signs of a reference from `text`, which starts with the prefix's first letter. Empty: it is none.
std::string ReadCandidate(std::string_view text) {
  std::string out;
  int gap = 0;
  while (!text.empty() && out.size() < kReferenceLength) {
    const char c = Upper(text[0]);
    const bool fits = out.size() < kReferencePrefix.size() ? c == kReferencePrefix[out.size()] : Value(c) >= 0;
    if (fits) {
      out.push_back(c);
      gap = 0;
      text.remove_prefix(1);
      continue;
    }
    const size_t separator = SeparatorLength(text);
    if (separator == 0 || ++gap > kGapMax) return {};
    text.remove_prefix(separator);
  }
  return out.size() == kReferenceLength ? out : std::string();
}

void AddNew(std::vector<std::string>& list, std::string value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

}  // namespace

std::string MakeReference(uint64_t number) {
  std::string body(kReferenceBody, kReferenceAlphabet[0]);
  number %= kReferenceCount;
  for (size_t i = kReferenceBody; i-- > 0; number /= kModulus) body[i] = kReferenceAlphabet[number % kModulus];
  uint32_t sum = 0;
  for (size_t i = 0; i < kReferenceBody; ++i) {
    sum += static_cast<uint32_t>(i + 1) * static_cast<uint32_t>(Value(body[i]));
  }
  const uint32_t check = (kModulus - sum % kModulus) % kModulus * kInverseOfLastWeight % kModulus;
  return std::string(kReferencePrefix) + body + kReferenceAlphabet[check];
}

bool IsReference(std::string_view text) {
  if (text.size() != kReferenceLength || text.substr(0, kReferencePrefix.size()) != kReferencePrefix) return false;
  text.remove_prefix(kReferencePrefix.size());
  return std::all_of(text.begin(), text.end(), [](char c) { return Value(c) >= 0; }) && CheckHolds(text);
}

std::string MemoText(std::string_view reference, std::string_view label) {
  std::string memo(reference);
  const std::string ascii = base::ToAsciiUpper(label);
  for (size_t begin = 0; begin < ascii.size();) {
    const size_t end = std::min(ascii.find(' ', begin), ascii.size());
    const std::string_view word = std::string_view(ascii).substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (memo.size() + 1 + word.size() > kMemoMax) break;
    memo += ' ';
    memo += word;
  }
  // A label that itself reads as a reference would make every payment of this charge ambiguous.
  const FoundReferences found = FindReferences(memo);
  return found.valid.size() == 1 && found.damaged.empty() ? memo : std::string(reference);
}

FoundReferences FindReferences(std::string_view bank_text) {
  bank_text = bank_text.substr(0, kBankTextMax);
  FoundReferences found;
  for (size_t i = 0; i < bank_text.size(); ++i) {
    if (Upper(bank_text[i]) != kReferencePrefix[0]) continue;
    std::string candidate = ReadCandidate(bank_text.substr(i));
    if (candidate.empty()) continue;
    const bool valid = CheckHolds(std::string_view(candidate).substr(kReferencePrefix.size()));
    AddNew(valid ? found.valid : found.damaged, std::move(candidate));
  }
  return found;
}

}  // namespace dinh::payments
