// After the story nothing personal lies in clear anywhere on the disk; the audit log and the ledger verify, and a
// changed byte is found.
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "tests/support/platform_test.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// As the bytes may stand in a file: UTF-8, UTF-8 in JSON with \u escapes, UTF-16.
std::vector<std::string> FormsOf(const std::string& text) {
  std::vector<std::string> forms = {text};
  const std::string escaped = Json(text).dump(-1, ' ', /*ensure_ascii=*/true);
  const std::string inner = escaped.substr(1, escaped.size() - 2);
  if (inner != text) forms.push_back(inner);
  std::string wide;
  bool ascii = true;
  for (const char c : text) {
    ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    wide += {c, '\0'};
  }
  if (ascii) forms.push_back(wide);
  return forms;
}

class PrivacyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    data_ = dir_->File("data");
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{
        .data_dir = data_, .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000", "DINH_LOG_LEVEL=debug"}});
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
    Live();
    CollectCodes();
    // Once as a power cut would leave it, with the WAL as it was; then as an orderly stop does.
    server_->Kill();
    fs::copy(data_, dir_->File("killed"), fs::copy_options::recursive);
    ASSERT_TRUE(server_->Start().ok());
    ASSERT_EQ(server_->Terminate(), 0);
  }
  static void TearDownTestSuite() {
    server_.reset();
    dir_.reset();
  }

  // The story, the shared phone, a rejection, things that go wrong.
  static void Live() {
    demo::Story story(StoryOptionsFor(*server_));
    const absl::Status played = story.RunAll();
    ASSERT_TRUE(played.ok()) << played;
    secrets_.push_back(story.tracking_token());
    Village village(StoryOptionsFor(*server_));
    ApiClient b = village.Citizen("shared_phone", 1);
    ApiClient desk = village.Officer("desk");
    Json filing = village.CopyFiling();
    filing["form"]["purpose"] = "Mục đích rất riêng tư";
    filing["attachments"] = {village.Upload(b, "DINH-PRIVACY-MARKER")};
    const std::string code = village.File(b, filing, "rieng-tu-1").Text("code");
    ASSERT_EQ(desk.Post("/v1/dossiers/" + code + ":reject", {{"reason", "Lý do chỉ người nộp được đọc"}}).status, 200);
    // Refused input must not be kept either.
    b.Post("/v1/me/persons", {{"full_name", "Tên Sai Lắm"}, {"personal_number", "999999999999"}});
    b.Send("POST", "/v1/me/persons", "{\"full_name\": \"Tên Cụt Ngủn", "application/json");
    ASSERT_EQ(village
                  .Notify({{"transaction_id", "PRIVACY-1"},
                           {"bank_bin", "970415"},
                           {"account_number", "900000158650"},
                           {"amount_vnd", 1},
                           {"memo", "NGUOI GUI RIENG TU"},
                           {"booked_at", UnixNow()}})
                  .status,
              200);
    secrets_.insert(secrets_.end(), {b.token(), desk.token()});
  }

  static void CollectCodes() {
    for (const auto& entry : fs::directory_iterator(server_->outbox())) {
      const Json message = Json::parse(ReadFile(entry.path()), nullptr, false);
      const std::string text = message.is_object() ? message.value("text", "") : "";
      for (size_t i = 0; i + 6 <= text.size(); ++i) {
        const std::string six = text.substr(i, 6);
        if (six.find_first_not_of("0123456789") == std::string::npos) codes_.push_back(six);
      }
    }
    ASSERT_FALSE(codes_.empty());
  }

  // What must be nowhere, and what each is.
  static std::vector<std::string> Secrets() {
    const Json demo = DemoData();
    std::vector<std::string> secrets = secrets_;
    for (const Json& citizen : demo.at("citizens")) {
      const std::string phone = citizen.value("phone", "");
      secrets.insert(secrets.end(), {phone, "+84" + phone.substr(1), "84" + phone.substr(1)});
      for (const Json& person : citizen.at("persons")) {
        secrets.insert(secrets.end(), {person.value("full_name", ""), person.value("personal_number", ""),
                                       person.value("birth_date", "")});
      }
    }
    std::string positions;  // titles of an office, which the public may know
    for (const Json& officer : demo.at("officers")) positions += officer.value("position", "") + "\n";
    for (const Json& officer : demo.at("officers")) {
      const std::string name = officer.value("full_name", "");
      if (positions.find(name) == std::string::npos) secrets.push_back(name);
      secrets.push_back(officer.value("password", ""));
    }
    secrets.insert(secrets.end(),
                   {"Thôn Quang Trung", "Bổ sung hồ sơ cá nhân", "Mục đích rất riêng tư",
                    "Lý do chỉ người nộp được đọc", "Nhanh và rõ ràng.", "DINH-DEMO-ATTACHMENT", "DINH-DEMO-RESULT",
                    "DINH-PRIVACY-MARKER", "%PDF-1.4", "giay-to.pdf", "Tên Sai Lắm", "Tên Cụt Ngủn",
                    "NGUOI GUI RIENG TU", "999999999999", demo.at("bank").value("secret", "")});
    // A year alone, or a text that is no secret, would be found by chance.
    std::erase_if(secrets, [](const std::string& secret) { return secret.size() < 8; });
    return secrets;
  }

  static bool Skipped(const fs::path& path) {
    for (const fs::path& part : path) {
      if (part == "outbox" || part == "keys") return true;
    }
    return false;
  }

  static void Scan(const fs::path& root, int* files, int64_t* bytes) {
    const std::vector<std::string> secrets = Secrets();
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file() || Skipped(fs::relative(entry.path(), root))) continue;
      const std::string content = ReadFile(entry.path());
      ++*files;
      *bytes += static_cast<int64_t>(content.size());
      ScanOne(entry.path(), content, secrets);
    }
  }

  static void ScanOne(const fs::path& path, const std::string& content, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
      for (const std::string& form : FormsOf(secret)) {
        EXPECT_EQ(content.find(form), std::string::npos)
            << "\"" << secret << "\" stands in clear in " << path << ": " << Around(content, form);
      }
    }
  }

  static std::string Around(const std::string& content, const std::string& form) {
    const size_t at = content.find(form);
    if (at == std::string::npos) return "";
    std::string near = content.substr(at > 60 ? at - 60 : 0, form.size() + 120);
    for (char& c : near) c = static_cast<unsigned char>(c) < 0x20 ? '.' : c;
    return near;
  }

  static inline std::unique_ptr<TempDir> dir_;
  static inline std::unique_ptr<ServerProcess> server_;
  static inline std::string data_;
  static inline std::vector<std::string> secrets_;
  static inline std::vector<std::string> codes_;
};

TEST_F(PrivacyTest, NothingPersonalLiesInClear) {
  for (const std::string& root : {data_, dir_->File("killed")}) {
    int files = 0;
    int64_t bytes = 0;
    Scan(root, &files, &bytes);
    EXPECT_GE(files, 6) << "databases, blobs, WAL";
    EXPECT_GE(bytes, 100'000);
  }
  const std::string log = ReadFile(server_->log_file());
  EXPECT_GE(log.size(), 1000u);
  // The start prints the demo's accounts in development mode; log lines are JSON.
  std::istringstream lines(log);
  std::string json_lines;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("{")) json_lines += line + "\n";
  }
  EXPECT_GE(json_lines.size(), 1000u);
  ScanOne("the log", json_lines, Secrets());
}

// One-time codes: six digits are found by chance in any binary file; where they would stand is known.
TEST_F(PrivacyTest, CodesAreInNoTableAndNoLogLine) {
  const std::string log = ReadFile(server_->log_file());
  for (const std::string& code : codes_) {
    for (const std::string& form : {"\"" + code + "\"", " " + code + " ", ":" + code + ","}) {
      EXPECT_EQ(log.find(form), std::string::npos) << form;
    }
  }
  int texts = 0;
  for (const auto& entry : fs::directory_iterator(data_ + "/db")) {
    if (entry.path().extension() != ".sqlite") continue;
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(entry.path().c_str(), &db), SQLITE_OK);
    std::vector<std::string> tables;
    sqlite3_exec(
        db, "SELECT name FROM sqlite_master WHERE type = 'table'",
        [](void* out, int, char** values, char**) {
          static_cast<std::vector<std::string>*>(out)->push_back(values[0]);
          return 0;
        },
        &tables, nullptr);
    for (const std::string& table : tables) {
      sqlite3_stmt* rows = nullptr;
      sqlite3_prepare_v2(db, ("SELECT * FROM \"" + table + "\"").c_str(), -1, &rows, nullptr);
      while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); ++i) {
          if (sqlite3_column_type(rows, i) != SQLITE_TEXT) continue;
          const std::string text = reinterpret_cast<const char*>(sqlite3_column_text(rows, i));
          ++texts;
          for (const std::string& code : codes_) {
            EXPECT_NE(text, code) << table;
            EXPECT_EQ(text.find(" " + code), std::string::npos) << table;
          }
        }
      }
      sqlite3_finalize(rows);
    }
    sqlite3_close(db);
  }
  EXPECT_GE(texts, 200);
}

TEST_F(PrivacyTest, FoldersAndFilesAreTheOwnersAlone) {
  for (const auto& entry : fs::recursive_directory_iterator(data_)) {
    const fs::perms others = entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all);
    EXPECT_EQ(others, fs::perms::none) << entry.path();
  }
}

TEST_F(PrivacyTest, AuditAndLedgerVerifyAndFindWhatWasChanged) {
  for (const char* what : {"audit", "ledger"}) {
    for (const std::string& root : {data_, dir_->File("killed")}) {
      const Finished run = RunDinh(std::string(what) + " verify --data-dir " + root);
      EXPECT_EQ(run.exit_code, 0) << what << " " << root << ": " << run.output;
    }
  }
  EXPECT_EQ(RunDinh("audit verify --data-dir " + dir_->File("khong-co")).exit_code, 3);
  EXPECT_EQ(RunDinh("audit khong-co").exit_code, 2);

  struct Change {
    const char* what;
    const char* database;
    const char* sql;
  };
  const Change changes[] = {
      {"audit", "procedures", "UPDATE audit SET method = 'x' || method WHERE sequence = 2"},
      {"audit", "procedures", "UPDATE audit SET at = at + 1 WHERE sequence = 3"},
      {"audit", "procedures", "DELETE FROM audit WHERE sequence = 2"},
      {"audit", "identity", "UPDATE audit SET caller = 'nguoi-khac' WHERE sequence = 1"},
      {"audit", "payments", "DELETE FROM audit WHERE sequence = (SELECT MAX(sequence) FROM audit)"},
      {"ledger", "payments",
       "UPDATE transfers SET amount_vnd = amount_vnd + 1 WHERE id = (SELECT MIN(id) FROM transfers)"},
      {"ledger", "payments", "DELETE FROM transfers WHERE id = (SELECT MAX(id) FROM transfers)"},
      {"ledger", "payments", "UPDATE charges SET paid_vnd = paid_vnd - 1 WHERE paid_vnd > 0"},
  };
  for (const Change& change : changes) {
    SCOPED_TRACE(change.sql);
    const std::string copy = dir_->File("changed");
    fs::remove_all(copy);
    fs::copy(data_, copy, fs::copy_options::recursive);
    sqlite3* db = nullptr;
    const std::string path = copy + "/db/" + change.database + ".sqlite";
    ASSERT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    char* error = nullptr;
    // The engine refuses to change the ledger; whoever has the file takes that away first.
    for (const char* trigger : {"transfers_no_update", "transfers_no_delete"}) {
      sqlite3_exec(db, ("DROP TRIGGER IF EXISTS " + std::string(trigger)).c_str(), nullptr, nullptr, nullptr);
    }
    EXPECT_EQ(sqlite3_exec(db, change.sql, nullptr, nullptr, &error), SQLITE_OK) << (error == nullptr ? "" : error);
    EXPECT_GE(sqlite3_changes(db), 1) << "the test changed nothing";
    sqlite3_free(error);
    sqlite3_close(db);
    const Finished run = RunDinh(std::string(change.what) + " verify --data-dir " + copy);
    EXPECT_EQ(run.exit_code, 1) << run.output;
  }
}

TEST_F(PrivacyTest, DataWithoutItsKeysIsRefused) {
  const std::string copy = dir_->File("keyless");
  fs::copy(data_, copy, fs::copy_options::recursive);
  fs::remove_all(copy + "/keys");
  ServerProcess server({.data_dir = copy});
  EXPECT_FALSE(server.Start().ok()) << "it made new keys beside old data";
  EXPECT_FALSE(fs::exists(copy + "/keys") && !fs::is_empty(copy + "/keys"));
}

}  // namespace
}  // namespace dinh::testing
