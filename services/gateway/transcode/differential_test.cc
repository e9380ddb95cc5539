// Ours against protobuf's json_util: printing byte for byte, reading message for message. json_util is an oracle for
// valid JSON only (it takes single quotes, trailing commas and bare names), so a strict reader of RFC 8259 tells which
// input is JSON at all.
#include <cmath>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>

#include "dinh/testing/v1/transcode.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "nlohmann/json.hpp"
#include "services/gateway/transcode/random_message.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway::transcode {
namespace {

namespace tpb = dinh::testing::v1;
namespace pb = google::protobuf;

constexpr int kMessages = 3000;
constexpr int kMutations = 12000;

class DifferentialTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = transcoder_.Add(tpb::Everything::descriptor());
    ASSERT_TRUE(plan.ok()) << plan.status();
    plan_ = *plan;
    resolver_.reset(
        pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", pb::DescriptorPool::generated_pool()));
  }

  // json_util prints map entries in the order of the wire; sorted by key they are what we print.
  std::string Oracle(const pb::Message& message) {
    std::string wire;
    {
      pb::io::StringOutputStream stream(&wire);
      pb::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      EXPECT_TRUE(message.SerializeToCodedStream(&coded));
    }
    pb::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string json;
    const auto status = pb::util::BinaryToJsonString(
        resolver_.get(), "type.googleapis.com/" + message.GetDescriptor()->full_name(), wire, &json, options);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return json;
  }

  std::string Ours(const pb::Message& message) {
    std::string json;
    const absl::Status status = transcoder_.Print(*plan_, message, &json);
    EXPECT_TRUE(status.ok()) << status;
    return json;
  }

  // Equal also where a NaN stands on both sides.
  static ::testing::AssertionResult Same(const pb::Message& a, const pb::Message& b) {
    pb::util::DefaultFieldComparator comparator;
    comparator.set_treat_nan_as_equal(true);
    pb::util::MessageDifferencer differencer;
    differencer.set_field_comparator(&comparator);
    std::string difference;
    differencer.ReportDifferencesToString(&difference);
    if (differencer.Compare(a, b)) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << difference;
  }

  Transcoder transcoder_;
  const MessagePlan* plan_ = nullptr;
  std::unique_ptr<pb::util::TypeResolver> resolver_;
};

TEST_F(DifferentialTest, PrintsByteForByteWhatJsonUtilPrints) {
  size_t bytes = 0;
  for (uint64_t seed = 0; seed < kMessages; ++seed) {
    tpb::Everything message;
    RandomMessage(seed).Make(&message);
    const std::string ours = Ours(message);
    ASSERT_EQ(ours, Oracle(message)) << "seed " << seed;
    bytes += ours.size();
  }
  EXPECT_GT(bytes, 1000u * kMessages);  // the messages were not empty
}

TEST_F(DifferentialTest, EveryCodePointIsEscapedAlike) {
  for (uint32_t block = 0; block < 0x110000; block += 0x100) {
    if (block >= 0xD800 && block < 0xE000) continue;
    tpb::Everything message;
    for (uint32_t c = block; c < block + 0x100; ++c) {
      RandomMessage::AppendCodePoint(c, message.mutable_scalars()->mutable_f_string());
    }
    ASSERT_EQ(Ours(message), Oracle(message)) << "block " << block;
  }
}

TEST_F(DifferentialTest, ReadsBackWhatItPrinted) {
  for (uint64_t seed = 0; seed < kMessages; ++seed) {
    tpb::Everything message;
    RandomMessage(seed).Make(&message);
    tpb::Everything read;
    const absl::Status status = transcoder_.Parse(*plan_, Ours(message), &read);
    ASSERT_TRUE(status.ok()) << status << " seed " << seed;
    ASSERT_EQ(Ours(read), Ours(message)) << "seed " << seed;
    ASSERT_TRUE(Same(message, read)) << "seed " << seed;
  }
}

TEST_F(DifferentialTest, ReadsJsonUtilsOwnNames) {
  for (uint64_t seed = 0; seed < kMessages; ++seed) {
    tpb::Everything message;
    RandomMessage(seed, false).Make(&message, 2);
    std::string json;
    pb::util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.always_print_primitive_fields = true;
    options.always_print_enums_as_ints = seed % 2 == 0;
    ASSERT_TRUE(pb::util::MessageToJsonString(message, &json, options).ok());
    tpb::Everything ours;
    tpb::Everything theirs;
    ASSERT_TRUE(pb::util::JsonStringToMessage(json, &theirs).ok()) << json;
    const absl::Status status = transcoder_.Parse(*plan_, json, &ours);
    ASSERT_TRUE(status.ok()) << status << " seed " << seed;
    ASSERT_TRUE(Same(ours, theirs)) << "seed " << seed;
  }
}

// Mutated documents: one character replaced, dropped or doubled, or a piece copied from elsewhere.
std::string Mutate(std::string json, RandomMessage& random) {
  static constexpr std::string_view kAlphabet = "{}[]\",:0123456789.-+eEtrufalsn\\/ 'x\x01\xC3\xED";
  for (int64_t n = random.Between(1, 2); n > 0 && !json.empty(); --n) {
    const auto at = static_cast<size_t>(random.Between(0, static_cast<int64_t>(json.size()) - 1));
    switch (random.Between(0, 3)) {
      case 0:
        json[at] = kAlphabet[static_cast<size_t>(random.Between(0, kAlphabet.size() - 1))];
        break;
      case 1:
        json.erase(at, static_cast<size_t>(random.Between(1, 4)));
        break;
      case 2:
        json.insert(at, 1, kAlphabet[static_cast<size_t>(random.Between(0, kAlphabet.size() - 1))]);
        break;
      default:
        json.insert(at, json.substr(at, static_cast<size_t>(random.Between(1, 12))));
    }
  }
  return json;
}

TEST_F(DifferentialTest, MutatedInputIsNeverTakenWhereJsonUtilOrTheRfcRefuses) {
  int taken = 0;
  int stricter = 0;
  std::map<std::string, int> reasons;
  const std::regex quoted_integer(R"re(invalid value "-?[0-9.]+([eE][-+]?[0-9]+)?" for type TYPE_)re");
  for (uint64_t seed = 0; seed < kMutations; ++seed) {
    RandomMessage random(seed, false);
    tpb::Everything message;
    random.Make(&message, 2);
    const std::string json = Mutate(Ours(message), random);
    tpb::Everything ours;
    tpb::Everything theirs;
    const absl::Status status = transcoder_.Parse(*plan_, json, &ours);
    const bool is_json = nlohmann::json::accept(json);
    const auto their_status = pb::util::JsonStringToMessage(json, &theirs);
    const bool they_take = their_status.ok();
    if (status.ok()) {
      ++taken;
      ASSERT_TRUE(is_json) << json;
      // The mapping allows exponents and zero fractions in quotes too; json_util 3.21 does not know that yet.
      if (!they_take && std::regex_search(their_status.ToString(), quoted_integer)) continue;
      ASSERT_TRUE(they_take) << their_status.ToString() << " seed " << seed;
      ASSERT_TRUE(Same(ours, theirs)) << "seed " << seed;
    } else {
      ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
      const auto detail = base::DetailOf(status);
      ASSERT_TRUE(detail.has_value());
      ASSERT_FALSE(detail->text.vi.empty());
      if (is_json && they_take) {
        ++stricter;
        ++reasons[detail->reason];
      }
    }
  }
  EXPECT_GT(taken, kMutations / 20);  // many mutations only change a value
  // What we refuse and json_util takes, given valid JSON, is refused for one of these reasons only.
  const std::set<std::string> allowed = {"DUPLICATE_FIELD", "WRONG_TYPE", "BAD_VALUE", "TOO_DEEP", "ONEOF_CONFLICT"};
  for (const auto& [reason, count] : reasons) EXPECT_TRUE(allowed.contains(reason)) << reason << " " << count;
  EXPECT_LT(stricter, kMutations / 50);
}

}  // namespace
}  // namespace dinh::gateway::transcode
