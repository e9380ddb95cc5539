#include "services/gateway/open311/form.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/http/multipart.h"
#include "libs/http/url.h"

namespace dinh::gateway::open311 {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kUrlEncoded[] = "application/x-www-form-urlencoded; charset=utf-8";

// The field that an error is about and its reason: "lat BAD_VALUE".
std::string Refused(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  const base::ErrorDetail detail = base::DetailOf(status).value_or(base::ErrorDetail{});
  return (detail.violations.empty() ? "" : detail.violations[0].field + " ") + detail.reason;
}

TEST(Form, ReadsTheSpecificationsExample) {
  Form form;
  ASSERT_TRUE(
      form.AddBody(
              kUrlEncoded,
              "api_key=xyz&jurisdiction_id=city.gov&service_code=001&lat=37.76524078&long=-122.4212043"
              "&address_string=1234+5th+street&email=smit333%40sfgov.edu&device_id=tt222111&account_id=123456"
              "&first_name=john&last_name=smith&phone=111111111&description=A+large+sinkhole+is+destroying+the+street"
              "&media_url=http%3A%2F%2Ffarm3.static.flickr.com%2F2002%2F2212426634_5ed477a060.jpg"
              "&attribute[WHISPAWN]=123456&attribute[WHISDORN]=COISL001")
          .ok());
  EXPECT_EQ(form.Get("api_key"), "xyz");
  EXPECT_EQ(form.Get("address_string"), "1234 5th street");
  EXPECT_EQ(form.Get("email"), "smit333@sfgov.edu");
  EXPECT_EQ(form.Get("long"), "-122.4212043");
  EXPECT_EQ(form.Get("absent"), "");
  EXPECT_THAT(form.Attributes(), UnorderedElementsAre(Pair("WHISPAWN", "123456"), Pair("WHISDORN", "COISL001")));
}

TEST(Form, ListsOfAttributes) {
  Form form;
  ASSERT_TRUE(form.AddEncoded("attribute[a][]=1&attribute%5Ba%5D%5B%5D=2&attribute[a][]=&attribute[b][]=x"
                              "&attribute[empty]=&attributes[z]=1")
                  .ok());
  EXPECT_THAT(form.Attributes(), UnorderedElementsAre(Pair("a", "1,2"), Pair("b", "x")));
}

TEST(Form, QueryAndBodyAreOneForm) {
  Form form;
  ASSERT_TRUE(form.AddEncoded("api_key=a&jurisdiction_id=dinh").ok());
  ASSERT_TRUE(form.AddBody(kUrlEncoded, "lat=1").ok());
  EXPECT_EQ(form.Get("api_key"), "a");
  EXPECT_EQ(form.Get("lat"), "1");
  EXPECT_EQ(Refused(form.AddBody(kUrlEncoded, "api_key=b")), "api_key DUPLICATE_FIELD");
}

TEST(Form, RefusesWhatIsNotPlain) {
  const auto refused = [](std::string_view text) {
    Form form;
    return Refused(form.AddEncoded(text));
  };
  EXPECT_EQ(refused("lat=1&lat=1"), "lat DUPLICATE_FIELD");
  EXPECT_EQ(refused("lat=&lat="), "lat DUPLICATE_FIELD");
  EXPECT_EQ(refused("attribute[a]=1&attribute[a]=2"), "attribute[a] DUPLICATE_FIELD");
  EXPECT_EQ(refused("attribute[a][]=1&attribute[a]=2"), "attribute[a] DUPLICATE_FIELD");
  EXPECT_EQ(refused("attribute[a]=1&attribute[a][]=2"), "attribute[a] DUPLICATE_FIELD");
  for (const char* name : {"attribute[", "attribute[]", "attribute[a", "attribute[a]b", "attribute[a][b]",
                           "attribute[[a]", "attribute[][]", "attribute[a]]"}) {
    EXPECT_THAT(refused(std::string(name) + "=1"), testing::EndsWith("BAD_FORM")) << name;
  }
  EXPECT_EQ(refused("a=%"), "form BAD_FORM");
  EXPECT_EQ(refused("a=%2"), "form BAD_FORM");
  EXPECT_EQ(refused("a=%zz"), "form BAD_FORM");
  EXPECT_EQ(refused("a=%00"), "form BAD_FORM");
  EXPECT_EQ(refused("=1"), "form BAD_FORM");
  EXPECT_EQ(refused("a=%FF"), "a BAD_VALUE");
  EXPECT_EQ(refused("a=%ED%A0%80"), "a BAD_VALUE");
  EXPECT_EQ(refused("a=\xC0\xAF"), "a BAD_VALUE");
  EXPECT_EQ(refused("%FF=a"), "form BAD_FORM");
  EXPECT_EQ(refused(std::string(kFieldNameBytesMax + 1, 'n') + "=1"), "form BAD_FORM");
}

TEST(Form, TheNumberOfFieldsIsBounded) {
  std::string text;
  for (size_t i = 0; i < kFormFieldsMax; ++i) text += "&attribute[a][]=" + std::to_string(i);
  EXPECT_TRUE(Form().AddEncoded(text).ok());
  EXPECT_EQ(Refused(Form().AddEncoded(text + "&x=1")), "form TOO_MANY_FIELDS");
  std::string more;
  for (size_t i = 0; i < 1000; ++i) more += "&f" + std::to_string(i);
  EXPECT_EQ(Refused(Form().AddEncoded(more)), "form BAD_FORM");
}

TEST(Form, Multipart) {
  http::MultipartWriter writer("x7");
  std::string body = writer.Field("description", "Ổ gà\r\n& ngập");
  body += writer.Field("attribute[sâu]", "3");
  body += writer.Field("attribute[b][]", "1");
  body += writer.Field("attribute[b][]", "2");
  Form form;
  ASSERT_TRUE(IsFormType(writer.ContentType()));
  ASSERT_TRUE(form.AddBody(writer.ContentType(), body + writer.End()).ok());
  EXPECT_EQ(form.Get("description"), "Ổ gà\r\n& ngập");
  EXPECT_THAT(form.Attributes(), UnorderedElementsAre(Pair("sâu", "3"), Pair("b", "1,2")));

  EXPECT_FALSE(Form().AddBody(writer.ContentType(), body).ok());  // not ended
  const auto refused = [](std::string_view name, std::string_view value, bool file) {
    http::MultipartWriter one("x7");
    const std::string part =
        file ? one.FileHead(name, "a.jpg", "image/jpeg") + std::string(value) : one.Field(name, value);
    return Refused(Form().AddBody(one.ContentType(), part + one.End()));
  };
  EXPECT_EQ(refused("media", "bytes", true), "media UNEXPECTED_PART");
  EXPECT_EQ(refused("a", std::string_view("x\0y", 3), false), "a BAD_VALUE");
  EXPECT_EQ(refused("a", "\xFF", false), "a BAD_VALUE");
  EXPECT_EQ(refused("attribute[", "1", false), "attribute[ BAD_FORM");
}

TEST(Form, Types) {
  for (const char* type : {"application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded;charset=UTF-8",
                           "multipart/form-data; boundary=a"}) {
    EXPECT_TRUE(IsFormType(type)) << type;
  }
  for (const char* type : {"", "application/json", "text/xml", "multipart/form-data", "multipart/mixed; boundary=a"}) {
    EXPECT_FALSE(IsFormType(type)) << type;
  }
}

// Whatever comes, a form is refused or holds UTF-8 without NUL, and a form that was encoded by the rules is read back.
TEST(Form, AnyBytes) {
  std::mt19937 random(311);
  const std::string pieces[] = {"attribute[", "][]", "]", "=", "&", "%", "%41", "%C3%B4", "%00", "+", "lat", "\xC3"};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int n = static_cast<int>(random() % 12); n > 0; --n) {
      text +=
          random() % 6 == 0 ? std::string(1, static_cast<char>(random() % 256)) : pieces[random() % std::size(pieces)];
    }
    Form form;
    const bool read =
        i % 2 == 0 ? form.AddEncoded(text).ok() : form.AddBody("multipart/form-data; boundary=a", text).ok();
    if (!read) continue;
    ++good;
    for (const auto& [code, value] : form.Attributes()) {
      EXPECT_TRUE(base::IsValidUtf8(code) && base::IsValidUtf8(value)) << testing::PrintToString(text);
      EXPECT_EQ(value.find('\0'), std::string::npos);
      EXPECT_FALSE(code.empty() || value.empty());
    }
  }
  EXPECT_GT(good, 500);
  for (int i = 0; i < 1'000; ++i) {
    std::string value;
    for (int n = static_cast<int>(random() % 30); n > 0; --n) value += static_cast<char>(1 + random() % 127);
    Form form;
    ASSERT_TRUE(form.AddEncoded(http::EncodeQuery({{"description", value}})).ok());
    EXPECT_EQ(form.Get("description"), value);
  }
}

}  // namespace
}  // namespace dinh::gateway::open311
