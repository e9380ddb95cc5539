#include <string>
#include <vector>

#include "dinh/testing/v1/transcode.pb.h"
#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway::transcode {
namespace {

namespace tpb = dinh::testing::v1;

class ParseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = transcoder_.Add(tpb::Everything::descriptor());
    ASSERT_TRUE(plan.ok());
    plan_ = *plan;
  }
  absl::Status Parse(std::string_view json) {
    message_.Clear();
    return transcoder_.Parse(*plan_, json, &message_);
  }

  Transcoder transcoder_;
  const MessagePlan* plan_ = nullptr;
  tpb::Everything message_;
};

struct Refusal {
  std::string json;
  std::string reason;
  std::string field;  // of the violation; empty: none
};

TEST_F(ParseTest, RefusesWithReasonAndPath) {
  const std::vector<Refusal> refusals = {
      {"", "MALFORMED_JSON", ""},
      {"{", "MALFORMED_JSON", ""},
      {"{}x", "MALFORMED_JSON", ""},
      {"{} {}", "MALFORMED_JSON", ""},
      {"{'as_text':1}", "MALFORMED_JSON", ""},
      {"{as_text:1}", "MALFORMED_JSON", ""},
      {R"({"as_text":"a",})", "MALFORMED_JSON", ""},
      {R"({"as_text":"a)", "MALFORMED_JSON", ""},
      {"{\"as_text\":\"a\tb\"}", "MALFORMED_JSON", ""},
      {R"({"as_text":"\x"})", "MALFORMED_JSON", ""},
      {"{\"as_text\":\"\xC3\"}", "MALFORMED_JSON", ""},
      {"{\"as_text\":\"\xED\xA0\x80\"}", "MALFORMED_JSON", ""},
      {R"({"as_text":"\ud83d"})", "MALFORMED_JSON", ""},
      {R"({"as_text":"\ude00"})", "MALFORMED_JSON", "as_text"},
      {R"({"as_number":01})", "MALFORMED_JSON", ""},
      {R"({"as_number":+1})", "MALFORMED_JSON", ""},
      {R"({"scalars":{"f_double":.5}})", "MALFORMED_JSON", ""},
      {R"({"scalars":{"f_double":NaN}})", "MALFORMED_JSON", ""},
      {"// x\n{}", "MALFORMED_JSON", ""},
      {std::string("{}\0{}", 5), "MALFORMED_JSON", ""},
      {"[]", "WRONG_TYPE", "body"},
      {"null", "WRONG_TYPE", "body"},
      {"7", "WRONG_TYPE", "body"},
      {R"({"nope":1})", "UNKNOWN_FIELD", "nope"},
      {R"({"child":{"children":[{},{"nope":1}]}})", "UNKNOWN_FIELD", "child.children[1].nope"},
      {R"({"maps":{"messages":{"k":{"nope":1}}}})", "UNKNOWN_FIELD", "maps.messages.k.nope"},
      {R"({"as_text":"a","as_text":"b"})", "DUPLICATE_FIELD", "as_text"},
      {R"({"last_field_with_a_long_name_2":"a","lastFieldWithALongName2":"b"})", "DUPLICATE_FIELD",
       "last_field_with_a_long_name_2"},
      {R"({"maps":{"by_string":{"a":"1","b":"2","a":"3"}}})", "DUPLICATE_FIELD", "maps.by_string.a"},
      {R"({"well_known":{"struct":{"a":{"b":1,"b":2}}}})", "DUPLICATE_FIELD", "well_known.struct.a.b"},
      {R"({"as_text":"a","as_number":1})", "ONEOF_CONFLICT", "as_number"},
      {R"({"as_message":{},"as_null":null})", "ONEOF_CONFLICT", "as_null"},
      {R"({"as_text":1})", "WRONG_TYPE", "as_text"},
      {R"({"as_flag":"true"})", "WRONG_TYPE", "as_flag"},
      {R"({"as_flag":1})", "WRONG_TYPE", "as_flag"},
      {R"({"as_message":[]})", "WRONG_TYPE", "as_message"},
      {R"({"children":{}})", "WRONG_TYPE", "children"},
      {R"({"children":[null]})", "WRONG_TYPE", "children[0]"},
      {R"({"lists":{"f_int32":[1,[2]]}})", "WRONG_TYPE", "lists.f_int32[1]"},
      {R"({"scalars":{"f_int32":2147483648}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_int32":-2147483649}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_int32":1.5}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_int32":""}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_int32":" 1"}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_int32":"0x10"}})", "BAD_VALUE", "scalars.f_int32"},
      {R"({"scalars":{"f_uint32":-1}})", "BAD_VALUE", "scalars.f_uint32"},
      {R"({"scalars":{"f_uint64":18446744073709551616}})", "BAD_VALUE", "scalars.f_uint64"},
      {R"({"scalars":{"f_int64":9.3e18}})", "BAD_VALUE", "scalars.f_int64"},
      {R"({"scalars":{"f_int64":1e99999999999999999999}})", "BAD_VALUE", "scalars.f_int64"},
      {R"({"scalars":{"f_float":1e39}})", "BAD_VALUE", "scalars.f_float"},
      {R"({"scalars":{"f_double":1e309}})", "BAD_VALUE", "scalars.f_double"},
      {R"({"scalars":{"f_double":"nan"}})", "BAD_VALUE", "scalars.f_double"},
      {R"({"scalars":{"f_bytes":"a"}})", "BAD_VALUE", "scalars.f_bytes"},
      {R"({"scalars":{"f_bytes":"+_AA"}})", "BAD_VALUE", "scalars.f_bytes"},
      {R"({"scalars":{"f_colour":"RED"}})", "BAD_VALUE", "scalars.f_colour"},
      {R"({"maps":{"by_int32":{"x":1}}})", "BAD_VALUE", "maps.by_int32.x"},
      {R"({"maps":{"by_int32":{"01":1}}})", "BAD_VALUE", "maps.by_int32.01"},
      {R"({"maps":{"by_bool":{"TRUE":1}}})", "BAD_VALUE", "maps.by_bool.TRUE"},
      {R"({"well_known":{"timestamp":"2026-02-30T00:00:00Z"}})", "BAD_VALUE", "well_known.timestamp"},
      {R"({"well_known":{"timestamp":"2026-02-13 15:04:05Z"}})", "BAD_VALUE", "well_known.timestamp"},
      {R"({"well_known":{"timestamp":1770969600}})", "WRONG_TYPE", "well_known.timestamp"},
      {R"({"well_known":{"duration":"1"}})", "BAD_VALUE", "well_known.duration"},
      {R"({"well_known":{"field_mask":"a,,b"}})", "BAD_VALUE", "well_known.field_mask"},
      {R"({"well_known":{"field_mask":"a.b_"}})", "BAD_VALUE", "well_known.field_mask"},
      {R"({"well_known":{"field_mask":"_a"}})", "BAD_VALUE", "well_known.field_mask"},
      {R"({"well_known":{"field_mask":"a__b"}})", "BAD_VALUE", "well_known.field_mask"},
      {R"({"well_known":{"field_mask":"a_1"}})", "BAD_VALUE", "well_known.field_mask"},
      {R"({"well_known":{"null_value":-7}})", "BAD_VALUE", "well_known.null_value"},
      {R"({"well_known":{"any":{"value":"1s","@type":"type.googleapis.com/google.protobuf.Duration"}}})", "WRONG_TYPE",
       "well_known.any"},
      {R"({"well_known":{"any":{"@type":"type.googleapis.com/dinh.testing.v1.Unknown"}}})", "BAD_VALUE",
       "well_known.any"},
  };
  for (const Refusal& refusal : refusals) {
    const absl::Status status = Parse(refusal.json);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << refusal.json;
    const auto detail = base::DetailOf(status);
    ASSERT_TRUE(detail.has_value()) << refusal.json;
    EXPECT_EQ(detail->reason, refusal.reason) << refusal.json << " " << detail->text.en;
    const std::string field = detail->violations.empty() ? "" : detail->violations[0].field;
    EXPECT_EQ(field, refusal.field) << refusal.json;
    EXPECT_FALSE(detail->text.vi.empty());
  }
}

TEST_F(ParseTest, TakesWhatTheMappingAllows) {
  ASSERT_TRUE(Parse(R"({"scalars":{"f_int32":1.0e2,"fInt64":"-7","f_uint64":1.5E1,"f_double":"-Infinity",
      "f_float":1e-60,"f_bytes":"-_8","f_colour":2,"o_bool":false,"@tên khác":"x"}})")
                  .ok());
  const auto& scalars = message_.scalars();
  EXPECT_EQ(scalars.f_int32(), 100);
  EXPECT_EQ(scalars.f_int64(), -7);
  EXPECT_EQ(scalars.f_uint64(), 15u);
  EXPECT_LT(scalars.f_double(), -1e308);
  EXPECT_EQ(scalars.f_float(), 0);
  EXPECT_EQ(scalars.f_bytes(), "\xFB\xFF");
  EXPECT_EQ(scalars.f_colour(), tpb::COLOUR_GREEN);
  EXPECT_TRUE(scalars.has_o_bool());
  EXPECT_EQ(scalars.renamed(), "x");

  ASSERT_TRUE(Parse(R"({"as_text":null,"as_number":"5","children":null,"child":null})").ok());
  EXPECT_EQ(message_.as_number(), 5);
  EXPECT_FALSE(message_.has_child());
  ASSERT_TRUE(Parse(R"({"as_null":null})").ok());
  EXPECT_EQ(message_.choice_case(), tpb::Everything::kAsNull);
  ASSERT_TRUE(
      Parse(R"({"well_known":{"timestamp":"2026-02-13T22:04:05.5+07:00","value":null,"int64_value":null}})").ok());
  EXPECT_EQ(message_.well_known().timestamp().seconds(), 1'770'995'045);
  EXPECT_EQ(message_.well_known().timestamp().nanos(), 500'000'000);
  EXPECT_TRUE(message_.well_known().value().has_null_value());
  EXPECT_FALSE(message_.well_known().has_int64_value());
  ASSERT_TRUE(Parse(R"({"last_field_with_a_long_name_2":"\ud83d\ude00\u0000\/"})").ok());
  EXPECT_EQ(message_.last_field_with_a_long_name_2(), std::string("\xF0\x9F\x98\x80\0/", 6));
}

TEST_F(ParseTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    std::string json = "{\"well_known\":{\"value\":";
    for (int i = 0; i < depth - 2; ++i) json += "[";
    for (int i = 0; i < depth - 2; ++i) json += "]";
    return json + "}}";
  };
  EXPECT_TRUE(Parse(nested(kMaxDepth)).ok());
  const auto detail = base::DetailOf(Parse(nested(kMaxDepth + 1)));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "TOO_DEEP");
  EXPECT_FALSE(Parse(std::string(1 << 20, '[')).ok());
  EXPECT_FALSE(Parse(nested(1 << 18)).ok());
}

TEST_F(ParseTest, ErrorsNeverRepeatValues) {
  for (const std::string json :
       {R"({"as_number":"bí mật 0912345678"})", R"({"scalars":{"f_colour":"bí mật 0912345678"}})",
        R"({"well_known":{"timestamp":"bí mật 0912345678"}})"}) {
    const auto detail = base::DetailOf(Parse(json));
    ASSERT_TRUE(detail.has_value());
    for (const std::string& text : {detail->text.vi, detail->text.en, detail->violations[0].description.vi}) {
      EXPECT_EQ(text.find("0912"), std::string::npos) << text;
    }
  }
}

TEST_F(ParseTest, SingleFieldsForBodiesAndQueries) {
  const FieldPlan& scalars = *plan_->FindField("scalars");
  ASSERT_TRUE(transcoder_.ParseField(scalars, R"({"f_int32":3})", &message_).ok());
  EXPECT_EQ(message_.scalars().f_int32(), 3);
  const FieldPlan& children = *plan_->FindField("children");
  ASSERT_TRUE(transcoder_.ParseField(children, R"([{"as_text":"a"},{}])", &message_).ok());
  EXPECT_EQ(message_.children_size(), 2);
  const auto detail = base::DetailOf(transcoder_.ParseField(children, R"([{"x":1}])", &message_));
  EXPECT_EQ(detail->violations[0].field, "children[0].x");
  std::string json;
  ASSERT_TRUE(transcoder_.PrintField(scalars, message_, &json).ok());
  EXPECT_EQ(json, R"({"f_int32":3})");

  const MessagePlan* lists = transcoder_.Find("dinh.testing.v1.Lists");
  tpb::Lists list;
  ASSERT_TRUE(SetFromText(*lists->FindField("f_int32"), "5", "f_int32", &list).ok());
  ASSERT_TRUE(SetFromText(*lists->FindField("f_int32"), "6", "f_int32", &list).ok());
  ASSERT_TRUE(SetFromText(*lists->FindField("f_colour"), "COLOUR_RED", "f_colour", &list).ok());
  ASSERT_TRUE(SetFromText(*lists->FindField("f_colour"), "2", "f_colour", &list).ok());
  ASSERT_TRUE(SetFromText(*lists->FindField("f_timestamp"), "2026-02-13T00:00:00Z", "f_timestamp", &list).ok());
  ASSERT_TRUE(SetFromText(*lists->FindField("f_wrapped"), "9", "f_wrapped", &list).ok());
  EXPECT_EQ(list.f_int32_size(), 2);
  EXPECT_EQ(list.f_colour(1), tpb::COLOUR_GREEN);
  EXPECT_EQ(list.f_timestamp_size(), 1);
  EXPECT_EQ(list.f_wrapped(0).value(), 9);
  EXPECT_EQ(base::DetailOf(SetFromText(*lists->FindField("f_bool"), "1", "f_bool", &list))->violations[0].field,
            "f_bool");
}

TEST(NameTable, FindsAllAndNothingElse) {
  std::vector<std::pair<std::string, int>> names;
  for (int i = 0; i < 300; ++i) names.emplace_back("name_" + std::to_string(i), i);
  NameTable table;
  ASSERT_TRUE(table.Build(names));
  for (const auto& [name, number] : names) EXPECT_EQ(table.Find(name), number);
  EXPECT_EQ(table.Find("name_300"), NameTable::kAbsent);
  EXPECT_EQ(table.Find(""), NameTable::kAbsent);
  names.emplace_back("name_1", 7);
  EXPECT_FALSE(table.Build(names));
}

}  // namespace
}  // namespace dinh::gateway::transcode
