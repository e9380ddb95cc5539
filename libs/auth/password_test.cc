#include "libs/auth/password.h"

#include <sodium.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/random.h"
#include "libs/db/test_support.h"

namespace dinh::auth {
namespace {

// The least Argon2id allows: these tests are about the gate, not the cost.
PasswordOptions Cheap() { return {.ops = 1, .memory_bytes = 8192}; }

class PasswordTest : public ::testing::Test {
 protected:
  std::unique_ptr<base::OpContext> Context() { return db::TestContext(clock_); }
  base::SystemClock clock_;
  base::SystemRandom random_;
};

TEST_F(PasswordTest, RoundTrip) {
  PasswordHasher hasher(Cheap());
  auto ctx = Context();
  const auto stored = hasher.Hash(*ctx, "mật khẩu của tôi");
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->rfind("$argon2id$", 0), 0u);
  EXPECT_NE(*stored, *hasher.Hash(*ctx, "mật khẩu của tôi")) << "salted";
  EXPECT_TRUE(*hasher.Verify(*ctx, "mật khẩu của tôi", *stored));
  EXPECT_FALSE(*hasher.Verify(*ctx, "mật khẩu của tô", *stored));
  EXPECT_FALSE(*hasher.Verify(*ctx, "", *stored));
  EXPECT_FALSE(*hasher.Verify(*ctx, "mật khẩu của tôi", ""));
  EXPECT_FALSE(*hasher.Verify(*ctx, "", ""));
  EXPECT_FALSE(*hasher.Verify(*ctx, "x", "not a hash"));
  EXPECT_FALSE(*hasher.Verify(*ctx, "x", std::string(5000, '$')));
}

TEST_F(PasswordTest, OneLetterTypedInTwoWaysIsOneLetter) {
  PasswordHasher hasher(Cheap());
  auto ctx = Context();
  const std::string composed = "m\u1ead", decomposed = "ma\u0323\u0302", windows = "m\u00e2\u0323";
  const std::string stored = *hasher.Hash(*ctx, composed);
  EXPECT_TRUE(*hasher.Verify(*ctx, decomposed, stored));
  EXPECT_TRUE(*hasher.Verify(*ctx, windows, stored));
  EXPECT_TRUE(*hasher.Verify(*ctx, composed, *hasher.Hash(*ctx, windows)));
  EXPECT_FALSE(*hasher.Verify(*ctx, "ma", stored));
  const std::string bytes = "\xff\xfe";
  EXPECT_TRUE(*hasher.Verify(*ctx, bytes, *hasher.Hash(*ctx, bytes)));
}

TEST_F(PasswordTest, Lengths) {
  PasswordHasher hasher(Cheap());
  auto ctx = Context();
  const std::string longest(kPasswordBytesMax, 'x');
  EXPECT_FALSE(hasher.Hash(*ctx, "").ok());
  EXPECT_FALSE(hasher.Hash(*ctx, longest + "x").ok());
  const auto stored = hasher.Hash(*ctx, longest);
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(*hasher.Verify(*ctx, longest, *stored));
  EXPECT_FALSE(*hasher.Verify(*ctx, longest + "x", *stored)) << "cut, it would match";
}

TEST_F(PasswordTest, RehashWhenParametersChange) {
  PasswordHasher old(Cheap());
  PasswordHasher today({.ops = 2, .memory_bytes = 16384});
  auto ctx = Context();
  const std::string stored = *old.Hash(*ctx, "x");
  EXPECT_FALSE(old.NeedsRehash(stored));
  EXPECT_TRUE(today.NeedsRehash(stored));
  EXPECT_TRUE(today.NeedsRehash("garbage"));
  EXPECT_TRUE(*today.Verify(*ctx, "x", stored));
}

TEST_F(PasswordTest, UnknownAccountsCostTheSame) {
  PasswordHasher hasher({.ops = 2, .memory_bytes = 8 << 20});
  auto ctx = Context();
  const std::string stored = *hasher.Hash(*ctx, "x");
  // The thread's own time: what else runs on the machine does not count.
  const auto cpu_ns = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  };
  const auto cost = [&](std::string_view against) {
    const double start = cpu_ns();
    EXPECT_TRUE(hasher.Verify(*ctx, "y", against).ok());
    return cpu_ns() - start;
  };
  double unknown = cost(""), known = cost(stored);
  for (int i = 0; i < 8; ++i) {
    unknown = std::min(unknown, cost(""));
    known = std::min(known, cost(stored));
  }
  const double ratio = unknown / known;
  EXPECT_GT(ratio, 0.5);
  EXPECT_LT(ratio, 2.0);
}

TEST_F(PasswordTest, BeyondTheQueueIsRefusedWithADelay) {
  // Nobody gets to work, so whoever is let in waits until its deadline.
  PasswordHasher hasher({.at_work_max = 0, .waiting_max = 2, .retry_after_ms = 700, .ops = 1, .memory_bytes = 8192});
  std::vector<std::thread> waiters;
  std::atomic<int> deadline_exceeded{0};
  for (int i = 0; i < 2; ++i) {
    waiters.emplace_back([&] {
      auto ctx = db::TestContext(clock_, std::chrono::milliseconds(400));
      const auto status = hasher.Hash(*ctx, "x").status();
      deadline_exceeded += status.code() == absl::StatusCode::kDeadlineExceeded;
    });
  }
  while (hasher.waiting() < 2) std::this_thread::yield();
  auto ctx = Context();
  const absl::Status refused = hasher.Verify(*ctx, "x", "").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(db::ReasonOf(refused), "LOGIN_BUSY");
  EXPECT_EQ(base::DetailOf(refused)->retry_after_ms, 700);
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(deadline_exceeded, 2);
  EXPECT_EQ(hasher.waiting(), 0);
}

TEST_F(PasswordTest, WaitersAllGetTheirTurn) {
  PasswordHasher hasher({.at_work_max = 1, .waiting_max = 16, .ops = 1, .memory_bytes = 1 << 20});
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      auto ctx = Context();
      done += hasher.Hash(*ctx, "x").ok();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 12);
}

TEST_F(PasswordTest, CancelledCallsDoNoWork) {
  PasswordHasher hasher(Cheap());
  auto ctx = Context();
  ctx->cancelled()->store(true);
  EXPECT_EQ(hasher.Hash(*ctx, "x").status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace dinh::auth
