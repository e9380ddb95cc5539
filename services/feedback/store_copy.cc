#include "services/feedback/store_copy.h"

#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/text_index.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {
namespace {

constexpr int kDocumentsAtOnce = 2000;
constexpr std::chrono::minutes kStepLimit{5};

struct Document {
  int64_t number = 0;
  std::string text;
};

// false: that was all.
absl::StatusOr<bool> FillNext(db::Tx& tx, const db::TextIndex& index) {
  ASSIGN_OR_RETURN(const int64_t newest, index.Newest(tx));
  ASSIGN_OR_RETURN(const std::vector<Document> documents,
                   tx.QueryAll("SELECT number, search FROM board_reports WHERE number > $1 ORDER BY number LIMIT $2",
                               {newest, kDocumentsAtOnce}, [](const db::Row& row) {
                                 return Document{row.Int(0), row.Text(1)};
                               }));
  for (const Document& document : documents) RETURN_IF_ERROR(index.Put(tx, document.number, document.text));
  return documents.size() == kDocumentsAtOnce;
}

}  // namespace

absl::Status FillTextIndex(db::Database& database, const base::Clock& clock) {
  const db::TextIndex index(kBoardText);
  for (bool more = true; more;) {
    base::OpContext ctx(clock, clock.Steady() + kStepLimit);
    ASSIGN_OR_RETURN(more, database.Transact(ctx, [&](db::Tx& tx) { return FillNext(tx, index); }));
  }
  return absl::OkStatus();
}

}  // namespace dinh::feedback
