#include "services/identity/domain/login.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "libs/base/random.h"

namespace dinh::identity {
namespace {

using enum LoginState;
using enum LoginEvent;

constexpr base::Micros kNow = 1'000 * base::kMicrosPerSecond;
constexpr char kLogin[] = "0190a5b2-7e3c-7abc-8def-0123456789ab";
constexpr LoginState kStates[] = {kActive, kLoggedOut, kEndedRemotely, kRevoked, kLocked, kPasswordChanged};
constexpr LoginEvent kEvents[] = {kPresentCurrent, kPresentPrevious, kPresentPreviousLate, kPresentOlder,
                                  kLogOut,         kEndRemotely,     kLockAccount,         kChangePassword};

TEST(LoginTest, EveryStateAndEventDoesWhatTheTableSays) {
  for (const LoginState state : kStates) {
    for (const LoginEvent event : kEvents) {
      LoginFamily family{state, 3, kNow - 1};
      const auto answer = Apply(family, event, kNow);
      if (state != kActive) {
        EXPECT_FALSE(answer) << Name(state) << " " << Name(event);
        EXPECT_EQ(family.state, state);
        continue;
      }
      ASSERT_TRUE(answer) << Name(event);
      EXPECT_EQ(family.generation, event == kPresentCurrent ? 4 : 3);
      EXPECT_EQ(family.rotated_at, event == kPresentCurrent ? kNow : kNow - 1);
    }
  }
}

TEST(LoginTest, TokensAreClassifiedByGenerationAndTime) {
  const LoginFamily family{kActive, 5, kNow};
  const base::Micros grace = 30 * base::kMicrosPerSecond;
  EXPECT_EQ(ClassifyToken(family, 5, kNow + 3600 * base::kMicrosPerSecond), kPresentCurrent);
  EXPECT_EQ(ClassifyToken(family, 4, kNow), kPresentPrevious);
  EXPECT_EQ(ClassifyToken(family, 4, kNow + grace), kPresentPrevious);
  EXPECT_EQ(ClassifyToken(family, 4, kNow + grace + 1), kPresentPreviousLate);
  EXPECT_EQ(ClassifyToken(family, 3, kNow), kPresentOlder);
  EXPECT_EQ(ClassifyToken(family, 1, kNow), kPresentOlder);
  EXPECT_EQ(ClassifyToken(family, 6, kNow), std::nullopt);
  EXPECT_EQ(ClassifyToken(family, 0, kNow), std::nullopt);
}

TEST(LoginTest, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (const LoginState state : kStates) names.insert(Name(state));
  for (const LoginEvent event : kEvents) names.insert(Name(event));
  EXPECT_EQ(names.size(), std::size(kStates) + std::size(kEvents));
}

TEST(RefreshTokenTest, SameGenerationSameText) {
  const std::string secret(32, 's');
  EXPECT_EQ(MakeRefreshToken(kLogin, 2, secret), MakeRefreshToken(kLogin, 2, secret));
  EXPECT_NE(MakeRefreshToken(kLogin, 2, secret), MakeRefreshToken(kLogin, 3, secret));
  EXPECT_NE(MakeRefreshToken(kLogin, 2, secret), MakeRefreshToken(kLogin, 2, std::string(32, 't')));
  EXPECT_LE(MakeRefreshToken(kLogin, 2, secret).size(), 256u);
}

TEST(RefreshTokenTest, ReadsBackAndNoChangedCharacterPasses) {
  const std::string secret(32, 's');
  const std::string token = MakeRefreshToken(kLogin, 0x01020304, secret);
  const auto parts = ParseRefreshToken(token);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->login_id, kLogin);
  EXPECT_EQ(parts->generation, 0x01020304);
  EXPECT_TRUE(IsRefreshToken(token, *parts, secret));
  EXPECT_FALSE(IsRefreshToken(token, *parts, std::string(32, 'x')));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto other = ParseRefreshToken(changed);
    EXPECT_FALSE(other && IsRefreshToken(changed, *other, secret)) << i;
  }
  for (const char* bad : {"", "dr_", "dr_AAAA", "xx_AAAA"}) EXPECT_FALSE(ParseRefreshToken(bad)) << bad;
  EXPECT_FALSE(ParseRefreshToken(token + "A"));
}

TEST(RefreshTokenTest, GarbageIsNeverAToken) {
  base::SeededRandom random(11);
  const std::string secret(32, 's');
  const std::string token = MakeRefreshToken(kLogin, 7, secret);
  for (int i = 0; i < 5000; ++i) {
    std::string text = token;
    const size_t changes = 1 + random.Below(4);
    for (size_t c = 0; c < changes; ++c) text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    if (random.Below(4) == 0) text.resize(random.Below(text.size()));
    const auto parts = ParseRefreshToken(text);
    ASSERT_FALSE(parts && text != token && IsRefreshToken(text, *parts, secret)) << i;
  }
}

// The README's diagram is this text.
std::string Diagram() {
  std::string out = "stateDiagram-v2\n  [*] --> active\n";
  for (const LoginTransition& t : LoginTransitions()) {
    out +=
        "  " + std::string(Name(t.from)) + " --> " + std::string(Name(t.to)) + ": " + std::string(Name(t.event)) + "\n";
  }
  return out;
}

TEST(LoginTest, ReadmeShowsTheTable) {
  std::ifstream in(std::string(DINH_SOURCE_DIR) + "/services/identity/README.md");
  std::stringstream readme;
  readme << in.rdbuf();
  EXPECT_NE(readme.str().find(Diagram()), std::string::npos) << Diagram();
}

}  // namespace
}  // namespace dinh::identity
