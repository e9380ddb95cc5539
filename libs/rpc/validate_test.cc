#include "libs/rpc/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "libs/base/status.h"
#include "libs/rpc/formats.h"

namespace dinh::rpc {
namespace {

namespace pb = ::dinh::testing::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

pb::CreateThingRequest Good() {
  pb::CreateThingRequest r;
  r.set_name("Công dân");
  r.add_parts()->set_id("p");
  return r;
}

class ValidateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto compiled = Validator::Compile(*pb::CreateThingRequest::descriptor());
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    validator_ = *std::move(compiled);
  }
  std::vector<std::string> Fields(pb::CreateThingRequest r) {
    const absl::Status status = validator_->Check(&r);
    std::vector<std::string> fields;
    if (status.ok()) return fields;
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    const auto detail = base::DetailOf(status);
    EXPECT_TRUE(detail.has_value());
    for (const auto& violation : detail->violations) {
      EXPECT_FALSE(violation.description.vi.empty());
      EXPECT_FALSE(violation.description.en.empty());
      fields.push_back(violation.field);
    }
    return fields;
  }
  std::vector<std::string> With(const std::function<void(pb::CreateThingRequest&)>& change) {
    pb::CreateThingRequest r = Good();
    change(r);
    return Fields(r);
  }
  std::unique_ptr<Validator> validator_;
};

TEST_F(ValidateTest, AGoodRequestPasses) { EXPECT_THAT(Fields(Good()), IsEmpty()); }

TEST_F(ValidateTest, FindsEverythingAtOnceWithPaths) {
  pb::CreateThingRequest r;
  r.set_code("xx");
  r.set_copies(11);
  r.add_labels("ok");
  r.add_labels("too long");
  r.mutable_part();
  r.add_parts()->set_id("p");
  r.add_parts()->mutable_inner()->mutable_inner();
  (*r.mutable_parts_by_name())["k"];
  EXPECT_THAT(Fields(r), ElementsAre("name", "code", "copies", "labels[1]", "part.id", "parts[1].id",
                                     "parts[1].inner.id", "parts[1].inner.inner.id", "parts_by_name[\"k\"].id"));
}

TEST_F(ValidateTest, LengthCountsCodePoints) {
  EXPECT_THAT(With([](auto& r) { r.set_name("ỄỮỘẰỶđấấấấ"); }), IsEmpty());
  EXPECT_THAT(With([](auto& r) { r.set_name("ỄỮỘẰỶđấấấấa"); }), ElementsAre("name"));
  EXPECT_THAT(With([](auto& r) { r.set_name("Ễ"); }), ElementsAre("name"));
  EXPECT_THAT(With([](auto& r) { r.set_digest("123"); }), ElementsAre("digest"));
  EXPECT_THAT(With([](auto& r) { r.set_digest("123456789"); }), ElementsAre("digest"));
  EXPECT_THAT(With([](auto& r) { r.set_digest("12345678"); }), IsEmpty());
}

TEST_F(ValidateTest, TextsAreBroughtToNfcAndRefusedWithHiddenCharacters) {
  pb::CreateThingRequest r = Good();
  r.set_name("E\xCC\x82\xCC\x83 a");  // E + circumflex + tilde
  ASSERT_TRUE(validator_->Check(&r).ok());
  EXPECT_EQ(r.name(), "Ễ a");
  EXPECT_THAT(With([](auto& q) {
                q.set_name(
                    "a\xE2\x80\x8B"
                    "bc");
              }),
              ElementsAre("name"));
  EXPECT_THAT(With([](auto& q) {
                q.set_name(
                    "a\x01"
                    "bc");
              }),
              ElementsAre("name"));
  EXPECT_THAT(With([](auto& q) { q.set_name("   "); }), ElementsAre("name"));  // blanks are nothing
}

TEST_F(ValidateTest, NumbersAndPresence) {
  EXPECT_THAT(With([](auto& r) { r.set_copies(10); }), IsEmpty());
  EXPECT_THAT(With([](auto& r) { r.set_copies(-1); }), ElementsAre("copies"));
  EXPECT_THAT(With([](auto& r) { r.set_copies(0); }), IsEmpty());                      // absent
  EXPECT_THAT(With([](auto& r) { r.set_amount_vnd(0); }), ElementsAre("amount_vnd"));  // present: it was sent
  EXPECT_THAT(With([](auto& r) { r.set_amount_vnd(1); }), IsEmpty());
  EXPECT_THAT(With([](auto& r) { r.set_ratio(1.01); }), ElementsAre("ratio"));
  EXPECT_THAT(With([](auto& r) { r.set_ratio(std::numeric_limits<double>::quiet_NaN()); }), ElementsAre("ratio"));
}

TEST_F(ValidateTest, ListsMapsEnumsAndOutputs) {
  EXPECT_THAT(With([](auto& r) { r.clear_parts(); }), ElementsAre("parts"));
  EXPECT_THAT(With([](auto& r) {
                for (int i = 0; i < 3; ++i) r.add_parts();
              }),
              ElementsAre("parts"));  // a list that is too long is not walked
  EXPECT_THAT(With([](auto& r) { (*r.mutable_notes())["a"] = "12345"; }), ElementsAre("notes[\"a\"]"));
  EXPECT_THAT(With([](auto& r) {
                for (const char* key : {"a", "b", "c"}) (*r.mutable_notes())[key] = "1";
              }),
              ElementsAre("notes"));
  EXPECT_THAT(With([](auto& r) { r.mutable_thing()->set_state(pb::Thing::STATE_NEW); }), ElementsAre("thing.state"));
  EXPECT_THAT(With([](auto& r) { r.mutable_parts(0)->set_state(static_cast<pb::Thing::State>(9)); }),
              ElementsAre("parts[0].state"));
}

TEST_F(ValidateTest, TheNumberOfViolationsIsBounded) {
  pb::CreateThingRequest r = Good();
  for (int i = 0; i < 500; ++i) (*r.mutable_parts_by_name())[std::to_string(i)];
  EXPECT_EQ(Fields(r).size(), 50u);
}

TEST_F(ValidateTest, Formats) {
  struct Row {
    const char* field;
    std::vector<const char*> good, bad;
  };
  const std::vector<Row> rows = {
      {"date", {"2026-02-13", "2024-02-29"}, {"2026-02-30", "2026-2-3", "13/02/2026", "2026-02-13T00:00"}},
      {"birth_date", {"1957", "1957-03", "1957-03-01"}, {"57", "1957-13", "1957-03-32", "1957-"}},
      {"uuid", {"0190a5b2-7e3c-7abc-8def-0123456789ab"}, {"0190a5b2", "0190a5b2-7e3c-7abc-8def-0123456789ag"}},
      {"phone",
       {"0912345678", "+84912345678", "84912345678"},
       {"091234567", "0212345678", "+85912345678", "09123456789"}},
      {"personal_number",
       {"038301000001", "001099000001"},
       {"000301000001", "097301000001", "03830100000", "03830100000x"}},
      {"unit", {"38", "15865", "v-quang-trung"}, {"1", "158650", "v-", "V-a", "v-đ"}},
      {"email",
       {"a@b.vn", "a.b+c@d-e.com.vn"},
       {"a@b", "@b.vn", "a@@b.vn", "a..b@c.vn", "a@-b.vn", "a b@c.vn", "a@b."}},
      {"code", {"AB-12", "AB-1234.x"}, {"AB-1", "ab-12", "AB-12345", "AB-12.y"}},
  };
  for (const Row& row : rows) {
    const auto* field = pb::CreateThingRequest::descriptor()->FindFieldByName(row.field);
    ASSERT_NE(field, nullptr);
    for (const char* value : row.good) {
      EXPECT_THAT(With([&](auto& r) { r.GetReflection()->SetString(&r, field, value); }), IsEmpty()) << value;
    }
    for (const char* value : row.bad) {
      EXPECT_THAT(With([&](auto& r) { r.GetReflection()->SetString(&r, field, value); }), ElementsAre(row.field))
          << value;
    }
  }
}

TEST(ValidatorTest, KnowsWhatItNeverTouches) {
  const auto get = Validator::Compile(*pb::GetThingRequest::descriptor());
  ASSERT_TRUE(get.ok());
  EXPECT_FALSE((*get)->empty());
  EXPECT_FALSE((*get)->mutates());
  const auto signed_request = Validator::Compile(*options::v1::SignedRequest::descriptor());
  ASSERT_TRUE(signed_request.ok());
  EXPECT_TRUE((*signed_request)->empty());
}

}  // namespace
}  // namespace dinh::rpc
