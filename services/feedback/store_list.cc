// The office's, an officer's and a reporter's lists.
#include <algorithm>
#include <climits>
#include <utility>

#include "services/feedback/limits.h"
#include "services/feedback/report_columns.h"
#include "services/feedback/store.h"

namespace dinh::feedback {
namespace {

// Whose reports: an index equality, and the newest first of it.
struct Source {
  std::string_view where;  // of $1 and $2
  std::string first, second;
};

constexpr std::string_view kByReporter = "reporter_account = $1 AND reporter_account <> '' AND reporter_person = $2";
constexpr std::string_view kByAssignee = "assignee = $1 AND assignee <> '' AND $2 = ''";
constexpr std::string_view kByOffice = "agency = $1 AND unit = $2";
constexpr std::string_view kByAbove = "above_agency = $1 AND above_agency <> '' AND above_unit = $2";

std::vector<Source> SourcesOf(const OfficeFilter& filter) {
  std::vector<Source> sources;
  if (!filter.reporter_account.empty())
    sources.push_back({kByReporter, filter.reporter_account, filter.reporter_person});
  if (!filter.assignee.empty()) sources.push_back({kByAssignee, filter.assignee, ""});
  for (const Office& office : filter.offices) {
    sources.push_back({kByOffice, office.agency, office.unit});
    sources.push_back({kByAbove, office.agency, office.unit});
  }
  return sources;
}

int64_t MaskOf(const std::vector<State>& states) {
  int64_t mask = states.empty() ? INT_MAX : 0;
  for (const State state : states) mask |= int64_t{1} << static_cast<int>(state);
  return mask;
}

// "|road.pothole|road.other|": what REPLACE finds a category in; "" takes all.
std::string SetOf(const std::vector<std::string>& categories) {
  std::string set;
  for (const std::string& category : categories) set += (set.empty() ? "|" : "") + category + "|";
  return set;
}

}  // namespace

// A page looks at so many rows at most: who asks for what is rare gets a short page and the key to go on from, so that
// the cost does not grow with the office's past. Where the index alone answers the filter there is nothing to look
// through.
absl::StatusOr<OfficePage> Store::List(db::Tx& tx, const OfficeFilter& filter, base::Micros now) const {
  const int64_t mask = MaskOf(filter.states), from = filter.from.value_or(0), to = filter.to.value_or(INT64_MAX);
  const std::string categories = SetOf(filter.categories);
  const bool one_state = filter.states.size() == 1;
  const int64_t state = one_state ? static_cast<int64_t>(filter.states.front()) : 0;
  const bool looks_through = !categories.empty() || filter.overdue_only || filter.from || filter.to;
  OfficePage page;
  for (const Source& source : SourcesOf(filter)) {
    const bool by_state = one_state && source.where == kByOffice;
    const std::string where = " FROM reports WHERE " + std::string(source.where) +
                              (by_state ? " AND state = $4" : " AND $4 >= 0") + " AND ($3 = '' OR id < $3)";
    const bool bounded = looks_through || (!filter.states.empty() && !by_state);
    const size_t first = page.rows.size();
    // Most pages are full after a short look.
    for (const int64_t look : {kListFirstLook, kListScanMax}) {
      page.rows.resize(first);
      // The oldest row of those looked at; nullopt: there are not so many.
      std::optional<std::string> oldest;
      if (bounded) {
        const std::string sql = "SELECT id" + where + " ORDER BY id DESC LIMIT 1 OFFSET " + std::to_string(look - 1);
        ASSIGN_OR_RETURN(oldest, tx.QueryOne(sql, {source.first, source.second, filter.before, state},
                                             [](const db::Row& row) { return row.Text(0); }));
      }
      const std::string sql =
          "SELECT " DINH_REPORT_COLUMNS + where +
          " AND id >= $5 AND ((1 << state) & $6) <> 0 AND ($7 = 0 OR due_at < $8) AND created_at >= $9 "
          "AND created_at < $10 AND ($11 = '' OR REPLACE($11, '|' || category || '|', '') <> $11) "
          "ORDER BY id DESC LIMIT $12";
      RETURN_IF_ERROR(tx.Query(sql,
                               {source.first, source.second, filter.before, state, oldest.value_or(""), mask,
                                filter.overdue_only, now, from, to, categories, filter.limit + 1},
                               [&](const db::Row& row) -> absl::Status {
                                 ASSIGN_OR_RETURN(ReportRow report, Read(row));
                                 page.rows.push_back(std::move(report));
                                 return absl::OkStatus();
                               }));
      const bool full = page.rows.size() - first > static_cast<size_t>(filter.limit);
      if (full || !oldest) break;
      if (look == kListScanMax && *oldest > page.next) page.next = *oldest;
    }
  }
  std::sort(page.rows.begin(), page.rows.end(), [](const ReportRow& a, const ReportRow& b) { return a.id > b.id; });
  page.rows.erase(
      std::unique(page.rows.begin(), page.rows.end(), [](const auto& a, const auto& b) { return a.id == b.id; }),
      page.rows.end());
  // What lies beyond where one of the sources stopped comes with the next page, in order.
  if (!page.next.empty()) std::erase_if(page.rows, [&](const ReportRow& row) { return row.id < page.next; });
  if (page.rows.size() > static_cast<size_t>(filter.limit)) {
    page.rows.resize(static_cast<size_t>(filter.limit));
    page.next = page.rows.back().id;
  }
  return page;
}

}  // namespace dinh::feedback
