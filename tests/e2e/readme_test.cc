// The READMEs' commands, run: every fenced block marked "sh test", in order, in one shell, against a fresh server.
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "gmock/gmock.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

struct Block {
  std::string place;  // "README.md:12"
  std::string text;
};

void AddTestedBlocks(const std::string& file, std::vector<Block>& blocks) {
  std::ifstream in(DINH_SOURCE_DIR "/" + file);
  const size_t before = blocks.size();
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().text += line + "\n";
    } else if (line == "```sh test") {
      inside = true;
      blocks.push_back({file + ":" + std::to_string(number), ""});
    }
  }
  EXPECT_FALSE(inside) << "a block of " << file << " has no end";
  EXPECT_GT(blocks.size(), before) << file << " has no block marked ```sh test";
}

class ReadmeTest : public PlatformTest {};

TEST_F(ReadmeTest, ItsCommandsWork) {
  std::vector<Block> blocks;
  for (const char* file : {"README.md", "services/gateway/README.md"}) AddTestedBlocks(file, blocks);
  const std::string script = dir_->File("readme.sh");
  {
    std::ofstream out(script);
    // What a reader would see as an error is one here: HTTP errors, and any failing command.
    out << "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n"
        << "dinh() { " << ServerProcess::Binary() << " \"$@\"; }\n"
        << "trap 'echo \"FAILED in the block at $PLACE: $BASH_COMMAND\"' ERR\nset -E\n"
        << "export DINH=http://127.0.0.1:" << server_->http_port() << "\n"
        << "export DINH_OUTBOX=" << server_->outbox() << "\n"
        << "export DINH_GRPC=127.0.0.1:" << server_->grpc_port() << "\n"
        << "export DINH_METRICS=http://127.0.0.1:" << server_->metrics_port() << "\n"
        << "export DINH_DATA=" << server_->data_dir() << "\n";
    for (const Block& block : blocks) {
      out << "PLACE=" << block.place << "\necho \"== $PLACE\"\n" << block.text << "\necho \"== done $PLACE\"\n";
    }
  }
  FILE* pipe = popen(("cd " DINH_SOURCE_DIR " && bash " + script + " 2>&1").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  char buffer[4096];
  for (size_t n = fread(buffer, 1, sizeof buffer, pipe); n > 0; n = fread(buffer, 1, sizeof buffer, pipe)) {
    output.append(buffer, n);
  }
  const int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << output;
  for (const Block& block : blocks) {
    EXPECT_THAT(output, ::testing::HasSubstr("== done " + block.place + "\n")) << "the block did not end";
  }
  EXPECT_EQ(output.find("application/problem+json"), std::string::npos) << output;
}

}  // namespace
}  // namespace dinh::testing
