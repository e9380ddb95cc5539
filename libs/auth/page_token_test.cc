#include "libs/auth/page_token.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "libs/auth/test_types.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::auth {
namespace {

constexpr char kFields[] =
    "field { name: 'page_size' number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL } "
    "field { name: 'page_token' number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } "
    "field { name: 'query' number: 3 type: TYPE_STRING label: LABEL_OPTIONAL } "
    "field { name: 'states' number: 4 type: TYPE_INT32 label: LABEL_REPEATED } ";

class PageTokenTest : public ::testing::Test {
 protected:
  std::unique_ptr<google::protobuf::Message> List(const std::string& text) { return types_.Make("ListA", text); }
  // The request with a token in it.
  std::string Reason(const Principal& who, const std::string& token, const std::string& rest,
                     const std::string& type = "ListA") {
    const auto request = types_.Make(type, rest + " page_token: '" + token + "'");
    const auto key = tokens_.Open(who, *request);
    if (key.ok()) return "OK:" + *key;
    EXPECT_EQ(key.status().code(), absl::StatusCode::kInvalidArgument);
    return base::DetailOf(key.status())->reason;
  }
  static Principal Who(const std::string& id, const std::string& person = "p") {
    Principal who;
    who.kind = CallerKind::kCitizen;
    who.id = id;
    who.person = person;
    return who;
  }

  TestTypes types_{std::string("message_type { name: 'ListA' ") + kFields + "} message_type { name: 'ListB' " +
                   kFields + "} message_type { name: 'Get' }"};
  base::FakeClock clock_{1'780'000'000'000'000};
  base::SystemRandom random_;
  std::unique_ptr<KeyRing> ring_ = KeyRing::Ephemeral(clock_, random_);
  PageTokens tokens_{*ring_};
};

TEST_F(PageTokenTest, TheFirstPageHasNoKey) { EXPECT_EQ(*tokens_.Open(Who("a"), *List("query: 'x'")), ""); }

TEST_F(PageTokenTest, ComesBackForTheSameQuestion) {
  const std::string token = tokens_.Seal(Who("a"), *List("query: 'x' states: 4 page_size: 10"), "key|1");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x' states: 4 page_size: 10"), "OK:key|1");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x' states: 4 page_size: 50"), "OK:key|1") << "another size is fine";
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x' states: 4"), "OK:key|1");
}

TEST_F(PageTokenTest, AnythingElseIsAMismatch) {
  const std::string token = tokens_.Seal(Who("a"), *List("query: 'x' states: 4"), "key");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'y' states: 4"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x'"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x' states: 4 states: 5"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a"), token, "query: 'x' states: 4", "ListB"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("b"), token, "query: 'x' states: 4"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a", "q"), token, "query: 'x' states: 4"), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Principal(), token, "query: 'x' states: 4"), "PAGE_TOKEN_MISMATCH");
}

TEST_F(PageTokenTest, EveryChangedCharacterIsAMismatch) {
  const std::string token = tokens_.Seal(Who("a"), *List(""), "2026-02-13|42");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    ASSERT_EQ(Reason(Who("a"), changed, ""), "PAGE_TOKEN_MISMATCH") << i;
    if (i > 0) {
      ASSERT_EQ(Reason(Who("a"), token.substr(0, i), ""), "PAGE_TOKEN_MISMATCH") << i;
    }
  }
  EXPECT_EQ(Reason(Who("a"), "2", ""), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a"), token + "=", ""), "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(Reason(Who("a"), std::string(base::kPageTokenBytesMax + 1, 'A'), ""), "PAGE_TOKEN_MISMATCH");
}

TEST_F(PageTokenTest, RotationAndOtherRings) {
  const std::string token = tokens_.Seal(Who("a"), *List(""), "key");
  ASSERT_TRUE(ring_->Rotate(KeyPurpose::kPageToken).ok());
  EXPECT_EQ(Reason(Who("a"), token, ""), "OK:key");
  const auto other = KeyRing::Ephemeral(clock_, random_);
  EXPECT_EQ(Reason(Who("a"), PageTokens(*other).Seal(Who("a"), *List(""), "key"), ""), "PAGE_TOKEN_MISMATCH");
}

TEST_F(PageTokenTest, ARequestWithoutTheFieldIsOurFault) {
  EXPECT_EQ(tokens_.Open(Who("a"), *types_.Make("Get")).status().code(), absl::StatusCode::kInternal);
}

TEST_F(PageTokenTest, PageSizes) {
  EXPECT_EQ(*tokens_.PageSize(0), base::kPageSizeDefault);
  EXPECT_EQ(*tokens_.PageSize(1), 1);
  EXPECT_EQ(*tokens_.PageSize(base::kPageSizeMax), base::kPageSizeMax);
  EXPECT_EQ(*tokens_.PageSize(base::kPageSizeMax + 1), base::kPageSizeMax);
  EXPECT_EQ(*tokens_.PageSize(7, 2, 5), 5);
  EXPECT_EQ(tokens_.PageSize(-1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PageKeyTest, PartsOfAnyBytes) {
  const std::vector<std::string> parts = {"2026-02-13", "", "a:b", std::string("\0|", 2)};
  EXPECT_EQ(*SplitKey(JoinKey(parts), 4), parts);
  EXPECT_FALSE(SplitKey(JoinKey(parts), 3).ok());
  for (const char* bad : {"x", "5:ab", ":", "1", "99999:a", "-1:a", "2:ab3"})
    EXPECT_FALSE(SplitKey(bad, 1).ok()) << bad;
  EXPECT_TRUE(SplitKey("", 0).ok());
}

}  // namespace
}  // namespace dinh::auth
