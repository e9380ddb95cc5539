#include "services/feedback/hidden_sequence.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "libs/auth/key_ring.h"

namespace dinh::feedback {
namespace {

class HiddenSequenceTest : public ::testing::Test {
 protected:
  base::FakeClock clock_{0};
  base::SeededRandom random_{3};
  std::unique_ptr<auth::KeyRing> keys_ = auth::KeyRing::Ephemeral(clock_, random_);
  auth::Sealer sealer_{*keys_, random_};
};

TEST_F(HiddenSequenceTest, LeadsBackToItsPlace) {
  const HiddenSequence hidden(sealer_);
  constexpr int64_t kHead = 1'000'000'000;
  std::set<int64_t> shown;
  for (const int64_t sequence : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4096}, kHead}) {
    const int64_t one = hidden.Show(sequence);
    EXPECT_GT(one, 0);
    EXPECT_EQ(hidden.Read(one, kHead), sequence);
    EXPECT_TRUE(shown.insert(one).second);
  }
}

TEST_F(HiddenSequenceTest, NeighboursLieFarApart) {
  const HiddenSequence hidden(sealer_);
  int rising = 0;
  for (int64_t sequence = 1; sequence <= 1000; ++sequence) {
    const int64_t step = hidden.Show(sequence + 1) - hidden.Show(sequence);
    EXPECT_GT(std::abs(step), 1'000'000);
    rising += step > 0 ? 1 : 0;
  }
  EXPECT_GT(rising, 400);
  EXPECT_LT(rising, 600);
}

TEST_F(HiddenSequenceTest, WhatWasNeverShownOpensNoPast) {
  const HiddenSequence hidden(sealer_);
  EXPECT_EQ(hidden.Read(0, 50), 0);
  EXPECT_EQ(hidden.Read(-5, 50), 0);
  for (int64_t guess = 1; guess <= 50; ++guess) EXPECT_EQ(hidden.Read(guess, 50), 50);
  EXPECT_EQ(hidden.Read(std::numeric_limits<int64_t>::max(), 50), 50);
  EXPECT_EQ(hidden.Read(hidden.Show(51), 50), 50);
}

TEST_F(HiddenSequenceTest, AnotherInstallationShowsOthersAndARotationChangesNothing) {
  const HiddenSequence hidden(sealer_);
  const auto other_keys = auth::KeyRing::Ephemeral(clock_, random_);
  EXPECT_NE(HiddenSequence(auth::Sealer(*other_keys, random_)).Show(7), hidden.Show(7));
  ASSERT_TRUE(keys_->Rotate(auth::KeyPurpose::kBlindIndex).ok());
  EXPECT_EQ(HiddenSequence(sealer_).Show(7), hidden.Show(7));
}

}  // namespace
}  // namespace dinh::feedback
