// An installation that outgrew its data folder: moved into PostgreSQL, it answers as before. And what goes wrong on
// the way.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "gmock/gmock.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/db/postgres.h"
#include "libs/testing/postgres_server.h"
#include "tests/support/platform_test.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using postgres_test::PostgresServer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kOk = 0, kUsage = 2, kCannotRun = 3;

class DbCopyTest : public ::testing::Test {
 protected:
  // Each test has schemas of its own.
  DbCopyTest() : prefix_(PostgresServer::Shared().NewSchema() + "_") {}

  std::string Folder() const { return dir_.File("data"); }
  std::vector<std::string> Environment() const {
    return {"DINH_DB_DSN=" + PostgresServer::Shared().Dsn(), "DINH_DB_SCHEMA_PREFIX=" + prefix_,
            "DINH_DINH_RATE_FACTOR_PERCENT=10000"};
  }
  // The same for a shell.
  std::string Before() const {
    return "DINH_DB_DSN='" + PostgresServer::Shared().Dsn() + "' DINH_DB_SCHEMA_PREFIX=" + prefix_;
  }
  Finished Copy() const { return RunDinh("db copy --from " + Folder(), Before()); }
  Finished OnPostgres(const std::string& command) const {
    return RunDinh(command + " --data-dir " + Folder(), Before());
  }

  static std::string Body(ApiClient& client, const std::string& path) {
    const ApiAnswer answer = client.Get(path);
    EXPECT_EQ(answer.status, 200) << path << answer.raw << answer.error;
    return answer.raw;
  }
  // What people see, path by path.
  static std::map<std::string, std::string> Answers(const ServerProcess& server, const demo::Story& played) {
    std::map<std::string, std::string> all;
    demo::Story story(StoryOptionsFor(server));
    ApiClient anyone = story.NewClient(), desk = story.NewClient();
    EXPECT_TRUE(story.LoginCitizen(story.citizen(), "citizen_a").ok());
    EXPECT_TRUE(story.LoginOfficer(desk, "desk").ok());
    for (const std::string& path : {std::string("/v1/procedures"), std::string("/v1/units/15865"),
                                    std::string("/v1/reports"), "/v1/track/" + played.tracking_token()}) {
      all["anyone " + path] = Body(anyone, path);
    }
    const std::string dossier = "/v1/dossiers/" + played.dossier();
    for (const std::string& path : {dossier, dossier + "/receipt", "/v1/charges/" + played.charge()}) {
      all["citizen " + path] = Body(story.citizen(), path);
    }
    const ApiAnswer mine = story.citizen().Get(dossier);
    for (const char* kind : {"attachments", "results"}) {
      if (!mine.body.contains(kind)) continue;
      for (const auto& file : mine.body[kind]) {
        const std::string path = "/v1/attachments/" + file["id"].get<std::string>();
        all["file " + path] = base::HexEncode(base::Sha256(Body(story.citizen(), path)));
      }
    }
    all["desk " + dossier] = Body(desk, dossier);
    return all;
  }

  TempDir dir_;
  const std::string prefix_;
};

TEST_F(DbCopyTest, ACopiedInstallationAnswersTheSame) {
  ServerProcess folder({.data_dir = Folder(), .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000"}});
  ASSERT_TRUE(folder.Start().ok());
  demo::Story story(StoryOptionsFor(folder));
  absl::Status played = story.RunAll();
  ASSERT_TRUE(played.ok()) << played;
  const Finished busy = Copy();
  EXPECT_EQ(busy.exit_code, kCannotRun);
  EXPECT_THAT(busy.output, HasSubstr("DATA_DIR_IN_USE"));
  const auto before = Answers(folder, story);
  EXPECT_GE(before.size(), 9u);
  ASSERT_EQ(folder.Terminate(), 0);

  const Finished copied = Copy();
  ASSERT_EQ(copied.exit_code, kOk) << copied.output;
  for (const char* line : {"procedures.dossiers", "payments.transfers", "identity.accounts", "procedures tệp/files",
                           "toàn vẹn", "Sổ kép cân", "Xong"}) {
    EXPECT_THAT(copied.output, HasSubstr(line));
  }
  const Finished again = Copy();
  EXPECT_EQ(again.exit_code, kCannotRun);
  EXPECT_THAT(again.output, HasSubstr("TARGET_IN_USE"));

  ServerProcess cluster({.data_dir = Folder(), .environment = Environment()});
  const absl::Status started = cluster.Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(Answers(cluster, story), before);
  // It goes on living there: numbers, chains and the ledger follow what was copied.
  demo::Story next(StoryOptionsFor(cluster));
  played = next.RunAll();
  EXPECT_TRUE(played.ok()) << played;
  EXPECT_NE(next.dossier(), story.dossier());
  ASSERT_EQ(cluster.Terminate(), 0);
  const Finished audit = OnPostgres("audit verify");
  EXPECT_EQ(audit.exit_code, kOk) << audit.output;
  EXPECT_THAT(audit.output, HasSubstr("procedures"));
  const Finished ledger = OnPostgres("ledger verify");
  EXPECT_EQ(ledger.exit_code, kOk) << ledger.output;
  const Finished officer = RunDinh("admin create-officer --data-dir " + Folder() +
                                       " --username quantri.moi --full-name 'Quản trị mới' --agency ubnd-15865 "
                                       "--unit 15865",
                                   "printf 'mat-khau-du-dai-12\\n' | " + Before());
  EXPECT_EQ(officer.exit_code, kOk) << officer.output;
}

TEST_F(DbCopyTest, AKilledCopyGoesOnWhereItWas) {
  ASSERT_EQ(RunDinh("seed-load --reports 6000 --data-dir " + Folder()).exit_code, kOk);
  const Finished young = Copy();
  EXPECT_EQ(young.exit_code, kCannotRun) << young.output;
  EXPECT_THAT(young.output, HasSubstr("SOURCE_SCHEMA_DIFFERS")) << "it was never served";
  ServerProcess folder({.data_dir = Folder()});
  ASSERT_TRUE(folder.Start().ok());
  ASSERT_EQ(folder.Terminate(), 0);
  db::PostgresOptions options;
  options.dsn = PostgresServer::Shared().Dsn();
  options.schema = prefix_ + "feedback";
  options.copying = true;
  base::SystemClock clock;
  int kills = 0;
  Finished run;
  for (int64_t wanted = 500; kills < 8; wanted += 2500) {
    const pid_t child = fork();
    if (child == 0) {
      std::vector<std::string> environment = Environment();
      for (std::string& variable : environment) putenv(variable.data());
      const int log = open(dir_.File("copy.log").c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
      dup2(log, 1);
      dup2(log, 2);
      execl(ServerProcess::Binary().c_str(), "dinh", "db", "copy", "--from", Folder().c_str(), nullptr);
      _exit(127);
    }
    ASSERT_GT(child, 0);
    // Until so many reports are there, or it is done.
    int status = 0;
    bool ended = false;
    std::unique_ptr<db::Database> watch;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!ended && std::chrono::steady_clock::now() < limit) {
      ended = waitpid(child, &status, WNOHANG) == child;
      if (ended) break;
      if (watch == nullptr) {
        const auto there = db::PostgresSchemas(options);
        if (there.ok() && !there->empty()) watch = db::OpenPostgres(options, clock).value_or(nullptr);
        continue;
      }
      base::OpContext ctx(clock, clock.Steady() + std::chrono::seconds(10));
      const auto rows = watch->Read(ctx, [](db::Tx& tx) {
        return tx.QueryOne("SELECT COUNT(*) FROM reports", {}, [](const db::Row& row) { return row.Int(0); });
      });
      if (rows.ok() && rows->value_or(0) >= wanted) break;
    }
    if (ended) {
      run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      break;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ++kills;
    // Nobody takes the half for the whole.
    const Finished half = OnPostgres("audit verify");
    EXPECT_EQ(half.exit_code, kCannotRun) << half.output;
    EXPECT_THAT(half.output, HasSubstr("COPY_UNFINISHED"));
  }
  std::ifstream in(dir_.File("copy.log"));
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(run.exit_code, kOk) << text.str();
  EXPECT_GE(kills, 1);
  EXPECT_THAT(text.str(), Not(HasSubstr("≠")));
  EXPECT_EQ(OnPostgres("audit verify").exit_code, kOk);
}

TEST_F(DbCopyTest, WhatMakesNoSenseIsToldPlainly) {
  const PostgresServer& server = PostgresServer::Shared();
  const std::string copy = "db copy --from ";
  EXPECT_EQ(RunDinh(copy + Folder()).exit_code, kUsage) << "no target";
  EXPECT_EQ(RunDinh(copy + Folder() + " --to elsewhere").exit_code, kUsage);
  const auto expect = [](const Finished& run, const char* reason) {
    EXPECT_EQ(run.exit_code, kCannotRun) << run.output;
    EXPECT_THAT(run.output, HasSubstr(reason));
    EXPECT_THAT(run.output, Not(HasSubstr("geheim")));
  };
  expect(Copy(), "SOURCE_ABSENT");
  EXPECT_FALSE(std::filesystem::exists(Folder())) << "nothing is made where nothing is";
  const std::string serve = "serve --http 127.0.0.1:0 --grpc 127.0.0.1:0 --metrics 127.0.0.1:0 --data-dir " + Folder();
  const auto dsn = [&](const std::string& text) { return "DINH_DB_DSN='" + text + "'"; };
  const std::string host = "host=" + server.folder() + " port=5432 ";
  for (const std::string& command : {serve, std::string("audit verify --data-dir ") + Folder()}) {
    expect(RunDinh(command, dsn("not a dsn password=geheim")), "DATABASE_DSN_INVALID");
    expect(RunDinh(command, dsn(host + "dbname=absent user=dinh_owner")), "DATABASE_ABSENT");
    expect(RunDinh(command, dsn(host + "dbname=postgres user=nobody password=geheim")), "DATABASE_LOGIN_REFUSED");
    expect(RunDinh(command, dsn("host=/nowhere dbname=postgres user=x password=geheim")), "STORAGE_UNAVAILABLE");
  }
}

}  // namespace
}  // namespace dinh::testing
