// The README's diagram is the table.
#include <gtest/gtest.h>

#include <string>

#include "libs/config/data_files.h"
#include "services/feedback/domain/transitions.h"

namespace dinh::feedback {
namespace {

TEST(Readme, DiagramIsGeneratedFromTheTable) {
  const auto readme = config::ReadDataFile(std::string(DINH_SOURCE_DIR) + "/services/feedback/README.md");
  ASSERT_TRUE(readme.ok());
  EXPECT_NE(readme->find("```mermaid\n" + StateDiagram() + "```\n"), std::string::npos)
      << "put this into services/feedback/README.md:\n"
      << StateDiagram();
}

}  // namespace
}  // namespace dinh::feedback
