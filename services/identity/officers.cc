#include "services/identity/officers.h"

#include <optional>
#include <utility>

#include "services/identity/errors.h"

namespace dinh::identity {

absl::Status CheckNewOfficer(const Roles& roles, const NewOfficer& officer, std::string_view password) {
  std::vector<base::FieldViolation> violations = CheckGrants(roles, officer.grants, "officer.grants");
  if (!violations.empty()) return base::InvalidFields(std::move(violations));
  if (std::optional<base::Text> weakness = PasswordWeakness(password, officer.username)) {
    return PasswordTooWeak("password", *std::move(weakness));
  }
  return absl::OkStatus();
}

OfficerRow MakeOfficer(base::IdGenerator& ids, const NewOfficer& officer) {
  OfficerRow row;
  row.account = ids.Next();
  row.person = ids.Next();
  row.username = officer.username;
  row.full_name = officer.full_name;
  row.position = officer.position;
  row.grants = officer.grants;
  if (!row.grants.empty()) {
    row.agency = row.grants.front().agency;
    row.unit = row.grants.front().unit;
  }
  return row;
}

absl::Status AddOfficer(db::Tx& tx, const Store& store, const OfficerRow& row, std::string_view password_hash) {
  ASSIGN_OR_RETURN(const std::optional<AccountRow> taken, store.AccountByUsername(tx, row.username));
  if (taken) return UsernameTaken();
  AccountRow account;
  account.id = row.account;
  account.kind = AccountKind::kOfficer;
  account.username = row.username;
  account.password_hash = std::string(password_hash);
  RETURN_IF_ERROR(store.InsertAccount(tx, account));
  PersonRow person;
  person.person.id = row.person;
  person.person.full_name = row.full_name;
  // Whoever appoints an officer has seen their papers; there is no number, so it claims nobody's.
  person.person.assurance = Assurance::kSeenAtDesk;
  person.created_at = tx.context().Now();
  RETURN_IF_ERROR(store.InsertPerson(tx, person, row.account));
  return store.InsertOfficer(tx, row);
}

}  // namespace dinh::identity
