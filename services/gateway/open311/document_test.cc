#include "services/gateway/open311/document.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "services/gateway/open311/datetime.h"
#include "services/gateway/open311/xml_test_util.h"

namespace dinh::gateway::open311 {
namespace {

using nlohmann::json;

TEST(Document, OneTreeTwoForms) {
  Node services = List("services");
  services.Add(Object("service", {Text("service_code", "001"), Text("keywords", ""), Bool("metadata", true),
                                  Integer("order", -7), Number("lat", 37.762221815), List("values")}));
  EXPECT_EQ(ToJson(services),
            R"([{"service_code":"001","keywords":null,"metadata":true,"order":-7,"lat":37.762221815,"values":[]}])");
  EXPECT_EQ(ToXml(services),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<services><service><service_code>001</service_code><keywords/><metadata>true</metadata><order>-7</order>"
            "<lat>37.762221815</lat><values/></service></services>");
  EXPECT_EQ(ToJson(List("services")), "[]");
  EXPECT_EQ(ToXml(List("services")), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<services/>");
}

std::string XmlText(const std::string& text) {
  const auto root = ParseXml(ToXml(Object("root", {Text("t", text)})));
  EXPECT_TRUE(root.has_value()) << text;
  return root.has_value() ? (*root)["t"].text : "not well-formed";
}

TEST(Document, XmlHoldsWhatXmlCanHold) {
  EXPECT_EQ(XmlText("<b>\"Ổ gà\" & 'lầy' ]]></b>"), "<b>\"Ổ gà\" & 'lầy' ]]></b>");
  EXPECT_EQ(XmlText("&amp;"), "&amp;");
  EXPECT_EQ(XmlText("a\r\nb\tc\rd"), "a\r\nb\tc\rd");
  EXPECT_EQ(XmlText(std::string("a\0b\x01\x08\x0B\x0C\x1Fz", 9)), "abz");
  EXPECT_EQ(XmlText("a\xEF\xBF\xBE"
                    "b\xEF\xBF\xBF"
                    "c\xEF\xBF\xBD"),
            "abc\xEF\xBF\xBD");
  EXPECT_EQ(XmlText("\xF0\x9F\x95\xB3 Đường\xC2\x85\x7F"), "\xF0\x9F\x95\xB3 Đường\xC2\x85\x7F");
  EXPECT_EQ(XmlText("a\xFF\xED\xA0\x80z"), "a????z");  // no UTF-8
}

TEST(Document, AnyTextStaysWellFormed) {
  std::mt19937 random(20260213);
  const std::string pieces[] = {"<", "&", "]]>", "\xEF\xBF\xBF", "ổ", "\x01", "\"", "\r", "a", "<!--", "\xC3"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int n = static_cast<int>(random() % 20); n > 0; --n) {
      text +=
          random() % 3 == 0 ? std::string(1, static_cast<char>(random() % 256)) : pieces[random() % std::size(pieces)];
    }
    const Node root = Object("root", {Text("t", text)});
    EXPECT_TRUE(ParseXml(ToXml(root)).has_value()) << testing::PrintToString(text);
    EXPECT_FALSE(json::parse(ToJson(root), nullptr, false).is_discarded()) << testing::PrintToString(text);
  }
}

TEST(DateTime, ReadsTheW3cFormWithAZone) {
  constexpr base::Micros kInstant = 784'041'330 * base::kMicrosPerSecond;  // the specification's example
  for (const char* text : {"1994-11-05T08:15:30-05:00", "1994-11-05T13:15:30Z", "1994-11-05T20:15:30+07:00",
                           "1994-11-05T20:15:30 07:00", "1994-11-05T13:15:30.000Z"}) {
    EXPECT_EQ(ParseDateTime(text), kInstant) << text;
  }
  EXPECT_EQ(ParseDateTime("1994-11-05T13:15:30.5Z"), kInstant + 500'000);
  EXPECT_EQ(ParseDateTime("1994-11-05T13:15Z"), kInstant - 30 * base::kMicrosPerSecond);
  EXPECT_EQ(ParseDateTime("1994-11-05T20:15+07:00"), kInstant - 30 * base::kMicrosPerSecond);
  for (const char* text :
       {"", "Z", "1994", "1994-11-05", "1994-11-05T13:15:30", "1994-11-05T13:15", "1994-13-05T13:15:30Z",
        "1994-11-05T25:15:30Z", "1994-11-05 13:15:30Z", "1994-11-05T13:15:30+7", "1994-11-05T13:15:30 0700", "now",
        "784041330", "1994-11-05T13:15:30Z "}) {
    EXPECT_EQ(ParseDateTime(text), std::nullopt) << text;
  }
}

TEST(DateTime, WritesVietnamsTime) {
  EXPECT_EQ(FormatDateTime(784'041'330'999'999), "1994-11-05T20:15:30+07:00");
  EXPECT_EQ(FormatDateTime(1'770'944'400'000'000), "2026-02-13T08:00:00+07:00");
  EXPECT_EQ(ParseDateTime(FormatDateTime(1'770'944'400'000'000)), 1'770'944'400'000'000);
}

}  // namespace
}  // namespace dinh::gateway::open311
