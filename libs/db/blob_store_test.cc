#include "libs/db/blob_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "libs/base/strings.h"
#include "libs/db/recording_files.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

// Stands in for the key ring: reversible, bound to its context.
BlobKeyWrap Wrap() {
  const auto mask = [](std::string_view bytes, std::string_view context) {
    const std::string pad = base::Sha256("pad" + std::string(context));
    std::string out(bytes);
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ pad[i % pad.size()]);
    return out;
  };
  return {[mask](std::string_view key, std::string_view context) -> absl::StatusOr<std::string> {
            return mask(key, context);
          },
          [mask](std::string_view wrapped, std::string_view context) -> absl::StatusOr<std::string> {
            return mask(wrapped, context);
          }};
}

class BlobStoreTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    auto opened = OpenDirBlobStore(folder_.File("blobs"), Wrap(), random_, files_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    files_.Take();
  }
  std::string Content(size_t size) { return random_.Bytes(size); }
  std::string PathOf(const std::string& id) { return folder_.File("blobs/" + id.substr(0, 2) + "/" + id); }
  std::vector<std::string> FilesOnDisk() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) found.push_back(entry.path().string());
    }
    return found;
  }
  static std::string Slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Spill(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  TestFolder folder_;
  base::SeededRandom random_{7};
  RecordingFiles files_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobStoreTest, ListsWhatIsThereInPages) {
  EXPECT_TRUE(store_->List("", 10)->empty());
  std::set<std::string> written;
  for (int i = 0; i < 40; ++i) written.insert(WriteBlob(*store_, Content(10))->id);
  const auto unfinished = store_->Begin();
  ASSERT_TRUE(unfinished.ok());
  Spill(folder_.File("blobs/" + written.begin()->substr(0, 2) + "/notes.txt"), "no blob");
  for (const size_t page : {size_t{1}, size_t{7}, size_t{40}, size_t{1000}}) {
    std::vector<std::string> all;
    for (;;) {
      const auto ids = store_->List(all.empty() ? "" : all.back(), page);
      ASSERT_TRUE(ids.ok()) << ids.status();
      all.insert(all.end(), ids->begin(), ids->end());
      if (ids->size() < page) break;
    }
    EXPECT_EQ(all, std::vector<std::string>(written.begin(), written.end())) << page << " a page";
  }
  ASSERT_TRUE(store_->Remove(*written.begin()).ok());
  EXPECT_EQ(store_->List("", 1000)->size(), 39u);
  EXPECT_TRUE(absl::IsInternal(store_->List("../etc", 1).status()));
}

TEST_F(BlobStoreTest, WhatGoesInComesOut) {
  for (const size_t size : {size_t{0}, size_t{1}, kBlobChunkBytes - 1, kBlobChunkBytes, kBlobChunkBytes + 1,
                            2 * kBlobChunkBytes, 3 * kBlobChunkBytes + 17}) {
    const std::string content = Content(size);
    const auto info = WriteBlob(*store_, content);
    ASSERT_TRUE(info.ok()) << info.status();
    EXPECT_EQ(info->size, static_cast<int64_t>(size));
    EXPECT_EQ(info->sha256, base::Sha256(content));
    const auto read = ReadBlob(*store_, info->id, size);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == content) << size;
  }
}

TEST_F(BlobStoreTest, PiecesOfAnySize) {
  auto writer = store_->Begin();
  ASSERT_TRUE(writer.ok());
  std::string content;
  for (int i = 0; i < 300; ++i) {
    const std::string piece = Content(random_.Below(2000));
    content += piece;
    ASSERT_TRUE((*writer)->Write(piece).ok());
  }
  const auto info = (*writer)->Commit();
  ASSERT_TRUE(info.ok());
  EXPECT_TRUE(*ReadBlob(*store_, info->id, content.size()) == content);
  EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, content.size() - 1).status()), "FILE_TOO_LARGE");
}

TEST_F(BlobStoreTest, SyncedBeforeItsNameAndItsNameBeforeTheAnswer) {
  const std::vector<std::string> known = {"create", "write", "write", "sync", "close", "rename", "sync_folder"};
  // Where the blob is the first of its folder, that folder's own entry is synced before anything is moved into it.
  const std::vector<std::string> first = {"create", "write",       "write",  "sync",
                                          "close",  "sync_folder", "rename", "sync_folder"};
  std::set<std::string> folders;
  for (int i = 0; i < 40; ++i) {
    const auto info = WriteBlob(*store_, "x");
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(files_.Take(), folders.insert(info->id.substr(0, 2)).second ? first : known);
  }
  EXPECT_LT(folders.size(), 40u);
  Reopen();
  const auto info = WriteBlob(*store_, "x");
  EXPECT_EQ(files_.Take(), folders.contains(info->id.substr(0, 2)) ? known : first);
}

TEST_F(BlobStoreTest, AnyFailureIsToldAndLeavesNothing) {
  for (const std::string broken : {"create", "write", "sync", "close", "rename", "sync_folder"}) {
    files_.SetFault([&](std::string_view operation) { return operation == broken; });
    EXPECT_EQ(ReasonOf(WriteBlob(*store_, "x").status()), "STORAGE_UNAVAILABLE") << broken;
    files_.SetFault(nullptr);
    EXPECT_TRUE(FilesOnDisk().empty()) << broken;
  }
  EXPECT_TRUE(WriteBlob(*store_, "x").ok());
}

TEST_F(BlobStoreTest, AnAbandonedWriterLeavesNothing) {
  {
    auto writer = store_->Begin();
    ASSERT_TRUE((*writer)->Write(Content(3 * kBlobChunkBytes)).ok());
    EXPECT_EQ(FilesOnDisk().size(), 1u);
  }
  EXPECT_TRUE(FilesOnDisk().empty());
}

TEST_F(BlobStoreTest, WhatACrashLeftIsCleared) {
  const auto kept = WriteBlob(*store_, "kept");
  auto writer = store_->Begin();
  ASSERT_TRUE((*writer)->Write("lost").ok());
  (void)writer->release();  // as a killed process would leave it
  EXPECT_EQ(FilesOnDisk().size(), 2u);
  Reopen();
  EXPECT_EQ(FilesOnDisk(), std::vector<std::string>{PathOf(kept->id)});
  EXPECT_EQ(*ReadBlob(*store_, kept->id, 100), "kept");
}

TEST_F(BlobStoreTest, NothingInClearOnTheDisk) {
  const std::string line = "Công dân Một, 001099000001, thôn Quang Trung\n";
  std::string content;
  for (int i = 0; i < 5000; ++i) content += line;
  ASSERT_TRUE(WriteBlob(*store_, content).ok());
  for (const std::string& path : FilesOnDisk()) {
    const std::string bytes = Slurp(path);
    EXPECT_GT(bytes.size(), content.size());
    for (size_t at = 0; at + 8 <= line.size(); at += 4) EXPECT_EQ(bytes.find(line.substr(at, 8)), std::string::npos);
  }
}

TEST_F(BlobStoreTest, EqualContentsAreTwoUnlikeFiles) {
  const auto first = WriteBlob(*store_, "same"), second = WriteBlob(*store_, "same");
  EXPECT_NE(first->id, second->id);
  EXPECT_EQ(first->sha256, second->sha256);
  EXPECT_NE(Slurp(PathOf(first->id)), Slurp(PathOf(second->id)));
}

TEST_F(BlobStoreTest, AChangedFileIsRefused) {
  const auto info = WriteBlob(*store_, Content(2 * kBlobChunkBytes + 100));
  const std::string path = PathOf(info->id), good = Slurp(path);
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    const size_t at = i < 20 ? static_cast<size_t>(i) * 3 : random_.Below(good.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << random_.Below(8)));
    Spill(path, bad);
    EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED") << at;
  }
  Spill(path, good);
  EXPECT_TRUE(ReadBlob(*store_, info->id, good.size()).ok());
}

TEST_F(BlobStoreTest, ATruncatedOrLengthenedFileIsRefused) {
  const auto info = WriteBlob(*store_, Content(2 * kBlobChunkBytes));
  const std::string path = PathOf(info->id), good = Slurp(path);
  const size_t sealed = kBlobChunkBytes + 17, head = good.size() - 2 * sealed;
  for (const size_t size : {size_t{0}, size_t{3}, head - 1, head, head + 1, head + sealed - 1, head + sealed,
                            head + sealed + 1, good.size() - 1}) {
    Spill(path, good.substr(0, size));
    EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED") << size;
  }
  Spill(path, good + "x");
  EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED");
}

TEST_F(BlobStoreTest, SwappedFilesAreRefused) {
  const auto first = WriteBlob(*store_, "first"), second = WriteBlob(*store_, "second");
  const std::string one = Slurp(PathOf(first->id)), two = Slurp(PathOf(second->id));
  Spill(PathOf(first->id), two);
  EXPECT_EQ(ReasonOf(ReadBlob(*store_, first->id, 100).status()), "FILE_DAMAGED");
  // A key ring that forgot the context would still be caught by the chunks.
  BlobKeyWrap careless = Wrap();
  careless.unwrap = [&, wrap = Wrap()](std::string_view wrapped, std::string_view) {
    return wrap.unwrap(wrapped, second->id);
  };
  auto store = OpenDirBlobStore(folder_.File("blobs"), careless, random_, files_);
  EXPECT_EQ(ReasonOf(ReadBlob(**store, first->id, 100).status()), "FILE_DAMAGED");
  EXPECT_TRUE(ReadBlob(**store, second->id, 100).ok());
}

TEST_F(BlobStoreTest, AbsentAndMalformedIds) {
  for (const std::string id : {"", "../../etc/passwd", "0123456789abcdef0123456789abcdef",
                               "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde/"}) {
    EXPECT_EQ(ReasonOf(store_->Open(id).status()), "FILE_ABSENT") << id;
    EXPECT_TRUE(store_->Remove(id).ok());
  }
  const auto info = WriteBlob(*store_, "x");
  EXPECT_TRUE(store_->Remove(info->id).ok());
  EXPECT_EQ(ReasonOf(store_->Open(info->id).status()), "FILE_ABSENT");
}

TEST_F(BlobStoreTest, FilesAreTheOwnersAlone) {
  const auto info = WriteBlob(*store_, "x");
  const auto mode = std::filesystem::status(PathOf(info->id)).permissions();
  EXPECT_EQ(mode & std::filesystem::perms(0777), std::filesystem::perms(0600));
}

}  // namespace
}  // namespace dinh::db
