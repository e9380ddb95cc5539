#include "libs/db/rewrite.h"

#include <array>
#include <cstddef>

namespace dinh::db {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWord(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 128;
}

// The end of the quoted text or comment that begins at `at`; `at` itself when none begins there. An open end reaches
// to the end of the text.
size_t SkipOpaque(std::string_view sql, size_t at) {
  const auto until = [&](size_t from, std::string_view mark) {
    const size_t end = sql.find(mark, from);
    return end == std::string_view::npos ? sql.size() : end + mark.size();
  };
  switch (sql[at]) {
    case '\'':
    case '"':
    case '`':
      return until(at + 1, sql.substr(at, 1));  // a doubled quote begins a new text at once: the same end
    case '[':
      return until(at + 1, "]");
    case '-':
      return sql.substr(at, 2) == "--" ? until(at + 2, "\n") : at;
    case '/':
      return sql.substr(at, 2) == "/*" ? until(at + 2, "*/") : at;
    default:
      return at;
  }
}

constexpr std::array<std::string_view, 18> kControlWords = {
    "begin",  "commit", "end",   "rollback", "savepoint", "release", "pragma",  "attach",  "detach",
    "vacuum", "start",  "abort", "set",      "reset",     "discard", "prepare", "execute", "deallocate"};

}  // namespace

std::string RewriteParameters(std::string_view sql) {
  std::string out;
  out.reserve(sql.size());
  for (size_t i = 0; i < sql.size();) {
    const size_t end = SkipOpaque(sql, i);
    if (end > i) {
      out.append(sql.substr(i, end - i));
      i = end;
      continue;
    }
    const bool parameter =
        sql[i] == '$' && i + 1 < sql.size() && IsDigit(sql[i + 1]) && (i == 0 || !IsWord(sql[i - 1]));
    out.push_back(parameter ? '?' : sql[i]);
    ++i;
  }
  return out;
}

bool ControlsTransaction(std::string_view sql) {
  size_t i = 0;
  while (i < sql.size() && !IsLetter(sql[i])) {
    const size_t end = SkipOpaque(sql, i);
    i = end > i ? end : i + 1;
  }
  std::string word;
  for (; i < sql.size() && IsLetter(sql[i]); ++i) word.push_back(static_cast<char>(sql[i] | 0x20));
  for (const std::string_view control : kControlWords) {
    if (word == control) return true;
  }
  return false;
}

std::string MigrationSql(Engine engine, std::string_view sql) {
  if (engine == Engine::kSqlite) return std::string(sql);
  std::string out;
  out.reserve(sql.size() * 2);
  bool follows_name = false;  // a type stands behind its column's name; in CAST it stands behind AS
  for (size_t i = 0; i < sql.size();) {
    size_t end = SkipOpaque(sql, i);
    if (end > i) {
      follows_name = follows_name || sql[i] == '"';
      out.append(sql.substr(i, end - i));
    } else if (IsWord(sql[i])) {
      for (end = i; end < sql.size() && IsWord(sql[end]);) ++end;
      const std::string_view word = sql.substr(i, end - i);
      if (word == "BLOB") {
        out.append("BYTEA");
      } else if (word == "TEXT" && follows_name) {
        out.append("TEXT COLLATE \"C\"");
      } else {
        out.append(word);
      }
      follows_name = word != "AS";
    } else {
      end = i + 1;
      const bool blank = sql[i] == ' ' || sql[i] == '\n' || sql[i] == '\t' || sql[i] == '\r';
      follows_name = follows_name && blank;
      out.push_back(sql[i]);
    }
    i = end;
  }
  return out;
}

}  // namespace dinh::db
