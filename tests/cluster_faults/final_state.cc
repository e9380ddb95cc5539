#include "tests/cluster_faults/final_state.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "libs/auth/audit_chain.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "libs/db/postgres.h"
#include "services/payments/ledger_check.h"

namespace dinh::testing {
namespace {

constexpr std::chrono::minutes kReadMax{10};
const base::SystemClock kClock;

// Code, revision, what is in the history and how often. What the platform did by itself is told apart.
constexpr char kDossiers[] =
    "SELECT d.code, d.revision, t.event, COUNT(*) FROM dossiers d JOIN timeline t ON t.dossier = d.id "
    "GROUP BY d.code, d.revision, t.event";
constexpr char kReports[] =
    "SELECT r.code, r.revision, CASE WHEN u.actor_kind = 3 THEN 'system ' ELSE '' END || u.event, COUNT(*) "
    "FROM reports r JOIN updates u ON u.report = r.id GROUP BY r.code, r.revision, 3";
// The bank's number, rows, their sum, what they settled, whether the charge is paid to the đồng.
constexpr char kPayments[] =
    "SELECT b.bank_transaction, COUNT(*), CAST(SUM(b.amount_vnd) AS BIGINT), CAST(SUM(COALESCE((SELECT "
    "SUM(t.amount_vnd) FROM transfers t WHERE t.bank_credit = b.id AND t.reason = 'charge_paid'), 0)) AS BIGINT), "
    "MIN(CASE WHEN c.state = 3 AND c.paid_vnd = c.amount_vnd THEN 1 ELSE 0 END) "
    "FROM bank_credits b LEFT JOIN charges c ON c.id = b.charge GROUP BY b.bank_transaction";

struct Uniqueness {
  const char* service;
  const char* what;
  const char* sql;  // how many are too many
};
constexpr Uniqueness kUniqueness[] = {
    {"procedures", "dossier numbers given twice", "SELECT COUNT(*) - COUNT(DISTINCT code) FROM dossiers"},
    {"procedures", "charges of two dossiers",
     "SELECT COUNT(*) - COUNT(DISTINCT charge) FROM dossiers WHERE charge <> ''"},
    {"payments", "charges opened twice", "SELECT COUNT(*) - COUNT(DISTINCT purpose_ref) FROM charges"},
    {"payments", "redeliveries booked as other money", "SELECT COUNT(*) FROM suspense_items"},
    {"payments", "event numbers given twice", "SELECT COUNT(sequence) - COUNT(DISTINCT sequence) FROM outbox"},
    {"procedures", "event numbers given twice", "SELECT COUNT(sequence) - COUNT(DISTINCT sequence) FROM outbox"},
};

class Reader {
 public:
  explicit Reader(Stores stores) : stores_(std::move(stores)) {}

  absl::StatusOr<FinalState> Run() {
    RETURN_IF_ERROR(ReadObjects("procedures", kDossiers));
    RETURN_IF_ERROR(ReadObjects("feedback", kReports));
    RETURN_IF_ERROR(ReadPayments());
    for (const Uniqueness& rule : kUniqueness) RETURN_IF_ERROR(CheckUnique(rule));
    RETURN_IF_ERROR(VerifyLedger());
    for (const char* service : kClusterServices) RETURN_IF_ERROR(VerifyAudit(service));
    return std::move(state_);
  }

 private:
  absl::Status Query(const std::string& service, const char* sql, const std::function<void(const db::Row&)>& on_row) {
    ASSIGN_OR_RETURN(const auto database, stores_.open(service));
    base::OpContext ctx(kClock, kClock.Steady() + kReadMax);
    return database->Read(ctx, [&](db::Tx& tx) { return tx.Query(sql, {}, on_row); });
  }
  absl::Status ReadObjects(const std::string& service, const char* sql) {
    return Query(service, sql, [&](const db::Row& row) {
      StoredObject& object = state_.objects[row.Text(0)];
      object.revision = row.Int(1);
      object.effects[row.Text(2)] = static_cast<int>(row.Int(3));
    });
  }
  absl::Status ReadPayments() {
    return Query("payments", kPayments, [&](const db::Row& row) {
      state_.payments[row.Text(0)] = {static_cast<int>(row.Int(1)), row.Int(2), row.Int(3), row.Bool(4)};
    });
  }
  absl::Status CheckUnique(const Uniqueness& rule) {
    return Query(rule.service, rule.sql, [&](const db::Row& row) {
      if (row.Int(0) == 0) return;
      state_.problems.push_back(std::string(rule.service) + ": " + std::to_string(row.Int(0)) + " " + rule.what);
    });
  }
  absl::Status VerifyLedger() {
    ASSIGN_OR_RETURN(const auto database, stores_.open("payments"));
    base::OpContext ctx(kClock, kClock.Steady() + kReadMax);
    ASSIGN_OR_RETURN(const payments::LedgerReport report, payments::VerifyLedger(ctx, *database));
    for (const std::string& problem : report.problems) state_.problems.push_back("ledger: " + problem);
    return absl::OkStatus();
  }
  absl::Status VerifyAudit(const std::string& service) {
    base::SystemRandom random;
    ASSIGN_OR_RETURN(const auto keys, auth::KeyRing::Open({.folder = stores_.keys}, kClock, random));
    ASSIGN_OR_RETURN(const auto database, stores_.open(service));
    base::OpContext ctx(kClock, kClock.Steady() + kReadMax);
    ASSIGN_OR_RETURN(const auth::AuditReport report, auth::AuditVerify(ctx, *database, *keys, service));
    for (const auth::AuditProblem& problem : report.problems) {
      state_.problems.push_back("audit of " + service + ": " + std::to_string(problem.sequence) + " " +
                                problem.text.en);
    }
    return absl::OkStatus();
  }

  const Stores stores_;
  FinalState state_;
};

}  // namespace

Stores StoresOf(Cluster& cluster) {
  const auto open = [&cluster](const std::string& service) {
    db::PostgresOptions options;
    options.dsn = cluster.postgres().Dsn();
    options.schema = service;
    options.migrate = false;
    return db::OpenPostgres(options, kClock);
  };
  return {open, cluster.keys()};
}

Stores StoresOf(const std::string& data_dir) {
  const auto open = [data_dir](const std::string& service) {
    db::SqliteOptions options;
    options.path = data_dir + "/db/" + service + ".sqlite";
    return db::OpenSqlite(options, kClock);
  };
  return {open, data_dir + "/keys"};
}

absl::StatusOr<FinalState> ReadFinalState(Stores stores) { return Reader(std::move(stores)).Run(); }

}  // namespace dinh::testing
