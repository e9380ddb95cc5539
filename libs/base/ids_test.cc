#include "libs/base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "libs/base/strings.h"

namespace dinh::base {
namespace {

constexpr Micros kNow = 1'770'966'062'345'678;  // 2026-02-13T07:01:02.345678Z

int64_t MillisOf(const std::string& id) { return std::stoll(id.substr(0, 8) + id.substr(9, 4), nullptr, 16); }

TEST(IdsTest, HasTheFormOfVersion7) {
  FakeClock clock(kNow);
  SeededRandom random(7);
  IdGenerator ids(clock, random);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = ids.Next();
    ASSERT_TRUE(IsUuid(id)) << id;
    EXPECT_EQ(id[14], '7') << id;
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    EXPECT_EQ(MillisOf(id), kNow / 1000) << id;
  }
}

TEST(IdsTest, IncreasesWithinAMillisecondAndAcrossThem) {
  FakeClock clock(kNow);
  SeededRandom random(8);
  IdGenerator ids(clock, random);
  std::string last;
  for (int i = 0; i < 50'000; ++i) {
    if (i % 700 == 0) clock.Advance(kMicrosPerMilli);
    const std::string id = ids.Next();
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(IdsTest, IncreasesWhenTheClockStepsBack) {
  FakeClock clock(kNow);
  SeededRandom random(9);
  IdGenerator ids(clock, random);
  const std::string before = ids.Next();
  clock.Set(kNow - 3'600 * kMicrosPerSecond);
  const std::string back = ids.Next();
  EXPECT_LT(before, back);
  clock.Set(kNow + kMicrosPerSecond);
  const std::string forward = ids.Next();
  EXPECT_LT(back, forward);
  EXPECT_EQ(MillisOf(forward), (kNow + kMicrosPerSecond) / 1000);
}

TEST(IdsTest, ThreadsNeverGetTheSame) {
  SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&ids, &mine] {
      for (int i = 0; i < kEach; ++i) mine.push_back(ids.Next());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kEach));
}

TEST(IdsTest, OnlyCanonicalUuidsAreUuids) {
  EXPECT_TRUE(IsUuid("0190a5b2-7e3c-7abc-8def-0123456789ab"));
  EXPECT_TRUE(IsUuid("00000000-0000-0000-0000-000000000000"));
  for (const char* bad : {"", "0190A5B2-7e3c-7abc-8def-0123456789ab", "0190a5b27e3c7abc8def0123456789ab",
                          "0190a5b2-7e3c-7abc-8def-0123456789a", "0190a5b2-7e3c-7abc-8def-0123456789abc",
                          "0190a5b2_7e3c-7abc-8def-0123456789ab", "{190a5b2-7e3c-7abc-8def-0123456789a}",
                          "0190a5b2-7e3c-7abc-8def-0123456789ag"}) {
    EXPECT_FALSE(IsUuid(bad)) << bad;
  }
}

TEST(RandomTest, BelowIsInRangeAndEven) {
  SeededRandom random(10);
  int counts[6] = {};
  for (int i = 0; i < 60'000; ++i) {
    const uint64_t value = random.Below(6);
    ASSERT_LT(value, 6u);
    ++counts[value];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.Below(1), 0u);
}

// Gives the words it was made with, one after the other.
class WordRandom final : public Random {
 public:
  explicit WordRandom(std::vector<uint64_t> words) : words_(std::move(words)) {}
  void Fill(void* out, size_t bytes) override {
    ASSERT_EQ(bytes, sizeof(uint64_t));
    ASSERT_LT(next_, words_.size());
    std::copy_n(reinterpret_cast<const char*>(&words_[next_++]), bytes, static_cast<char*>(out));
  }

 private:
  std::vector<uint64_t> words_;
  size_t next_ = 0;
};

TEST(RandomTest, BelowDrawsAgainWhatWouldBeUnfair) {
  // 2^64 mod 10 = 6, so 0 … 5 would come once too often.
  WordRandom random({0, 5, 6, 19});
  EXPECT_EQ(random.Below(10), 6u);
  EXPECT_EQ(random.Below(10), 9u);
}

TEST(RandomTest, SeedsRepeatAndTheSystemDoesNot) {
  SeededRandom a(3), b(3), c(4);
  const std::string first = a.Bytes(37);
  EXPECT_EQ(first, b.Bytes(37));
  EXPECT_NE(first, c.Bytes(37));
  SystemRandom system;
  EXPECT_NE(system.Bytes(16), system.Bytes(16));
  EXPECT_EQ(system.Bytes(0), "");
}

}  // namespace
}  // namespace dinh::base
