// Figures: what changes of reports count in, and the totals it is merged into.
#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/civil.h"
#include "libs/db/dialect.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {
namespace {

constexpr int kIndicatorGroupsMax = 2000;  // pairs of unit and root category

#define DINH_FIGURES "received, answered, on_time, overdue, resolved, rejected, reopened"
#define DINH_CHANGE_COLUMNS "unit, category, day, " DINH_FIGURES ", stars, bucket"

// Adds a row of figure_changes to the sum of its key.
void AddRow(const db::Row& row, IndicatorSums& sums) {
  Counts& sum = sums[{row.Text(0), row.Text(1), row.Int(2)}];
  int i = 3;
  for (int64_t* figure : {&sum.received, &sum.answered, &sum.answered_on_time, &sum.overdue_open, &sum.resolved,
                          &sum.rejected, &sum.reopened}) {
    *figure += row.Int(i++);
  }
  const int64_t stars = row.Int(i++);
  if (stars >= 1 && stars <= kStarsMax) ++sum.stars[static_cast<size_t>(stars - 1)];
  if (row.IsNull(i)) return;
  const auto bucket = static_cast<size_t>(row.Int(i));
  if (bucket >= BucketCount()) return;
  sum.minutes.resize(BucketCount());
  ++sum.minutes[bucket];
}

using Group = std::pair<std::string, std::string>;  // unit, root category

// The groups there are, by jumping from one to the next: the cost does not grow with the days.
absl::StatusOr<std::vector<Group>> Groups(db::Tx& tx, std::string_view unit, std::string_view category) {
  std::vector<Group> groups;
  Group at{std::string(unit), ""};
  for (int i = 0; i < kIndicatorGroupsMax; ++i) {
    ASSIGN_OR_RETURN(const std::optional<Group> next,
                     tx.QueryOne("SELECT unit, category FROM indicators WHERE (unit, category) > ($1, $2) "
                                 "ORDER BY unit, category LIMIT 1",
                                 {at.first, at.second}, [](const db::Row& row) {
                                   return Group{row.Text(0), row.Text(1)};
                                 }));
    if (!next || (!unit.empty() && next->first != unit)) break;
    at = *next;
    if (category.empty() || category == at.second) groups.push_back(at);
  }
  return groups;
}

// Each cast: PostgreSQL adds BIGINTs up to a NUMERIC.
std::string SumsSql() {
  std::string sql;
  for (const char* column : {"received", "answered", "on_time", "overdue", "resolved", "rejected", "reopened", "stars1",
                             "stars2", "stars3", "stars4", "stars5"}) {
    sql += sql.empty() ? "SELECT " : ", ";
    sql += "CAST(COALESCE(SUM(" + std::string(column) + "), 0) AS BIGINT)";
  }
  return sql + " FROM indicators WHERE unit = $1 AND category = $2 AND day >= $3 AND day <= $4";
}

absl::StatusOr<Counts> SumOf(db::Tx& tx, const Group& group, int64_t from, int64_t to) {
  static const std::string kSums = SumsSql();
  const auto [unit, category] = group;
  ASSIGN_OR_RETURN(std::optional<Counts> counts, tx.QueryOne(kSums, {unit, category, from, to}, [](const db::Row& row) {
    Counts c;
    int i = 0;
    c.received = row.Int(i++);
    c.answered = row.Int(i++);
    c.answered_on_time = row.Int(i++);
    c.overdue_open = row.Int(i++);
    c.resolved = row.Int(i++);
    c.rejected = row.Int(i++);
    c.reopened = row.Int(i++);
    for (int64_t& stars : c.stars) stars = row.Int(i++);
    return c;
  }));
  Counts sum = counts.value_or(Counts());
  sum.minutes.resize(BucketCount());
  RETURN_IF_ERROR(
      tx.Query("SELECT bucket, CAST(SUM(count) AS BIGINT) FROM answer_times WHERE unit = $1 AND category = $2 AND "
               "day >= $3 AND day <= $4 GROUP BY bucket",
               {unit, category, from, to}, [&](const db::Row& row) {
                 const auto bucket = static_cast<size_t>(row.Int(0));
                 if (bucket < sum.minutes.size()) sum.minutes[bucket] = row.Int(1);
               }));
  return sum;
}

// Those of the wanted unit and category that the merger has not come to.
absl::StatusOr<std::map<Group, Counts>> Unmerged(db::Tx& tx, std::string_view unit, std::string_view category,
                                                 int64_t from, int64_t to) {
  IndicatorSums fresh;
  RETURN_IF_ERROR(tx.Query("SELECT " DINH_CHANGE_COLUMNS " FROM figure_changes", {},
                           [&](const db::Row& row) { AddRow(row, fresh); }));
  std::map<Group, Counts> sums;
  for (const auto& [key, counts] : fresh) {
    const bool wanted = (unit.empty() || key.unit == unit) && (category.empty() || key.category == category);
    if (wanted && key.day >= from && key.day <= to) Add(counts, sums[{key.unit, key.category}]);
  }
  return sums;
}

}  // namespace

absl::Status BoardStore::AddFigures(db::Tx& tx, std::string_view id, const IndicatorKey& key,
                                    const FigureChange& change) const {
  if (change.stars < 0 || change.stars > kStarsMax) return base::Internal("stars out of range");
  const std::optional<size_t> bucket = change.minutes ? std::optional<size_t>(BucketOf(*change.minutes)) : std::nullopt;
  return tx.ExecLater("INSERT INTO figure_changes (id, " DINH_CHANGE_COLUMNS
                      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                      {id, key.unit, key.category, key.day, change.received, change.answered, change.on_time,
                       change.overdue, change.resolved, change.rejected, change.reopened, change.stars, bucket});
}

absl::StatusOr<int64_t> BoardStore::MergeFigures(db::Tx& tx, int limit) const {
  const std::string take =
      "DELETE FROM figure_changes WHERE id IN (SELECT id FROM figure_changes ORDER BY id LIMIT $1" +
      std::string(db::ForUpdateSkipLocked(tx.engine())) + ") RETURNING " DINH_CHANGE_COLUMNS;
  IndicatorSums sums;
  int64_t taken = 0;
  RETURN_IF_ERROR(tx.Query(take, {limit}, [&](const db::Row& row) {
    AddRow(row, sums);
    ++taken;
  }));
  RETURN_IF_ERROR(AddTotals(tx, sums));
  return taken;
}

absl::Status BoardStore::AddTotals(db::Tx& tx, const IndicatorSums& sums) const {
  for (const auto& [key, sum] : sums) {
    RETURN_IF_ERROR(tx.ExecLater(
        "INSERT INTO indicators (unit, category, day, " DINH_FIGURES
        ", stars1, stars2, stars3, stars4, stars5) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, "
        "$15) ON CONFLICT (unit, category, day) DO UPDATE SET received = indicators.received + excluded.received, "
        "answered = indicators.answered + excluded.answered, on_time = indicators.on_time + excluded.on_time, "
        "overdue = indicators.overdue + excluded.overdue, resolved = indicators.resolved + excluded.resolved, "
        "rejected = indicators.rejected + excluded.rejected, reopened = indicators.reopened + excluded.reopened, "
        "stars1 = indicators.stars1 + excluded.stars1, stars2 = indicators.stars2 + excluded.stars2, "
        "stars3 = indicators.stars3 + excluded.stars3, stars4 = indicators.stars4 + excluded.stars4, "
        "stars5 = indicators.stars5 + excluded.stars5",
        {key.unit, key.category, key.day, sum.received, sum.answered, sum.answered_on_time, sum.overdue_open,
         sum.resolved, sum.rejected, sum.reopened, sum.stars[0], sum.stars[1], sum.stars[2], sum.stars[3],
         sum.stars[4]}));
  }
  for (const auto& [key, sum] : sums) {
    for (size_t bucket = 0; bucket < sum.minutes.size(); ++bucket) {
      if (sum.minutes[bucket] == 0) continue;
      RETURN_IF_ERROR(
          tx.ExecLater("INSERT INTO answer_times (unit, category, day, bucket, count) VALUES ($1, $2, $3, $4, $5) "
                       "ON CONFLICT (unit, category, day, bucket) DO UPDATE SET count = answer_times.count + "
                       "excluded.count",
                       {key.unit, key.category, key.day, bucket, sum.minutes[bucket]}));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> BoardStore::AnyUnmerged(db::Tx& tx) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> any,
                   tx.QueryOne("SELECT 1 WHERE EXISTS (SELECT 1 FROM figure_changes) OR EXISTS (SELECT 1 FROM "
                               "load_changes)",
                               {}, [](const db::Row& row) { return row.Int(0); }));
  return any.has_value();
}

absl::StatusOr<std::map<std::pair<std::string, std::string>, Counts>> BoardStore::Sums(db::Tx& tx,
                                                                                       std::string_view unit,
                                                                                       std::string_view category,
                                                                                       int64_t from, int64_t to) const {
  const int64_t today = base::DaysFromCivil(base::ToVietnam(tx.context().Now()).date);
  const int64_t last = std::min(to, today);
  using Sums = std::map<Group, Counts>;
  ASSIGN_OR_RETURN(Sums sums, Unmerged(tx, unit, category, from, last));
  ASSIGN_OR_RETURN(const std::vector<Group> groups, Groups(tx, unit, category));
  for (const Group& group : groups) {
    ASSIGN_OR_RETURN(const Counts total, SumOf(tx, group, from, last));
    Add(total, sums[group]);
  }
  return sums;
}

}  // namespace dinh::feedback
