#include "libs/auth/key_ring.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/auth/key_file.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/recording_files.h"
#include "libs/db/test_support.h"
#include "nlohmann/json.hpp"

namespace dinh::auth {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRing::Options Options() { return {.folder = folder_.File("keys")}; }
  std::unique_ptr<KeyRing> Create() {
    auto ring = KeyRing::OpenOrCreate(Options(), false, clock_, random_);
    EXPECT_TRUE(ring.ok()) << ring.status();
    return *std::move(ring);
  }
  std::string Reason(const absl::StatusOr<std::unique_ptr<KeyRing>>& ring) {
    return ring.ok() ? "OK" : db::ReasonOf(ring.status());
  }
  std::string Reopen() { return Reason(KeyRing::Open(Options(), clock_, random_)); }
  std::string KeyPath(const std::string& name) { return folder_.File("keys/" + name); }
  void Overwrite(const std::string& name, const std::string& text) {
    std::ofstream(KeyPath(name), std::ios::binary | std::ios::trunc) << text;
  }
  std::string Text(const std::string& name) {
    std::ifstream in(KeyPath(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  db::TestFolder folder_;
  base::FakeClock clock_{1'780'000'000'000'000};
  base::SystemRandom random_;
};

TEST_F(KeyRingTest, FirstStartMakesTheWholeSetForTheOwnerAlone) {
  const mode_t before = umask(0);
  const auto ring = Create();
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(folder_.File("keys").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_.File("keys"))) {
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 5);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1)
      << "nothing is left beside the folder";
  std::set<std::string> secrets;
  for (const KeyPurpose purpose : kKeyPurposes) secrets.insert(std::string(ring->Current(purpose)->secret.view()));
  EXPECT_EQ(secrets.size(), 5u);
}

TEST_F(KeyRingTest, SyncsEveryFileThenTheFolderThenTheParent) {
  db::RecordingFiles files;
  KeyRing::Options options = Options();
  options.files = &files;
  ASSERT_TRUE(KeyRing::OpenOrCreate(options, false, clock_, random_).ok());
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) expected.insert(expected.end(), {"create", "write", "sync", "close"});
  expected.insert(expected.end(), {"sync_folder", "rename", "sync_folder"});
  EXPECT_EQ(files.Take(), expected);
  auto ring = KeyRing::Open(options, clock_, random_);
  ASSERT_TRUE(ring.ok());
  ASSERT_TRUE((*ring)->Rotate(KeyPurpose::kSealing).ok());
  EXPECT_EQ(files.Take(), (std::vector<std::string>{"create", "write", "sync", "close", "rename", "sync_folder"}));
}

TEST_F(KeyRingTest, AFailureAtAnyStepLeavesNoFolder) {
  for (const char* step : {"create", "write", "sync", "close", "rename"}) {
    db::RecordingFiles files;
    files.SetFault([&](std::string_view operation) { return operation == step; });
    KeyRing::Options options = Options();
    options.files = &files;
    EXPECT_FALSE(KeyRing::OpenOrCreate(options, false, clock_, random_).ok()) << step;
    EXPECT_FALSE(fs::exists(options.folder)) << step;
  }
  EXPECT_EQ(Reopen(), "KEYS_MISSING");
}

TEST_F(KeyRingTest, AFailedRotationChangesNothing) {
  Create();
  db::RecordingFiles files;
  KeyRing::Options options = Options();
  options.files = &files;
  auto ring = KeyRing::Open(options, clock_, random_);
  ASSERT_TRUE(ring.ok());
  files.SetFault([](std::string_view operation) { return operation == "rename"; });
  EXPECT_FALSE((*ring)->Rotate(KeyPurpose::kPageToken).ok());
  EXPECT_EQ((*ring)->Current(KeyPurpose::kPageToken)->info.version, 1);
  EXPECT_EQ(Reopen(), "OK");
}

TEST_F(KeyRingTest, OpensTheSameKeysAgain) {
  const auto first = Create();
  const auto second = KeyRing::OpenOrCreate(Options(), true, clock_, random_);
  ASSERT_TRUE(second.ok()) << second.status();
  for (const KeyPurpose purpose : kKeyPurposes) {
    EXPECT_EQ(first->Current(purpose)->secret.view(), (*second)->Current(purpose)->secret.view());
    EXPECT_EQ(first->Current(purpose)->id_bytes, (*second)->Current(purpose)->id_bytes);
  }
}

TEST_F(KeyRingTest, DataWithoutKeysIsARefusalNeverANewSet) {
  EXPECT_EQ(Reason(KeyRing::OpenOrCreate(Options(), true, clock_, random_)), "KEYS_MISSING");
  EXPECT_FALSE(fs::exists(Options().folder));
  fs::create_directory(Options().folder);
  EXPECT_EQ(Reason(KeyRing::OpenOrCreate(Options(), true, clock_, random_)), "KEYS_MISSING");
  EXPECT_TRUE(fs::is_empty(Options().folder));
}

TEST_F(KeyRingTest, AMissingFileIsARefusalThatNamesIt) {
  Create();
  fs::remove(KeyPath("blind-index.1.key"));
  const auto ring = KeyRing::OpenOrCreate(Options(), false, clock_, random_);
  EXPECT_EQ(Reason(ring), "KEYS_INCOMPLETE");
  EXPECT_THAT(std::string(ring.status().message()), HasSubstr("blind-index.1.key"));
  EXPECT_FALSE(fs::exists(KeyPath("blind-index.1.key")));
}

TEST_F(KeyRingTest, AMissingOlderVersionIsARefusal) {
  const auto ring = Create();
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kSealing).ok());
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kSealing).ok());
  fs::remove(KeyPath("sealing.2.key"));
  const auto reopened = KeyRing::Open(Options(), clock_, random_);
  EXPECT_EQ(Reason(reopened), "KEYS_INCOMPLETE");
  EXPECT_THAT(std::string(reopened.status().message()), HasSubstr("sealing.2.key"));
}

TEST_F(KeyRingTest, RefusesWhatOthersMayRead) {
  Create();
  const std::string path = KeyPath("sealing.1.key");
  for (const mode_t mode : {0640u, 0604u, 0660u, 0700u | 0010u}) {
    chmod(path.c_str(), mode);
    const auto ring = KeyRing::Open(Options(), clock_, random_);
    EXPECT_EQ(Reason(ring), "KEYS_EXPOSED") << mode;
    EXPECT_THAT(std::string(ring.status().message()), HasSubstr("chmod 600 sealing.1.key"));
  }
  chmod(path.c_str(), 0400);
  EXPECT_EQ(Reopen(), "OK");
  chmod(Options().folder.c_str(), 0750);
  const auto ring = KeyRing::Open(Options(), clock_, random_);
  EXPECT_EQ(Reason(ring), "KEYS_EXPOSED");
  EXPECT_THAT(std::string(ring.status().message()), HasSubstr("chmod 700"));
}

TEST_F(KeyRingTest, RefusesLinksInItsOwnFolderButNotInAMountedOne) {
  Create();
  const std::string path = KeyPath("sealing.1.key");
  fs::rename(path, folder_.File("elsewhere"));
  fs::create_symlink(folder_.File("elsewhere"), path);
  EXPECT_EQ(Reopen(), "KEYS_EXPOSED");
  KeyRing::Options mounted = Options();
  mounted.custody = KeyCustody::kMounted;
  chmod(folder_.File("elsewhere").c_str(), 0440);
  chmod(mounted.folder.c_str(), 0755);
  auto ring = KeyRing::OpenOrCreate(mounted, true, clock_, random_);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ(db::ReasonOf((*ring)->Rotate(KeyPurpose::kSealing).status()), "KEYS_MOUNTED");
  chmod(folder_.File("elsewhere").c_str(), 0444);
  EXPECT_EQ(Reason(KeyRing::Open(mounted, clock_, random_)), "KEYS_EXPOSED");
}

TEST_F(KeyRingTest, EveryDamageOfAFileIsSeen) {
  Create();
  const std::string good = Text("page-token.1.key");
  std::vector<std::string> bad = {
      "", "x", good + "x", good.substr(0, good.size() - 1), std::string(5000, 'a'), Text("sealing.1.key"), "\n" + good};
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == '7' ? '8' : '7';
    // The date is not secret and has no check of its own.
    const size_t date = good.find("created ");
    if (i < date || i > good.find('\n', date)) bad.push_back(changed);
  }
  for (const std::string& text : bad) {
    Overwrite("page-token.1.key", text);
    EXPECT_EQ(Reopen(), "KEYS_DAMAGED") << text;
  }
  Overwrite("page-token.1.key", good);
  EXPECT_EQ(Reopen(), "OK");
  fs::copy_file(KeyPath("page-token.1.key"), KeyPath("page-token.2.key"));
  EXPECT_EQ(Reopen(), "KEYS_DAMAGED") << "a copy under another version";
}

TEST_F(KeyRingTest, LeavesOtherFilesAlone) {
  Create();
  Overwrite("README", "keys of the one-stop office");
  Overwrite(".sealing.1.key.swp", "x");
  EXPECT_EQ(Reopen(), "OK");
}

TEST_F(KeyRingTest, RotationAddsAVersionAndKeepsTheOld) {
  const auto ring = Create();
  const auto old = ring->Current(KeyPurpose::kSealing);
  clock_.Advance(base::kMicrosPerSecond);
  const auto info = ring->Rotate(KeyPurpose::kSealing);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->version, 2);
  EXPECT_TRUE(info->current);
  EXPECT_EQ(info->created, clock_.Now());
  EXPECT_EQ(ring->Current(KeyPurpose::kSealing)->info.id, info->id);
  EXPECT_EQ(ring->Find(KeyPurpose::kSealing, old->id_bytes), old);
  EXPECT_EQ(ring->Find(KeyPurpose::kPageToken, old->id_bytes), nullptr) << "not of another purpose";
  EXPECT_EQ(ring->All(KeyPurpose::kSealing).size(), 2u);
  const auto reopened = KeyRing::Open(Options(), clock_, random_);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ((*reopened)->Current(KeyPurpose::kSealing)->info.id, info->id);
}

TEST_F(KeyRingTest, TwoRingsOfOneFolderDoNotOverwriteEachOther) {
  const auto one = Create();
  const auto two = KeyRing::Open(Options(), clock_, random_);
  ASSERT_TRUE(one->Rotate(KeyPurpose::kSealing).ok());
  EXPECT_EQ(db::ReasonOf((*two)->Rotate(KeyPurpose::kSealing).status()), "KEYS_EXIST");
  EXPECT_EQ(Reopen(), "OK");
}

TEST_F(KeyRingTest, ListShowsNoSecret) {
  const auto ring = Create();
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kAuditHead).ok());
  const auto list = ring->List();
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(std::count_if(list.begin(), list.end(), [](const KeyInfo& info) { return info.current; }), 5);
  for (const KeyInfo& info : list) EXPECT_EQ(info.id.size(), 8u);
}

TEST_F(KeyRingTest, NamesOfPurposes) {
  for (const KeyPurpose purpose : kKeyPurposes) EXPECT_EQ(KeyPurposeByName(KeyPurposeName(purpose)), purpose);
  EXPECT_EQ(KeyPurposeByName("Sealing"), std::nullopt);
}

TEST_F(KeyRingTest, ExportComesBackWithItsPassphraseOnly) {
  const auto ring = Create();
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kTokenSigning).ok());
  EXPECT_EQ(db::ReasonOf(ring->Export("short").status()), "PASSPHRASE_TOO_SHORT");
  const auto backup = ring->Export("một câu đủ dài để giữ khóa");
  ASSERT_TRUE(backup.ok());
  for (const KeyPurpose purpose : kKeyPurposes) {
    EXPECT_EQ(backup->find(base::Base64UrlEncode(ring->Current(purpose)->secret.view().substr(0, 32))),
              std::string::npos);
  }
  const KeyRing::Options other{.folder = folder_.File("restored")};
  EXPECT_EQ(db::ReasonOf(KeyRing::Import(other, *backup, "một câu khác hẳn", random_)), "KEY_BACKUP_INVALID");
  std::string changed = *backup;
  changed[changed.size() / 2] ^= 1;
  EXPECT_EQ(db::ReasonOf(KeyRing::Import(other, changed, "một câu đủ dài để giữ khóa", random_)), "KEY_BACKUP_INVALID");
  EXPECT_EQ(db::ReasonOf(KeyRing::Import(other, "x", "một câu đủ dài để giữ khóa", random_)), "KEY_BACKUP_INVALID");
  EXPECT_FALSE(fs::exists(other.folder));
  EXPECT_EQ(db::ReasonOf(KeyRing::Import(Options(), *backup, "một câu đủ dài để giữ khóa", random_)), "KEYS_EXIST");
  ASSERT_TRUE(KeyRing::Import(other, *backup, "một câu đủ dài để giữ khóa", random_).ok());
  const auto restored = KeyRing::Open(other, clock_, random_);
  ASSERT_TRUE(restored.ok()) << restored.status();
  for (const KeyPurpose purpose : kKeyPurposes) {
    EXPECT_EQ((*restored)->Current(purpose)->secret.view(), ring->Current(purpose)->secret.view());
  }
  EXPECT_EQ((*restored)->All(KeyPurpose::kTokenSigning).size(), 2u);
}

TEST_F(KeyRingTest, ASharedRingVerifiesTokensAndIssuesNone) {
  const auto ring = Create();
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kTokenSigning).ok());
  EXPECT_TRUE(ring->CheckIssuesTokens().ok());
  const std::string folder = folder_.File("shared");
  ASSERT_TRUE(ring->Share(folder).ok());
  EXPECT_EQ(db::ReasonOf(ring->Share(folder)), "KEYS_EXIST");
  const auto shared = KeyRing::Open({.folder = folder}, clock_, random_);
  ASSERT_TRUE(shared.ok()) << shared.status();
  EXPECT_EQ((*shared)->JwksJson(), ring->JwksJson());
  for (const KeyPurpose purpose : kKeyPurposes) {
    if (purpose == KeyPurpose::kTokenSigning) continue;
    EXPECT_EQ((*shared)->Current(purpose)->secret.view(), ring->Current(purpose)->secret.view());
  }
  EXPECT_EQ(db::ReasonOf((*shared)->CheckIssuesTokens()), "KEYS_VERIFY_ONLY");
  EXPECT_EQ(db::ReasonOf((*shared)->Rotate(KeyPurpose::kTokenSigning).status()), "KEYS_VERIFY_ONLY");
  std::string bytes;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  for (const auto& key : ring->All(KeyPurpose::kTokenSigning)) {
    EXPECT_EQ(bytes.find(base::Base64UrlEncode(key->secret.view().substr(0, 32))), std::string::npos);
  }
  // A secret is never taken for a public key, nor a key that seals for one without its secret.
  const std::string sealing = Text("sealing.1.key");
  Overwrite("sealing.1.key",
            sealing.substr(0, sealing.find("secret ")) + "public " + sealing.substr(sealing.find("secret ") + 7));
  EXPECT_EQ(Reopen(), "KEYS_DAMAGED");
  Overwrite("sealing.1.key", sealing);
  const std::string signing = Text("token-signing.1.key");
  Overwrite("token-signing.1.key",
            signing.substr(0, signing.find("secret ")) + "public " + signing.substr(signing.find("secret ") + 7));
  EXPECT_EQ(Reopen(), "KEYS_DAMAGED");
}

TEST_F(KeyRingTest, JwksShowsThePublicTokenKeysOnly) {
  const auto ring = Create();
  ASSERT_TRUE(ring->Rotate(KeyPurpose::kTokenSigning).ok());
  const auto jwks = nlohmann::json::parse(ring->JwksJson());
  ASSERT_EQ(jwks["keys"].size(), 2u);
  EXPECT_EQ(jwks["keys"][0]["kid"], ring->Current(KeyPurpose::kTokenSigning)->info.id);
  for (const auto& key : jwks["keys"]) {
    EXPECT_EQ(key["kty"], "OKP");
    EXPECT_EQ(key["crv"], "Ed25519");
    EXPECT_EQ(key["alg"], "EdDSA");
    EXPECT_FALSE(key.contains("d"));
    std::string x;
    EXPECT_TRUE(base::Base64UrlDecode(key["x"].get<std::string>(), &x));
    EXPECT_EQ(x.size(), 32u);
  }
}

}  // namespace
}  // namespace dinh::auth
