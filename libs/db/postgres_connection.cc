#include "libs/db/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"
#include "libs/db/rewrite.h"

namespace dinh::db {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A waiting caller looks at its deadline at least so often (its clock may be a test's).
constexpr std::chrono::milliseconds kWaitMax{100};
// How long the answer to a cancellation may take; then the connection is given up.
constexpr std::chrono::seconds kCancelPatience{5};

struct Fixed {
  const char* name;
  const char* sql;
};
constexpr Fixed kBeginRead = {"begin_read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
constexpr Fixed kBeginCommitted = {"begin_committed", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
constexpr Fixed kBeginSerializable = {"begin_serializable", "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"};
constexpr Fixed kCommit = {"commit", "COMMIT"};
constexpr Fixed kRollback = {"rollback", "ROLLBACK"};
constexpr Fixed kXid = {"xid", "SELECT CAST(pg_current_xact_id_if_assigned() AS TEXT)"};
constexpr Fixed kLock = {"lock", "SELECT pg_try_advisory_lock($1)"};
constexpr Fixed kUnlock = {"unlock", "SELECT pg_advisory_unlock_all()"};
constexpr std::array<Fixed, 8> kFixed = {kBeginRead, kBeginCommitted, kBeginSerializable, kCommit, kRollback, kXid,
                                         kLock,      kUnlock};
// The timeline (the first eight digits of a log file's name) changes with a fail-over; statistics begin anew when a
// server recovers from a crash.
constexpr char kHistory[] =
    "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '/' || "
    "EXTRACT(EPOCH FROM stats_reset) END FROM pg_stat_bgwriter";

bool IsSelect(std::string_view sql) {
  std::string word(base::Trim(sql).substr(0, 6));
  for (char& c : word) c = static_cast<char>(c | 0x20);
  return word == "select";
}

int64_t Changed(PGresult* result) {
  // CREATE TABLE … AS also says SELECT, but gives no rows.
  if (PQresultStatus(result) == PGRES_TUPLES_OK && std::string_view(PQcmdStatus(result)).starts_with("SELECT")) {
    return 0;
  }
  const std::string_view text = PQcmdTuples(result);
  int64_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
}

}  // namespace

PostgresConnection::PostgresConnection(const PostgresOptions& options, PostgresConn conn)
    : last_used(SteadyClock::now()), options_(options), conn_(std::move(conn)) {}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const PostgresOptions& options,
                                                                             PostgresTarget target) {
  ASSIGN_OR_RETURN(PostgresConn conn, ConnectPostgres(options, target));
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(options, std::move(conn)));
  RETURN_IF_ERROR(connection->Prepare());
  return connection;
}

// The fixed statements and the history, in one round trip.
absl::Status PostgresConnection::Prepare() {
  PGconn* conn = conn_.get();
  if (PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) != 1) return Lost();
  for (const Fixed& fixed : kFixed) {
    RETURN_IF_ERROR(Sent(PQsendPrepare(conn, fixed.name, fixed.sql, 0, nullptr)));
    pending_.push_back({Kind::kLater, nullptr});
  }
  RETURN_IF_ERROR(Sent(PQsendQueryParams(conn, kHistory, 0, nullptr, nullptr, nullptr, nullptr, 0)));
  pending_.push_back({Kind::kAnswer, nullptr});
  Sync();
  PostgresResult answer;
  RETURN_IF_ERROR(Collect(&answer));
  history_ = PQgetvalue(answer.get(), 0, 0);
  return absl::OkStatus();
}

bool PostgresConnection::Alive() {
  // What a server says that hangs up comes before the end itself.
  for (int i = 0; i < 2; ++i) {
    if (PQconsumeInput(conn_.get()) != 1) return false;
  }
  return usable();
}

void PostgresConnection::Begin(Mode mode) {
  mode_ = mode;
  begin_due_ = true;
  open_ = commit_sent_ = cancelled_ = false;
  answers_ = xids_due_ = 0;
  xid_unasked_ = false;
  xid_.reset();
  patience_.reset();
  failure_ = usable() ? Failure::kNone : Failure::kLost;
}

void PostgresConnection::SendFixed(const char* name, Kind kind) {
  if (!Sent(PQsendQueryPrepared(conn_.get(), name, 0, nullptr, nullptr, nullptr, 0)).ok()) return;
  pending_.push_back({kind, nullptr});
}

void PostgresConnection::SendBegin() {
  if (!begin_due_) return;
  begin_due_ = false;
  open_ = true;
  for (const std::string& name : evicted_) {
    const std::string sql = "DEALLOCATE " + name;
    if (!Sent(PQsendQueryParams(conn_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)).ok()) return;
    pending_.push_back({Kind::kIgnored, nullptr});
  }
  if (!evicted_.empty()) Sync();
  evicted_.clear();
  const Fixed& begin = mode_ == Mode::kReadOnly       ? kBeginRead
                       : mode_ == Mode::kSerializable ? kBeginSerializable
                                                      : kBeginCommitted;
  SendFixed(begin.name, Kind::kLater);
}

absl::Status PostgresConnection::Sent(int code) {
  if (code == 1) return absl::OkStatus();
  if (PQstatus(conn_.get()) != CONNECTION_OK) return Lost();
  broken_ = true;
  failure_ = Failure::kStatement;
  return base::Internal(std::string("libpq: ") + PQerrorMessage(conn_.get()));
}

void PostgresConnection::Sync() {
  if (Sent(PQpipelineSync(conn_.get())).ok()) pending_.push_back({Kind::kSync, nullptr});
}

absl::StatusOr<PostgresConnection::StatementPtr> PostgresConnection::Get(std::string_view sql) {
  if (failure_ == Failure::kLost) return StorageUnavailable();
  // Without a transaction the statement would commit by itself.
  if (!begin_due_ && !open_) return StorageUnavailable();
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return *found->second;
  }
  return Compile(sql);
}

absl::StatusOr<PostgresConnection::StatementPtr> PostgresConnection::Compile(std::string_view sql) {
  if (ControlsTransaction(sql)) return base::Internal("a closure may not run: " + std::string(sql));
  if (base::Trim(sql).empty()) return base::Internal("exactly one statement is expected");
  auto statement = std::make_shared<Statement>();
  statement->sql = std::string(sql);
  statement->name = "s" + std::to_string(++last_name_);
  statement->writes = !IsSelect(sql);
  SendBegin();
  RETURN_IF_ERROR(Sent(PQsendPrepare(conn_.get(), statement->name.c_str(), statement->sql.c_str(), 0, nullptr)));
  pending_.push_back({Kind::kLater, statement});
  RETURN_IF_ERROR(Sent(PQsendDescribePrepared(conn_.get(), statement->name.c_str())));
  pending_.push_back({Kind::kAnswer, statement});
  Sync();
  PostgresResult description;
  RETURN_IF_ERROR(Collect(&description));
  for (int i = 0; i < PQnparams(description.get()); ++i) statement->params.push_back(PQparamtype(description.get(), i));
  for (int i = 0; i < PQnfields(description.get()); ++i) statement->columns.push_back(PQftype(description.get(), i));
  Keep(statement);
  if (options_.on_prepare) options_.on_prepare(sql);
  if (absl::Status readable = CheckColumns(statement->columns); !readable.ok()) {
    return base::Internal(std::string(readable.message()) + ": " + statement->sql);
  }
  return StatementPtr(statement);
}

void PostgresConnection::Keep(StatementPtr statement) {
  recent_.push_front(std::move(statement));
  statements_.emplace(recent_.front()->sql, recent_.begin());
  while (recent_.size() > static_cast<size_t>(std::max(options_.statements_max, 1))) {
    evicted_.push_back(recent_.back()->name);
    statements_.erase(recent_.back()->sql);
    recent_.pop_back();
  }
}

absl::Status PostgresConnection::Send(const StatementPtr& statement, const Param* params, size_t count, Kind kind) {
  if (statement->params.size() != count) {
    return base::Internal("the statement has " + std::to_string(statement->params.size()) + " parameters, given " +
                          std::to_string(count) + ": " + statement->sql);
  }
  if (absl::Status fits = params_.Encode(statement->params, params, count); !fits.ok()) {
    if (!absl::IsInternal(fits)) return fits;
    return base::Internal(std::string(fits.message()) + ": " + statement->sql);
  }
  SendBegin();
  RETURN_IF_ERROR(Sent(PQsendQueryPrepared(conn_.get(), statement->name.c_str(), params_.count(), params_.values(),
                                           params_.lengths(), params_.formats(), 1)));
  pending_.push_back({kind, statement});
  if (statement->writes && mode_ != Mode::kReadOnly && !xid_) {
    // Known before COMMIT is sent: whoever loses the connection then can ask what became of it. One question at a time:
    // what follows in the same round trip need not ask again unless the first wrote nothing.
    xid_unasked_ = xids_due_ > 0;
    if (!xid_unasked_) AskXid();
  }
  return absl::OkStatus();
}

void PostgresConnection::AskXid() {
  SendFixed(kXid.name, Kind::kXid);
  ++xids_due_;
  xid_unasked_ = false;
}

absl::StatusOr<int64_t> PostgresConnection::Exec(std::string_view sql, const Param* params, size_t count) {
  ASSIGN_OR_RETURN(const StatementPtr statement, Get(sql));
  RETURN_IF_ERROR(Send(statement, params, count, Kind::kAnswer));
  Sync();
  PostgresResult answer;
  RETURN_IF_ERROR(Collect(&answer));
  return Changed(answer.get());
}

absl::Status PostgresConnection::ExecLater(std::string_view sql, const Param* params, size_t count) {
  ASSIGN_OR_RETURN(const StatementPtr statement, Get(sql));
  return Send(statement, params, count, Kind::kLater);
}

absl::Status PostgresConnection::Query(std::string_view sql, const Param* params, size_t count,
                                       const std::function<absl::Status(const Row&)>& on_row) {
  ASSIGN_OR_RETURN(const StatementPtr statement, Get(sql));
  RETURN_IF_ERROR(Send(statement, params, count, Kind::kAnswer));
  Sync();
  PostgresResult answer;
  RETURN_IF_ERROR(Collect(&answer));
  PostgresRow row(answer.get(), statement->columns);
  const int rows = PQntuples(answer.get());
  for (int i = 0; i < rows; ++i) {
    row.Go(i);
    RETURN_IF_ERROR(on_row(row));
  }
  return absl::OkStatus();
}

absl::Status PostgresConnection::Commit() {
  if (failure_ == Failure::kLost) return StorageUnavailable();
  if (!open_) {
    begin_due_ = false;
    return absl::OkStatus();
  }
  if (!xid_ && (xids_due_ > 0 || xid_unasked_)) {
    if (xid_unasked_) AskXid();
    Sync();
    RETURN_IF_ERROR(Collect(nullptr));
  }
  watched_ = nullptr;
  commit_sent_ = true;
  SendFixed(kCommit.name, Kind::kCommit);
  Sync();
  RETURN_IF_ERROR(Collect(nullptr));
  open_ = false;
  return absl::OkStatus();
}

void PostgresConnection::EndRead() {
  begin_due_ = false;
  if (!open_) return;
  open_ = false;
  if (failure_ != Failure::kNone || cancelled_) {
    open_ = true;
    Rollback();
    return;
  }
  SendFixed(kCommit.name, Kind::kIgnored);
  Sync();
  (void)PQflush(conn_.get());
}

void PostgresConnection::Rollback() {
  begin_due_ = false;
  // A cancellation may still be on its way and would hit the next transaction.
  if (cancelled_) broken_ = true;
  if (!open_) return;
  open_ = false;
  if (!usable()) return;
  watched_ = nullptr;
  const Failure cause = failure_;
  SendFixed(kRollback.name, Kind::kIgnored);
  Sync();
  if (!Collect(nullptr).ok()) broken_ = true;
  failure_ = cause;
}

void PostgresConnection::TryLock(int64_t key) {
  locked_ = false;
  std::array<char, 8> bytes{};
  auto bits = static_cast<uint64_t>(key);
  for (size_t i = bytes.size(); i > 0; --i, bits >>= 8) bytes[i - 1] = static_cast<char>(bits & 0xff);
  const char* value = bytes.data();
  const int length = bytes.size(), format = 1;
  if (!Sent(PQsendQueryPrepared(conn_.get(), kLock.name, 1, &value, &length, &format, 1)).ok()) return;
  pending_.push_back({Kind::kLock, nullptr});
  Sync();
}

void PostgresConnection::Unlock(bool wait) {
  locked_ = false;
  if (!usable()) return;
  SendFixed(kUnlock.name, Kind::kIgnored);
  Sync();
  if (wait) {
    const Failure cause = failure_;
    if (!Collect(nullptr).ok()) broken_ = true;
    failure_ = cause;
  } else {
    (void)PQflush(conn_.get());
  }
}

// Reads what is under way, in order. The first error is returned, the answer handed out.
absl::Status PostgresConnection::Collect(PostgresResult* answer) {
  absl::Status first;
  while (!pending_.empty()) {
    const Pending pending = std::move(pending_.front());
    pending_.pop_front();
    PostgresResult result;
    if (!Next(&result) || result == nullptr) return Lost();
    if (pending.kind == Kind::kSync) continue;
    // Each statement's results end with none.
    for (PostgresResult more; Next(&more) && more != nullptr;) continue;
    if (PQstatus(conn_.get()) != CONNECTION_OK) return Lost();
    absl::Status status = Take(pending, std::move(result), answer);
    if (first.ok()) first = std::move(status);
  }
  if (failure_ == Failure::kLost) return StorageUnavailable();
  return first;
}

absl::Status PostgresConnection::Take(const Pending& pending, PostgresResult result, PostgresResult* answer) {
  if (pending.kind == Kind::kXid) --xids_due_;
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      break;
    case PGRES_PIPELINE_ABORTED:  // one before it failed
      if (pending.kind == Kind::kCommit) commit_sent_ = false;
      if (failure_ == Failure::kNone) failure_ = Failure::kStatement;
      return pending.kind == Kind::kIgnored ? absl::OkStatus() : base::Internal("skipped after an error");
    case PGRES_EMPTY_QUERY:
      failure_ = Failure::kStatement;
      return base::Internal("exactly one statement is expected");
    default:
      if (pending.kind == Kind::kIgnored) {
        broken_ = true;
        return absl::OkStatus();
      }
      if (pending.kind == Kind::kCommit) commit_sent_ = false;  // the server says that it did not happen
      return Error(result.get(), pending.statement != nullptr ? pending.statement->sql : "");
  }
  if (pending.kind == Kind::kXid && PQgetisnull(result.get(), 0, 0) == 0) xid_ = PQgetvalue(result.get(), 0, 0);
  if (pending.kind == Kind::kLock) locked_ = *PQgetvalue(result.get(), 0, 0) == '\1';
  if (pending.kind == Kind::kCommit && std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
    commit_sent_ = false;
    failure_ = Failure::kStatement;
    return base::Internal("the transaction had failed before its commit");
  }
  if (pending.kind == Kind::kAnswer && answer != nullptr) {
    ++answers_;
    *answer = std::move(result);
  }
  return absl::OkStatus();
}

// The next result, null at the end of a statement's. false: the connection is lost.
bool PostgresConnection::Next(PostgresResult* result) {
  if (!Wait()) return false;
  result->reset(PQgetResult(conn_.get()));
  return true;
}

bool PostgresConnection::Wait() {
  PGconn* conn = conn_.get();
  int unsent = PQflush(conn);
  while (unsent >= 0 && PQisBusy(conn) == 1) {
    pollfd entry{PQsocket(conn), static_cast<int16_t>(POLLIN | (unsent > 0 ? POLLOUT : 0)), 0};
    auto limit = std::chrono::milliseconds(1000);
    if (watched_ != nullptr) limit = std::clamp(watched_->Remaining(), std::chrono::milliseconds(1), kWaitMax);
    const int ready = ::poll(&entry, 1, static_cast<int>(limit.count()));
    if (ready == 0 && OutOfTime()) return false;
    if (ready > 0 && (entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && PQconsumeInput(conn) != 1) return false;
    unsent = PQflush(conn);
  }
  return unsent >= 0;
}

// Asks the server to stop when the operation is late; true when it did not listen.
bool PostgresConnection::OutOfTime() {
  const auto now = SteadyClock::now();
  if (patience_) return now > *patience_;
  if (watched_ == nullptr || watched_->Check().ok()) return false;
  patience_ = now + kCancelPatience;
  cancelled_ = true;
  std::array<char, 256> problem{};
  PGcancel* cancel = PQgetCancel(conn_.get());
  (void)PQcancel(cancel, problem.data(), static_cast<int>(problem.size()));
  PQfreeCancel(cancel);
  return false;
}

absl::Status PostgresConnection::Lost() {
  if (failure_ != Failure::kLost && options_.log) {
    options_.log(std::string("connection lost: ") + PQerrorMessage(conn_.get()));
  }
  failure_ = Failure::kLost;
  broken_ = true;
  locked_ = false;
  pending_.clear();
  if (cancelled_ && watched_ != nullptr) {
    failure_ = Failure::kStatement;
    return watched_->Check();
  }
  return StorageUnavailable();
}

absl::Status PostgresConnection::Error(const PGresult* result, std::string_view sql) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return Cause(state == nullptr ? "" : state, std::string(message == nullptr ? "" : message) + " (" +
                                                  (state == nullptr ? "" : state) + ") in: " + std::string(sql));
}

absl::Status PostgresConnection::Cause(std::string_view state, const std::string& cause) {
  const auto log = [&] {
    if (options_.log) options_.log(cause);
  };
  const std::string_view family = state.substr(0, 2);
  failure_ = Failure::kStatement;
  if (state == "40001" || state == "40P01" || (state == "0A000" && cause.find("cached plan") != std::string::npos)) {
    if (state == "0A000") broken_ = true;  // every plan of this connection may be stale
    failure_ = Failure::kAgain;
    return StorageBusy();
  }
  if (state == "23505") return UniqueViolation();
  if (state == "23503") return ReferenceViolation();
  if (state == "57014" && cancelled_ && watched_ != nullptr) {
    absl::Status late = watched_->Check();
    if (!late.ok()) return late;
  }
  if (state == "57014" || state == "55P03") {
    log();
    return StorageBusy();
  }
  if (state == "25006" && mode_ != Mode::kReadOnly) {
    // The primary has become a standby under us.
    log();
    broken_ = true;
    failure_ = Failure::kLost;
    return StorageUnavailable();
  }
  if (family == "53" || family == "57" || family == "58" || family == "08" || family == "XX") {
    log();
    if (family != "53") broken_ = true;
    return StorageUnavailable();
  }
  return base::Internal(cause);
}

absl::StatusOr<int64_t> PostgresTx::ExecParams(std::string_view sql, const Param* params, size_t count) {
  if (!failed_.ok()) return failed_;
  absl::StatusOr<int64_t> changed = connection_.Exec(sql, params, count);
  if (!changed.ok()) failed_ = changed.status();
  return changed;
}

absl::Status PostgresTx::ExecLaterParams(std::string_view sql, const Param* params, size_t count) {
  if (failed_.ok()) failed_ = connection_.ExecLater(sql, params, count);
  return failed_;
}

absl::Status PostgresTx::QueryParams(std::string_view sql, const Param* params, size_t count,
                                     const std::function<absl::Status(const Row&)>& on_row) {
  if (!failed_.ok()) return failed_;
  bool refused = false;  // by the closure, which is its own affair
  absl::Status status = connection_.Query(sql, params, count, [&](const Row& row) {
    absl::Status seen = on_row(row);
    refused = !seen.ok();
    return seen;
  });
  if (!status.ok() && !refused) failed_ = status;
  return status;
}

}  // namespace dinh::db
