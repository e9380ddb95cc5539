// Every SQL statement of the service (store.cc: people and officers; store_logins.cc: logins, codes, limits). Personal
// columns are sealed and opened here and nowhere else.
//
// Thread-safe: holds no state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/sealer.h"
#include "libs/db/database.h"
#include "services/identity/domain/rate_window.h"
#include "services/identity/rows.h"

namespace dinh::identity {

// The files of migrations/, embedded at build time.
std::vector<db::Migration> Migrations();

class Store {
 public:
  explicit Store(const auth::Sealer& sealer) : sealer_(sealer) {}

  // Accounts.
  absl::Status InsertAccount(db::Tx& tx, const AccountRow& account) const;
  absl::StatusOr<std::optional<AccountRow>> Account(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<std::optional<AccountRow>> AccountByPhone(db::Tx& tx, std::string_view phone) const;
  absl::StatusOr<std::optional<AccountRow>> AccountByUsername(db::Tx& tx, std::string_view username) const;
  absl::Status SetLocked(db::Tx& tx, std::string_view account, bool locked) const;
  // false: the password is no longer `old_hash`.
  absl::StatusOr<bool> SetPassword(db::Tx& tx, std::string_view account, std::string_view old_hash,
                                   std::string_view new_hash) const;

  // Persons. A verified personal number that somebody else has: ALREADY_EXISTS reason UNIQUE_VIOLATION.
  absl::Status InsertPerson(db::Tx& tx, const PersonRow& row, std::string_view verified_by) const;
  absl::StatusOr<std::optional<PersonRow>> PersonById(db::Tx& tx, std::string_view id) const;
  // WHERE revision = row.revision; then row.revision counts on. ABORTED STALE_ETAG when somebody was faster.
  absl::Status UpdatePerson(db::Tx& tx, PersonRow& row) const;
  // The same with papers seen: sets assurance, number and who saw them.
  absl::Status VerifyPerson(db::Tx& tx, PersonRow& row, std::string_view verified_by) const;
  // Somebody else than `except` has this number verified, under whichever key it was indexed: the unique index alone
  // does not see values of an older key.
  absl::StatusOr<bool> IsNumberVerified(db::Tx& tx, std::string_view number, std::string_view except) const;
  absl::Status LinkPerson(db::Tx& tx, std::string_view account, std::string_view person) const;
  absl::StatusOr<std::optional<OwnPersonRow>> OwnPerson(db::Tx& tx, std::string_view account,
                                                        std::string_view person) const;
  // In the order in which they were added.
  absl::StatusOr<std::vector<PersonRow>> PersonsOf(db::Tx& tx, std::string_view account) const;
  absl::StatusOr<std::vector<std::string>> PersonIdsOf(db::Tx& tx, std::string_view account) const;

  absl::Status InsertOrganisation(db::Tx& tx, const OrganisationRow& row) const;
  absl::StatusOr<std::vector<OrganisationRow>> OrganisationsOf(db::Tx& tx, std::string_view person) const;

  // Officers.
  absl::Status InsertOfficer(db::Tx& tx, const OfficerRow& row) const;
  absl::StatusOr<std::optional<OfficerRow>> Officer(db::Tx& tx, std::string_view account) const;
  // With an account id greater than `after`, in that order.
  absl::StatusOr<std::vector<OfficerRow>> OfficersOf(db::Tx& tx, std::string_view agency, std::string_view unit,
                                                     std::string_view after, int limit) const;
  absl::StatusOr<std::vector<RoleGrant>> GrantsOf(db::Tx& tx, std::string_view account) const;
  // WHERE revision = row.revision; then row.revision counts on. ABORTED STALE_ETAG.
  absl::Status SetGrants(db::Tx& tx, OfficerRow& row) const;
  // All who hold any role of this agency in this unit.
  absl::StatusOr<std::vector<Colleague>> Colleagues(db::Tx& tx, std::string_view agency, std::string_view unit) const;

  // Accesses to personal data. Rows already there stay as they are.
  absl::Status AddAccess(db::Tx& tx, const AccessRow& row) const;
  // How far a service's audit log has been read; 0 at first.
  absl::StatusOr<int64_t> AccessCursor(db::Tx& tx, std::string_view service) const;
  absl::Status SetAccessCursor(db::Tx& tx, std::string_view service, int64_t sequence) const;
  // Newest first, older than `before`.
  absl::StatusOr<std::vector<AccessRow>> AccessesOf(db::Tx& tx, std::string_view person,
                                                    const std::optional<AccessKey>& before, int limit) const;

  // Logins.
  absl::Status InsertLogin(db::Tx& tx, const LoginRow& row, std::string_view address) const;
  absl::StatusOr<std::optional<LoginRow>> Login(db::Tx& tx, std::string_view id) const;
  // Writes what a transition, a use or the choice of a person changed.
  absl::Status UpdateLogin(db::Tx& tx, const LoginRow& row) const;
  // Active and not expired, newest first, those older than the login `before` ("": from the newest).
  absl::StatusOr<std::vector<LoginRow>> ActiveLogins(db::Tx& tx, std::string_view account, std::string_view before,
                                                     int64_t limit) const;
  absl::StatusOr<bool> HasLoggedInFrom(db::Tx& tx, std::string_view account, std::string_view address,
                                       base::Micros since) const;
  absl::StatusOr<std::optional<RightsRow>> Rights(db::Tx& tx, std::string_view account, std::string_view login,
                                                  std::string_view person) const;

  // Codes. What is stored of a code is a keyed hash bound to its challenge.
  std::string CodeIndex(std::string_view challenge, std::string_view code) const;
  // Constant time.
  bool IsCode(const ChallengeRow& row, std::string_view code) const;
  absl::Status InsertChallenge(db::Tx& tx, const ChallengeRow& row) const;
  absl::StatusOr<std::optional<ChallengeRow>> FindChallenge(db::Tx& tx, std::string_view id) const;
  absl::Status UpdateChallenge(db::Tx& tx, const ChallengeRow& row) const;

  // Devices. Only the hash of a device's token is kept.
  absl::Status InsertDevice(db::Tx& tx, std::string_view token, std::string_view account) const;
  absl::Status TouchDevice(db::Tx& tx, std::string_view token) const;
  // The account it belongs to.
  absl::StatusOr<std::optional<std::string>> DeviceAccount(db::Tx& tx, std::string_view token) const;

  // Limits.
  absl::Status AddAttempt(db::Tx& tx, AttemptKind kind, std::string_view subject) const;
  absl::StatusOr<RateUsage> CountAttempts(db::Tx& tx, AttemptKind kind, std::string_view subject,
                                          base::Micros since) const;

  // Removes up to `limit` rows of each kind that nobody needs any more; the number removed.
  absl::StatusOr<int64_t> Sweep(db::Tx& tx, base::Micros now, int limit) const;

 private:
  std::string AttemptIndex(AttemptKind kind, std::string_view subject) const;
  absl::StatusOr<PersonRow> ReadPerson(const db::Row& row) const;
  absl::StatusOr<AccountRow> ReadAccount(const db::Row& row) const;
  absl::StatusOr<LoginRow> ReadLogin(const db::Row& row) const;
  absl::StatusOr<OfficerRow> ReadOfficer(const db::Row& row) const;
  absl::StatusOr<std::optional<AccountRow>> OneAccount(db::Tx& tx, std::string_view where, db::Param value) const;
  absl::StatusOr<std::string> OpenOr(std::string_view context, std::string_view row_id, const db::Row& row,
                                     int column) const;

  const auth::Sealer& sealer_;
};

}  // namespace dinh::identity
