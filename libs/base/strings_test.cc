#include "libs/base/strings.h"

#include <gtest/gtest.h>

#include "libs/base/random.h"

namespace dinh::base {
namespace {

std::string Decoded(std::string_view text) {
  std::string out = "untouched";
  return Base64UrlDecode(text, &out) ? out : "refused, " + out;
}

TEST(StringsTest, HexBothWays) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\x7f\xff\xa0", 4)), "007fffa0");
  std::string out = "untouched";
  ASSERT_TRUE(HexDecode("007FFFa0", &out));
  EXPECT_EQ(out, std::string("\x00\x7f\xff\xa0", 4));
  ASSERT_TRUE(HexDecode("", &out));
  EXPECT_EQ(out, "");
  out = "untouched";
  for (const char* bad : {"0", "0g", "g0", " 0", "0x10", "00:"}) EXPECT_FALSE(HexDecode(bad, &out)) << bad;
  EXPECT_EQ(out, "untouched");
}

TEST(StringsTest, Base64UrlVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(Base64UrlEncode(plain), encoded);
    EXPECT_EQ(Decoded(encoded), plain);
  }
  EXPECT_EQ(Base64UrlEncode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(Decoded("-__-"), "\xfb\xff\xfe");
}

TEST(StringsTest, Base64UrlHasOneTextPerValue) {
  for (const char* bad :
       {"Zg==", "Zg=", "Z", "Zm9vY", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9v.Zg", "Zh", "Zm9", "Zm8\xC3"}) {
    EXPECT_EQ(Decoded(bad), "refused, untouched") << bad;
  }
}

TEST(StringsTest, Base64UrlRoundTripsRandomBytes) {
  SeededRandom random(1);
  for (size_t size = 0; size < 200; ++size) {
    const std::string bytes = random.Bytes(size);
    const std::string text = Base64UrlEncode(bytes);
    EXPECT_EQ(text.size(), (size * 4 + 2) / 3);
    EXPECT_EQ(Decoded(text), bytes);
  }
}

TEST(StringsTest, ConstantTimeEqualIsEqual) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
  EXPECT_FALSE(ConstantTimeEqual("", "a"));
}

TEST(StringsTest, DigestsMatchTheirStandards) {
  // FIPS 180-4 examples; RFC 4231 test cases 2 and 6 (a key longer than the block).
  EXPECT_EQ(HexEncode(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexEncode(HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(StringsTest, SplitTrimJoin) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(Split("a,b,,c", ','), (Parts{"a", "b", "", "c"}));
  EXPECT_EQ(Split("", ','), (Parts{""}));
  EXPECT_EQ(Split(",", ','), (Parts{"", ""}));
  EXPECT_EQ(Trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Join({"a", "", "c"}, ", "), "a, , c");
  EXPECT_EQ(Join({}, ","), "");
}

TEST(StringsTest, AbslViewsBothWays) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(FromAbsl(ToAbsl(text)), text);
}

}  // namespace
}  // namespace dinh::base
