#include "libs/db/blob_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
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

// Where a store under test keeps its files, seen from behind.
class Ground {
 public:
  virtual ~Ground() = default;
  virtual absl::StatusOr<std::unique_ptr<BlobStore>> Open(BlobKeyWrap wrap) = 0;
  // The bytes of a file as they lie, and others in their place.
  virtual std::string Slurp(const std::string& id) = 0;
  virtual void Spill(const std::string& id, const std::string& bytes) = 0;
  virtual bool Empty() = 0;
};

class FolderGround final : public Ground {
 public:
  absl::StatusOr<std::unique_ptr<BlobStore>> Open(BlobKeyWrap wrap) override {
    return OpenDirBlobStore(folder_.File("blobs"), std::move(wrap), random_, files);
  }
  std::string Slurp(const std::string& id) override {
    std::ifstream in(PathOf(id), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Spill(const std::string& id, const std::string& bytes) override {
    std::ofstream(PathOf(id), std::ios::binary | std::ios::trunc) << bytes;
  }
  bool Empty() override { return FilesOnDisk().empty(); }
  std::string PathOf(const std::string& id) { return folder_.File("blobs/" + id.substr(0, 2) + "/" + id); }
  std::vector<std::string> FilesOnDisk() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) found.push_back(entry.path().string());
    }
    return found;
  }

  RecordingFiles files;

 private:
  TestFolder folder_;
  base::SeededRandom random_{7};
};

class TableGround final : public Ground {
 public:
  explicit TableGround(Engine engine) : store(engine) {}
  absl::StatusOr<std::unique_ptr<BlobStore>> Open(BlobKeyWrap wrap) override {
    return OpenDatabaseBlobStore(*store.db, "files", std::move(wrap), random_, clock);
  }
  std::string Slurp(const std::string& id) override { return base::Join(Pieces(id), ""); }
  // Cut where the pieces that lie there are cut; what is left over is one more.
  void Spill(const std::string& id, const std::string& bytes) override {
    if (!cuts_.contains(id)) {
      for (const std::string& piece : Pieces(id)) cuts_[id].push_back(piece.size());
    }
    std::vector<std::string> pieces;
    size_t at = 0;
    for (size_t i = 0; i < cuts_[id].size() && at < bytes.size(); at += cuts_[id][i++]) {
      pieces.push_back(bytes.substr(at, cuts_[id][i]));
    }
    if (at < bytes.size()) pieces.push_back(bytes.substr(at));
    auto ctx = store.Context();
    const absl::Status put = store.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("DELETE FROM files_blob_chunks WHERE blob = $1", {id}).status());
      for (size_t i = 0; i < pieces.size(); ++i) {
        RETURN_IF_ERROR(tx.Exec("INSERT INTO files_blob_chunks (blob, position, bytes) VALUES ($1, $2, $3)",
                                {id, i, BlobView{pieces[i]}})
                            .status());
      }
      return tx.Exec("UPDATE files_blobs SET pieces = $2 WHERE id = $1", {id, pieces.size()}).status();
    });
    EXPECT_TRUE(put.ok()) << put;
  }
  bool Empty() override {
    return store.Number(
               "SELECT (SELECT COUNT(*) FROM files_blobs) + (SELECT COUNT(*) FROM files_blob_chunks) + "
               "(SELECT COUNT(*) FROM files_blob_drafts)") == 0;
  }
  std::vector<std::string> Pieces(const std::string& id) {
    auto ctx = store.Context();
    auto pieces = store.db->Read(*ctx, [&](Tx& tx) {
      return tx.QueryAll("SELECT bytes FROM files_blob_chunks WHERE blob = $1 ORDER BY position", {id},
                         [](const Row& row) { return row.Text(0); });
    });
    return pieces.ok() ? *pieces : std::vector<std::string>();
  }

  TestDatabase store;
  base::FakeClock clock{1'770'944'400LL * base::kMicrosPerSecond};

 private:
  base::SeededRandom random_{7};
  std::map<std::string, std::vector<size_t>> cuts_;
};

enum class Kind { kFolder, kSqlite, kPostgres };

// What every store does.
class BlobStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kFolder) {
      ground_ = std::make_unique<FolderGround>();
    } else {
      ground_ = std::make_unique<TableGround>(GetParam() == Kind::kSqlite ? Engine::kSqlite : Engine::kPostgres);
    }
    auto opened = ground_->Open(Wrap());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  std::string Content(size_t size) { return random_.Bytes(size); }

  base::SeededRandom random_{8};
  std::unique_ptr<Ground> ground_;
  std::unique_ptr<BlobStore> store_;
};
std::string NameOf(Kind kind) {
  return kind == Kind::kFolder ? "Folder" : kind == Kind::kSqlite ? "Sqlite" : "Postgres";
}
INSTANTIATE_TEST_SUITE_P(All, BlobStoreTest, ::testing::Values(Kind::kFolder, Kind::kSqlite, Kind::kPostgres),
                         [](const auto& kind) { return NameOf(kind.param); });

class DirBlobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    auto opened = ground_.Open(Wrap());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    ground_.files.Take();
  }

  FolderGround ground_;
  std::unique_ptr<BlobStore> store_;
};

class DatabaseBlobStoreTest : public EngineTest {
 protected:
  std::unique_ptr<BlobStore> Open() {
    auto opened = ground_.Open(Wrap());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  int64_t Drafts() { return ground_.store.Number("SELECT COUNT(*) FROM files_blob_drafts"); }

  base::SeededRandom random_{9};
  TableGround ground_{GetParam()};
};
DINH_BOTH_ENGINES(DatabaseBlobStoreTest);

TEST_P(BlobStoreTest, ListsWhatIsThereInPages) {
  EXPECT_TRUE(store_->List("", 10)->empty());
  std::set<std::string> written;
  for (int i = 0; i < 40; ++i) written.insert(WriteBlob(*store_, Content(10))->id);
  const auto unfinished = store_->Begin();
  ASSERT_TRUE(unfinished.ok());
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

TEST_F(DirBlobStoreTest, OtherFilesAreNotListed) {
  const auto info = WriteBlob(*store_, "x");
  std::ofstream(ground_.PathOf(info->id) + ".txt") << "no blob";
  EXPECT_EQ(*store_->List("", 10), std::vector<std::string>{info->id});
}

TEST_P(BlobStoreTest, WhatGoesInComesOut) {
  for (const size_t size :
       {size_t{0}, size_t{1}, kBlobChunkBytes - 1, kBlobChunkBytes, kBlobChunkBytes + 1, 2 * kBlobChunkBytes,
        3 * kBlobChunkBytes + 17, 7 * kBlobChunkBytes, 8 * kBlobChunkBytes, 33 * kBlobChunkBytes + 1}) {
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

TEST_P(BlobStoreTest, PiecesOfAnySize) {
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

TEST_F(DirBlobStoreTest, SyncedBeforeItsNameAndItsNameBeforeTheAnswer) {
  const std::vector<std::string> known = {"create", "write", "write", "sync", "close", "rename", "sync_folder"};
  // Where the blob is the first of its folder, that folder's own entry is synced before anything is moved into it.
  const std::vector<std::string> first = {"create", "write",       "write",  "sync",
                                          "close",  "sync_folder", "rename", "sync_folder"};
  std::set<std::string> folders;
  for (int i = 0; i < 40; ++i) {
    const auto info = WriteBlob(*store_, "x");
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(ground_.files.Take(), folders.insert(info->id.substr(0, 2)).second ? first : known);
  }
  EXPECT_LT(folders.size(), 40u);
  Reopen();
  const auto info = WriteBlob(*store_, "x");
  EXPECT_EQ(ground_.files.Take(), folders.contains(info->id.substr(0, 2)) ? known : first);
}

TEST_F(DirBlobStoreTest, AnyFailureIsToldAndLeavesNothing) {
  for (const std::string broken : {"create", "write", "sync", "close", "rename", "sync_folder"}) {
    ground_.files.SetFault([&](std::string_view operation) { return operation == broken; });
    EXPECT_EQ(ReasonOf(WriteBlob(*store_, "x").status()), "STORAGE_UNAVAILABLE") << broken;
    ground_.files.SetFault(nullptr);
    EXPECT_TRUE(ground_.FilesOnDisk().empty()) << broken;
  }
  EXPECT_TRUE(WriteBlob(*store_, "x").ok());
}

TEST_P(BlobStoreTest, AnAbandonedWriterLeavesNothing) {
  {
    auto writer = store_->Begin();
    ASSERT_TRUE((*writer)->Write(Content(20 * kBlobChunkBytes)).ok());
    EXPECT_FALSE(ground_->Empty());
    EXPECT_TRUE(store_->List("", 10)->empty());
  }
  EXPECT_TRUE(ground_->Empty());
}

TEST_F(DirBlobStoreTest, WhatACrashLeftIsCleared) {
  const auto kept = WriteBlob(*store_, "kept");
  auto writer = store_->Begin();
  ASSERT_TRUE((*writer)->Write("lost").ok());
  (void)writer->release();  // as a killed process would leave it
  EXPECT_EQ(ground_.FilesOnDisk().size(), 2u);
  Reopen();
  EXPECT_EQ(ground_.FilesOnDisk(), std::vector<std::string>{ground_.PathOf(kept->id)});
  EXPECT_EQ(*ReadBlob(*store_, kept->id, 100), "kept");
}

TEST_P(BlobStoreTest, NothingLiesInClear) {
  const std::string line = "Công dân Một, 001099000001, thôn Quang Trung\n";
  std::string content;
  for (int i = 0; i < 5000; ++i) content += line;
  const auto info = WriteBlob(*store_, content);
  ASSERT_TRUE(info.ok());
  const std::string bytes = ground_->Slurp(info->id);
  EXPECT_GT(bytes.size(), content.size());
  for (size_t at = 0; at + 8 <= line.size(); at += 4) EXPECT_EQ(bytes.find(line.substr(at, 8)), std::string::npos);
}

TEST_P(BlobStoreTest, EqualContentsAreTwoUnlikeFiles) {
  const auto first = WriteBlob(*store_, "same"), second = WriteBlob(*store_, "same");
  EXPECT_NE(first->id, second->id);
  EXPECT_EQ(first->sha256, second->sha256);
  EXPECT_NE(ground_->Slurp(first->id), ground_->Slurp(second->id));
}

TEST_P(BlobStoreTest, AChangedFileIsRefused) {
  const auto info = WriteBlob(*store_, Content(2 * kBlobChunkBytes + 100));
  const std::string good = ground_->Slurp(info->id);
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    const size_t at = i < 20 ? static_cast<size_t>(i) * 3 : random_.Below(good.size());
    bad[at] = static_cast<char>(bad[at] ^ (1 << random_.Below(8)));
    ground_->Spill(info->id, bad);
    EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED") << at;
  }
  ground_->Spill(info->id, good);
  EXPECT_TRUE(ReadBlob(*store_, info->id, good.size()).ok());
}

TEST_P(BlobStoreTest, ATruncatedOrLengthenedFileIsRefused) {
  const auto info = WriteBlob(*store_, Content(2 * kBlobChunkBytes));
  const std::string good = ground_->Slurp(info->id);
  const size_t sealed = kBlobChunkBytes + 17, head = good.size() - 2 * sealed;
  for (const size_t size : {size_t{0}, size_t{3}, head - 1, head, head + 1, head + sealed - 1, head + sealed,
                            head + sealed + 1, good.size() - 1}) {
    ground_->Spill(info->id, good.substr(0, size));
    EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED") << size;
  }
  ground_->Spill(info->id, good + "x");
  EXPECT_EQ(ReasonOf(ReadBlob(*store_, info->id, good.size()).status()), "FILE_DAMAGED");
}

TEST_P(BlobStoreTest, SwappedFilesAreRefused) {
  const auto first = WriteBlob(*store_, "first"), second = WriteBlob(*store_, "second");
  const std::string two = ground_->Slurp(second->id);
  ground_->Spill(first->id, two);
  EXPECT_EQ(ReasonOf(ReadBlob(*store_, first->id, 100).status()), "FILE_DAMAGED");
  // A key ring that forgot the context would still be caught by the chunks.
  BlobKeyWrap careless = Wrap();
  careless.unwrap = [&, wrap = Wrap()](std::string_view wrapped, std::string_view) {
    return wrap.unwrap(wrapped, second->id);
  };
  auto store = ground_->Open(careless);
  EXPECT_EQ(ReasonOf(ReadBlob(**store, first->id, 100).status()), "FILE_DAMAGED");
  EXPECT_TRUE(ReadBlob(**store, second->id, 100).ok());
}

TEST_P(BlobStoreTest, AbsentAndMalformedIds) {
  for (const std::string id : {"", "../../etc/passwd", "0123456789abcdef0123456789abcdef",
                               "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde/"}) {
    EXPECT_EQ(ReasonOf(store_->Open(id).status()), "FILE_ABSENT") << id;
    EXPECT_TRUE(store_->Remove(id).ok());
  }
  const auto info = WriteBlob(*store_, "x");
  EXPECT_TRUE(store_->Remove(info->id).ok());
  EXPECT_EQ(ReasonOf(store_->Open(info->id).status()), "FILE_ABSENT");
}

TEST_F(DirBlobStoreTest, FilesAreTheOwnersAlone) {
  const auto info = WriteBlob(*store_, "x");
  const auto mode = std::filesystem::status(ground_.PathOf(info->id)).permissions();
  EXPECT_EQ(mode & std::filesystem::perms(0777), std::filesystem::perms(0600));
}

TEST_P(BlobStoreTest, CopiesGoFromAnyStoreToAnyOtherOfTheSameKeys) {
  const std::string content = Content(20 * kBlobChunkBytes + 3);
  const auto info = WriteBlob(*store_, content);
  ASSERT_TRUE(info.ok());
  FolderGround folder;
  TableGround table(Engine::kPostgres);
  for (Ground* other : {static_cast<Ground*>(&folder), static_cast<Ground*>(&table)}) {
    const auto to = other->Open(Wrap());
    ASSERT_TRUE(to.ok()) << to.status();
    ASSERT_TRUE(CopyBlob(*store_, info->id, **to).ok());
    EXPECT_TRUE(*ReadBlob(**to, info->id, content.size()) == content);
    EXPECT_EQ(other->Slurp(info->id), ground_->Slurp(info->id));
  }
  EXPECT_EQ(ReasonOf(CopyBlob(*store_, std::string(32, '0'), *store_)), "FILE_ABSENT");
}

TEST_P(DatabaseBlobStoreTest, ADraftOfAProcessThatDiedGoesAfterADay) {
  const auto store = Open();
  const auto kept = WriteBlob(*store, random_.Bytes(12 * kBlobChunkBytes));
  ASSERT_TRUE(kept.ok()) << kept.status();
  auto writer = store->Begin();
  ASSERT_TRUE((*writer)->Write(random_.Bytes(20 * kBlobChunkBytes)).ok());
  (void)writer->release();  // as a killed process would leave it
  EXPECT_EQ(Drafts(), 1);
  Open();
  EXPECT_EQ(Drafts(), 1) << "it may be another process's that lives";
  ground_.clock.Advance(25 * 3600 * int64_t{base::kMicrosPerSecond});
  Open();
  EXPECT_EQ(Drafts(), 0);
  EXPECT_EQ(ground_.store.Number("SELECT COUNT(*) FROM files_blob_chunks"), 13) << "of what was kept";
  EXPECT_TRUE(ReadBlob(*store, kept->id, 1 << 20).ok());
}

TEST_P(DatabaseBlobStoreTest, WhatWasClearedIsNotCommitted) {
  const auto store = Open();
  auto writer = store->Begin();
  ASSERT_TRUE((*writer)->Write(random_.Bytes(20 * kBlobChunkBytes)).ok());
  ground_.clock.Advance(25 * 3600 * int64_t{base::kMicrosPerSecond});
  Open();
  EXPECT_TRUE(absl::IsInternal((*writer)->Commit().status()));
  writer->reset();
  EXPECT_TRUE(ground_.Empty());
}

TEST_P(DatabaseBlobStoreTest, AFileThatGoesWhileItIsReadIsAbsentNotDamaged) {
  const auto store = Open();
  const auto info = WriteBlob(*store, random_.Bytes(20 * kBlobChunkBytes));
  auto reader = store->Open(info->id);
  ASSERT_TRUE((*reader)->Next().ok());
  ASSERT_TRUE(store->Remove(info->id).ok());
  absl::Status status;
  while (status.ok()) {
    const auto piece = (*reader)->Next();
    status = piece.status();
    if (piece.ok() && piece->empty()) break;
  }
  EXPECT_EQ(ReasonOf(status), "FILE_ABSENT");
  EXPECT_TRUE(ground_.Empty());
}

}  // namespace
}  // namespace dinh::db
