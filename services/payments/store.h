// Every SQL statement of the service.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/auth/principal.h"
#include "libs/db/database.h"
#include "services/payments/domain/charge.h"
#include "services/payments/domain/credit.h"
#include "services/payments/domain/ledger.h"

namespace dinh::payments {

// The files of migrations/, embedded at build time.
std::vector<db::Migration> Migrations();

struct CollectingAccountRow {
  std::string id;
  std::string agency;
  std::string bank_bin;
  std::string account_number;
  std::string holder_name;
  bool active = false;
};

struct ChargeLineRow {
  std::string text;
  base::Vnd unit_price_vnd = 0;
  int64_t count = 0;
  base::Vnd amount_vnd = 0;
};

struct ChargeRow {
  Charge charge;  // charge.purpose is purpose_kind
  std::string content_hash;
  int64_t revision = 1;
  std::string memo;
  std::string unit;
  std::string purpose_ref;
  std::string description;
  std::vector<ChargeLineRow> lines;
  CollectingAccountRow account;
  std::vector<std::string> owner_persons;

  auth::ResourceScope scope() const { return {owner_persons, "", charge.agency, unit}; }
};

struct CreditRow {
  Credit credit;
  std::string bank_bin;
  std::string bank_transaction;
  std::string content_hash;
  std::string account_number;
  std::optional<std::string> collecting_account;
  std::string memo_sealed;
  base::Micros received_at = 0;
  std::string signing_key;
  Disposition disposition = Disposition::kUnknownMemo;
  std::string outcome;
  std::optional<std::string> charge;
};

struct SuspenseRow {
  SuspenseItem item;
  int64_t revision = 1;
  std::string unit;   // of the agency, today
  std::string cause;  // DispositionName, or kReleasedCause
  std::optional<std::string> credit;
  std::optional<std::string> charge;
  base::Micros created_at = 0;
  std::optional<base::Micros> resolved_at;
  std::string resolved_by;
  std::optional<std::string> note_sealed;
  // Of the credit.
  std::string bank_transaction;
  std::string memo_sealed;

  auth::ResourceScope scope() const { return {{}, "", item.agency, unit}; }
};
inline constexpr std::string_view kReleasedCause = "released";

// Where a page of charges begins: after this one, newest first.
struct ChargeKey {
  base::Micros opened_at = 0;
  std::string id;
};

struct AgencyUnit {
  std::string agency;
  std::string unit;
  auto operator<=>(const AgencyUnit&) const = default;
};

// Thread-safe: holds no state.
class Store {
 public:
  explicit Store(db::Engine engine) : engine_(engine) {}

  // Replaces what the file says; accounts that it no longer names stay, inactive. FAILED_PRECONDITION
  // ACCOUNTS_FILE_INVALID when an account would change its agency: its ledger belongs to the old one.
  absl::Status ReplaceAccounts(db::Tx& tx, const std::vector<CollectingAccountRow>& accounts,
                               const std::map<std::string, std::string>& unit_of_agency) const;
  absl::StatusOr<std::optional<CollectingAccountRow>> FindActiveAccount(db::Tx& tx, std::string_view agency) const;
  absl::StatusOr<std::optional<CollectingAccountRow>> FindAccount(db::Tx& tx, std::string_view bank_bin,
                                                                  std::string_view account_number) const;

  absl::StatusOr<std::optional<ChargeRow>> FindCharge(db::Tx& tx, std::string_view id) const;
  // For a change: the row is locked where the engine has locks.
  absl::StatusOr<std::optional<ChargeRow>> FindChargeForUpdate(db::Tx& tx, std::string_view id) const;
  absl::StatusOr<std::optional<ChargeRow>> FindChargeByReferenceForUpdate(db::Tx& tx, std::string_view reference) const;
  absl::StatusOr<bool> ReferenceExists(db::Tx& tx, std::string_view reference) const;
  absl::Status InsertCharge(db::Tx& tx, const ChargeRow& row) const;
  // ABORTED when the row has changed since it was read.
  absl::Status UpdateCharge(db::Tx& tx, const ChargeRow& row) const;
  // `state`: nullopt for all. Newest first, after `key`.
  absl::StatusOr<std::vector<ChargeRow>> ListChargesOfPerson(db::Tx& tx, std::string_view person,
                                                             std::optional<ChargeState> state,
                                                             const std::optional<ChargeKey>& key, int limit) const;
  absl::StatusOr<std::vector<ChargeRow>> ListChargesOfAgencies(db::Tx& tx, const std::vector<AgencyUnit>& agencies,
                                                               std::optional<ChargeState> state,
                                                               const std::optional<ChargeKey>& key, int limit) const;
  // Ids of unpaid charges whose time was over before `now`, longest over first.
  absl::StatusOr<std::vector<std::string>> ListExpiring(db::Tx& tx, base::Micros now, int limit) const;

  absl::StatusOr<std::optional<CreditRow>> FindCredit(db::Tx& tx, std::string_view bank_bin,
                                                      std::string_view bank_transaction) const;
  absl::Status InsertCredit(db::Tx& tx, const CreditRow& row) const;

  absl::Status InsertSuspense(db::Tx& tx, const SuspenseRow& row) const;
  absl::StatusOr<std::optional<SuspenseRow>> FindSuspenseForUpdate(db::Tx& tx, std::string_view id) const;
  absl::Status UpdateSuspense(db::Tx& tx, const SuspenseRow& row) const;
  // Oldest first, ids after `after`.
  absl::StatusOr<std::vector<SuspenseRow>> ListSuspense(db::Tx& tx, const std::vector<AgencyUnit>& agencies,
                                                        bool include_resolved, std::string_view after, int limit) const;

  // Writes the accounts it needs as well. INTERNAL for a posting that breaks the ledger's rules.
  absl::Status InsertTransfer(db::Tx& tx, const Transfer& transfer) const;

  // For the verification, in one snapshot.
  absl::Status EachTransfer(db::Tx& tx, const std::function<void(const Transfer&)>& visit) const;
  // What the other tables say the accounts of one kind must hold, by account code.
  absl::StatusOr<std::map<std::string, base::Vnd>> ExpectedBalances(db::Tx& tx, AccountKind kind) const;
  // Rows whose own transfers do not add up to them, in plain words.
  absl::StatusOr<std::vector<std::string>> Mismatches(db::Tx& tx) const;
  absl::StatusOr<int64_t> CountCredits(db::Tx& tx) const;

 private:
  absl::StatusOr<std::optional<ChargeRow>> FindChargeWhere(db::Tx& tx, std::string_view where, std::string_view value,
                                                           bool for_update) const;
  absl::Status ReadOwners(db::Tx& tx, ChargeRow& row) const;

  const db::Engine engine_;
};

}  // namespace dinh::payments
