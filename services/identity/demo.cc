#include "services/identity/demo.h"

#include <optional>
#include <utility>

#include "libs/base/status.h"

namespace dinh::identity {
namespace {

constexpr size_t kDemoMemoryBytes = 1 << 20;

absl::Status AddCitizen(db::Tx& tx, const Store& store, base::IdGenerator& ids, const DemoCitizen& citizen) {
  // A phone without persons is a newcomer's: the account comes with the first login.
  if (citizen.persons.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<AccountRow> known, store.AccountByPhone(tx, citizen.phone));
  if (known) return absl::OkStatus();
  AccountRow account;
  account.id = ids.Next();
  account.phone = citizen.phone;
  RETURN_IF_ERROR(store.InsertAccount(tx, account));
  for (const Person& person : citizen.persons) {
    PersonRow row;
    row.person = person;
    row.person.id = ids.Next();
    row.person.assurance = Assurance::kPhone;
    row.created_at = tx.context().Now();
    RETURN_IF_ERROR(store.InsertPerson(tx, row, ""));
    RETURN_IF_ERROR(store.LinkPerson(tx, account.id, row.person.id));
  }
  return absl::OkStatus();
}

}  // namespace

auth::PasswordOptions DemoPasswordOptions() {
  auth::PasswordOptions options;
  options.ops = 1;
  options.memory_bytes = kDemoMemoryBytes;
  return options;
}

absl::Status LoadDemoAccounts(base::OpContext& ctx, db::Database& database, const Store& store, base::IdGenerator& ids,
                              const DemoAccounts& accounts) {
  std::vector<const DemoOfficer*> missing;
  const absl::Status read = database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    for (const DemoOfficer& officer : accounts.officers) {
      ASSIGN_OR_RETURN(const std::optional<AccountRow> known, store.AccountByUsername(tx, officer.officer.username));
      if (!known) missing.push_back(&officer);
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  auth::PasswordHasher hasher(DemoPasswordOptions());
  std::vector<std::pair<OfficerRow, std::string>> officers;
  for (const DemoOfficer* demo : missing) {
    ASSIGN_OR_RETURN(std::string hash, hasher.Hash(ctx, demo->password));
    officers.emplace_back(MakeOfficer(ids, demo->officer), std::move(hash));
  }
  return database.Transact(ctx, [&](db::Tx& tx) -> absl::Status {
    for (const DemoCitizen& citizen : accounts.citizens) RETURN_IF_ERROR(AddCitizen(tx, store, ids, citizen));
    for (const auto& [row, hash] : officers) RETURN_IF_ERROR(AddOfficer(tx, store, row, hash));
    return absl::OkStatus();
  });
}

}  // namespace dinh::identity
