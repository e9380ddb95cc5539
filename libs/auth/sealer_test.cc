#include "libs/auth/sealer.h"

#include <set>

#include "gtest/gtest.h"

namespace dinh::auth {
namespace {

constexpr char kContext[] = "persons.phone";

class SealerTest : public ::testing::Test {
 protected:
  base::FakeClock clock_{1'780'000'000'000'000};
  base::SystemRandom random_;
  std::unique_ptr<KeyRing> ring_ = KeyRing::Ephemeral(clock_, random_);
  Sealer sealer_{*ring_, random_};
};

TEST_F(SealerTest, RoundTripOfAnyBytes) {
  for (const std::string& plain : {std::string(), std::string("0912345678"), std::string("Nguyễn Thị Ỷ"),
                                   std::string("\0\1\2", 3), std::string(100'000, 'x')}) {
    const std::string sealed = sealer_.Seal(kContext, "row-1", plain);
    EXPECT_EQ(sealed.size(), plain.size() + kSealedOverheadBytes);
    if (plain.size() > 3) {
      EXPECT_EQ(sealed.find(plain), std::string::npos);
    }
    const auto opened = sealer_.Open(kContext, "row-1", sealed);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, plain);
    EXPECT_FALSE(sealer_.NeedsReseal(sealed));
  }
}

TEST_F(SealerTest, EqualTextsSealDifferently) {
  EXPECT_NE(sealer_.Seal(kContext, "r", "a"), sealer_.Seal(kContext, "r", "a"));
}

TEST_F(SealerTest, AMovedValueDoesNotOpen) {
  const std::string sealed = sealer_.Seal(kContext, "row-1", "0912345678");
  EXPECT_EQ(sealer_.Open(kContext, "row-2", sealed).status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(sealer_.Open("persons.address", "row-1", sealed).ok());
  EXPECT_FALSE(sealer_.Open("persons.phon", "erow-1", sealed).ok());
  EXPECT_FALSE(sealer_.Open("persons.phonerow", "-1", sealed).ok());
  EXPECT_FALSE(sealer_.Open("", "", sealed).ok());
}

TEST_F(SealerTest, EveryChangedBitAndEveryCutIsSeen) {
  const std::string sealed = sealer_.Seal(kContext, "row-1", "0912345678");
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      ASSERT_FALSE(sealer_.Open(kContext, "row-1", changed).ok()) << i;
    }
    ASSERT_FALSE(sealer_.Open(kContext, "row-1", sealed.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(sealer_.Open(kContext, "row-1", sealed + "x").ok());
  EXPECT_FALSE(sealer_.Open(kContext, "row-1", "0912345678 in clear, long enough to be a sealed value").ok());
}

TEST_F(SealerTest, RotationOpensOldAndSealsNew) {
  const std::string old = sealer_.Seal(kContext, "row-1", "0912345678");
  ASSERT_TRUE(ring_->Rotate(KeyPurpose::kSealing).ok());
  EXPECT_TRUE(sealer_.NeedsReseal(old));
  EXPECT_EQ(*sealer_.Open(kContext, "row-1", old), "0912345678");
  const std::string fresh = sealer_.Seal(kContext, "row-1", "0912345678");
  EXPECT_FALSE(sealer_.NeedsReseal(fresh));
  EXPECT_NE(old.substr(1, kKeyIdBytes), fresh.substr(1, kKeyIdBytes));
  EXPECT_TRUE(sealer_.NeedsReseal(""));
  // Pretending that the value was sealed with the other key.
  std::string swapped = fresh;
  swapped.replace(1, kKeyIdBytes, old.substr(1, kKeyIdBytes));
  EXPECT_FALSE(sealer_.Open(kContext, "row-1", swapped).ok());
}

TEST_F(SealerTest, AnotherRingOpensNothing) {
  const auto other = KeyRing::Ephemeral(clock_, random_);
  const Sealer stranger(*other, random_);
  EXPECT_FALSE(stranger.Open(kContext, "row-1", sealer_.Seal(kContext, "row-1", "x")).ok());
}

TEST_F(SealerTest, BlindIndexIsEqualForEqualValuesOfOneColumnOnly) {
  const std::string index = sealer_.BlindIndex(kContext, "0912345678");
  EXPECT_EQ(index.size(), kBlindIndexBytes);
  EXPECT_EQ(index, sealer_.BlindIndex(kContext, "0912345678"));
  std::set<std::string> all = {index};
  EXPECT_TRUE(all.insert(sealer_.BlindIndex(kContext, "0912345679")).second);
  EXPECT_TRUE(all.insert(sealer_.BlindIndex("accounts.phone", "0912345678")).second);
  EXPECT_TRUE(all.insert(sealer_.BlindIndex("persons.phone0", "912345678")).second);
  const auto other = KeyRing::Ephemeral(clock_, random_);
  EXPECT_TRUE(all.insert(Sealer(*other, random_).BlindIndex(kContext, "0912345678")).second);
}

TEST_F(SealerTest, BlindIndexCandidatesSpanRotation) {
  const std::string old = sealer_.BlindIndex(kContext, "0912345678");
  ASSERT_TRUE(ring_->Rotate(KeyPurpose::kBlindIndex).ok());
  const std::string fresh = sealer_.BlindIndex(kContext, "0912345678");
  EXPECT_NE(old, fresh);
  EXPECT_EQ(sealer_.BlindIndexCandidates(kContext, "0912345678"), (std::vector<std::string>{fresh, old}));
  EXPECT_TRUE(sealer_.NeedsReindex(old));
  EXPECT_FALSE(sealer_.NeedsReindex(fresh));
}

TEST_F(SealerTest, FileKeysAreWrappedForTheirFile) {
  const std::string key = random_.Bytes(32);
  const std::string wrapped = sealer_.WrapKey("file-1", key);
  EXPECT_EQ(*sealer_.UnwrapKey("file-1", wrapped), key);
  EXPECT_FALSE(sealer_.UnwrapKey("file-2", wrapped).ok());
}

}  // namespace
}  // namespace dinh::auth
