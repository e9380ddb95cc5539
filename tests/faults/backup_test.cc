// `dinh backup` beside a platform at work: every backup is of one moment over all services, restores, verifies and
// serves. And what a restore refuses.
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "tests/faults/outside_client.h"
#include "tests/support/platform_test.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

namespace fs = std::filesystem;
using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kBackups = 5;
constexpr int kClients = 3;
constexpr int kPaidBetween = 10;  // dossiers paid between two backups
constexpr uint64_t kSeed = 20260215;
constexpr std::chrono::seconds kPatience{60};
// Far below the two seconds that a writer of the platform waits for its lock.
constexpr double kHeldMsMax = 250;

int64_t Number(const std::string& data, const std::string& store, const std::string& sql,
               const std::string& other = "payments") {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  int64_t number = -1;
  const std::string attach = "ATTACH '" + data + "/db/" + other + ".sqlite' AS other";
  if (sqlite3_open_v2((data + "/db/" + store + ".sqlite").c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
      sqlite3_busy_timeout(db, 10'000) == SQLITE_OK &&
      sqlite3_exec(db, attach.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK &&
      sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    number = sqlite3_column_int64(statement, 0);
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return number;
}

std::vector<std::string> Texts(const std::string& data, const std::string& store, const std::string& sql) {
  std::vector<std::string> texts;
  sqlite3* db = nullptr;
  const auto take = [](void* out, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(out)->emplace_back(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_open((data + "/db/" + store + ".sqlite").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), take, &texts, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  return texts;
}

// Sends one report after another and notes when each was sent and how long its answer took.
class Reporter {
 public:
  struct Sample {
    std::chrono::steady_clock::time_point sent;
    double ms = 0;
  };
  Reporter(uint16_t port, std::string token, const std::atomic<bool>& stop) : client_("127.0.0.1", port), stop_(stop) {
    client_.set_token(std::move(token));
  }
  void Run() {
    while (!stop_) {
      const auto sent = std::chrono::steady_clock::now();
      const ApiAnswer made =
          client_.Post("/v1/reports", {{"category", "road.pothole"},
                                       {"description", "Ổ gà giữa đường liên thôn"},
                                       {"place", {{"point", {{"lat", 19.8512}, {"lng", 105.8617}}}, {"unit", "15952"}}},
                                       {"answers", {{"size", "medium"}, {"danger", "false"}}}});
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - sent;
      if (made.status != 200) refused_.push_back(std::to_string(made.status) + " " + made.raw + made.error);
      samples_.push_back({sent, took.count()});
    }
  }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<std::string>& refused() const { return refused_; }

 private:
  ApiClient client_;
  const std::atomic<bool>& stop_;
  std::vector<Sample> samples_;
  std::vector<std::string> refused_;
};

double P99(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) * 99 / 100];
}

class BackupUnderLoadTest : public ::testing::Test {
 protected:
  struct Backup {
    std::string path;
    std::chrono::steady_clock::time_point begin, end;
    double held_ms = 0;
    int64_t dossiers_before = 0, reports_before = 0;  // committed before it began
  };

  BackupUnderLoadTest()
      : server_({.data_dir = dir_.File("data"),
                 .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000", "DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000",
                                 "DINH_PROCEDURES_SWEEP_EVERY=1s"}}) {}

  int64_t Live(const std::string& store, const std::string& sql) { return Number(server_.data_dir(), store, sql); }

  void WaitForMorePaid() {
    const std::string count = "SELECT COUNT(*) FROM dossiers WHERE charge_paid = 1";
    const int64_t enough = Live("procedures", count) + kPaidBetween;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (Live("procedures", count) < enough) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "the load does not get on";
      std::this_thread::yield();
    }
  }

  Backup Make(int number) {
    Backup backup;
    backup.path = dir_.File("backup" + std::to_string(number));
    backup.dossiers_before = Live("procedures", "SELECT COUNT(*) FROM dossiers");
    backup.reports_before = Live("feedback", "SELECT COUNT(*) FROM reports");
    backup.begin = std::chrono::steady_clock::now();
    const Finished run = RunDinh("backup --data-dir " + server_.data_dir() + " --out " + backup.path);
    backup.end = std::chrono::steady_clock::now();
    EXPECT_EQ(run.exit_code, 0) << run.output;
    const size_t told = run.output.find("phải chờ ");
    EXPECT_NE(told, std::string::npos) << run.output;
    if (told != std::string::npos)
      backup.held_ms = std::stod(run.output.substr(told + std::string("phải chờ ").size()));
    return backup;
  }

  // One moment over all services: what one service has heard of, the other knows.
  static void ExpectAgreement(const std::string& data, const Backup& backup) {
    EXPECT_GE(Number(data, "procedures", "SELECT COUNT(*) FROM dossiers"), backup.dossiers_before);
    EXPECT_GE(Number(data, "feedback", "SELECT COUNT(*) FROM reports"), backup.reports_before);
    EXPECT_EQ(Number(data, "procedures",
                     "SELECT COUNT(*) FROM dossiers d WHERE d.charge_paid = 1 AND d.charge <> '' AND NOT EXISTS "
                     "(SELECT 1 FROM other.charges c WHERE c.id = d.charge AND c.paid_vnd = c.amount_vnd)"),
              0)
        << "a dossier is paid and payments does not know";
    EXPECT_EQ(Number(data, "procedures",
                     "SELECT COUNT(*) FROM dossiers d WHERE d.charge <> '' AND NOT EXISTS "
                     "(SELECT 1 FROM other.charges c WHERE c.id = d.charge) AND NOT EXISTS "
                     "(SELECT 1 FROM jobs j WHERE j.id = d.charge)"),
              0)
        << "a charge is neither there nor going to be opened";
    EXPECT_EQ(Number(data, "payments",
                     "SELECT COUNT(*) FROM charges c WHERE c.paid_vnd > 0 AND NOT EXISTS "
                     "(SELECT 1 FROM other.dossiers d WHERE d.charge = c.id)",
                     "procedures"),
              0)
        << "money came for a dossier that does not exist";
    int cursors = 0;
    for (const char* reader : {"feedback", "identity", "payments", "procedures", "territory"}) {
      const std::string has_cursors = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'event_cursors'";
      if (Number(data, reader, has_cursors) != 1) continue;
      for (const std::string& feed : Texts(data, reader, "SELECT DISTINCT feed FROM event_cursors")) {
        if (!fs::exists(data + "/db/" + feed + ".sqlite")) continue;
        ++cursors;
        EXPECT_EQ(Number(data, reader,
                         "SELECT COUNT(*) FROM event_cursors WHERE feed = '" + feed +
                             "' AND sequence > (SELECT last_sequence FROM other.feed_head)",
                         feed),
                  0)
            << reader << " has read further than " << feed << " has written";
      }
    }
    EXPECT_GT(cursors, 0);
    const std::vector<std::string> blobs =
        Texts(data, "procedures", "SELECT blob FROM attachments UNION ALL SELECT blob FROM upload_parts");
    EXPECT_THAT(blobs, ::testing::Not(IsEmpty()));
    for (const std::string& blob : blobs) {
      EXPECT_TRUE(fs::exists(data + "/procedures/files/" + blob.substr(0, 2) + "/" + blob)) << blob;
    }
  }

  // A restored platform serves, its services catch up with each other, and it plays the whole story.
  void ExpectItLives(const std::string& data) {
    ServerProcess restored({.data_dir = data, .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000"}});
    const absl::Status started = restored.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const std::string behind =
        "SELECT COUNT(*) FROM dossiers d LEFT JOIN other.charges c ON c.id = d.charge WHERE d.charge <> '' "
        "AND (c.id IS NULL OR (c.paid_vnd = c.amount_vnd AND d.charge_paid = 0))";
    while (Number(data, "procedures", behind) != 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    EXPECT_EQ(Number(data, "procedures", behind), 0) << "services do not catch up with each other";
    const Finished story =
        RunDinh("demo --against 127.0.0.1:" + std::to_string(restored.http_port()) + " --outbox " + restored.outbox());
    EXPECT_EQ(story.exit_code, 0) << story.output;
    EXPECT_EQ(restored.Terminate(), 0);
  }

  void PrintPauses(const std::vector<Backup>& backups, const std::vector<Reporter::Sample>& samples) {
    std::vector<double> during, otherwise, held;
    for (const Reporter::Sample& sample : samples) {
      const bool beside = std::any_of(backups.begin(), backups.end(), [&](const Backup& backup) {
        return sample.sent < backup.end &&
               sample.sent + std::chrono::duration<double, std::milli>(sample.ms) > backup.begin;
      });
      (beside ? during : otherwise).push_back(sample.ms);
    }
    double longest = 0;
    for (const Backup& backup : backups) {
      held.push_back(backup.held_ms);
      longest = std::max(longest, std::chrono::duration<double, std::milli>(backup.end - backup.begin).count());
    }
    EXPECT_FALSE(during.empty());
    printf("%zu backups under load, the longest %.0f ms: writers held %.2f ms at most\n", backups.size(), longest,
           *std::max_element(held.begin(), held.end()));
    printf("a report's durable write, p99: %.1f ms during a backup (%zu), %.1f ms otherwise (%zu); slowest %.1f ms\n",
           P99(during), during.size(), P99(otherwise), otherwise.size(),
           during.empty() ? 0.0 : *std::max_element(during.begin(), during.end()));
  }

  TempDir dir_;
  ServerProcess server_;
};

TEST_F(BackupUnderLoadTest, EveryBackupIsOfOneMomentAndRestores) {
  const absl::Status started = server_.Start();
  ASSERT_TRUE(started.ok()) << started;
  Village village(StoryOptionsFor(server_));
  const Tokens tokens{village.Citizen("citizen_a").token(), village.Officer("desk").token(),
                      village.Officer("specialist").token(), village.Officer("chair").token()};
  Whereabouts where;
  where.Set(server_.http_port());
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<OutsideClient>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<OutsideClient>(where, stop, tokens, DemoData(), i, kSeed));
  }
  for (auto& client : clients) threads.emplace_back([&client] { client->Run(); });
  Reporter reporter(server_.http_port(), village.Citizen("citizen_b").token(), stop);
  threads.emplace_back([&reporter] { reporter.Run(); });

  std::vector<Backup> backups;
  for (int i = 0; i < kBackups && !HasFatalFailure(); ++i) {
    WaitForMorePaid();
    backups.push_back(Make(i));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (const auto& client : clients) EXPECT_THAT(client->surprises(), IsEmpty());
  EXPECT_THAT(reporter.refused(), IsEmpty()) << "a writer was refused";
  ASSERT_EQ(backups.size(), static_cast<size_t>(kBackups));
  EXPECT_EQ(server_.Terminate(), 0);

  PrintPauses(backups, reporter.samples());
  for (int i = 0; i < kBackups; ++i) {
    const Backup& backup = backups[static_cast<size_t>(i)];
    SCOPED_TRACE(backup.path);
    EXPECT_LE(backup.held_ms, kHeldMsMax);
    const std::string data = dir_.File("restored" + std::to_string(i));
    // It verifies the audit chains and the ledger itself.
    const Finished run =
        RunDinh("restore --from " + backup.path + " --data-dir " + data + " --keys " + server_.data_dir() + "/keys");
    ASSERT_EQ(run.exit_code, 0) << run.output;
    ExpectAgreement(data, backup);
    if (i == 0 || i == kBackups - 1) ExpectItLives(data);
  }
}

class RestoreTest : public ::testing::Test {
 protected:
  static constexpr int kOk = 0, kFound = 1, kUsage = 2, kCannotRun = 3;
  static constexpr char kPassphrase[] = "printf 'mot-cum-mat-khau-dai\\n' |";

  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    ServerProcess server({.data_dir = dir_->File("data"), .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000"}});
    ASSERT_TRUE(server.Start().ok());
    Village village(StoryOptionsFor(server));
    ApiClient citizen = village.Citizen("citizen_a"), desk = village.Officer("desk");
    EXPECT_EQ(village.Pay(village.FileAndAccept(citizen, desk)).status, 200);
    EXPECT_FALSE(village.Upload(citizen).empty());
    EXPECT_EQ(server.Terminate(), 0);
  }
  static void TearDownTestSuite() { dir_.reset(); }

  static std::string Data() { return dir_->File("data"); }
  // A backup of the stopped platform, for this test to damage.
  std::string Backup(const std::string& more = "", const std::string& before = "") {
    const Finished run = RunDinh("backup --data-dir " + Data() + " --out " + own_.File("backup") + more, before);
    EXPECT_EQ(run.exit_code, kOk) << run.output;
    return own_.File("backup");
  }
  Finished Restore(const std::string& more, const std::string& before = "") {
    return RunDinh("restore --from " + own_.File("backup") + " --data-dir " + own_.File("new") + more, before);
  }
  std::string Keys() const { return " --keys " + Data() + "/keys"; }
  void ExpectRefused(const Finished& run, int code, const std::string& reason) {
    EXPECT_EQ(run.exit_code, code) << run.output;
    EXPECT_THAT(run.output, HasSubstr(reason));
    EXPECT_FALSE(fs::exists(own_.File("new")));
    ExpectNothingUnfinished();
  }
  void ExpectNothingUnfinished() {
    for (const auto& entry : fs::directory_iterator(own_.File(""))) {
      EXPECT_EQ(entry.path().string().find(".unfinished"), std::string::npos) << entry.path();
    }
  }
  static std::string AnyFile(const std::string& folder) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) return entry.path().string();
    }
    ADD_FAILURE() << "no file in " << folder;
    return "";
  }
  static void FlipTheLastByte(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-1, std::ios::end);
    const int byte = file.get();
    file.seekp(-1, std::ios::end);
    file.put(static_cast<char>(byte ^ 1));
  }

  static inline std::unique_ptr<TempDir> dir_;
  TempDir own_;
};

TEST_F(RestoreTest, DamageIsFound) {
  const std::string backup = Backup();
  FlipTheLastByte(AnyFile(backup + "/procedures"));
  ExpectRefused(Restore(Keys()), kFound, "BACKUP_DAMAGED");
  fs::remove(AnyFile(backup + "/procedures"));
  ExpectRefused(Restore(Keys()), kFound, "procedures/files/");
  fs::resize_file(backup + "/db/payments.sqlite", fs::file_size(backup + "/db/payments.sqlite") / 2);
  ExpectRefused(Restore(Keys()), kFound, "db/payments.sqlite");
  fs::resize_file(backup + "/manifest.json", fs::file_size(backup + "/manifest.json") / 2);
  ExpectRefused(Restore(Keys()), kFound, "BACKUP_DAMAGED");
  fs::remove(backup + "/manifest.json");
  ExpectRefused(Restore(Keys()), kUsage, "BACKUP_ABSENT");
}

TEST_F(RestoreTest, AManifestLeadsNowhereElse) {
  const std::string backup = Backup();
  Json manifest;
  std::ifstream(backup + "/manifest.json") >> manifest;
  for (const char* path : {"../out", "/etc/out", "db/../../out.sqlite", "keys/sealing.1.key", "lock", "a/b/../c"}) {
    manifest["files"][0]["path"] = path;
    std::ofstream(backup + "/manifest.json") << manifest.dump();
    ExpectRefused(Restore(Keys()), kFound, "BACKUP_DAMAGED");
  }
  manifest["format"] = 1000;
  std::ofstream(backup + "/manifest.json") << manifest.dump();
  ExpectRefused(Restore(Keys()), kUsage, "BACKUP_TOO_NEW");
}

TEST_F(RestoreTest, KeysMustBeThere) {
  Backup();
  ExpectRefused(Restore(""), kUsage, "KEYS_NEEDED");
  ExpectRefused(Restore(" --keys " + own_.File("absent")), kCannotRun, "FILE_ABSENT");
  ServerProcess other({.data_dir = own_.File("other")});
  ASSERT_TRUE(other.Start().ok());
  EXPECT_EQ(other.Terminate(), 0);
  ExpectRefused(Restore(" --keys " + own_.File("other/keys")), kUsage, "KEYS_WRONG");
  ASSERT_EQ(RunDinh("keys export --data-dir " + Data() + " " + own_.File("keys.out"), kPassphrase).exit_code, kOk);
  ExpectRefused(Restore(" --keys " + own_.File("keys.out"), "printf 'sai-cum-mat-khau-roi\\n' |"), kUsage,
                "KEY_BACKUP_INVALID");
  const Finished restored = Restore(" --keys " + own_.File("keys.out"), kPassphrase);
  EXPECT_EQ(restored.exit_code, kOk) << restored.output;
  EXPECT_EQ(RunDinh("audit verify --data-dir " + own_.File("new")).exit_code, kOk);
}

TEST_F(RestoreTest, KeysMayTravelWithThePassphraseOnly) {
  EXPECT_EQ(RunDinh("backup --with-keys --data-dir " + Data() + " --out " + own_.File("short"), "printf 'ngan\\n' |")
                .exit_code,
            kUsage);
  EXPECT_FALSE(fs::exists(own_.File("short")));
  const std::string backup = Backup(" --with-keys", kPassphrase);
  EXPECT_FALSE(fs::exists(backup + "/keys"));
  ExpectRefused(Restore("", "printf 'sai-cum-mat-khau-roi\\n' |"), kUsage, "KEY_BACKUP_INVALID");
  const Finished restored = Restore("", kPassphrase);
  EXPECT_EQ(restored.exit_code, kOk) << restored.output;
  EXPECT_EQ(fs::status(own_.File("new/keys")).permissions(), fs::perms::owner_all);
}

TEST_F(RestoreTest, WhatIsThereStays) {
  const std::string backup = Backup();
  const Finished again = RunDinh("backup --data-dir " + Data() + " --out " + backup);
  EXPECT_EQ(again.exit_code, kCannotRun);
  EXPECT_THAT(again.output, HasSubstr("TARGET_NOT_EMPTY"));
  fs::create_directory(own_.File("new"));
  EXPECT_EQ(Restore(Keys()).exit_code, kOk) << "an empty folder is fine";
  const Finished over = Restore(Keys());
  EXPECT_EQ(over.exit_code, kCannotRun);
  EXPECT_THAT(over.output, HasSubstr("TARGET_NOT_EMPTY"));
  ServerProcess running({.data_dir = own_.File("new")});
  ASSERT_TRUE(running.Start().ok());
  const Finished used = Restore(Keys());
  EXPECT_EQ(used.exit_code, kCannotRun);
  EXPECT_THAT(used.output, HasSubstr("DATA_DIR_IN_USE"));
  EXPECT_EQ(running.Terminate(), 0);
  ExpectNothingUnfinished();
}

TEST_F(RestoreTest, ADiskThatTakesNoMoreLeavesNothing) {
  // No file may grow beyond a hundred blocks: a copy of a store fails half-way.
  const std::string limited = "trap '' XFSZ; ulimit -f 100;";
  const Finished backup = RunDinh("backup --data-dir " + Data() + " --out " + own_.File("new"), limited);
  ExpectRefused(backup, kCannotRun, "CANNOT_WRITE");
  Backup();
  ExpectRefused(Restore(Keys(), limited), kCannotRun, "CANNOT_WRITE");
}

TEST_F(RestoreTest, OtherInstallationsAreRefused) {
  ExpectRefused(RunDinh("backup --data-dir " + own_.File("empty") + " --out " + own_.File("new")), kCannotRun,
                "NO_DATA");
  ExpectRefused(
      RunDinh("backup --data-dir " + Data() + " --out " + own_.File("new"), "DINH_DB_DSN='host=/nowhere dbname=dinh'"),
      kUsage, "pg_dump");
  EXPECT_EQ(RunDinh("backup").exit_code, kUsage);
  EXPECT_EQ(RunDinh("restore --from " + own_.File("")).exit_code, kUsage);
}

}  // namespace
}  // namespace dinh::testing
