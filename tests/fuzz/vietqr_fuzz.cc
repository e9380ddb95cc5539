// VietQR both ways, and the references in what banks make of a memo. A code that parses can be written and parses the
// same; an input without a check value gets one, so that what lies behind it is reached.
#include "services/payments/domain/memo.h"
#include "services/payments/domain/vietqr.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

using payments::VietQr;

std::string WithCrc(std::string_view body) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string payload = std::string(body) + "6304";
  const uint16_t crc = payments::Crc16(payload);
  for (int shift = 12; shift >= 0; shift -= 4) payload.push_back(kHex[crc >> shift & 15]);
  return payload;
}

void CheckParsed(std::string_view payload) {
  const ExactCopy copy(payload);
  auto code = payments::ParseVietQr(copy.view());
  if (!code.ok()) return;
  const auto written = payments::EncodeVietQr(*code);
  FUZZ_CHECK(written.ok() && written->size() == payload.size());
  auto again = payments::ParseVietQr(*written);
  FUZZ_CHECK(again.ok(), *written);
  // Fields stand in order now, so the check value is another one and may have no letters.
  again->lower_case_crc = code->lower_case_crc;
  FUZZ_CHECK(*again == *code, *written);
}

// A code made of the input's lines.
void CheckBuilt(std::string_view text) {
  Input input(text);
  VietQr code;
  code.bin = input.Line();
  code.account = input.Line();
  code.bill = input.Line();
  code.reference = input.Line();
  code.purpose = input.Line();
  const uint8_t flags = input.Byte();
  code.initiation = (flags & 1) != 0 ? payments::QrInitiation::kStatic : payments::QrInitiation::kDynamic;
  code.service = (flags & 2) != 0 ? payments::QrService::kCard : payments::QrService::kAccount;
  code.lower_case_crc = (flags & 4) != 0;
  if ((flags & 8) != 0) code.amount_vnd = static_cast<base::Vnd>(input.Byte()) << (input.Byte() % 48);
  while (!input.empty()) {
    auto& fields = (input.Byte() & 1) != 0 ? code.other : code.other_additional;
    const int tag = input.Byte();
    fields.push_back({tag, std::string(input.Line())});
  }
  const auto written = payments::EncodeVietQr(code);
  if (!written.ok()) return;
  FUZZ_CHECK(written->size() <= payments::kQrPayloadMax);
  auto again = payments::ParseVietQr(*written);
  FUZZ_CHECK(again.ok(), *written);
  again->lower_case_crc = code.lower_case_crc;
  FUZZ_CHECK(*again == code, *written);
}

void CheckMemo(std::string_view text) {
  const payments::FoundReferences found = payments::FindReferences(text);
  for (const std::string& reference : found.valid) FUZZ_CHECK(payments::IsReference(reference), reference);
  for (const std::string& reference : found.damaged) FUZZ_CHECK(!payments::IsReference(reference), reference);

  uint64_t number = 0;
  std::memcpy(&number, text.data(), std::min(text.size(), sizeof(number)));
  const std::string reference = payments::MakeReference(number);
  FUZZ_CHECK(payments::IsReference(reference), reference);
  const std::string memo = payments::MemoText(reference, text);
  FUZZ_CHECK(memo.size() <= payments::kMemoMax, memo);
  const payments::FoundReferences back = payments::FindReferences(memo);
  FUZZ_CHECK(back.valid.size() == 1 && back.valid[0] == reference && back.damaged.empty(), memo);
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  const std::string_view text = View(data, size);
  CheckParsed(text);
  CheckParsed(WithCrc(text));
  CheckBuilt(text);
  CheckMemo(text);
  return 0;
}
