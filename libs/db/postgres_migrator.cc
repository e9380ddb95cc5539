#include "libs/db/postgres_migrator.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"
#include "libs/db/migrations.h"
#include "libs/db/postgres_connect.h"
#include "libs/db/postgres_types.h"
#include "libs/db/rewrite.h"
#include "libs/db/store_copy.h"

namespace dinh::db {
namespace {

// The first half of the advisory locks' keys; the other half is the schema's hash.
constexpr int kMigrationLock = 0x64696e68;

constexpr char kCopyMark[] = "SELECT 1 FROM pg_tables WHERE tablename = 'copy_progress' AND schemaname = $1";

using Texts = std::vector<std::string>;

// A plain connection: statements one by one, values as text.
class Session {
 public:
  Session(PostgresConn conn, const PostgresOptions& options) : conn_(std::move(conn)), options_(options) {}

  absl::StatusOr<PostgresResult> Run(const std::string& sql, const Texts& params = {}) {
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const std::string& param : params) values.push_back(param.c_str());
    return Check(PQexecParams(conn_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                              nullptr, nullptr, 0));
  }
  // Several statements.
  absl::Status Script(const std::string& sql) { return Check(PQexec(conn_.get(), sql.c_str())).status(); }

  std::string Literal(const std::string& text) const {
    char* quoted = PQescapeLiteral(conn_.get(), text.data(), text.size());
    std::string out = quoted == nullptr ? "''" : quoted;
    PQfreemem(quoted);
    return out;
  }
  // What the server keeps instead of the password.
  std::string Verifier(const std::string& role, const std::string& password) const {
    char* made = PQencryptPasswordConn(conn_.get(), password.c_str(), role.c_str(), "scram-sha-256");
    std::string out = made == nullptr ? "" : made;
    PQfreemem(made);
    return out;
  }
  std::string DatabaseName() const { return PQdb(conn_.get()); }

 private:
  absl::StatusOr<PostgresResult> Check(PGresult* raw) {
    PostgresResult result(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const char* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
    const std::string cause = std::string(PQresultErrorMessage(raw)) + " (" + (state == nullptr ? "" : state) + ")";
    if (options_.log) options_.log(cause);
    if (state != nullptr && std::string_view(state) == "42501") return DatabaseRightMissing();
    if (PQstatus(conn_.get()) != CONNECTION_OK) return StorageUnavailable();
    return base::Internal(cause);
  }

  PostgresConn conn_;
  const PostgresOptions& options_;
};

absl::StatusOr<Session> Connect(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(PostgresConn conn, ConnectPostgres(options, PostgresTarget::kMigration));
  return Session(std::move(conn), options);
}

int Number(const PGresult* result, int row, int column) {
  const std::string_view text = PQgetvalue(result, row, column);
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

absl::StatusOr<std::vector<AppliedMigration>> Applied(Session& session, std::string_view component) {
  ASSIGN_OR_RETURN(const PostgresResult rows,
                   session.Run("SELECT version, checksum, compatible_from FROM schema_migrations WHERE component = $1 "
                               "ORDER BY version",
                               {std::string(component)}));
  std::vector<AppliedMigration> applied;
  for (int i = 0; i < PQntuples(rows.get()); ++i) {
    applied.push_back({Number(rows.get(), i, 0), PQgetvalue(rows.get(), i, 1), Number(rows.get(), i, 2)});
  }
  return applied;
}

absl::Status RunOne(Session& session, const base::Clock& clock, std::string_view component,
                    const Migration& migration) {
  RETURN_IF_ERROR(session.Script("BEGIN"));
  absl::Status status = session.Script(MigrationSql(Engine::kPostgres, migration.sql));
  if (status.ok()) {
    status =
        session
            .Run(
                "INSERT INTO schema_migrations (component, version, name, checksum, compatible_from, applied_at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                {std::string(component), std::to_string(migration.version), migration.name,
                 MigrationChecksum(migration), std::to_string(migration.compatible_from), std::to_string(clock.Now())})
            .status();
  }
  if (status.ok()) return session.Script("COMMIT");
  (void)session.Script("ROLLBACK");
  return status;
}

bool IsName(const std::string& name) {
  if (name.empty() || name.size() > 63 || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

absl::Status BadName(const std::string& name) {
  return base::InvalidField("name", {"Tên schema và tài khoản chỉ gồm chữ thường, số và “_”: " + name,
                                     "Names of schemas and roles are lower-case letters, digits and '_': " + name});
}

absl::StatusOr<bool> Exists(Session& session, const std::string& sql, const std::string& name) {
  ASSIGN_OR_RETURN(const PostgresResult found, session.Run(sql, {name}));
  return PQntuples(found.get()) > 0;
}

absl::Status ProvisionOne(Session& session, const PostgresService& service) {
  for (const std::string& name : {service.schema, service.role}) {
    if (!IsName(name)) return BadName(name);
  }
  ASSIGN_OR_RETURN(const bool known, Exists(session, "SELECT 1 FROM pg_roles WHERE rolname = $1", service.role));
  const std::string login =
      service.password.empty() ? std::string(" LOGIN")
                               : " LOGIN PASSWORD " + session.Literal(session.Verifier(service.role, service.password));
  // A role may hold schemas in several databases: names of objects stand in quotes, since "procedures" is a word of
  // SQL.
  const std::string role = "\"" + service.role + "\"", schema = "\"" + service.schema + "\"";
  RETURN_IF_ERROR(session.Script((known ? "ALTER ROLE " : "CREATE ROLE ") + role +
                                 " NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS" + login));
  RETURN_IF_ERROR(session.Script("GRANT " + role + " TO CURRENT_USER"));
  RETURN_IF_ERROR(session.Script("CREATE SCHEMA IF NOT EXISTS " + schema + " AUTHORIZATION " + role));
  RETURN_IF_ERROR(session.Script("ALTER SCHEMA " + schema + " OWNER TO " + role));
  RETURN_IF_ERROR(session.Script("REVOKE ALL ON SCHEMA " + schema + " FROM PUBLIC"));
  return session.Script("ALTER ROLE " + role + " IN DATABASE \"" + session.DatabaseName() +
                        "\" SET search_path = " + schema);
}

}  // namespace

namespace {

// For a process that must find the schema as it needs it.
absl::Status CheckMigrations(Session& session, const std::string& schema, std::string_view component,
                             const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(
      const bool known,
      Exists(session, "SELECT 1 FROM pg_tables WHERE tablename = 'schema_migrations' AND schemaname = $1", schema));
  if (!known) return SchemaBehind(schema);
  ASSIGN_OR_RETURN(const std::vector<AppliedMigration> applied, Applied(session, component));
  ASSIGN_OR_RETURN(const std::vector<const Migration*> plan, PlanMigrations(component, applied, migrations));
  return plan.empty() ? absl::OkStatus() : SchemaBehind(schema);
}

}  // namespace

absl::Status MigratePostgres(const PostgresOptions& options, const base::Clock& clock, std::string_view component,
                             const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(Session session, Connect(options));
  if (!options.copying) {
    ASSIGN_OR_RETURN(const bool unfinished, Exists(session, kCopyMark, options.schema));
    if (unfinished) return CopyUnfinished(options.schema);
  }
  if (!options.migrate) return CheckMigrations(session, options.schema, component, migrations);
  // Given back with the connection, whatever happens.
  RETURN_IF_ERROR(
      session.Run("SELECT pg_advisory_lock($1, hashtext($2))", {std::to_string(kMigrationLock), options.schema})
          .status());
  RETURN_IF_ERROR(session.Script(MigrationSql(Engine::kPostgres, kMigrationsTable)));
  ASSIGN_OR_RETURN(const std::vector<AppliedMigration> applied, Applied(session, component));
  ASSIGN_OR_RETURN(const std::vector<const Migration*> plan, PlanMigrations(component, applied, migrations));
  for (const Migration* migration : plan) RETURN_IF_ERROR(RunOne(session, clock, component, *migration));
  return absl::OkStatus();
}

absl::Status EnsurePostgresSchema(const PostgresOptions& options) {
  if (!IsName(options.schema)) return BadName(options.schema);
  ASSIGN_OR_RETURN(Session session, Connect(options));
  const std::string look = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
  ASSIGN_OR_RETURN(bool exists, Exists(session, look, options.schema));
  if (!exists && !options.migrate) return SchemaAbsent(options.schema);
  if (exists) {
    ASSIGN_OR_RETURN(const bool usable,
                     Exists(session, look + " AND has_schema_privilege(oid, 'USAGE')", options.schema));
    return usable ? absl::OkStatus() : DatabaseRightMissing();
  }
  const absl::Status made = session.Script("CREATE SCHEMA IF NOT EXISTS \"" + options.schema + "\"");
  if (made.ok()) return made;
  // Somebody else may have made it at the same time.
  ASSIGN_OR_RETURN(exists, Exists(session, look, options.schema));
  return exists ? absl::OkStatus() : SchemaAbsent(options.schema);
}

absl::StatusOr<std::vector<std::string>> PostgresSchemas(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(Session session, Connect(options));
  ASSIGN_OR_RETURN(const PostgresResult found,
                   session.Run("SELECT schemaname FROM pg_tables WHERE tablename = 'schema_migrations' AND "
                               "starts_with(schemaname, $1) ORDER BY schemaname",
                               {options.schema}));
  std::vector<std::string> schemas;
  for (int i = 0; i < PQntuples(found.get()); ++i) schemas.emplace_back(PQgetvalue(found.get(), i, 0));
  return schemas;
}

absl::StatusOr<bool> PostgresHoldsData(const PostgresOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> schemas, PostgresSchemas(options));
  return !schemas.empty();
}

absl::StatusOr<CopyTarget> LookAtTarget(const PostgresOptions& options) {
  if (!IsName(options.schema)) return BadName(options.schema);
  ASSIGN_OR_RETURN(Session session, Connect(options));
  ASSIGN_OR_RETURN(const bool begun, Exists(session, kCopyMark, options.schema));
  if (begun) return CopyTarget::kUnfinished;
  ASSIGN_OR_RETURN(const bool used,
                   Exists(session, "SELECT 1 FROM pg_tables WHERE schemaname = $1 LIMIT 1", options.schema));
  return used ? CopyTarget::kInUse : CopyTarget::kEmpty;
}

absl::Status PrepareTarget(const PostgresOptions& options) {
  RETURN_IF_ERROR(EnsurePostgresSchema(options));
  ASSIGN_OR_RETURN(Session session, Connect(options));
  return session.Script(
      "CREATE TABLE IF NOT EXISTS copy_progress (table_name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, "
      "last_key TEXT NOT NULL, done SMALLINT NOT NULL)");
}

absl::Status ProvisionPostgres(const std::string& admin_dsn, const std::vector<PostgresService>& services) {
  PostgresOptions options;
  options.dsn = admin_dsn;
  ASSIGN_OR_RETURN(Session session, Connect(options));
  RETURN_IF_ERROR(session.Script("REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
  for (const PostgresService& service : services) RETURN_IF_ERROR(ProvisionOne(session, service));
  return absl::OkStatus();
}

}  // namespace dinh::db
