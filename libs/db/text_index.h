// Full text without marks, newest first: which documents hold all of some words. The index keeps no text: whoever has
// the documents gives the same text again when one goes.
//
//   TextIndex index("board_text");
//   RETURN_IF_ERROR(index.EnsureSchema(*db));                       // once, after the service's own migrations
//   RETURN_IF_ERROR(index.Put(tx, number, base::Fold(text)));       // in the transaction that writes the document
//   RETURN_IF_ERROR(index.Remove(tx, number, base::Fold(text)));    // before it changes or goes
//   ASSIGN_OR_RETURN(TextPage page, index.Find(tx, TextWords(base::Fold(query)), before, 21));
//
// A word is [a-z0-9]+ of the folded text; everything else separates words, so that a query cannot be anything but
// words. SQLite: FTS5 without contents, documents only; PostgreSQL: a tsvector under GIN.
//
// A search streams down the keys and never counts or ranks: common words end it early. Words that are common and never
// meet would be looked for through the whole index; after kTextSearchBudget the page ends early and tells where to go
// on.
//
// Thread safety: holds no state beside its name.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace dinh::db {

inline constexpr size_t kTextQueryWordsMax = 8;        // of a query; further ones are not looked for
inline constexpr size_t kTextWordBytesMax = 40;        // longer words are cut, in documents and queries alike
inline constexpr size_t kTextDocumentWordsMax = 4096;  // different words of a document
inline constexpr std::chrono::milliseconds kTextSearchBudget{10};

// The words of a folded text in the order of their first occurrence, each once, cut and at most `words_max`.
std::vector<std::string> TextWords(std::string_view folded, size_t words_max = kTextQueryWordsMax);

struct TextPage {
  std::vector<int64_t> keys;  // descending
  // Every key from here on has been looked at: the next page is before this one. 0: nothing is left.
  int64_t searched_to = 0;
};

class TextIndex {
 public:
  // `name`: [a-z_]+, unique in the database; part of table names.
  explicit TextIndex(std::string name) : name_(std::move(name)) {}

  // A migration component of its own, "text_index_<name>".
  absl::Status EnsureSchema(Database& database) const;

  // `key` > 0, not in the index. `folded`: as base::Fold gives it.
  absl::Status Put(Tx& tx, int64_t key, std::string_view folded) const;
  // `folded`: exactly what was put.
  absl::Status Remove(Tx& tx, int64_t key, std::string_view folded) const;
  // The highest key, 0 when there is none: where filling goes on. PostgreSQL only.
  absl::StatusOr<int64_t> Newest(Tx& tx) const;
  // Keys below `before` whose documents hold all `words` (of TextWords), at most `limit`. No words: nothing is found.
  absl::StatusOr<TextPage> Find(Tx& tx, const std::vector<std::string>& words, int64_t before, int limit) const;

 private:
  absl::StatusOr<std::vector<int64_t>> Window(Tx& tx, std::string_view query, int64_t from, int64_t to,
                                              int limit) const;

  const std::string name_;
};

}  // namespace dinh::db
