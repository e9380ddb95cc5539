// The README's configuration table says what the program says.
#include <fstream>
#include <sstream>

#include "CLI/CLI.hpp"
#include "gtest/gtest.h"
#include "services/standalone/cli/process.h"

namespace dinh::standalone {
namespace {

constexpr char kBegin[] = "<!-- configuration table: checked by a test -->\n";
constexpr char kEnd[] = "<!-- end of the configuration table -->";

std::string Table() {
  Process process;
  CLI::App app;
  process.Bind(app);
  std::string table = "| key | default | flag | environment | what it does |\n|---|---|---|---|---|\n";
  for (const config::Registry::Key& key : process.registry().Keys()) {
    const std::string flag = key.flags.substr(key.flags.rfind(',') + 1);
    table += "| `" + key.name + "` | " + (key.value.empty() ? "" : "`" + key.value + "`") + " | " +
             (flag.empty() ? "" : "`" + flag + "`") + " | `" + key.variable + "` | " + key.help + " |\n";
  }
  return table;
}

TEST(Readme, ConfigurationTableIsWhatTheProgramBinds) {
  std::ifstream in(DINH_SOURCE_DIR "/README.md");
  std::stringstream text;
  text << in.rdbuf();
  const std::string readme = text.str();
  const size_t begin = readme.find(kBegin), end = readme.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t from = begin + sizeof kBegin - 1;
  EXPECT_EQ(readme.substr(from, end - from), Table()) << "put this between the marks:\n" << Table();
}

}  // namespace
}  // namespace dinh::standalone
