#include "libs/db/blob_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/base/random.h"
#include "libs/db/blob_store.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

using std::chrono::milliseconds;

class BlobFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Keys in the clear: this is about files, not about what is in them.
    const auto same = [](std::string_view key, std::string_view) { return absl::StatusOr<std::string>(key); };
    auto store = OpenDirBlobStore(path(), {same, same}, random_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  std::string path() const { return folder_.File("files"); }

  TestFolder folder_;
  base::SeededRandom random_{1};
  std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobFolderTest, ListsWhatIsFinished) {
  EXPECT_TRUE(IsBlobFolder(path()));
  EXPECT_FALSE(IsBlobFolder(folder_.path()));
  const auto one = WriteBlob(*store_, "một"), two = WriteBlob(*store_, "hai");
  ASSERT_TRUE(one.ok() && two.ok());
  auto writing = store_->Begin();
  ASSERT_TRUE(writing.ok() && (*writing)->Write("dở").ok());
  const auto names = ListBlobFolder(path());
  ASSERT_TRUE(names.ok()) << names.status();
  std::vector<std::string> expected = {one->id.substr(0, 2) + "/" + one->id, two->id.substr(0, 2) + "/" + two->id};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(*names, expected);
  EXPECT_FALSE(ListBlobFolder(folder_.File("absent")).ok());
}

TEST_F(BlobFolderTest, RemovalsWaitWhileTheyAreHeldOff) {
  const auto blob = WriteBlob(*store_, "nội dung");
  ASSERT_TRUE(blob.ok());
  std::atomic<bool> removed = false;
  std::thread remover;
  {
    const auto hold = RemovalLock::Take(path(), RemovalLock::Kind::kHoldOff, milliseconds(0));
    ASSERT_TRUE(hold.ok()) << hold.status();
    EXPECT_EQ(ReasonOf(RemovalLock::Take(path(), RemovalLock::Kind::kRemove, milliseconds(5)).status()),
              "STORAGE_BUSY");
    remover = std::thread([&] {
      EXPECT_TRUE(store_->Remove(blob->id).ok());
      removed = true;
    });
    // Writing goes on meanwhile.
    EXPECT_TRUE(WriteBlob(*store_, "khác").ok());
    EXPECT_FALSE(removed);
    EXPECT_TRUE(store_->Open(blob->id).ok());
  }
  remover.join();
  EXPECT_FALSE(store_->Open(blob->id).ok());
}

TEST_F(BlobFolderTest, RemovalsDoNotHinderEachOther) {
  const auto one = RemovalLock::Take(path(), RemovalLock::Kind::kRemove, milliseconds(0));
  const auto two = RemovalLock::Take(path(), RemovalLock::Kind::kRemove, milliseconds(0));
  EXPECT_TRUE(one.ok() && two.ok());
  EXPECT_FALSE(RemovalLock::Take(path(), RemovalLock::Kind::kHoldOff, milliseconds(0)).ok());
}

}  // namespace
}  // namespace dinh::db
