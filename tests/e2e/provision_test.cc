// What an administrator runs before a cluster's first process: keys, roles and schemas.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "libs/testing/postgres_server.h"
#include "libs/testing/temp_dir.h"
#include "tests/support/child_process.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

using postgres_test::PostgresServer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kOk = 0, kUsage = 2, kCannotRun = 3;

class ProvisionTest : public ::testing::Test {
 protected:
  std::string Read(const std::string& path) const {
    std::ifstream in(dir_.File(path));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A service's command with the settings that were written for it.
  int Service(const std::string& command, const std::string& settings, const std::string& keys, std::string* output) {
    std::vector<std::string> environment = {
        "DINH_DINH_RESOURCE_DIR=" + ServerProcess::Resources(), "DINH_DINH_KEYS=" + keys,
        "DINH_MTLS_CERTIFICATE=" + dir_.File("tls/identity.pem"), "DINH_MTLS_KEY=" + dir_.File("tls/identity.key"),
        "DINH_MTLS_CA=" + dir_.File("tls/issuer.pem")};
    if (command.starts_with("identityd")) environment.emplace_back("DINH_PEERS_TERRITORY=ipv4:127.0.0.1:1");
    std::istringstream lines(Read(settings));
    for (std::string line; std::getline(lines, line);) environment.push_back(line);
    const std::string log = dir_.File("service.log");
    std::filesystem::remove(log);
    ChildProcess child;
    const size_t space = command.find(' ');
    child.Start({DINH_BINARY_DIR "/bin/" + command.substr(0, space), command.substr(space + 1)}, environment, log);
    const int code = child.Wait();
    *output = child.LogTail();
    return code;
  }

  TempDir dir_;
};

TEST_F(ProvisionTest, RolesSchemasAndKeysOfACluster) {
  const std::string prefix = PostgresServer::Shared().NewSchema() + "_";
  const std::string admin = "DINH_DB_ADMIN_DSN='" + PostgresServer::Shared().Dsn() + "'";
  const std::string provision = "db provision --schema-prefix " + prefix + " --out " + dir_.File("roles");
  const Finished made = RunDinh(provision, admin);
  ASSERT_EQ(made.exit_code, kOk) << made.output;
  const std::string settings = Read("roles/territory.env");
  ASSERT_THAT(settings, HasSubstr("DINH_DB_DSN="));
  EXPECT_THAT(settings, HasSubstr("user=" + prefix + "territory"));
  const std::string password = settings.substr(settings.find("password=") + 9, 32);
  EXPECT_THAT(made.output, Not(HasSubstr(password)));
  struct stat info {};
  ASSERT_EQ(stat(dir_.File("roles/territory.env").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  ASSERT_EQ(RunDinh("keys create --data-dir " + dir_.File("secrets")).exit_code, kOk);
  const std::string first = Read("secrets/keys/sealing.1.key");
  EXPECT_EQ(RunDinh("keys create --data-dir " + dir_.File("secrets")).exit_code, kCannotRun)
      << "never over another set";
  EXPECT_EQ(Read("secrets/keys/sealing.1.key"), first);
  const std::string share = "keys share " + dir_.File("shared") + " --data-dir " + dir_.File("secrets");
  ASSERT_EQ(RunDinh(share).exit_code, kOk);
  EXPECT_EQ(RunDinh(share).exit_code, kCannotRun);
  EXPECT_EQ(RunDinh("keys rotate token-signing --data-dir " + dir_.File("secrets")).exit_code, kOk);

  for (const char* step : {"ca", "issue"}) {
    ChildProcess issuer;
    issuer.Start({DINH_SOURCE_DIR "/deploy/scripts/certificates.sh", step, dir_.File("tls"), "identity"}, {},
                 dir_.File("tls.log"));
    ASSERT_EQ(issuer.Wait(), 0) << issuer.LogTail();
  }
  std::string output;
  EXPECT_EQ(Service("territoryd migrate", "roles/territory.env", dir_.File("shared"), &output), kOk) << output;
  // Again, as after an update: what is there stays, and still comes in.
  EXPECT_EQ(RunDinh(provision, admin).exit_code, kOk);
  EXPECT_EQ(Read("roles/territory.env"), settings);
  EXPECT_EQ(Service("territoryd migrate", "roles/territory.env", dir_.File("shared"), &output), kOk) << output;
  // Identity issues tokens: it is told that a shared folder will not do.
  EXPECT_NE(Service("identityd migrate", "roles/identity.env", dir_.File("shared"), &output), kOk);
  EXPECT_THAT(output, HasSubstr("dinh keys share"));
  EXPECT_EQ(Service("identityd migrate", "roles/identity.env", dir_.File("secrets/keys"), &output), kOk) << output;
}

TEST_F(ProvisionTest, WhatIsWrongIsToldAndNothingIsLeft) {
  const std::string out = " --out " + dir_.File("roles");
  EXPECT_EQ(RunDinh("db provision" + out).exit_code, kUsage) << "no administrator";
  EXPECT_EQ(
      RunDinh("db provision --schema-prefix 'A b'" + out, "DINH_DB_ADMIN_DSN='" + PostgresServer::Shared().Dsn() + "'")
          .exit_code,
      kUsage);
  const Finished nobody = RunDinh("db provision" + out, "DINH_DB_ADMIN_DSN='host=" + dir_.path() + " password=s3cret'");
  EXPECT_EQ(nobody.exit_code, kCannotRun) << nobody.output;
  EXPECT_THAT(nobody.output, Not(HasSubstr("s3cret")));
  EXPECT_FALSE(std::filesystem::exists(dir_.File("roles/territory.env")));
}

}  // namespace
}  // namespace dinh::testing
