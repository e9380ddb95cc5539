#include "libs/db/text_index.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "libs/base/strings.h"

namespace dinh::db {
namespace {

// Keys looked through before the clock is; doubled from window to window.
constexpr int64_t kFirstWindow = 16'384;

bool IsWordByte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::string Document(std::string_view folded) { return base::Join(TextWords(folded, kTextDocumentWordsMax), " "); }

// Words hold no quotes: FTS5 reads each as one string, PostgreSQL as one lexeme.
std::string QueryOf(Engine engine, const std::vector<std::string>& words) {
  const bool sqlite = engine == Engine::kSqlite;
  std::string query;
  for (const std::string& word : words) {
    if (!query.empty()) query += sqlite ? " AND " : " & ";
    const char quote = sqlite ? '"' : '\'';
    query += quote + word + quote;
  }
  return query;
}

}  // namespace

std::vector<std::string> TextWords(std::string_view folded, size_t words_max) {
  std::vector<std::string> words;
  std::unordered_set<std::string> seen;
  for (size_t at = 0; at < folded.size() && words.size() < words_max;) {
    if (!IsWordByte(folded[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < folded.size() && IsWordByte(folded[end])) ++end;
    std::string word(folded.substr(at, std::min(end - at, kTextWordBytesMax)));
    if (seen.insert(word).second) words.push_back(std::move(word));
    at = end;
  }
  return words;
}

absl::Status TextIndex::EnsureSchema(Database& database) const {
  const std::string sql = database.engine() == Engine::kSqlite
                              ? "CREATE VIRTUAL TABLE " + name_ +
                                    " USING fts5(words, content='', detail=none, columnsize=0, tokenize='ascii');\n"
                              : "CREATE TABLE " + name_ +
                                    " (\n"
                                    "  key BIGINT NOT NULL PRIMARY KEY,\n"
                                    "  words TSVECTOR NOT NULL\n"
                                    ");\n"
                                    "CREATE INDEX " +
                                    name_ + "_words ON " + name_ + " USING GIN (words);\n";
  return database.MigrateComponent("text_index_" + name_, {{1, "documents", sql, 1}});
}

absl::Status TextIndex::Put(Tx& tx, int64_t key, std::string_view folded) const {
  const std::string document = Document(folded);
  const std::string sql = tx.engine() == Engine::kSqlite
                              ? "INSERT INTO " + name_ + " (rowid, words) VALUES ($1, $2)"
                              : "INSERT INTO " + name_ +
                                    " (key, words) VALUES ($1, array_to_tsvector(string_to_array("
                                    "CAST($2 AS TEXT), ' ')))";
  return tx.ExecLater(sql, {key, document});
}

absl::Status TextIndex::Remove(Tx& tx, int64_t key, std::string_view folded) const {
  if (tx.engine() != Engine::kSqlite) return tx.ExecLater("DELETE FROM " + name_ + " WHERE key = $1", {key});
  // An index without contents is told what it forgets.
  const std::string document = Document(folded);
  return tx.ExecLater("INSERT INTO " + name_ + " (" + name_ + ", rowid, words) VALUES ('delete', $1, $2)",
                      {key, document});
}

absl::StatusOr<int64_t> TextIndex::Newest(Tx& tx) const {
  ASSIGN_OR_RETURN(const auto newest, tx.QueryOne("SELECT COALESCE(MAX(key), 0) FROM " + name_, {},
                                                  [](const Row& row) { return row.Int(0); }));
  return newest.value_or(0);
}

absl::StatusOr<std::vector<int64_t>> TextIndex::Window(Tx& tx, std::string_view query, int64_t from, int64_t to,
                                                       int limit) const {
  const std::string sql = tx.engine() == Engine::kSqlite
                              ? "SELECT rowid FROM " + name_ + " WHERE " + name_ +
                                    " MATCH $1 AND rowid >= $2 AND rowid < $3 ORDER BY rowid DESC LIMIT $4"
                              : "SELECT key FROM " + name_ +
                                    " WHERE words @@ CAST(CAST($1 AS TEXT) AS tsquery) AND key >= $2 AND key < $3 "
                                    "ORDER BY key DESC LIMIT $4";
  return tx.QueryAll(sql, {query, from, to, limit}, [](const Row& row) { return row.Int(0); });
}

absl::StatusOr<TextPage> TextIndex::Find(Tx& tx, const std::vector<std::string>& words, int64_t before,
                                         int limit) const {
  TextPage page;
  if (words.empty() || limit <= 0) return page;
  // Nothing is newer than the newest of the rarest word.
  int64_t to = before;
  for (const std::string& word : words) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> newest, Window(tx, QueryOf(tx.engine(), {word}), 1, to, 1));
    if (newest.empty()) return page;
    to = newest.front() + 1;
  }
  const std::string query = QueryOf(tx.engine(), words);
  const base::Clock& clock = tx.context().clock();
  const auto end = clock.Steady() + kTextSearchBudget;
  for (int64_t width = kFirstWindow; to > 1; width *= 2) {
    const int64_t from = std::max<int64_t>(1, to - width);
    const int wanted = limit - static_cast<int>(page.keys.size());
    ASSIGN_OR_RETURN(const std::vector<int64_t> found, Window(tx, query, from, to, wanted));
    page.keys.insert(page.keys.end(), found.begin(), found.end());
    const bool full = static_cast<int>(found.size()) == wanted;
    to = full ? found.back() : from;
    if (full || clock.Steady() >= end) break;
  }
  page.searched_to = to > 1 ? to : 0;
  return page;
}

}  // namespace dinh::db
