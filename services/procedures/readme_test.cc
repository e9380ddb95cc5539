// The README's diagram is the table.
#include <gtest/gtest.h>

#include <string>

#include "libs/config/data_files.h"
#include "services/procedures/domain/transitions.h"

namespace dinh::procedures {
namespace {

TEST(Readme, DiagramIsGeneratedFromTheTable) {
  const auto readme = config::ReadDataFile(std::string(DINH_SOURCE_DIR) + "/services/procedures/README.md");
  ASSERT_TRUE(readme.ok());
  EXPECT_NE(readme->find("```mermaid\n" + StateDiagram() + "```\n"), std::string::npos)
      << "put this into services/procedures/README.md:\n"
      << StateDiagram();
}

}  // namespace
}  // namespace dinh::procedures
