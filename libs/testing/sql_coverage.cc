#include "libs/testing/sql_coverage.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace dinh::testing {
namespace {

struct SeenStatements {
  std::mutex mutex;
  std::set<std::string, std::less<>> texts;
};

// Of the test program: every harness of it adds to the same.
SeenStatements& Statements() {
  static SeenStatements statements;
  return statements;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The string literals of a source file; adjacent ones are one, comments hold none.
std::vector<std::string> Literals(const std::string& source) {
  std::vector<std::string> out;
  bool adjacent = false;
  for (size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (c == '/' && source.compare(i, 2, "//") == 0) {
      i = source.find('\n', i);
      if (i == std::string::npos) break;
    } else if (c == '\'') {
      i = source.find('\'', source[i + 1] == '\\' ? i + 3 : i + 1);
    } else if (c == '"') {
      std::string text;
      for (++i; i < source.size() && source[i] != '"'; ++i) text += source[i] == '\\' ? source[++i] : source[i];
      if (adjacent) {
        out.back() += text;
      } else {
        out.push_back(std::move(text));
      }
      adjacent = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0 && c != '\\') {
      adjacent = false;
    }
  }
  return out;
}

}  // namespace

void SqlCoverage::Seen(std::string_view sql) {
  std::lock_guard lock(Statements().mutex);
  Statements().texts.emplace(sql);
}

std::vector<std::string> SqlCoverage::LiteralsOf(const std::string& folder) {
  static const std::regex kSql(R"(\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|FROM|JOIN|ORDER BY|RETURNING)\b)");
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("store") || !name.ends_with(".cc") || name.ends_with("_test.cc")) continue;
    for (std::string& literal : Literals(ReadFile(entry.path()))) {
      if (std::regex_search(literal, kSql)) out.push_back(std::move(literal));
    }
  }
  return out;
}

void SqlCoverage::TearDown() {
  const auto* unit = ::testing::UnitTest::GetInstance();
  if (unit->test_to_run_count() != unit->total_test_count()) return;
  const std::vector<std::string> literals = LiteralsOf(folder_);
  EXPECT_FALSE(literals.empty()) << folder_ << " has no SQL";
  std::lock_guard lock(Statements().mutex);
  for (const std::string& literal : literals) {
    bool seen = false;
    for (const std::string& text : Statements().texts) seen = seen || text.find(literal) != std::string::npos;
    EXPECT_TRUE(seen) << "no test prepares this statement of " << folder_ << ": " << literal;
  }
}

}  // namespace dinh::testing
