#include "services/feedback/domain/screening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dinh::feedback {
namespace {

using enum HoldReason;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<HoldReason> Screen(std::string_view text) {
  static const Screener kScreener({"xấu tính", "đồ tồi"});
  return kScreener.Screen(text);
}

TEST(Screening, OrdinaryReportsPass) {
  for (const char* text : {
           "Đường liên thôn có ổ gà lớn, mưa xuống ngập, xe máy hay ngã. Đề nghị sửa sớm.",
           "Bà con thôn Quang Trung mong xã lắp thêm đèn đường.",
           "Anh em công nhân đi làm ca đêm rất sợ đoạn này.",
           "Cống trước trường THCS Nguyễn Văn Trỗi bị tắc.",
           "Đoạn đường Lê Lợi giao đường Nguyễn Thị Minh Khai chưa có biển báo.",
           "Trường tiểu học Lê Văn Tám không có vạch sang đường. Chú ý an toàn cho các cháu.",
           "Rác ở chợ Bút Sơn để 3 ngày chưa ai thu gom, cô giáo và học sinh phải bịt mũi.",
           "Ngày 13/02/2026 lúc 07:30 nước đục, ngày 02-03-2026 08:15 vẫn đục.",
           "Công trình 1.500.000.000 đồng làm 3 tháng đã nứt; mỗi hộ góp 500.000đ.",
           "Gọi 113 và 19006769 không ai nghe máy.",
           "Mã phản ánh PA-7Q2M4X0K91 đã gửi hôm qua.",
           "Cột điện số 12 bị nghiêng.",
           "",
           "🚧🚧🚧",
       }) {
    EXPECT_THAT(Screen(text), IsEmpty()) << text;
  }
}

TEST(Screening, NamesOfPersons) {
  for (const char* text : {
           "Ông Nguyễn Văn A đổ rác ra đường", "nhà bà Lan hát karaoke cả đêm", "Đó là anh Tuấn ở cuối thôn",
           "con trai chị Hương chạy xe ẩu", "cô giáo Mai thu tiền sai",
           "bác sĩ Hùng không trực, chú công an Dũng không đến", "ông trưởng thôn Tuấn thu quỹ", "thằng Cường lấy trộm",
           "Người này tên là Bình", "Tên thật của nó là Bình", "Nguyễn Thị Hoa lấn đất",
           "chủ quán là nguyễn văn bình",  // no capitals at all
           "ong Nguyen Van Binh do rac",   // no marks at all
           "ÔNG LÊ VĂN BÌNH LẤN ĐƯỜNG", "ông\tBình xả nước",
           "O\xCC\x82ng Bi\xCC\x80nh xả rác",  // NFD
           "ông Bì\xE2\x80\x8Bnh xả rác",      // a zero-width space within
       }) {
    EXPECT_THAT(Screen(text), Contains(kPersonName)) << text;
  }
}

TEST(Screening, AnHonorificOfAnotherSentenceNamesNobody) {
  EXPECT_THAT(Screen("Tôi hỏi ông. Trường không trả lời."), IsEmpty());
  EXPECT_THAT(Screen("Tôi hỏi các anh, Đường vẫn hỏng."), IsEmpty());
}

TEST(Screening, Numbers) {
  EXPECT_THAT(Screen("Liên hệ 0912 345 678"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("sđt0912345678nhé"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("+84 912.345.678"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("84912345678"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("(0237) 3 123 456"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("０９１２３４５６７８"), ElementsAre(kPhoneNumber));  // full-width digits
  EXPECT_THAT(Screen("gọi 0912345678 0987654321"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("từ ngày 02-03-2026 0912345678"), ElementsAre(kPhoneNumber));
  EXPECT_THAT(Screen("CCCD 038190000001"), ElementsAre(kPersonalNumber));
  EXPECT_THAT(Screen("CMND 171234567"), ElementsAre(kPersonalNumber));
  EXPECT_THAT(Screen("038 190 000 001"), ElementsAre(kPersonalNumber));
  EXPECT_THAT(Screen("STK 12345678 ngân hàng"), ElementsAre(kBankAccount));
  EXPECT_THAT(Screen("chuyển vào tài khoản: 190 1234 5678 901"), ElementsAre(kBankAccount));
  EXPECT_THAT(Screen("9704 3612 3456 7890"), ElementsAre(kBankAccount));
  EXPECT_THAT(Screen("thư về nguoi.dan@example.com."), ElementsAre(kEmail));
  EXPECT_THAT(Screen("giá 500 000 000 đồng, 123.456.789 đ"), IsEmpty());
}

TEST(Screening, Plates) {
  for (const char* text :
       {"xe 36A-123.45 đỗ chắn", "36B1-12345", "36-B1 123.45", "30E12345", "36B112345", "36C 1234"}) {
    EXPECT_THAT(Screen(text), ElementsAre(kPlate)) << text;
  }
  for (const char* text : {"QL1A 2026", "Nghị quyết 12NQ", "36 hộ, 1234 người", "đội 5A", "06A-12345"}) {
    EXPECT_THAT(Screen(text), IsEmpty()) << text;
  }
}

TEST(Screening, HouseAddresses) {
  for (const char* text : {"số nhà 12", "nhà số 12B", "ở số 12 ngõ 5", "số 12/3 ngõ 5", "nhà 12 ngõ 5", "căn hộ 302"}) {
    EXPECT_THAT(Screen(text), ElementsAre(kHouseAddress)) << text;
  }
  for (const char* text : {"ngõ 5 ngập", "đội 3, thôn 2", "hố ga số 4", "12 đường ống vỡ"}) {
    EXPECT_THAT(Screen(text), IsEmpty()) << text;
  }
}

TEST(Screening, Profanity) {
  EXPECT_THAT(Screen("Cán bộ Xấu  Tính quá"), ElementsAre(kProfanity));
  EXPECT_THAT(Screen("đồ, tồi"), ElementsAre(kProfanity));
  EXPECT_THAT(Screen("đồ gỗ, tồi tàn"), IsEmpty());  // whole phrases only
  EXPECT_THAT(Screener({}).Screen("đồ tồi"), IsEmpty());
}

TEST(Screening, AllReasonsInOrder) {
  EXPECT_THAT(Screen("Đồ tồi! Ông Nam, số nhà 5, xe 36A-12345, 0912345678, a@b.vn"),
              ElementsAre(kPersonName, kPhoneNumber, kPlate, kHouseAddress, kEmail, kProfanity));
}

TEST(Redaction, MasksContactsOnly) {
  EXPECT_EQ(RedactContacts("Gọi 0912 345 678 hoặc a@b.vn nhé"), "Gọi [đã ẩn] hoặc [đã ẩn] nhé");
  EXPECT_EQ(RedactContacts("CCCD 038190000001, STK: 123456789012"), "CCCD [đã ẩn], STK: [đã ẩn]");
  EXPECT_EQ(RedactContacts("+84912345678."), "[đã ẩn].");
  EXPECT_EQ(RedactContacts("０９１２３４５６７８ ạ"), "[đã ẩn] ạ");
  EXPECT_EQ(RedactContacts("0912345678 0987654321"), "[đã ẩn] [đã ẩn]");
  EXPECT_EQ(RedactContacts("0912345678@gmail.com"), "[đã ẩn]");
  for (const char* text :
       {"Ổ gà sâu 20 cm, ngày 13/02/2026", "kinh phí 1.500.000.000 đồng", "", "đèn số 7 \xFF hỏng"}) {
    EXPECT_EQ(RedactContacts(text), text);
  }
}

TEST(Redaction, TwiceChangesNothingMore) {
  const std::string once = RedactContacts("x 0912345678 và 171234567, 9704361234567890 @ a.b@c.d.vn 84 912 345 678");
  EXPECT_EQ(RedactContacts(once), once);
  EXPECT_THAT(Screen(once), IsEmpty());
}

TEST(Screening, NamesOfReasons) {
  for (int i = 0; i <= static_cast<int>(kProfanity); ++i) {
    const auto reason = static_cast<HoldReason>(i);
    EXPECT_EQ(ParseHoldReason(HoldReasonName(reason)), reason);
    EXPECT_FALSE(HoldReasonVi(reason).empty());
  }
  EXPECT_EQ(ParseHoldReason("nothing"), std::nullopt);
}

}  // namespace
}  // namespace dinh::feedback
