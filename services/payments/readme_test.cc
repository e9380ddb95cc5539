// The README's diagrams are the tables of the code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "services/payments/domain/charge.h"
#include "services/payments/domain/credit.h"

namespace dinh::payments {
namespace {

TEST(Readme, ShowsTheTransitionTables) {
  std::ifstream in(DINH_SOURCE_DIR "/services/payments/README.md");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_THAT(text.str(), ::testing::HasSubstr("```mermaid\n" + ChargeStateDiagram() + "```\n"));
  EXPECT_THAT(text.str(), ::testing::HasSubstr("```mermaid\n" + SuspenseStateDiagram() + "```\n"));
}

}  // namespace
}  // namespace dinh::payments
