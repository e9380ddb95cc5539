#include "services/payments/domain/vietqr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "libs/base/status.h"
#include "nlohmann/json.hpp"

namespace dinh::payments {
namespace {

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ok() ? "OK" : "?");
}

std::string WithCrc(std::string body) {
  body += "6304";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const uint16_t crc = Crc16(body);
  for (int shift = 12; shift >= 0; shift -= 4) body += kHex[crc >> shift & 15];
  return body;
}

nlohmann::json Vectors() {
  std::ifstream file(DINH_SOURCE_DIR "/services/payments/domain/testdata/vietqr_vectors.json");
  return nlohmann::json::parse(file, nullptr, false);
}

constexpr std::string_view kDynamic =
    "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN62340107NPS6869081"
    "9"
    "thanh toan don hang63042E2E";

TEST(VietQr, CrcHasItsCheckValue) { EXPECT_EQ(Crc16("123456789"), 0x29B1); }

TEST(VietQr, EveryValidVectorRoundTripsAndTheOthersAreRefused) {
  const nlohmann::json data = Vectors();
  ASSERT_TRUE(data.is_object());
  int valid = 0;
  for (const auto& vector : data["vectors"]) {
    const std::string name = vector["name"];
    const std::string payload = vector["payload"];
    const auto qr = ParseVietQr(payload);
    if (!vector["crc_valid"].get<bool>()) {
      EXPECT_EQ(ReasonOf(qr.status()), "VIETQR_CRC") << name;
      continue;
    }
    if (!vector["tlv_valid"].get<bool>()) {
      EXPECT_EQ(ReasonOf(qr.status()), "VIETQR_INVALID") << name;
      continue;
    }
    ++valid;
    ASSERT_TRUE(qr.ok()) << name << ": " << qr.status();
    const auto& fields = vector["fields"];
    const auto text = [&](const char* key) { return fields[key].is_null() ? "" : fields[key].get<std::string>(); };
    EXPECT_EQ(qr->bin, text("38.01.00_bin")) << name;
    EXPECT_EQ(qr->account, text("38.01.01_account_or_card")) << name;
    EXPECT_EQ(qr->service == QrService::kCard, text("38.02_service") == "QRIBFTTC") << name;
    EXPECT_EQ(qr->initiation == QrInitiation::kStatic, text("01_initiation") == "11") << name;
    EXPECT_EQ(qr->amount_vnd ? std::to_string(*qr->amount_vnd) : "", text("54_amount")) << name;
    EXPECT_EQ(qr->bill, text("62.01_bill")) << name;
    EXPECT_EQ(qr->reference, text("62.05_reference")) << name;
    EXPECT_EQ(qr->purpose, text("62.08_purpose")) << name;
    const auto again = EncodeVietQr(*qr);
    ASSERT_TRUE(again.ok()) << name;
    EXPECT_EQ(*again, payload) << name;
  }
  EXPECT_EQ(valid, 6);
}

TEST(VietQr, EverySingleChangeIsCaught) {
  for (size_t i = 0; i < kDynamic.size(); ++i) {
    for (char c = 0x20; c < 0x7F; ++c) {
      std::string changed(kDynamic);
      if (changed[i] == c) continue;
      changed[i] = c;
      EXPECT_FALSE(ParseVietQr(changed).ok()) << i << " " << c;
    }
  }
}

TEST(VietQr, NeighboursSwappedAndTailsCutAreCaught) {
  for (size_t i = 0; i + 1 < kDynamic.size(); ++i) {
    std::string changed(kDynamic);
    std::swap(changed[i], changed[i + 1]);
    EXPECT_EQ(ParseVietQr(changed).ok(), changed == kDynamic) << i;
    EXPECT_FALSE(ParseVietQr(kDynamic.substr(0, i)).ok()) << i;
    EXPECT_FALSE(ParseVietQr(std::string(kDynamic) + kDynamic[i]).ok()) << i;
  }
}

TEST(VietQr, BrokenStructureUnderAGoodCrcIsRefused) {
  const std::string head = "000201010212";
  const std::string napas = "38540010A00000072701240006970422011003523509170208QRIBFTTA";
  const std::string tail = "53037045802VN";
  ASSERT_TRUE(ParseVietQr(WithCrc(head + napas + tail)).ok());
  const std::pair<std::string, std::string> cases[] = {
      {"010212" + napas + tail, "00"},                            // no format
      {"010212000201" + napas + tail, "00"},                      // format not first
      {"000201" + napas + tail, "01"},                            // no initiation
      {"000201010213" + napas + tail, "01"},                      // neither static nor dynamic
      {head + tail, "38"},                                        // no beneficiary
      {head + napas + "5802VN", "53"},                            // no currency
      {head + napas + "5303704", "58"},                           // no country
      {head + napas + tail + "5802VN", "58"},                     // twice
      {head + napas + "5303704" + "5400" + "5802VN", "54"},       // empty
      {head + napas + "5303704" + "54010" + "5802VN", "54"},      // zero
      {head + napas + "5303704" + "54040100" + "5802VN", "54"},   // leading zero
      {head + napas + "5303704" + "540510.00" + "5802VN", "54"},  // no smaller unit exists
      {head + napas + "5303704" +
           "5414"
           "12345678901234" +
           "5802VN",
       "54"},
      {head + napas + tail + "99", "?"},     // a tail that is no field
      {head + napas + tail + "5901", "59"},  // runs over the end
      {head + napas + tail + "59xxA", "?"},  // length is no number
      {head + napas + tail +
           "62"
           "04"
           "0802",
       "62.08"},  // inner length over the end
      {head + napas + tail +
           "62"
           "12"
           "0802AB"
           "0802CD",
       "62.08"},  // inner field twice
      {head +
           "38"
           "28"
           "0010A000000727"
           "0110"
           "0006970422" +
           tail,
       "38.01.01"},
      {head +
           "38"
           "44"
           "0010A000000727"
           "0114"
           "01100352350917"
           "0208QRIBFTTA" +
           tail,
       "38.01.00"},
      {head +
           "38"
           "42"
           "0010A000000727"
           "0124"
           "000697042201100352350917" +
           tail,
       "38.02"},
      {head +
           "38"
           "53"
           "0010A000000727"
           "0123"
           "00059704201100352350917"
           "0208QRIBFTTA" +
           tail,
       "38.01.00"},
  };
  for (const auto& [body, field] : cases) {
    const auto qr = ParseVietQr(WithCrc(body));
    ASSERT_FALSE(qr.ok()) << body;
    const auto detail = base::DetailOf(qr.status());
    ASSERT_TRUE(detail) << body;
    EXPECT_EQ(detail->reason, "VIETQR_INVALID") << body;
    ASSERT_EQ(detail->metadata.size(), 1u);
    EXPECT_THAT(detail->metadata[0].second, testing::StartsWith(field)) << body;
    EXPECT_FALSE(detail->text.vi.empty());
  }
}

TEST(VietQr, OtherKindsOfCodeAreTold) {
  const std::string napas = "38540010A00000072701240006970422011003523509170208QRIBFTTA";
  const std::string other = "38540010A00000072801240006970422011003523509170208QRIBFTTA";
  const std::string push = "38540010A00000072701240006970422011003523509170208QRPUSHXX";
  EXPECT_EQ(ReasonOf(ParseVietQr(WithCrc("000201010212" + other + "53037045802VN")).status()), "VIETQR_FOREIGN");
  EXPECT_EQ(ReasonOf(ParseVietQr(WithCrc("000201010212" + push + "53037045802VN")).status()), "VIETQR_FOREIGN");
  EXPECT_EQ(ReasonOf(ParseVietQr(WithCrc("000201010212" + napas + "53038405802VN")).status()), "VIETQR_FOREIGN");
  EXPECT_EQ(ReasonOf(ParseVietQr(WithCrc("000201010212" + napas + "53037045802TH")).status()), "VIETQR_FOREIGN");
  EXPECT_EQ(ReasonOf(ParseVietQr(WithCrc("000202010212" + napas + "53037045802VN")).status()), "VIETQR_FOREIGN");
  EXPECT_EQ(ReasonOf(ParseVietQr("https://example.invalid/").status()), "VIETQR_CRC");
}

TEST(VietQr, FieldsOfOthersAreKept) {
  const std::string payload = WithCrc(
      "00020101021138540010A00000072701240006970422011003523509170208QRIBFTTA5204000053037045802VN"
      "5907CUA HNG6006HA NOI62150304KHO10803abc80040101");
  const auto qr = ParseVietQr(payload);
  ASSERT_TRUE(qr.ok()) << qr.status();
  EXPECT_THAT(qr->other, testing::ElementsAre(QrField{52, "0000"}, QrField{59, "CUA HNG"}, QrField{60, "HA NOI"},
                                              QrField{80, "0101"}));
  EXPECT_THAT(qr->other_additional, testing::ElementsAre(QrField{3, "KHO1"}));
  EXPECT_EQ(qr->purpose, "abc");
  EXPECT_EQ(*EncodeVietQr(*qr), payload);
}

TEST(VietQr, ValuesThatCannotStandInACodeAreNotWritten) {
  const VietQr good{QrInitiation::kDynamic, QrService::kAccount, "970415", "900000158650", 16000, "", "", "LP ABC"};
  ASSERT_TRUE(EncodeVietQr(good).ok());
  const auto field = [&](auto change) {
    VietQr qr = good;
    change(qr);
    const auto detail = base::DetailOf(EncodeVietQr(qr).status());
    return detail ? detail->metadata[0].second : "written";
  };
  EXPECT_EQ(field([](VietQr& q) { q.bin = "97041"; }), "38.01.00");
  EXPECT_EQ(field([](VietQr& q) { q.bin = "97041A"; }), "38.01.00");
  EXPECT_EQ(field([](VietQr& q) { q.account = ""; }), "38.01.01");
  EXPECT_EQ(field([](VietQr& q) { q.account = std::string(20, '1'); }), "38.01.01");
  EXPECT_EQ(field([](VietQr& q) { q.account = "12 34"; }), "38.01.01");
  EXPECT_EQ(field([](VietQr& q) { q.account = "12A4", q.service = QrService::kCard; }), "38.01.01");
  EXPECT_EQ(field([](VietQr& q) { q.amount_vnd = 0; }), "54");
  EXPECT_EQ(field([](VietQr& q) { q.amount_vnd = -1; }), "54");
  EXPECT_EQ(field([](VietQr& q) { q.amount_vnd = kQrAmountMaxVnd + 1; }), "54");
  EXPECT_EQ(field([](VietQr& q) { q.purpose = std::string(26, 'a'); }), "62.08");
  EXPECT_EQ(field([](VietQr& q) { q.purpose = "Lệ phí"; }), "62.08");
  EXPECT_EQ(field([](VietQr& q) { q.bill = "a\nb"; }), "62.01");
  EXPECT_EQ(field([](VietQr& q) { q.reference = std::string(26, 'a'); }), "62.05");
  EXPECT_EQ(field([](VietQr& q) { q.other = {{54, "1"}}; }), "other");
  EXPECT_EQ(field([](VietQr& q) { q.other = {{60, "A"}, {59, "B"}}; }), "other");
  EXPECT_EQ(field([](VietQr& q) { q.other_additional = {{8, "B"}}; }), "62");
  EXPECT_EQ(field([](VietQr& q) { q.other_additional = {{3, std::string(99, 'x')}}; }), "62");
}

TEST(VietQr, SeededRandomCodesRoundTrip) {
  std::mt19937_64 random(20260213);
  const auto text = [&](size_t max, std::string_view alphabet) {
    std::string out(random() % max + 1, ' ');
    for (char& c : out) c = alphabet[random() % alphabet.size()];
    return out;
  };
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kText = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz0123456789.-/";
  for (int round = 0; round < 5000; ++round) {
    VietQr qr;
    qr.initiation = random() % 2 ? QrInitiation::kStatic : QrInitiation::kDynamic;
    qr.service = random() % 2 ? QrService::kCard : QrService::kAccount;
    while (qr.bin.size() < 6) qr.bin += kDigits[random() % 10];
    qr.account = text(kQrAccountMax, kDigits);
    if (random() % 2) qr.amount_vnd = static_cast<base::Vnd>(random() % kQrAmountMaxVnd) + 1;
    if (random() % 2) qr.bill = text(kQrTextMax, kText);
    if (random() % 2) qr.reference = text(kQrTextMax, kText);
    if (random() % 2) qr.purpose = text(kQrTextMax, kText);
    if (random() % 4 == 0) qr.other = {{59, text(25, kText)}, {60, text(15, kText)}};
    qr.lower_case_crc = false;
    const auto payload = EncodeVietQr(qr);
    ASSERT_TRUE(payload.ok()) << payload.status();
    const auto again = ParseVietQr(*payload);
    ASSERT_TRUE(again.ok()) << *payload << again.status();
    EXPECT_EQ(*again, qr) << *payload;
  }
}

// Mutants whose check value was made right again reach the structure: whatever is accepted can be written, and reads
// back as the same.
TEST(VietQr, SeededMutantsNeverCrashAndWhatIsAcceptedIsUnderstood) {
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string body(kDynamic.substr(0, kDynamic.size() - 8));
    for (int edits = static_cast<int>(random() % 3) + 1; edits > 0 && !body.empty(); --edits) {
      const size_t at = random() % body.size();
      switch (random() % 4) {
        case 0:
          body[at] = static_cast<char>('0' + random() % 10);
          break;
        case 1:
          body[at] = static_cast<char>(random() % 256);
          break;
        case 2:
          body.erase(at, random() % 5 + 1);
          break;
        default:
          body.insert(at, std::string(random() % 4 + 1, static_cast<char>('0' + random() % 10)));
      }
    }
    const auto qr = ParseVietQr(WithCrc(body));
    if (!qr.ok()) continue;
    ++accepted;
    const auto written = EncodeVietQr(*qr);
    ASSERT_TRUE(written.ok()) << body << written.status();
    const auto again = ParseVietQr(*written);
    ASSERT_TRUE(again.ok()) << *written;
    EXPECT_EQ(*again, *qr);
  }
  EXPECT_GT(accepted, 500);
}

TEST(VietQr, NoiseIsRefused) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string noise(random() % 600, '\0');
    for (char& c : noise) c = static_cast<char>(random() % 256);
    EXPECT_FALSE(ParseVietQr(noise).ok());
  }
}

}  // namespace
}  // namespace dinh::payments
