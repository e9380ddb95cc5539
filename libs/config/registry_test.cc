#include "libs/config/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "libs/base/status.h"

namespace dinh::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct HttpConfig {
  std::string address = "127.0.0.1:8080";
  bool dev = false;
  int threads = 2;
  int64_t quota = 100;
  double share = 0.5;
  std::chrono::milliseconds idle{60'000};
  std::chrono::seconds age{300};
  ByteSize body{1 << 20};
  std::vector<std::string> trusted_proxies = {"127.0.0.1"};
  std::string bank_secret = "default-secret";

  void Bind(Registry& registry) {
    registry.Bind("http", "address", &address, "where to listen", {.flag = "http"});
    registry.Bind("http", "dev", &dev, "development mode", {.flag = "dev"});
    registry.Bind("http", "threads", &threads, "threads");
    registry.Bind("http", "quota", &quota, "quota");
    registry.Bind("http", "share", &share, "share");
    registry.Bind("http", "idle", &idle, "idle time");
    registry.Bind("http", "age", &age, "age");
    registry.Bind("http", "body", &body, "largest body");
    registry.Bind("http", "trusted_proxies", &trusted_proxies, "proxies");
    registry.Bind("bank", "secret", &bank_secret, "signs notifications", {.secret = true});
  }
};

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() { http_.Bind(registry_); }
  ~RegistryTest() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::string File(const std::string& text) {
    if (folder_.empty()) {
      std::string pattern = (std::filesystem::temp_directory_path() / "dinh_config_XXXXXX").string();
      folder_ = mkdtemp(pattern.data());
    }
    const std::string path = folder_ + "/config.json";
    std::ofstream(path) << text;
    return path;
  }
  std::string OriginOf(std::string_view name) const {
    for (const auto& key : registry_.Keys()) {
      if (key.name == name) return key.origin;
    }
    return "no such key";
  }
  absl::StatusOr<std::string> Run(std::vector<std::string> args, std::vector<std::string> environment = {}) {
    return registry_.Run({"dinh-test", "a test", std::move(args), std::move(environment)});
  }
  // The English text of what went wrong; empty when nothing did.
  static std::string ErrorOf(const absl::Status& status) {
    if (status.ok()) return "";
    const auto detail = base::DetailOf(status);
    return detail.has_value() ? detail->text.en + "|" + detail->text.vi : "no detail";
  }
  std::string FileError(const std::string& text) {
    Registry registry;
    HttpConfig http;
    http.Bind(registry);
    return ErrorOf(registry.Load(File(text), {}));
  }

  Registry registry_;
  HttpConfig http_;
  std::string folder_;
};

TEST_F(RegistryTest, DefaultsStayWhenNothingIsSaid) {
  ASSERT_TRUE(registry_.Load("", {"PATH=/bin", "HOME=/root"}).ok());
  EXPECT_EQ(http_.address, "127.0.0.1:8080");
  EXPECT_EQ(http_.idle, std::chrono::seconds(60));
  EXPECT_EQ(OriginOf("http.address"), "default");
}

TEST_F(RegistryTest, FlagsOverEnvironmentOverFileOverDefaults) {
  const std::string path = File(R"({"http": {"address": "file", "threads": 3, "quota": 7, "idle": "5s"}})");
  ASSERT_TRUE(Run({"--http", "flag", "--config", path},
                  {"DINH_HTTP_ADDRESS=environment", "DINH_HTTP_THREADS=4", "DINH_HTTP_IDLE=6s"})
                  .ok());
  EXPECT_EQ(http_.address, "flag");
  EXPECT_EQ(http_.threads, 4);
  EXPECT_EQ(http_.quota, 7);
  EXPECT_EQ(http_.idle, std::chrono::seconds(6));
  EXPECT_EQ(http_.share, 0.5);
  EXPECT_EQ(OriginOf("http.address"), "flag --http");
  EXPECT_EQ(OriginOf("http.threads"), "environment DINH_HTTP_THREADS");
  EXPECT_EQ(OriginOf("http.quota"), "file " + path);
  EXPECT_EQ(OriginOf("http.share"), "default");
}

TEST_F(RegistryTest, EveryTypeFromAFile) {
  ASSERT_TRUE(registry_
                  .Load(File(R"({
    // comments are welcome
    "http": {"address": "h", "dev": true, "threads": -3, "quota": 9000000000, "share": 0.25, "idle": "250ms",
             "age": "2m", "body": "20MiB", "trusted_proxies": ["10.0.0.1", "10.0.0.2"]},
    "bank": {"secret": "s"}})"),
                        {})
                  .ok());
  EXPECT_EQ(http_.address, "h");
  EXPECT_TRUE(http_.dev);
  EXPECT_EQ(http_.threads, -3);
  EXPECT_EQ(http_.quota, 9'000'000'000);
  EXPECT_EQ(http_.share, 0.25);
  EXPECT_EQ(http_.idle, std::chrono::milliseconds(250));
  EXPECT_EQ(http_.age, std::chrono::minutes(2));
  EXPECT_EQ(http_.body.bytes, 20 << 20);
  EXPECT_THAT(http_.trusted_proxies, ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(http_.bank_secret, "s");
}

TEST_F(RegistryTest, EveryTypeFromTheEnvironment) {
  ASSERT_TRUE(
      registry_
          .Load("", {"DINH_HTTP_ADDRESS=a=b", "DINH_HTTP_DEV=true", "DINH_HTTP_THREADS=8",
                     "DINH_HTTP_QUOTA=-9000000000", "DINH_HTTP_SHARE=1e-3", "DINH_HTTP_IDLE=1h", "DINH_HTTP_AGE=1d",
                     "DINH_HTTP_BODY=2KiB", "DINH_HTTP_TRUSTED_PROXIES=a, b,c", "DINH_BANK_SECRET=t"})
          .ok());
  EXPECT_EQ(http_.address, "a=b");
  EXPECT_TRUE(http_.dev);
  EXPECT_EQ(http_.threads, 8);
  EXPECT_EQ(http_.quota, -9'000'000'000);
  EXPECT_EQ(http_.share, 0.001);
  EXPECT_EQ(http_.idle, std::chrono::hours(1));
  EXPECT_EQ(http_.age, std::chrono::hours(24));
  EXPECT_EQ(http_.body.bytes, 2048);
  EXPECT_THAT(http_.trusted_proxies, ElementsAre("a", "b", "c"));
  EXPECT_EQ(http_.bank_secret, "t");
}

TEST_F(RegistryTest, ListsCanBeEmptied) {
  ASSERT_TRUE(registry_.Load("", {"DINH_HTTP_TRUSTED_PROXIES="}).ok());
  EXPECT_THAT(http_.trusted_proxies, IsEmpty());
}

TEST_F(RegistryTest, UnknownNamesNameTheNearest) {
  const std::string wrong_key = FileError(R"({"http": {"adress": "x"}})");
  EXPECT_THAT(wrong_key, HasSubstr("http.adress: there is no such key"));
  EXPECT_THAT(wrong_key, HasSubstr("Did you mean 'http.address'?"));
  EXPECT_THAT(wrong_key, HasSubstr("Có phải “http.address”?"));
  EXPECT_THAT(FileError(R"({"htpp": {"address": "x"}})"), HasSubstr("htpp: there is no such key"));
  EXPECT_THAT(FileError(R"({"htpp": {"address": "x"}})"), HasSubstr("Did you mean 'http'?"));
  const std::string variable = ErrorOf(registry_.Load("", {"DINH_HTTP_THREDS=4"}));
  EXPECT_THAT(variable, HasSubstr("DINH_HTTP_THREDS"));
  EXPECT_THAT(variable, HasSubstr("Did you mean 'DINH_HTTP_THREADS'?"));
}

TEST_F(RegistryTest, AllProblemsAreToldAtOnce) {
  const absl::Status status = registry_.Load(File(R"({"http": {"threads": "two", "idle": 30}})"),
                                             {"DINH_HTTP_BODY=20MB", "DINH_HTTP_DEV=yes", "DINH_NOTHING=1"});
  const auto detail = base::DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_CONFIG");
  std::vector<std::string> fields;
  for (const auto& violation : detail->violations) fields.push_back(violation.field);
  EXPECT_THAT(fields,
              ::testing::UnorderedElementsAre("http.threads", "http.idle", "http.body", "http.dev", "DINH_NOTHING"));
  EXPECT_THAT(detail->text.en, HasSubstr("20MiB"));  // what to write instead
}

TEST_F(RegistryTest, ValuesOfTheWrongKindAreRefused) {
  for (const char* bad :
       {R"({"http": {"address": 5}})", R"({"http": {"dev": "true"}})", R"({"http": {"dev": 1}})",
        R"({"http": {"threads": 1.5}})", R"({"http": {"threads": 3000000000}})", R"({"http": {"share": "0.5"}})",
        R"({"http": {"idle": "30"}})", R"({"http": {"age": "1500ms"}})", R"({"http": {"body": 1024}})",
        R"({"http": {"trusted_proxies": "a"}})", R"({"http": {"trusted_proxies": [1]}})",
        R"({"http": {"address": null}})", R"({"http": {"address": {}}})", R"({"http": 5})"}) {
    EXPECT_THAT(FileError(bad), Not(IsEmpty())) << bad;
  }
  for (const char* bad : {"DINH_HTTP_SHARE=nan", "DINH_HTTP_SHARE=", "DINH_HTTP_THREADS= 4", "DINH_HTTP_THREADS=4x",
                          "DINH_HTTP_DEV=TRUE"}) {
    Registry registry;
    HttpConfig http;
    http.Bind(registry);
    EXPECT_FALSE(registry.Load("", {bad}).ok()) << bad;
  }
}

TEST_F(RegistryTest, NumbersOutsideTheirRangeAreRefused) {
  const auto load = [](const std::string& entry) {
    Registry registry;
    int threads = 2;
    int64_t most = 10;
    registry.Bind("pool", "threads", &threads, "threads", {.min = 1, .max = 64});
    registry.Bind("pool", "most", &most, "at least one", {.min = 1});
    return std::string(registry.Load("", {entry}).message());
  };
  for (const char* good : {"DINH_POOL_THREADS=1", "DINH_POOL_THREADS=64", "DINH_POOL_MOST=9223372036854775807"}) {
    EXPECT_THAT(load(good), IsEmpty()) << good;
  }
  for (const char* bad : {"DINH_POOL_THREADS=0", "DINH_POOL_THREADS=-5", "DINH_POOL_THREADS=65"}) {
    EXPECT_THAT(load(bad), HasSubstr("from 1 to 64")) << bad;
  }
  EXPECT_THAT(load("DINH_POOL_MOST=0"), HasSubstr("at least 1"));
}

TEST_F(RegistryTest, DamagedFilesAreRefusedWithTheirLineButNotTheirContent) {
  const std::string damaged = FileError("{\"bank\": {\n\"secret\": \"hush\" \"x\"}}");
  EXPECT_THAT(damaged, HasSubstr("line 2"));
  EXPECT_THAT(damaged, Not(HasSubstr("hush")));
  EXPECT_THAT(FileError(R"({"http": {"threads": 1, "threads": 2}})"), HasSubstr("'threads' stands twice"));
  EXPECT_THAT(FileError(R"({"http": {"threads": 1}, "http": {"quota": 2}})"), HasSubstr("'http' stands twice"));
  EXPECT_THAT(FileError("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(FileError(""), HasSubstr("is not valid JSON"));
  EXPECT_THAT(ErrorOf(registry_.Load("/nowhere/config.json", {})), HasSubstr("cannot be read"));
}

TEST_F(RegistryTest, TheFileIsNamedByFlagElseEnvironmentElseProgram) {
  const std::string path = File(R"({"http": {"threads": 5}})");
  ASSERT_TRUE(registry_.Load("/nowhere/config.json", {"DINH_CONFIG=" + path}).ok());
  EXPECT_EQ(http_.threads, 5);
  Registry second;
  HttpConfig http;
  http.Bind(second);
  ASSERT_TRUE(second.Run({"p", "", {"--config=" + path}, {"DINH_CONFIG=/nowhere"}}).ok());
  EXPECT_EQ(http.threads, 5);
}

TEST_F(RegistryTest, RereadSeesTheFileAsItIsNowAndChangesNothing) {
  const std::string path = File(R"({"http": {"threads": 5, "trusted_proxies": ["a", "b"]}})");
  ASSERT_TRUE(Run({"--config", path, "--http", "flag"}, {"DINH_HTTP_QUOTA=7"}).ok());
  EXPECT_EQ(registry_.Reread("http.threads").value(), "5");
  EXPECT_EQ(registry_.Reread("http.trusted_proxies").value(), "a,b");
  File(R"({"http": {"threads": 6, "quota": 8, "address": "file"}})");
  EXPECT_EQ(registry_.Reread("http.threads").value(), "6");
  EXPECT_EQ(registry_.Reread("http.trusted_proxies").value(), "127.0.0.1");
  EXPECT_EQ(registry_.Reread("http.quota").value(), "7");
  EXPECT_EQ(registry_.Reread("http.address").value(), "flag");
  EXPECT_EQ(registry_.Reread("http.idle").value(), "1m");
  EXPECT_EQ(http_.threads, 5);
  EXPECT_EQ(registry_.Reread("http.nothing").status().code(), absl::StatusCode::kNotFound);
  File("{");
  EXPECT_THAT(ErrorOf(registry_.Reread("http.threads").status()), HasSubstr("is not valid JSON"));
}

TEST_F(RegistryTest, SecretsAreNeverPrintedAndHaveNoFlag) {
  const auto printed = Run({"--print-config", "--dev"}, {"DINH_BANK_SECRET=hush"});
  ASSERT_TRUE(printed.ok()) << printed.status();
  EXPECT_EQ(http_.bank_secret, "hush");
  EXPECT_THAT(*printed, Not(HasSubstr("hush")));
  EXPECT_THAT(*printed, HasSubstr("bank.secret = (hidden)  # environment DINH_BANK_SECRET\n"));
  EXPECT_THAT(*printed, HasSubstr("http.address = 127.0.0.1:8080  # default\n"));
  EXPECT_THAT(*printed, HasSubstr("http.body = 1MiB  # default\n"));
  EXPECT_THAT(*printed, HasSubstr("http.dev = true  # flag --dev\n"));
  EXPECT_THAT(*printed, HasSubstr("http.trusted_proxies = 127.0.0.1  # default\n"));
}

TEST_F(RegistryTest, SecretsHaveNoFlag) { EXPECT_FALSE(Run({"--bank-secret", "x"}).ok()); }

TEST_F(RegistryTest, HelpListsFlagsWithDefaultsButNoSecret) {
  const auto help = Run({"--help"});
  ASSERT_TRUE(help.ok());
  EXPECT_THAT(*help, HasSubstr("--http-address,--http"));
  EXPECT_THAT(*help, HasSubstr("where to listen [127.0.0.1:8080]"));
  EXPECT_THAT(*help, HasSubstr("--print-config"));
  EXPECT_THAT(*help, Not(HasSubstr("secret")));
}

TEST_F(RegistryTest, BooleanFlagsTakeAValueOrNone) {
  ASSERT_TRUE(Run({"--dev"}).ok());
  EXPECT_TRUE(http_.dev);
  Registry second;
  HttpConfig http;
  http.dev = true;
  http.Bind(second);
  ASSERT_TRUE(second.Run({"p", "", {"--http-dev=false"}, {}}).ok());
  EXPECT_FALSE(http.dev);
}

TEST_F(RegistryTest, UnknownFlagsAreRefused) {
  const auto result = Run({"--htpp", "x"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(base::DetailOf(result.status())->reason, "INVALID_FLAG");
}

TEST_F(RegistryTest, FlagsCanBelongToASubcommand) {
  CLI::App app("many commands");
  CLI::App* serve = app.add_subcommand("serve", "serve");
  registry_.AddFlags(*serve);
  std::vector<std::string> reversed = {"3", "--http-threads", "--print-config", "serve"};
  app.parse(reversed);
  ASSERT_TRUE(registry_.Load("", {}).ok());
  EXPECT_TRUE(registry_.print_requested());
  EXPECT_EQ(http_.threads, 3);
}

TEST_F(RegistryTest, VariablesThatKubernetesAddsAreNotOurs) {
  EXPECT_TRUE(registry_
                  .Load("", {"DINH_IDENTITY_SERVICE_HOST=10.0.0.1", "DINH_IDENTITY_SERVICE_PORT=9090",
                             "DINH_IDENTITY_SERVICE_PORT_GRPC=9090", "DINH_IDENTITY_PORT=tcp://10.0.0.1:9090",
                             "DINH_IDENTITY_PORT_9090_TCP=tcp://10.0.0.1:9090", "DINH_IDENTITY_PORT_9090_TCP_PROTO=tcp",
                             "DINH_IDENTITY_PORT_9090_TCP_PORT=9090", "DINH_IDENTITY_PORT_9090_TCP_ADDR=10.0.0.1"})
                  .ok());
  EXPECT_FALSE(registry_.Load("", {"DINH_IDENTITY_PORT=9090"}).ok());
}

TEST_F(RegistryTest, MistakesOfTheProgramAreFound) {
  int64_t field = 0;
  for (const auto& [component, key] : {std::pair{"http", "threads"}, {"Http", "x"}, {"http", ""}, {"http", "a-b"}}) {
    Registry registry;
    HttpConfig http;
    http.Bind(registry);
    registry.Bind(component, key, &field, "twice or badly named");
    EXPECT_FALSE(registry.Load("", {}).ok()) << component << "." << key;
  }
  Registry ambiguous;
  ambiguous.Bind("a_b", "c", &field, "DINH_A_B_C");
  ambiguous.Bind("a", "b_c", &field, "DINH_A_B_C too");
  EXPECT_FALSE(ambiguous.Load("", {}).ok());
  Registry same_flag;
  same_flag.Bind("a", "b", &field, "", {.flag = "x"});
  same_flag.Bind("a", "c", &field, "", {.flag = "x"});
  EXPECT_FALSE(same_flag.Run({"p", "", {}, {}}).ok());
}

TEST(ProcessEnvironmentTest, HasWhatTheProcessHas) {
  ASSERT_EQ(setenv("DINH_TEST_VARIABLE", "1", 1), 0);
  EXPECT_THAT(ProcessEnvironment(), ::testing::Contains("DINH_TEST_VARIABLE=1"));
  unsetenv("DINH_TEST_VARIABLE");
}

}  // namespace
}  // namespace dinh::config
