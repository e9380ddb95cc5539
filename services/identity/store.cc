#include "services/identity/store.h"

#include <utility>

namespace dinh::identity {
namespace {

constexpr std::string_view kNumberIndex = "persons.personal_number";
constexpr std::string_view kPhoneIndex = "accounts.phone";

constexpr std::string_view kAccountColumns =
    "SELECT id, kind, phone_sealed, username, password_hash, locked FROM accounts WHERE ";
constexpr std::string_view kPersonColumns =
    "p.id, p.revision, p.full_name_sealed, p.personal_number_sealed, p.birth_date_sealed, p.address_text_sealed, "
    "p.address_unit, p.address_at, p.phone_sealed, p.assurance, p.created_at";
constexpr std::string_view kOfficerColumns =
    "SELECT o.account, o.revision, o.person, a.username, p.full_name_sealed, o.position, o.agency, o.unit, a.locked "
    "FROM officers o JOIN accounts a ON a.id = o.account JOIN persons p ON p.id = o.person WHERE ";

// A value for a BLOB column, NULL when there is nothing to keep.
class Sealed {
 public:
  Sealed(const auth::Sealer& sealer, std::string_view context, std::string_view row, std::string_view plain)
      : bytes_(plain.empty() ? "" : sealer.Seal(context, row, plain)) {}
  operator db::Param() const { return bytes_.empty() ? db::Param(db::Null{}) : db::Param(db::BlobView{bytes_}); }

 private:
  std::string bytes_;
};

class Index {
 public:
  Index(const auth::Sealer& sealer, std::string_view context, std::string_view plain)
      : bytes_(plain.empty() ? "" : sealer.BlindIndex(context, plain)) {}
  operator db::Param() const { return bytes_.empty() ? db::Param(db::Null{}) : db::Param(db::BlobView{bytes_}); }

 private:
  std::string bytes_;
};

db::Param OrNull(const std::string& text) { return text.empty() ? db::Param(db::Null{}) : db::Param(text); }

// Reads rows with a mapping that may fail.
template <typename T, typename F>
absl::StatusOr<std::vector<T>> All(db::Tx& tx, std::string_view sql, db::Params params, F&& read) {
  std::vector<T> out;
  RETURN_IF_ERROR(tx.Query(sql, params, [&](const db::Row& row) -> absl::Status {
    absl::StatusOr<T> value = read(row);
    if (!value.ok()) return value.status();
    out.push_back(*std::move(value));
    return absl::OkStatus();
  }));
  return out;
}

template <typename T, typename F>
absl::StatusOr<std::optional<T>> One(db::Tx& tx, std::string_view sql, db::Params params, F&& read) {
  ASSIGN_OR_RETURN(std::vector<T> found, All<T>(tx, sql, params, std::forward<F>(read)));
  if (found.empty()) return std::optional<T>();
  return std::optional<T>(std::move(found.front()));
}

absl::Status ChangedOne(const absl::StatusOr<int64_t>& changed) {
  RETURN_IF_ERROR(changed.status());
  return *changed == 1 ? absl::OkStatus() : base::StaleEtag();
}

}  // namespace

absl::StatusOr<std::string> Store::OpenOr(std::string_view context, std::string_view row_id, const db::Row& row,
                                          int column) const {
  if (row.IsNull(column)) return std::string();
  return sealer_.Open(context, row_id, row.TextView(column));
}

absl::StatusOr<AccountRow> Store::ReadAccount(const db::Row& row) const {
  AccountRow account;
  account.id = row.Text(0);
  account.kind = static_cast<AccountKind>(row.Int(1));
  ASSIGN_OR_RETURN(account.phone, OpenOr(kPhoneIndex, account.id, row, 2));
  account.username = row.OptText(3).value_or("");
  account.password_hash = row.Text(4);
  account.locked = row.Bool(5);
  return account;
}

absl::Status Store::InsertAccount(db::Tx& tx, const AccountRow& account) const {
  return tx
      .Exec(
          "INSERT INTO accounts (id, kind, phone_sealed, phone_index, username, password_hash, locked, created_at) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
          {account.id, account.kind, Sealed(sealer_, kPhoneIndex, account.id, account.phone),
           Index(sealer_, kPhoneIndex, account.phone), OrNull(account.username), account.password_hash, account.locked,
           tx.context().Now()})
      .status();
}

absl::StatusOr<std::optional<AccountRow>> Store::OneAccount(db::Tx& tx, std::string_view where, db::Param value) const {
  const std::string sql = std::string(kAccountColumns) + std::string(where) + " = $1";
  return One<AccountRow>(tx, sql, {value}, [this](const db::Row& row) { return ReadAccount(row); });
}

absl::StatusOr<std::optional<AccountRow>> Store::Account(db::Tx& tx, std::string_view id) const {
  return OneAccount(tx, "id", id);
}

absl::StatusOr<std::optional<AccountRow>> Store::AccountByPhone(db::Tx& tx, std::string_view phone) const {
  for (const std::string& index : sealer_.BlindIndexCandidates(kPhoneIndex, phone)) {
    ASSIGN_OR_RETURN(std::optional<AccountRow> found, OneAccount(tx, "phone_index", db::BlobView{index}));
    if (found) return found;
  }
  return std::optional<AccountRow>();
}

absl::StatusOr<std::optional<AccountRow>> Store::AccountByUsername(db::Tx& tx, std::string_view username) const {
  return OneAccount(tx, "username", username);
}

absl::Status Store::SetLocked(db::Tx& tx, std::string_view account, bool locked) const {
  return tx.Exec("UPDATE accounts SET locked = $2 WHERE id = $1", {account, locked}).status();
}

absl::StatusOr<bool> Store::SetPassword(db::Tx& tx, std::string_view account, std::string_view old_hash,
                                        std::string_view new_hash) const {
  ASSIGN_OR_RETURN(const int64_t changed,
                   tx.Exec("UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
                           {account, old_hash, new_hash}));
  return changed == 1;
}

absl::StatusOr<PersonRow> Store::ReadPerson(const db::Row& row) const {
  PersonRow out;
  Person& person = out.person;
  person.id = row.Text(0);
  out.revision = row.Int(1);
  ASSIGN_OR_RETURN(person.full_name, OpenOr("persons.full_name", person.id, row, 2));
  ASSIGN_OR_RETURN(person.personal_number, OpenOr(kNumberIndex, person.id, row, 3));
  ASSIGN_OR_RETURN(person.birth_date, OpenOr("persons.birth_date", person.id, row, 4));
  ASSIGN_OR_RETURN(person.address.text, OpenOr("persons.address_text", person.id, row, 5));
  person.address.unit = row.Text(6);
  person.address.at = row.Text(7);
  ASSIGN_OR_RETURN(person.phone, OpenOr("persons.phone", person.id, row, 8));
  person.assurance = static_cast<Assurance>(row.Int(9));
  out.created_at = row.Int(10);
  return out;
}

absl::Status Store::InsertPerson(db::Tx& tx, const PersonRow& row, std::string_view verified_by) const {
  const Person& p = row.person;
  const std::optional<int64_t> verified_at =
      verified_by.empty() ? std::nullopt : std::optional<int64_t>(row.created_at);
  return tx
      .Exec(
          "INSERT INTO persons (id, revision, full_name_sealed, personal_number_sealed, personal_number_index, "
          "birth_date_sealed, address_text_sealed, address_unit, address_at, phone_sealed, assurance, created_at, "
          "verified_by, verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
          {p.id, row.revision, Sealed(sealer_, "persons.full_name", p.id, p.full_name),
           Sealed(sealer_, kNumberIndex, p.id, p.personal_number), Index(sealer_, kNumberIndex, p.personal_number),
           Sealed(sealer_, "persons.birth_date", p.id, p.birth_date),
           Sealed(sealer_, "persons.address_text", p.id, p.address.text), p.address.unit, p.address.at,
           Sealed(sealer_, "persons.phone", p.id, p.phone), p.assurance, row.created_at, verified_by, verified_at})
      .status();
}

absl::StatusOr<std::optional<PersonRow>> Store::PersonById(db::Tx& tx, std::string_view id) const {
  const std::string sql = "SELECT " + std::string(kPersonColumns) + " FROM persons p WHERE p.id = $1";
  return One<PersonRow>(tx, sql, {id}, [this](const db::Row& row) { return ReadPerson(row); });
}

absl::Status Store::UpdatePerson(db::Tx& tx, PersonRow& row) const {
  const Person& p = row.person;
  RETURN_IF_ERROR(ChangedOne(
      tx.Exec("UPDATE persons SET revision = revision + 1, full_name_sealed = $3, personal_number_sealed = $4, "
              "personal_number_index = $5, birth_date_sealed = $6, address_text_sealed = $7, address_unit = $8, "
              "address_at = $9, phone_sealed = $10 WHERE id = $1 AND revision = $2",
              {p.id, row.revision, Sealed(sealer_, "persons.full_name", p.id, p.full_name),
               Sealed(sealer_, kNumberIndex, p.id, p.personal_number), Index(sealer_, kNumberIndex, p.personal_number),
               Sealed(sealer_, "persons.birth_date", p.id, p.birth_date),
               Sealed(sealer_, "persons.address_text", p.id, p.address.text), p.address.unit, p.address.at,
               Sealed(sealer_, "persons.phone", p.id, p.phone)})));
  ++row.revision;
  return absl::OkStatus();
}

absl::Status Store::VerifyPerson(db::Tx& tx, PersonRow& row, std::string_view verified_by) const {
  const Person& p = row.person;
  RETURN_IF_ERROR(ChangedOne(
      tx.Exec("UPDATE persons SET revision = revision + 1, assurance = $3, personal_number_sealed = $4, "
              "personal_number_index = $5, verified_by = $6, verified_at = $7 WHERE id = $1 AND revision = $2",
              {p.id, row.revision, p.assurance, Sealed(sealer_, kNumberIndex, p.id, p.personal_number),
               Index(sealer_, kNumberIndex, p.personal_number), verified_by, tx.context().Now()})));
  ++row.revision;
  return absl::OkStatus();
}

absl::StatusOr<bool> Store::IsNumberVerified(db::Tx& tx, std::string_view number, std::string_view except) const {
  if (number.empty()) return false;
  for (const std::string& index : sealer_.BlindIndexCandidates(kNumberIndex, number)) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> found,
                     tx.QueryOne("SELECT 1 FROM persons WHERE personal_number_index = $1 AND assurance >= 2 "
                                 "AND id <> $2",
                                 {db::BlobView{index}, except}, [](const db::Row& row) { return row.Int(0); }));
    if (found) return true;
  }
  return false;
}

absl::Status Store::LinkPerson(db::Tx& tx, std::string_view account, std::string_view person) const {
  return tx
      .Exec("INSERT INTO account_persons (account, person, added_at) VALUES ($1, $2, $3)",
            {account, person, tx.context().Now()})
      .status();
}

absl::StatusOr<std::optional<OwnPersonRow>> Store::OwnPerson(db::Tx& tx, std::string_view account,
                                                             std::string_view person) const {
  const std::string sql = "SELECT " + std::string(kPersonColumns) +
                          " FROM account_persons ap JOIN persons p ON p.id = ap.person "
                          "WHERE ap.account = $1 AND ap.person = $2";
  ASSIGN_OR_RETURN(std::optional<PersonRow> found,
                   One<PersonRow>(tx, sql, {account, person}, [this](const auto& row) { return ReadPerson(row); }));
  if (!found) return std::optional<OwnPersonRow>();
  return std::optional<OwnPersonRow>(OwnPersonRow{*std::move(found), std::string(account)});
}

absl::StatusOr<std::vector<PersonRow>> Store::PersonsOf(db::Tx& tx, std::string_view account) const {
  const std::string sql = "SELECT " + std::string(kPersonColumns) +
                          " FROM account_persons ap JOIN persons p ON p.id = ap.person "
                          "WHERE ap.account = $1 ORDER BY ap.added_at, ap.person";
  return All<PersonRow>(tx, sql, {account}, [this](const db::Row& row) { return ReadPerson(row); });
}

absl::StatusOr<std::vector<std::string>> Store::PersonIdsOf(db::Tx& tx, std::string_view account) const {
  return tx.QueryAll("SELECT person FROM account_persons WHERE account = $1 ORDER BY added_at, person", {account},
                     [](const db::Row& row) { return row.Text(0); });
}

absl::Status Store::InsertOrganisation(db::Tx& tx, const OrganisationRow& row) const {
  RETURN_IF_ERROR(
      tx.Exec("INSERT INTO organisations (id, name, tax_code, address_text_sealed, address_unit, "
              "address_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
              {row.id, row.name, row.tax_code, Sealed(sealer_, "organisations.address_text", row.id, row.address.text),
               row.address.unit, row.address.at, tx.context().Now()})
          .status());
  for (const std::string& person : row.representatives) {
    RETURN_IF_ERROR(
        tx.Exec("INSERT INTO organisation_representatives (person, organisation) VALUES ($1, $2)", {person, row.id})
            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<OrganisationRow>> Store::OrganisationsOf(db::Tx& tx, std::string_view person) const {
  const auto read = [this, person](const db::Row& row) -> absl::StatusOr<OrganisationRow> {
    OrganisationRow out{row.Text(0), row.Text(1), row.Text(2), {"", row.Text(4), row.Text(5)}, {std::string(person)}};
    ASSIGN_OR_RETURN(out.address.text, OpenOr("organisations.address_text", out.id, row, 3));
    return out;
  };
  return All<OrganisationRow>(tx,
                              "SELECT o.id, o.name, o.tax_code, o.address_text_sealed, o.address_unit, o.address_at "
                              "FROM organisation_representatives r JOIN organisations o ON o.id = r.organisation "
                              "WHERE r.person = $1 ORDER BY o.id",
                              {person}, read);
}

absl::Status Store::InsertOfficer(db::Tx& tx, const OfficerRow& row) const {
  RETURN_IF_ERROR(tx.Exec("INSERT INTO officers (account, revision, person, position, agency, unit) "
                          "VALUES ($1, $2, $3, $4, $5, $6)",
                          {row.account, row.revision, row.person, row.position, row.agency, row.unit})
                      .status());
  for (size_t i = 0; i < row.grants.size(); ++i) {
    const RoleGrant& grant = row.grants[i];
    RETURN_IF_ERROR(tx.Exec("INSERT INTO grants (account, position, role, agency, unit) VALUES ($1, $2, $3, $4, $5)",
                            {row.account, i, grant.role, grant.agency, grant.unit})
                        .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<OfficerRow> Store::ReadOfficer(const db::Row& row) const {
  OfficerRow out;
  out.account = row.Text(0);
  out.revision = row.Int(1);
  out.person = row.Text(2);
  out.username = row.Text(3);
  ASSIGN_OR_RETURN(out.full_name, OpenOr("persons.full_name", out.person, row, 4));
  out.position = row.Text(5);
  out.agency = row.Text(6);
  out.unit = row.Text(7);
  out.locked = row.Bool(8);
  return out;
}

absl::StatusOr<std::optional<OfficerRow>> Store::Officer(db::Tx& tx, std::string_view account) const {
  const std::string sql = std::string(kOfficerColumns) + "o.account = $1";
  ASSIGN_OR_RETURN(std::optional<OfficerRow> found,
                   One<OfficerRow>(tx, sql, {account}, [this](const db::Row& row) { return ReadOfficer(row); }));
  if (found) {
    ASSIGN_OR_RETURN(found->grants, GrantsOf(tx, account));
  }
  return found;
}

absl::StatusOr<std::vector<OfficerRow>> Store::OfficersOf(db::Tx& tx, std::string_view agency, std::string_view unit,
                                                          std::string_view after, int limit) const {
  const std::string sql =
      std::string(kOfficerColumns) + "o.agency = $1 AND o.unit = $2 AND o.account > $3 ORDER BY o.account LIMIT $4";
  ASSIGN_OR_RETURN(
      std::vector<OfficerRow> found,
      All<OfficerRow>(tx, sql, {agency, unit, after, limit}, [this](const db::Row& row) { return ReadOfficer(row); }));
  for (OfficerRow& officer : found) {
    ASSIGN_OR_RETURN(officer.grants, GrantsOf(tx, officer.account));
  }
  return found;
}

absl::StatusOr<std::vector<RoleGrant>> Store::GrantsOf(db::Tx& tx, std::string_view account) const {
  return tx.QueryAll("SELECT role, agency, unit FROM grants WHERE account = $1 ORDER BY position", {account},
                     [](const db::Row& row) {
                       return RoleGrant{row.Text(0), row.Text(1), row.Text(2)};
                     });
}

absl::Status Store::SetGrants(db::Tx& tx, OfficerRow& row) const {
  RETURN_IF_ERROR(ChangedOne(tx.Exec("UPDATE officers SET revision = revision + 1 WHERE account = $1 AND revision = $2",
                                     {row.account, row.revision})));
  RETURN_IF_ERROR(tx.Exec("DELETE FROM grants WHERE account = $1", {row.account}).status());
  for (size_t i = 0; i < row.grants.size(); ++i) {
    const RoleGrant& grant = row.grants[i];
    RETURN_IF_ERROR(tx.Exec("INSERT INTO grants (account, position, role, agency, unit) VALUES ($1, $2, $3, $4, $5)",
                            {row.account, i, grant.role, grant.agency, grant.unit})
                        .status());
  }
  ++row.revision;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Colleague>> Store::Colleagues(db::Tx& tx, std::string_view agency,
                                                         std::string_view unit) const {
  std::vector<Colleague> out;
  RETURN_IF_ERROR(
      tx.Query("SELECT g.account, a.locked, g.role FROM grants g JOIN accounts a ON a.id = g.account "
               "WHERE g.agency = $1 AND g.unit = $2 ORDER BY g.account, g.position",
               {agency, unit}, [&](const db::Row& row) {
                 if (out.empty() || out.back().account != row.TextView(0))
                   out.push_back({row.Text(0), row.Bool(1), {}});
                 out.back().grants.push_back({row.Text(2), std::string(agency), std::string(unit)});
               }));
  return out;
}

absl::Status Store::AddAccess(db::Tx& tx, const AccessRow& row) const {
  return tx
      .Exec(
          "INSERT INTO accesses (service, sequence, person, at, caller_kind, caller, actor, method, resource, reason) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (service, sequence) DO NOTHING",
          {row.service, row.sequence, row.person, row.at, row.caller_kind, row.caller, row.actor, row.method,
           row.resource, row.reason})
      .status();
}

absl::StatusOr<int64_t> Store::AccessCursor(db::Tx& tx, std::string_view service) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> last,
                   tx.QueryOne("SELECT last_sequence FROM access_cursors WHERE service = $1", {service},
                               [](const db::Row& row) { return row.Int(0); }));
  return last.value_or(0);
}

absl::Status Store::SetAccessCursor(db::Tx& tx, std::string_view service, int64_t sequence) const {
  return tx
      .Exec(
          "INSERT INTO access_cursors (service, last_sequence) VALUES ($1, $2) "
          "ON CONFLICT (service) DO UPDATE SET last_sequence = excluded.last_sequence",
          {service, sequence})
      .status();
}

absl::StatusOr<std::vector<AccessRow>> Store::AccessesOf(db::Tx& tx, std::string_view person,
                                                         const std::optional<AccessKey>& before, int limit) const {
  static constexpr std::string_view kColumns =
      "SELECT service, sequence, person, at, caller_kind, caller, actor, method, resource, reason FROM accesses "
      "WHERE person = $1 ";
  static constexpr std::string_view kOrder = "ORDER BY at DESC, service DESC, sequence DESC LIMIT $2";
  const auto read = [](const db::Row& row) -> absl::StatusOr<AccessRow> {
    return AccessRow{row.Text(0), row.Int(1),  row.Text(2), row.Int(3),  row.Text(4),
                     row.Text(5), row.Text(6), row.Text(7), row.Text(8), row.Text(9)};
  };
  if (!before) return All<AccessRow>(tx, std::string(kColumns) + std::string(kOrder), {person, limit}, read);
  const std::string sql = std::string(kColumns) + "AND (at, service, sequence) < ($3, $4, $5) " + std::string(kOrder);
  return All<AccessRow>(tx, sql, {person, limit, before->at, before->service, before->sequence}, read);
}

}  // namespace dinh::identity
