#include "tests/bench/by_hand.h"

#include <libpq-fe.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <utility>

#include "tests/bench/submitters.h"

namespace dinh::bench {
namespace {

constexpr int kAttachmentsPerClient = 20'000;

// What proceduresd sends for one CreateDossier (seen in the server's log), one statement after the other as a program
// would: the claim's lock, the claim, the day's number, the dossier, its event, its timeline, its paper, its audit row,
// the stored answer. Values have the sizes they have there. Each client takes its own papers, in order.
constexpr char kSubmit[] = R"(\set n :n + 1
\set u (:client_id * 1000000 + :n) * 1000 + :round
SELECT pg_try_advisory_lock(:u);
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT body_hash, answer, created_at FROM idempotency WHERE claim = decode(lpad(:u::text, 64, '0'), 'hex');
INSERT INTO dossier_numbers (agency_code, day, last) VALUES ('H56.15865', 20783, 1) ON CONFLICT (agency_code, day) DO UPDATE SET last = dossier_numbers.last + 1 RETURNING last;
SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT);
INSERT INTO dossiers (id, code, revision, procedure, procedure_version, channel, filer_person, filer_account, filer_sealed, content_sealed, assisting_officer, receiving_agency, deciding_agency, unit, agency_name, unit_name, external_ids, state, step, step_since, resume_state, charge_due, charge_paid, charge, charge_vnd, processed_by, submitted_at, due_date, waited_minutes, waited_elapsed, stars) VALUES ('hand-dossier-' || lpad(:u::text, 23, '0'), 'H56.15865-HAND-' || :u::text, 1, '2.000635', 1, 0, '01a214f3-f7d2-73d4-a975-676f98a9c3f1', '01a214f3-f7d2-73d4-a974-051f508367fe', decode(repeat('a7', 190), 'hex'), decode(repeat('b7', 400), 'hex'), '', 'ubnd-15865', 'ubnd-15865', '15865', 'UBND xã Hoằng Hóa', 'xã Hoằng Hóa', '{}', 1, -1, 1795647873220649, 0, 0, 0, '', 0, '[]', 1795647873220649, '', 0, 0, 0);
INSERT INTO outbox (id, type, version, subject, occurred_at, payload, sealed, traceparent) VALUES ('hand-event-' || lpad(:u::text, 25, '0'), 'procedures.dossier_changed', 1, 'H56.15865-HAND-' || :u::text, 1795647873222340, decode(repeat('0a', 62), 'hex'), 0, '00-4c394fd3ad3b192b4a6e9476737269c9-95d01e2cd020f6c1-00');
INSERT INTO timeline (dossier, position, at, event, from_state, to_state, from_step, to_step, actor_kind, actor, actor_role, note_sealed, pause_from, pause_to) VALUES ('hand-dossier-' || lpad(:u::text, 23, '0'), (SELECT COALESCE(MAX(position), 0) + 1 FROM timeline WHERE dossier = 'hand-dossier-' || lpad(:u::text, 23, '0')), 1795647873220649, 'submit', 0, 1, -1, -1, 0, '01a214f3-f7d2-73d4-a975-676f98a9c3f1', '', NULL, NULL, NULL);
UPDATE attachments SET dossier = 'hand-dossier-' || lpad(:u::text, 23, '0'), kind = 1, position = 1 WHERE id = 'hand-paper-' || :client_id || '-' || :round || '-' || :n AND owner_account = 'hand' AND (owner_person = '' OR owner_person = 'hand') AND dossier IS NULL RETURNING id, owner_account, owner_person, dossier, kind, file_name_sealed, blob, content_type, size_bytes, sha256, created_at;
INSERT INTO audit (id, at, caller_kind, caller, person, method, subject, resource, outcome, reason, trace) VALUES ('hand-audit-' || lpad(:u::text, 25, '0'), 1795647873222983, 2, '01a214f3-f7d2-73d4-a974-051f508367fe', '01a214f3-f7d2-73d4-a975-676f98a9c3f1', 'dinh.procedures.v1.DossierService/CreateDossier', '01a214f3-f7d2-73d4-a975-676f98a9c3f1', 'H56.15865-HAND-' || :u::text, 0, 'hồ sơ H56.15865-HAND-' || :u::text, '4c394fd3ad3b192b4a6e9476737269c9');
INSERT INTO idempotency (claim, body_hash, answer, created_at) VALUES (decode(lpad(:u::text, 64, '0'), 'hex'), decode(repeat('2f', 32), 'hex'), decode(repeat('c7', 1500), 'hex'), 1795647873222983);
COMMIT;
SELECT pg_advisory_unlock_all();
)";

constexpr char kRead[] =
    "SELECT id, code, revision, procedure, procedure_version, channel, filer_person, filer_account, filer_sealed, "
    "content_sealed, assisting_officer, receiving_agency, deciding_agency, unit, agency_name, unit_name, external_ids, "
    "state, step, step_since, resume_state, charge_due, charge_paid, charge, charge_vnd, processed_by, submitted_at, "
    "accepted_at, waiting_since, finished_at, due_date, waited_minutes, waited_elapsed, resumed_at, tracking_sealed, "
    "reason_sealed, stars, comment_sealed, rated_at FROM dossiers WHERE code = ";

double After(const std::string& text, const std::string& label) {
  const size_t at = text.find(label);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + label.size(), nullptr);
}

}  // namespace

int64_t Deadlocks(const std::string& dsn) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(dsn.c_str()), PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(connection.get(), "SELECT CAST(SUM(deadlocks) AS BIGINT) FROM pg_stat_database"), PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) Fail(PQerrorMessage(connection.get()));
  return std::strtoll(PQgetvalue(result.get(), 0, 0), nullptr, 10);
}

ByHand::ByHand(std::string dsn, std::string folder) : dsn_(std::move(dsn)), folder_(std::move(folder)) {}

void ByHand::Sql(const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(dsn_.c_str()), PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Fail(PQerrorMessage(connection.get()));
}

PgbenchResult ByHand::Run(const std::string& script, int clients, int seconds, const std::string& more) {
  const std::string file = folder_ + "/by_hand.sql";
  std::ofstream(file) << script;
  const std::string command = "pgbench -n -M prepared -c " + std::to_string(clients) + " -j 2 -T " +
                              std::to_string(seconds) + " " + more + " -f '" + file + "' '" + dsn_ + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) Fail("pgbench");
  std::string output;
  std::array<char, 4096> buffer;
  for (size_t n = fread(buffer.data(), 1, buffer.size(), pipe); n > 0;
       n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  const PgbenchResult result{After(output, "tps = "), After(output, "latency average = ")};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || result.per_s <= 0) Fail("pgbench: " + output);
  return result;
}

PgbenchResult ByHand::Submit(int clients, int seconds) {
  const std::string round = std::to_string(++rounds_);
  Sql("INSERT INTO attachments (id, owner_account, owner_person, dossier, kind, position, file_name_sealed, blob, "
      "content_type, size_bytes, sha256, created_at) SELECT 'hand-paper-' || c || '-" +
      round + "-' || n, 'hand', 'hand', NULL, 0, 0, decode(repeat('d7', 60), 'hex'), 'hand-' || c || '-" + round +
      "-' || n, 'application/pdf', 1000, repeat('e', 64), 1795647873222983 FROM generate_series(0, " +
      std::to_string(clients - 1) + ") AS c, generate_series(1, " + std::to_string(kAttachmentsPerClient) + ") AS n");
  return Run(kSubmit, clients, seconds, "-D n=0 -D round=" + round);
}

PgbenchResult ByHand::Read(int clients, int seconds, const std::string& code) {
  return Run(kRead + ("'" + code + "';\n"), clients, seconds, "");
}

}  // namespace dinh::bench
