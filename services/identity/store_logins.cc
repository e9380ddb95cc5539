#include <utility>

#include "libs/base/strings.h"
#include "libs/db/dialect.h"
#include "services/identity/limits.h"
#include "services/identity/store.h"

namespace dinh::identity {
namespace {

constexpr std::string_view kSecret = "logins.secret";
constexpr std::string_view kAddressIndex = "logins.address";
constexpr std::string_view kCodeIndex = "otp_challenges.code";
constexpr std::string_view kChallengePhone = "otp_challenges.phone";

constexpr std::string_view kLoginColumns =
    "SELECT id, account, person, state, generation, secret_sealed, rotated_at, device, created_at, last_used_at, "
    "expires_at FROM logins WHERE ";

std::string DeviceHash(std::string_view token) { return base::HexEncode(base::Sha256(token)); }

// Challenge and code as one value; a challenge's id has a fixed length, so no two pairs give the same bytes.
std::string CodeOfChallenge(std::string_view challenge, std::string_view code) {
  return std::string(challenge) + ":" + std::string(code);
}

}  // namespace

absl::Status Store::InsertLogin(db::Tx& tx, const LoginRow& row, std::string_view address) const {
  const std::string secret = sealer_.Seal(kSecret, row.id, row.secret);
  const std::string address_index = sealer_.BlindIndex(kAddressIndex, address);
  return tx
      .Exec(
          "INSERT INTO logins (id, account, person, state, generation, secret_sealed, rotated_at, device, "
          "address_index, created_at, last_used_at, expires_at) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
          {row.id, row.account, row.person, row.family.state, row.family.generation, db::BlobView{secret},
           row.family.rotated_at, row.device, db::BlobView{address_index}, row.created_at, row.last_used_at,
           row.expires_at})
      .status();
}

absl::StatusOr<LoginRow> Store::ReadLogin(const db::Row& row) const {
  LoginRow out;
  out.id = row.Text(0);
  out.account = row.Text(1);
  out.person = row.Text(2);
  out.family.state = static_cast<LoginState>(row.Int(3));
  out.family.generation = row.Int(4);
  ASSIGN_OR_RETURN(out.secret, sealer_.Open(kSecret, out.id, row.TextView(5)));
  out.family.rotated_at = row.Int(6);
  out.device = row.Text(7);
  out.created_at = row.Int(8);
  out.last_used_at = row.Int(9);
  out.expires_at = row.Int(10);
  return out;
}

absl::StatusOr<std::optional<LoginRow>> Store::Login(db::Tx& tx, std::string_view id) const {
  const std::string sql = std::string(kLoginColumns) + "id = $1" + std::string(db::ForUpdate(tx.engine()));
  std::optional<LoginRow> found;
  RETURN_IF_ERROR(tx.Query(sql, {id}, [&](const db::Row& row) -> absl::Status {
    ASSIGN_OR_RETURN(found, ReadLogin(row));
    return absl::OkStatus();
  }));
  return found;
}

absl::Status Store::UpdateLogin(db::Tx& tx, const LoginRow& row) const {
  const std::optional<base::Micros> ended =
      row.family.state == LoginState::kActive ? std::nullopt : std::optional<base::Micros>(tx.context().Now());
  return tx
      .Exec(
          "UPDATE logins SET person = $2, state = $3, generation = $4, rotated_at = $5, last_used_at = $6, "
          "expires_at = $7, ended_at = $8 WHERE id = $1",
          {row.id, row.person, row.family.state, row.family.generation, row.family.rotated_at, row.last_used_at,
           row.expires_at, ended})
      .status();
}

absl::StatusOr<std::vector<LoginRow>> Store::ActiveLogins(db::Tx& tx, std::string_view account, std::string_view before,
                                                          int64_t limit) const {
  const std::string sql = std::string(kLoginColumns) +
                          "account = $1 AND state = 1 AND expires_at > $2 AND ($4 = '' OR id < $4) "
                          "ORDER BY id DESC LIMIT $3";
  std::vector<LoginRow> out;
  RETURN_IF_ERROR(tx.Query(sql, {account, tx.context().Now(), limit, before}, [&](const db::Row& row) -> absl::Status {
    ASSIGN_OR_RETURN(LoginRow login, ReadLogin(row));
    out.push_back(std::move(login));
    return absl::OkStatus();
  }));
  return out;
}

absl::StatusOr<bool> Store::HasLoggedInFrom(db::Tx& tx, std::string_view account, std::string_view address,
                                            base::Micros since) const {
  for (const std::string& index : sealer_.BlindIndexCandidates(kAddressIndex, address)) {
    ASSIGN_OR_RETURN(const auto found,
                     tx.QueryOne("SELECT 1 FROM logins WHERE account = $1 AND address_index = $2 AND created_at > $3 "
                                 "LIMIT 1",
                                 {account, db::BlobView{index}, since}, [](const db::Row& row) { return row.Int(0); }));
    if (found) return true;
  }
  return false;
}

absl::StatusOr<std::optional<RightsRow>> Store::Rights(db::Tx& tx, std::string_view account, std::string_view login,
                                                       std::string_view person) const {
  return tx.QueryOne(
      "SELECT a.kind, a.locked, l.state, l.expires_at, COALESCE(p.id, o.person, ''), COALESCE(p.assurance, 2) "
      "FROM logins l JOIN accounts a ON a.id = l.account "
      "LEFT JOIN account_persons ap ON ap.account = a.id "
      "AND ap.person = CASE WHEN CAST($3 AS TEXT) = '' THEN l.person ELSE CAST($3 AS TEXT) END "
      "LEFT JOIN persons p ON p.id = ap.person "
      "LEFT JOIN officers o ON o.account = a.id "
      "WHERE l.id = $2 AND l.account = $1",
      {account, login, person}, [](const db::Row& row) {
        RightsRow out;
        out.kind = static_cast<AccountKind>(row.Int(0));
        out.locked = row.Bool(1);
        out.state = static_cast<LoginState>(row.Int(2));
        out.expires_at = row.Int(3);
        out.person = row.Text(4);
        out.assurance = out.person.empty() ? Assurance::kNone : static_cast<Assurance>(row.Int(5));
        return out;
      });
}

std::string Store::CodeIndex(std::string_view challenge, std::string_view code) const {
  return sealer_.BlindIndex(kCodeIndex, CodeOfChallenge(challenge, code));
}

bool Store::IsCode(const ChallengeRow& row, std::string_view code) const {
  bool same = false;
  for (const std::string& index : sealer_.BlindIndexCandidates(kCodeIndex, CodeOfChallenge(row.id, code))) {
    same = base::ConstantTimeEqual(index, row.code_index) || same;
  }
  return same;
}

absl::Status Store::InsertChallenge(db::Tx& tx, const ChallengeRow& row) const {
  const std::string phone = sealer_.Seal(kChallengePhone, row.id, row.phone);
  return tx
      .Exec(
          "INSERT INTO otp_challenges (id, phone_sealed, code_index, created_at, expires_at, attempts) "
          "VALUES ($1, $2, $3, $4, $5, $6)",
          {row.id, db::BlobView{phone}, db::BlobView{row.code_index}, tx.context().Now(), row.challenge.expires_at,
           row.challenge.attempts})
      .status();
}

absl::StatusOr<std::optional<ChallengeRow>> Store::FindChallenge(db::Tx& tx, std::string_view id) const {
  const std::string sql =
      "SELECT phone_sealed, code_index, expires_at, attempts, used_at FROM otp_challenges WHERE id = $1" +
      std::string(db::ForUpdate(tx.engine()));
  std::optional<ChallengeRow> found;
  RETURN_IF_ERROR(tx.Query(sql, {id}, [&](const db::Row& row) -> absl::Status {
    ChallengeRow out;
    out.id = std::string(id);
    ASSIGN_OR_RETURN(out.phone, sealer_.Open(kChallengePhone, id, row.TextView(0)));
    out.code_index = row.Text(1);
    out.challenge = {row.Int(2), static_cast<int>(row.Int(3)), row.OptInt(4)};
    found = std::move(out);
    return absl::OkStatus();
  }));
  return found;
}

absl::Status Store::UpdateChallenge(db::Tx& tx, const ChallengeRow& row) const {
  return tx
      .Exec("UPDATE otp_challenges SET attempts = $2, used_at = $3 WHERE id = $1",
            {row.id, row.challenge.attempts, row.challenge.used_at})
      .status();
}

absl::Status Store::InsertDevice(db::Tx& tx, std::string_view token, std::string_view account) const {
  const base::Micros now = tx.context().Now();
  RETURN_IF_ERROR(tx.Exec("INSERT INTO devices (token_hash, account, created_at, last_used_at) VALUES ($1, $2, $3, $3)",
                          {DeviceHash(token), account, now})
                      .status());
  return tx
      .Exec(
          "DELETE FROM devices WHERE account = $1 AND token_hash NOT IN (SELECT token_hash FROM devices "
          "WHERE account = $1 ORDER BY last_used_at DESC, token_hash LIMIT $2)",
          {account, kDevicesPerAccountMax})
      .status();
}

absl::Status Store::TouchDevice(db::Tx& tx, std::string_view token) const {
  return tx.Exec("UPDATE devices SET last_used_at = $2 WHERE token_hash = $1", {DeviceHash(token), tx.context().Now()})
      .status();
}

absl::StatusOr<std::optional<std::string>> Store::DeviceAccount(db::Tx& tx, std::string_view token) const {
  return tx.QueryOne("SELECT account FROM devices WHERE token_hash = $1", {DeviceHash(token)},
                     [](const db::Row& row) { return row.Text(0); });
}

std::string Store::AttemptIndex(AttemptKind kind, std::string_view subject) const {
  return sealer_.BlindIndex("attempts." + std::to_string(static_cast<int>(kind)), subject);
}

absl::Status Store::AddAttempt(db::Tx& tx, AttemptKind kind, std::string_view subject) const {
  const std::string index = AttemptIndex(kind, subject);
  return tx
      .Exec("INSERT INTO attempts (kind, subject, at) VALUES ($1, $2, $3)",
            {kind, db::BlobView{index}, tx.context().Now()})
      .status();
}

absl::StatusOr<RateUsage> Store::CountAttempts(db::Tx& tx, AttemptKind kind, std::string_view subject,
                                               base::Micros since) const {
  const std::string index = AttemptIndex(kind, subject);
  ASSIGN_OR_RETURN(const auto usage,
                   tx.QueryOne("SELECT COUNT(*), MIN(at) FROM attempts WHERE kind = $1 AND subject = $2 AND at > $3",
                               {kind, db::BlobView{index}, since}, [](const db::Row& row) {
                                 return RateUsage{row.Int(0), row.OptInt(1).value_or(0)};
                               }));
  return usage.value_or(RateUsage{});
}

absl::StatusOr<int64_t> Store::Sweep(db::Tx& tx, base::Micros now, int limit) const {
  ASSIGN_OR_RETURN(int64_t removed, tx.Exec("DELETE FROM otp_challenges WHERE id IN (SELECT id FROM otp_challenges "
                                            "WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
                                            {now - kAttemptsKept, limit}));
  // Rows have no key of their own: the oldest instants go, whole.
  ASSIGN_OR_RETURN(const int64_t attempts,
                   tx.Exec("DELETE FROM attempts WHERE at < $1 AND at IN (SELECT at FROM attempts WHERE at < $1 "
                           "ORDER BY at LIMIT $2)",
                           {now - kAttemptsKept, limit}));
  ASSIGN_OR_RETURN(const int64_t logins,
                   tx.Exec("DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE expires_at < $1 "
                           "OR ended_at < $1 ORDER BY expires_at LIMIT $2)",
                           {now - kLoginsKept, limit}));
  return removed + attempts + logins;
}

}  // namespace dinh::identity
