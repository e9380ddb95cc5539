// Power cuts in the middle of everything: SIGKILL and restart at seeded random points while outside clients live the
// story. Afterwards nothing acknowledged is lost and nothing has happened twice.
#include <sqlite3.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "libs/base/random.h"
#include "libs/base/strings.h"
#include "tests/faults/outside_client.h"
#include "tests/support/platform_test.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

constexpr int kKills = 25;
constexpr int kKillsMax = 150;  // as many as it takes until every delicate moment was hit
constexpr int kClients = 4;
constexpr uint64_t kSeed = 20260213;
constexpr int kLifeMinMs = 60, kLifeMaxMs = 700;

class KillTest : public ::testing::Test {
 protected:
  KillTest() : server_({.data_dir = dir_.File("data"), .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000"}}) {}

  Village NewVillage() { return Village(StoryOptionsFor(server_)); }

  std::vector<Tokens> LogEverybodyIn() {
    Village village = NewVillage();
    const std::string desk = village.Officer("desk").token(), specialist = village.Officer("specialist").token(),
                      chair = village.Officer("chair").token();
    std::vector<Tokens> tokens;
    for (const char* who : {"citizen_a", "citizen_b", "citizen_a", "citizen_b"}) {
      tokens.push_back({village.Citizen(who).token(), desk, specialist, chair});
    }
    return tokens;
  }

  // How many cuts hit the delicate moments: what was on its way, and what lies on the disk.
  struct Hits {
    int uploads = 0;     // a file was only half there
    int filings = 0;     // a dossier was being given its number
    int ledgers = 0;     // money was booked, and the dossier had not heard of it
    int numberings = 0;  // an event was committed and had no number yet
    bool all() const { return uploads > 0 && filings > 0 && ledgers > 0 && numberings > 0; }
  };

  // Looks at what the dead server left, before the next one tidies up.
  void Examine() {
    std::error_code error;
    const std::filesystem::directory_iterator unfinished(server_.data_dir() + "/procedures/files/unfinished", error);
    if (!error && unfinished != std::filesystem::directory_iterator()) ++hits_.uploads;
    const std::string payments = server_.data_dir() + "/db/payments.sqlite";
    const int64_t unheard = Number("procedures",
                                   "SELECT COUNT(*) FROM dossiers d JOIN other.charges c ON c.id = d.charge "
                                   "WHERE c.paid_vnd = c.amount_vnd AND d.charge_paid = 0",
                                   payments);
    if (unheard > 0) ++hits_.ledgers;
    const std::string unnumbered = "SELECT COUNT(*) FROM outbox WHERE sequence IS NULL";
    if (Number("payments", unnumbered) > 0 || Number("procedures", unnumbered) > 0) ++hits_.numberings;
  }

  // Kills and starts again; the time between is the server's life.
  void CutThePower(Whereabouts& where, const std::vector<std::unique_ptr<OutsideClient>>& clients) {
    base::SeededRandom random(kSeed);
    for (int i = 0; i < kKillsMax && (i < kKills || !hits_.all()); ++i) {
      std::this_thread::sleep_for(  // how long a life is, not a wait for something
          std::chrono::milliseconds(kLifeMinMs + static_cast<int>(random.Below(kLifeMaxMs - kLifeMinMs))));
      bool filing = false;
      for (const auto& client : clients) filing = filing || client->filing();
      server_.Kill();
      hits_.filings += filing ? 1 : 0;
      Examine();
      const absl::Status started = server_.Start();
      ASSERT_TRUE(started.ok()) << "after kill " << i << ": " << started;
      starts_ms_.push_back(server_.start_ms());
      where.Set(server_.http_port());
    }
  }

  void CheckOne(Village& village, ApiClient& citizen, const Acknowledged& ack) {
    SCOPED_TRACE(ack.key + " " + ack.code);
    if (!ack.attachment.empty()) {
      const ApiAnswer file = citizen.Get("/v1/attachments/" + ack.attachment);
      EXPECT_EQ(file.status, 200) << file.raw.substr(0, 200);
      EXPECT_EQ(base::HexEncode(base::Sha256(file.raw)), ack.sha256);
    }
    if (ack.code.empty()) return;
    for (const std::string& code : ack.codes) EXPECT_EQ(code, ack.code) << "the same key made two dossiers";
    const std::string path = "/v1/dossiers/" + ack.code;
    // What was acknowledged as paid moves on by an event: wait for it.
    if (ack.paid) {
      const auto paid = village.story().WaitFor(citizen, path, "charge_paid", true);
      EXPECT_TRUE(paid.ok()) << paid.status();
    }
    const ApiAnswer now = citizen.Get(path);
    ASSERT_EQ(now.status, 200) << now.raw;
    const int64_t state = now.Int("national_state");
    EXPECT_GE(state, ack.returned ? 10 : ack.signed_off ? 9 : ack.paid ? 4 : ack.accepted ? 2 : 1) << now.raw;
    EXPECT_EQ(now.body["attachments"].size(), 1u);
    EXPECT_EQ(now.body["attachments"][0].value("id", ""), ack.attachment);
    if (ack.accepted) {
      EXPECT_EQ(now.Text("charge"), ack.charge);
      EXPECT_EQ(now.Text("due_date"), ack.due_date);
      EXPECT_EQ(citizen.Get(path + "/receipt").status, 200);
    }
    if (ack.paid) {
      const ApiAnswer charge = citizen.Get("/v1/charges/" + ack.charge);
      EXPECT_EQ(charge.Text("state"), "STATE_PAID") << charge.raw;
      EXPECT_EQ(charge.Int("paid_vnd"), charge.Int("amount_vnd"));
      EXPECT_EQ(charge.Int("paid_vnd"), 16000);
    }
    EXPECT_TRUE(ack.stars == 0 || now.body["rating"].value("stars", 0) == ack.stars) << now.raw;
    std::map<std::string, int> actions;
    for (const Json& entry : now.body.value("timeline", Json::array())) ++actions[entry.value("action", "")];
    for (const auto& [action, times] : actions) EXPECT_EQ(times, 1) << action << " happened twice: " << now.raw;
  }

  // `other`: a second store that the query calls "other".
  int64_t Number(const std::string& database, const std::string& sql, const std::string& other = "") {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    int64_t number = -1;
    const std::string path = server_.data_dir() + "/db/" + database + ".sqlite";
    const std::string attach = other.empty() ? "" : "ATTACH '" + other + "' AS other";
    if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK &&
        sqlite3_exec(db, attach.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
  }

  int64_t Files() const {
    int64_t files = 0;
    std::error_code error;
    const std::filesystem::recursive_directory_iterator all(server_.data_dir() + "/procedures/files", error);
    for (const auto& entry : all) files += entry.is_regular_file() ? 1 : 0;
    return files;
  }

  // What cuts left between a file and its row is cleared away: two rounds, an hour apart otherwise.
  void ExpectFilesEqualRows() {
    ServerProcess sweeping({.data_dir = server_.data_dir(), .environment = {"DINH_PROCEDURES_SWEEP_EVERY=1s"}});
    const absl::Status started = sweeping.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto rows = [&] {
      return Number("procedures", "SELECT (SELECT COUNT(*) FROM attachments) + (SELECT COUNT(*) FROM upload_parts)");
    };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (Files() != rows() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_EQ(Files(), rows());
    EXPECT_EQ(sweeping.Terminate(), 0);
  }

  TempDir dir_;
  ServerProcess server_;
  std::vector<int64_t> starts_ms_;
  Hits hits_;
};

TEST_F(KillTest, NothingAcknowledgedIsLostAndNothingHappensTwice) {
  const absl::Status started = server_.Start();
  ASSERT_TRUE(started.ok()) << started;
  const std::vector<Tokens> tokens = LogEverybodyIn();
  Whereabouts where;
  where.Set(server_.http_port());
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<OutsideClient>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(
        std::make_unique<OutsideClient>(where, stop, tokens[static_cast<size_t>(i)], DemoData(), i, kSeed));
  }
  for (auto& client : clients) threads.emplace_back([&client] { client->Run(); });
  CutThePower(where, clients);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(server_.running());

  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a"), b = village.Citizen("citizen_b");
  std::set<std::string> codes, charges;
  int filed = 0, accepted = 0, paid = 0, rated = 0, retries = 0, uploads = 0;
  for (int i = 0; i < kClients; ++i) {
    const OutsideClient& client = *clients[static_cast<size_t>(i)];
    retries += client.retries();
    EXPECT_THAT(client.surprises(), ::testing::IsEmpty());
    for (const Acknowledged& ack : client.list()) {
      CheckOne(village, i % 2 == 0 ? a : b, ack);
      uploads += ack.attachment.empty() ? 0 : 1;
      if (ack.code.empty()) continue;
      ++filed;
      EXPECT_TRUE(codes.insert(ack.code).second) << ack.code << " was given twice";
      accepted += ack.accepted ? 1 : 0;
      paid += ack.paid ? 1 : 0;
      rated += ack.stars > 0 ? 1 : 0;
      EXPECT_TRUE(ack.charge.empty() || charges.insert(ack.charge).second) << ack.charge;
    }
  }
  // The cuts must have hit something.
  EXPECT_GE(retries, kKills);
  EXPECT_GE(filed, 20);
  EXPECT_GE(paid, 10);
  EXPECT_GE(rated, 1);
  EXPECT_GT(hits_.uploads, 0) << "no cut fell into an upload";
  EXPECT_GT(hits_.filings, 0) << "no cut fell into a filing";
  EXPECT_GT(hits_.ledgers, 0) << "no cut fell between ledger and event";
  EXPECT_GT(hits_.numberings, 0) << "no cut fell between a commit and its event's number";
  RecordProperty("uploads", uploads);
  RecordProperty("filed", filed);
  RecordProperty("accepted", accepted);
  RecordProperty("paid", paid);
  RecordProperty("rated", rated);
  RecordProperty("retries", retries);
  printf("%zu kills: %d uploads, %d dossiers, %d accepted, %d paid, %d rated, %d retries; slowest start %ld ms\n",
         starts_ms_.size(), uploads, filed, accepted, paid, rated, retries,
         static_cast<long>(*std::max_element(starts_ms_.begin(), starts_ms_.end())));
  printf(
      "cuts that fell into an upload %d, into a filing %d, between ledger and event %d, between commit and number %d\n",
      hits_.uploads, hits_.filings, hits_.ledgers, hits_.numberings);

  // At most one dossier per key: what was sent and never answered may have happened once.
  EXPECT_EQ(Number("procedures", "SELECT COUNT(*) - COUNT(DISTINCT code) FROM dossiers"), 0);
  EXPECT_LE(Number("procedures", "SELECT COUNT(*) FROM dossiers"), filed + kClients);
  EXPECT_EQ(Number("payments", "SELECT COUNT(*) - COUNT(DISTINCT bank_bin || bank_transaction) FROM bank_credits"), 0);
  EXPECT_EQ(Number("payments", "SELECT COUNT(*) FROM charges WHERE paid_vnd > amount_vnd"), 0);
  EXPECT_EQ(Number("payments", "SELECT COUNT(*) FROM suspense_items"), 0) << "a redelivery was booked again";
  EXPECT_EQ(Number("payments", "SELECT COUNT(*) - COUNT(DISTINCT purpose_ref) FROM charges"), 0) << "charged twice";
  EXPECT_EQ(server_.Terminate(), 0);
  RecordProperty("strays", static_cast<int>(Files() - Number("procedures", "SELECT COUNT(*) FROM attachments")));
  ExpectFilesEqualRows();
  for (const char* what : {"ledger", "audit"}) {
    const Finished run = RunDinh(std::string(what) + " verify --data-dir " + server_.data_dir());
    EXPECT_EQ(run.exit_code, 0) << run.output;
  }
}

// Killed while it makes its first keys and tables: the next start either goes on or begins again, and works.
TEST_F(KillTest, TheFirstStartsMayBeCutShort) {
  base::SeededRandom random(kSeed);
  for (int i = 0; i < 8; ++i) {
    const std::string data = dir_.File("first-" + std::to_string(i));
    const pid_t child = fork();
    if (child == 0) {
      const std::string log = data + ".log";
      freopen(log.c_str(), "w", stdout);
      freopen(log.c_str(), "a", stderr);
      execl(ServerProcess::Binary().c_str(), "dinh", "serve", "--dev", "--data-dir", data.c_str(), "--http",
            "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--metrics", "127.0.0.1:0", nullptr);
      _exit(127);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 60 * i + static_cast<int>(random.Below(50))));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ServerProcess server({.data_dir = data});
    const absl::Status started = server.Start();
    ASSERT_TRUE(started.ok()) << "cut short at try " << i << ": " << started;
    Village village(StoryOptionsFor(server));
    ApiClient a = village.Citizen("citizen_a");
    EXPECT_EQ(a.Get("/v1/me").body["persons"].size(), 1u) << "demo persons were made twice";
    EXPECT_EQ(village.Officer("admin").Get("/v1/officers?page_size=100").status, 200);
    server.Kill();
  }
}

}  // namespace
}  // namespace dinh::testing
