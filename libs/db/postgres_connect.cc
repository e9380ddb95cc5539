#include "libs/db/postgres_connect.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {

using Settings = std::map<std::string, std::string>;

struct ConninfoDeleter {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

absl::StatusOr<Settings> Parse(const std::string& dsn) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, ConninfoDeleter> parsed(PQconninfoParse(dsn.c_str(), &problem));
  // The text may repeat the password.
  PQfreemem(problem);
  if (parsed == nullptr || dsn.empty()) return DatabaseDsnInvalid();
  Settings settings;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings[option->keyword] = option->val;
  }
  return settings;
}

// As libpq reads a value.
std::string Quoted(const std::string& value) {
  const bool plain = value.find_first_of(" '\\") == std::string::npos;
  if (plain) return value;
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string Milliseconds(std::chrono::milliseconds time) { return std::to_string(time.count()); }

// What a session begins with, as the server's command line takes it: no round trip.
std::string SessionOptions(const PostgresOptions& options, PostgresTarget target) {
  std::string text =
      " -c timezone=UTC -c idle_in_transaction_session_timeout=" + Milliseconds(options.idle_in_transaction_timeout);
  if (!options.schema.empty()) text += " -c search_path=" + options.schema;
  if (target == PostgresTarget::kMigration) return text + " -c statement_timeout=0 -c lock_timeout=0";
  return text + " -c statement_timeout=" + Milliseconds(options.statement_timeout) +
         " -c lock_timeout=" + Milliseconds(options.lock_timeout);
}

void Complete(Settings& settings, const PostgresOptions& options, PostgresTarget target) {
  const auto seconds = std::max<int64_t>(2, (options.connect_timeout.count() + 999) / 1000);
  settings.try_emplace("connect_timeout", std::to_string(seconds));
  settings.try_emplace("application_name", options.application);
  settings.try_emplace("target_session_attrs", target == PostgresTarget::kReplica ? "any" : "read-write");
  // A server that vanished is noticed within some fifteen seconds.
  settings.try_emplace("keepalives_idle", "5");
  settings.try_emplace("keepalives_interval", "3");
  settings.try_emplace("keepalives_count", "3");
  settings.try_emplace("tcp_user_timeout", "15000");
  settings["client_encoding"] = "UTF8";
  settings["options"] += SessionOptions(options, target);
}

// libpq 15 tells no SQLSTATE of a connection that did not come about.
absl::Status Refusal(std::string_view message) {
  const auto says = [&](std::string_view text) { return message.find(text) != std::string_view::npos; };
  if (says("password authentication failed") || says("no password supplied") || says("no pg_hba.conf entry") ||
      says("authentication failed") || (says("role \"") && says("does not exist")) ||
      says("is not permitted to log in")) {
    return DatabaseLoginRefused();
  }
  if (says("database \"") && says("does not exist")) return DatabaseAbsent();
  return StorageUnavailable();
}

}  // namespace

absl::StatusOr<PostgresConn> ConnectPostgres(const PostgresOptions& options, PostgresTarget target) {
  ASSIGN_OR_RETURN(Settings settings, Parse(target == PostgresTarget::kReplica ? options.replica_dsn : options.dsn));
  Complete(settings, options, target);
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PostgresConn conn(PQconnectdbParams(keywords.data(), values.data(), 0));
  if (conn == nullptr) return StorageUnavailable();
  if (PQstatus(conn.get()) != CONNECTION_OK) {
    const std::string message = PQerrorMessage(conn.get());
    if (options.log) options.log("no connection: " + message);
    return Refusal(message);
  }
  PQsetNoticeProcessor(
      conn.get(), [](void*, const char*) {}, nullptr);
  return conn;
}

absl::StatusOr<std::string> ServiceDsn(const std::string& admin_dsn, const PostgresService& service) {
  ASSIGN_OR_RETURN(Settings settings, Parse(admin_dsn));
  settings["user"] = service.role;
  settings["password"] = service.password;
  std::string dsn;
  for (const char* name :
       {"host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert", "target_session_attrs", "user", "password"}) {
    const auto setting = settings.find(name);
    if (setting == settings.end() || setting->second.empty()) continue;
    dsn += dsn.empty() ? "" : " ";
    dsn += std::string(name) + "=" + Quoted(setting->second);
  }
  return dsn;
}

}  // namespace dinh::db
