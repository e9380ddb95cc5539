#include "services/payments/store.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/dialect.h"
#include "nlohmann/json.hpp"
#include "services/payments/errors.h"

namespace dinh::payments {
namespace {

using nlohmann::json;

// The order of columns that ReadCharge knows.
#define DINH_CHARGE_SELECT                                                                                    \
  "SELECT c.id, c.content_hash, c.revision, c.reference, c.memo, c.agency, c.unit, c.purpose_kind, "          \
  "c.purpose_ref, c.description, c.lines, c.collecting_account, c.amount_vnd, c.paid_vnd, c.state, "          \
  "c.opened_at, c.expires_at, c.settled_at, a.agency, a.bank_bin, a.account_number, a.holder_name, a.active " \
  "FROM charges c JOIN collecting_accounts a ON a.id = c.collecting_account "
// Newest first; the parameters of the key are $1, $2, that of the state $3 (0: all).
#define DINH_CHARGE_PAGE                                                                 \
  "(c.opened_at < $1 OR (c.opened_at = $1 AND c.id < $2)) AND ($3 = 0 OR c.state = $3) " \
  "ORDER BY c.opened_at DESC, c.id DESC LIMIT $4"
#define DINH_SUSPENSE_SELECT                                                                                   \
  "SELECT s.id, s.revision, s.agency, s.cause, s.amount_vnd, s.remaining_vnd, s.state, s.collecting_account, " \
  "s.credit, s.charge, s.created_at, s.resolved_at, s.resolved_by, s.note_sealed, g.unit, "                    \
  "COALESCE(b.bank_transaction, ''), b.memo_sealed FROM suspense_items s "                                     \
  "JOIN agencies g ON g.id = s.agency LEFT JOIN bank_credits b ON b.id = s.credit "

std::string LinesJson(const std::vector<ChargeLineRow>& lines) {
  json list = json::array();
  for (const ChargeLineRow& line : lines) {
    list.push_back({{"text", line.text},
                    {"unit_price_vnd", line.unit_price_vnd},
                    {"count", line.count},
                    {"amount_vnd", line.amount_vnd}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<ChargeLineRow> ParseLines(std::string_view text) {
  std::vector<ChargeLineRow> lines;
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array()) return lines;
  for (const json& entry : list) {
    lines.push_back({entry.value("text", ""), entry.value("unit_price_vnd", int64_t{0}),
                     entry.value("count", int64_t{0}), entry.value("amount_vnd", int64_t{0})});
  }
  return lines;
}

ChargeRow ReadCharge(const db::Row& row) {
  ChargeRow out;
  Charge& charge = out.charge;
  charge.id = row.Text(0);
  out.content_hash = row.Text(1);
  out.revision = row.Int(2);
  charge.reference = row.Text(3);
  out.memo = row.Text(4);
  charge.agency = row.Text(5);
  out.unit = row.Text(6);
  charge.purpose = row.Text(7);
  out.purpose_ref = row.Text(8);
  out.description = row.Text(9);
  out.lines = ParseLines(row.TextView(10));
  charge.collecting_account = row.Text(11);
  charge.amount_vnd = row.Int(12);
  charge.paid_vnd = row.Int(13);
  charge.state = static_cast<ChargeState>(row.Int(14));
  charge.opened_at = row.Int(15);
  charge.expires_at = row.OptInt(16);
  charge.settled_at = row.OptInt(17);
  out.account = {charge.collecting_account, row.Text(18), row.Text(19), row.Text(20), row.Text(21), row.Bool(22)};
  return out;
}

SuspenseRow ReadSuspense(const db::Row& row) {
  SuspenseRow out;
  out.item.id = row.Text(0);
  out.revision = row.Int(1);
  out.item.agency = row.Text(2);
  out.cause = row.Text(3);
  out.item.amount_vnd = row.Int(4);
  out.item.remaining_vnd = row.Int(5);
  out.item.state = static_cast<SuspenseState>(row.Int(6));
  out.item.collecting_account = row.OptText(7).value_or("");
  out.credit = row.OptText(8);
  out.charge = row.OptText(9);
  out.created_at = row.Int(10);
  out.resolved_at = row.OptInt(11);
  out.resolved_by = row.Text(12);
  out.note_sealed = row.OptText(13);
  out.unit = row.Text(14);
  out.bank_transaction = row.Text(15);
  out.memo_sealed = row.OptText(16).value_or("");
  return out;
}

CollectingAccountRow ReadAccount(const db::Row& row) {
  return {row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Text(4), row.Bool(5)};
}

std::optional<std::string> NullIfEmpty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

absl::Status ExpectOne(const absl::StatusOr<int64_t>& changed) {
  if (!changed.ok()) return changed.status();
  return *changed == 1 ? absl::OkStatus() : base::StaleEtag();
}

// $1 and $2 of a page; the first page begins above every key.
ChargeKey StartOf(const std::optional<ChargeKey>& key) {
  return key.value_or(ChargeKey{std::numeric_limits<int64_t>::max(), ""});
}

bool Newer(const ChargeRow& a, const ChargeRow& b) {
  return std::pair(a.charge.opened_at, a.charge.id) > std::pair(b.charge.opened_at, b.charge.id);
}

}  // namespace

absl::Status Store::ReplaceAccounts(db::Tx& tx, const std::vector<CollectingAccountRow>& accounts,
                                    const std::map<std::string, std::string>& unit_of_agency) const {
  for (const auto& [agency, unit] : unit_of_agency) {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO agencies (id, unit) VALUES ($1, $2) "
                            "ON CONFLICT (id) DO UPDATE SET unit = excluded.unit",
                            {agency, unit})
                        .status());
  }
  // All inactive first: an agency may have one active account only, also in the middle of the change.
  RETURN_IF_ERROR(tx.Exec("UPDATE collecting_accounts SET active = 0 WHERE active = 1").status());
  for (const CollectingAccountRow& row : accounts) {
    ASSIGN_OR_RETURN(
        const int64_t changed,
        tx.Exec("INSERT INTO collecting_accounts (id, agency, bank_bin, account_number, holder_name, active) "
                "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET holder_name = excluded.holder_name, "
                "active = excluded.active WHERE collecting_accounts.agency = excluded.agency",
                {row.id, row.agency, row.bank_bin, row.account_number, row.holder_name, row.active}));
    if (changed == 0) return AccountMoved(row.id);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<CollectingAccountRow>> Store::FindActiveAccount(db::Tx& tx,
                                                                             std::string_view agency) const {
  return tx.QueryOne(
      "SELECT id, agency, bank_bin, account_number, holder_name, active FROM collecting_accounts "
      "WHERE agency = $1 AND active = 1",
      {agency}, ReadAccount);
}

absl::StatusOr<std::optional<CollectingAccountRow>> Store::FindAccount(db::Tx& tx, std::string_view bank_bin,
                                                                       std::string_view account_number) const {
  return tx.QueryOne(
      "SELECT id, agency, bank_bin, account_number, holder_name, active FROM collecting_accounts "
      "WHERE bank_bin = $1 AND account_number = $2",
      {bank_bin, account_number}, ReadAccount);
}

absl::Status Store::ReadOwners(db::Tx& tx, ChargeRow& row) const {
  return tx.Query("SELECT person FROM charge_owners WHERE charge = $1 ORDER BY person", {row.charge.id},
                  [&](const db::Row& owner) { row.owner_persons.push_back(owner.Text(0)); });
}

absl::StatusOr<std::optional<ChargeRow>> Store::FindChargeWhere(db::Tx& tx, std::string_view where,
                                                                std::string_view value, bool for_update) const {
  std::string sql = DINH_CHARGE_SELECT;
  sql.append(where);
  if (for_update) sql.append(db::ForUpdate(engine_));
  ASSIGN_OR_RETURN(std::optional<ChargeRow> row, tx.QueryOne(sql, {value}, ReadCharge));
  if (row) RETURN_IF_ERROR(ReadOwners(tx, *row));
  return row;
}

absl::StatusOr<std::optional<ChargeRow>> Store::FindCharge(db::Tx& tx, std::string_view id) const {
  return FindChargeWhere(tx, "WHERE c.id = $1", id, false);
}
absl::StatusOr<std::optional<ChargeRow>> Store::FindChargeForUpdate(db::Tx& tx, std::string_view id) const {
  return FindChargeWhere(tx, "WHERE c.id = $1", id, true);
}
absl::StatusOr<std::optional<ChargeRow>> Store::FindChargeByReferenceForUpdate(db::Tx& tx,
                                                                               std::string_view reference) const {
  return FindChargeWhere(tx, "WHERE c.reference = $1", reference, true);
}

absl::StatusOr<bool> Store::ReferenceExists(db::Tx& tx, std::string_view reference) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> found,
                   tx.QueryOne("SELECT 1 FROM charges WHERE reference = $1", {reference},
                               [](const db::Row& row) { return row.Int(0); }));
  return found.has_value();
}

absl::Status Store::InsertCharge(db::Tx& tx, const ChargeRow& row) const {
  const Charge& charge = row.charge;
  RETURN_IF_ERROR(
      tx.Exec(
            "INSERT INTO charges (id, content_hash, revision, reference, memo, agency, unit, purpose_kind, "
            "purpose_ref, description, lines, collecting_account, amount_vnd, paid_vnd, state, opened_at, expires_at, "
            "settled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            {charge.id, row.content_hash, row.revision, charge.reference, row.memo, charge.agency, row.unit,
             charge.purpose, row.purpose_ref, row.description, LinesJson(row.lines), charge.collecting_account,
             charge.amount_vnd, charge.paid_vnd, charge.state, charge.opened_at, charge.expires_at, charge.settled_at})
          .status());
  for (const std::string& person : row.owner_persons) {
    RETURN_IF_ERROR(
        tx.ExecLater("INSERT INTO charge_owners (person, opened_at, charge) VALUES ($1, $2, $3) "
                     "ON CONFLICT (person, opened_at, charge) DO NOTHING",
                     {person, charge.opened_at, charge.id}));
  }
  return absl::OkStatus();
}

absl::Status Store::UpdateCharge(db::Tx& tx, const ChargeRow& row) const {
  const Charge& charge = row.charge;
  return ExpectOne(
      tx.Exec("UPDATE charges SET paid_vnd = $3, state = $4, settled_at = $5, revision = revision + 1 "
              "WHERE id = $1 AND revision = $2",
              {charge.id, row.revision, charge.paid_vnd, charge.state, charge.settled_at}));
}

absl::StatusOr<std::vector<ChargeRow>> Store::ListChargesOfPerson(db::Tx& tx, std::string_view person,
                                                                  std::optional<ChargeState> state,
                                                                  const std::optional<ChargeKey>& key,
                                                                  int limit) const {
  const ChargeKey start = StartOf(key);
  ASSIGN_OR_RETURN(
      std::vector<ChargeRow> rows,
      tx.QueryAll(DINH_CHARGE_SELECT "JOIN charge_owners o ON o.charge = c.id "
                                     "WHERE o.person = $5 AND o.opened_at <= $1 AND " DINH_CHARGE_PAGE,
                  {start.opened_at, start.id, state.value_or(ChargeState::kNone), limit, person}, ReadCharge));
  for (ChargeRow& row : rows) RETURN_IF_ERROR(ReadOwners(tx, row));
  return rows;
}

absl::StatusOr<std::vector<ChargeRow>> Store::ListChargesOfAgencies(db::Tx& tx, const std::vector<AgencyUnit>& agencies,
                                                                    std::optional<ChargeState> state,
                                                                    const std::optional<ChargeKey>& key,
                                                                    int limit) const {
  const ChargeKey start = StartOf(key);
  std::vector<ChargeRow> rows;
  for (const AgencyUnit& where : agencies) {
    ASSIGN_OR_RETURN(
        std::vector<ChargeRow> some,
        tx.QueryAll(DINH_CHARGE_SELECT "WHERE c.agency = $5 AND c.unit = $6 AND " DINH_CHARGE_PAGE,
                    {start.opened_at, start.id, state.value_or(ChargeState::kNone), limit, where.agency, where.unit},
                    ReadCharge));
    std::move(some.begin(), some.end(), std::back_inserter(rows));
  }
  std::sort(rows.begin(), rows.end(), Newer);
  if (rows.size() > static_cast<size_t>(limit)) rows.resize(static_cast<size_t>(limit));
  return rows;
}

absl::StatusOr<std::vector<std::string>> Store::ListExpiring(db::Tx& tx, base::Micros now, int limit) const {
  return tx.QueryAll(
      "SELECT id FROM charges WHERE state IN (1, 2) AND expires_at IS NOT NULL AND expires_at < $1 "
      "ORDER BY expires_at LIMIT $2",
      {now, limit}, [](const db::Row& row) { return row.Text(0); });
}

absl::StatusOr<std::optional<CreditRow>> Store::FindCredit(db::Tx& tx, std::string_view bank_bin,
                                                           std::string_view bank_transaction) const {
  return tx.QueryOne(
      "SELECT id, content_hash, amount_vnd, booked_at, disposition, outcome, charge FROM bank_credits "
      "WHERE bank_bin = $1 AND bank_transaction = $2",
      {bank_bin, bank_transaction}, [&](const db::Row& row) {
        CreditRow out;
        out.credit = {row.Text(0), row.Int(2), row.Int(3)};
        out.bank_bin = bank_bin;
        out.bank_transaction = bank_transaction;
        out.content_hash = row.Text(1);
        out.disposition = ParseDisposition(row.TextView(4)).value_or(Disposition::kUnknownMemo);
        out.outcome = row.Text(5);
        out.charge = row.OptText(6);
        return out;
      });
}

absl::Status Store::InsertCredit(db::Tx& tx, const CreditRow& row) const {
  return tx
      .Exec(
          "INSERT INTO bank_credits (id, bank_bin, bank_transaction, content_hash, account_number, "
          "collecting_account, amount_vnd, memo_sealed, booked_at, received_at, signing_key, disposition, outcome, "
          "charge) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
          {row.credit.id, row.bank_bin, row.bank_transaction, row.content_hash, row.account_number,
           row.collecting_account, row.credit.amount_vnd, db::BlobView{row.memo_sealed}, row.credit.booked_at,
           row.received_at, row.signing_key, DispositionName(row.disposition), row.outcome, row.charge})
      .status();
}

absl::Status Store::InsertSuspense(db::Tx& tx, const SuspenseRow& row) const {
  return tx
      .Exec(
          "INSERT INTO suspense_items (id, revision, agency, cause, amount_vnd, remaining_vnd, state, "
          "collecting_account, credit, charge, created_at, resolved_by) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '')",
          {row.item.id, row.revision, row.item.agency, row.cause, row.item.amount_vnd, row.item.remaining_vnd,
           row.item.state, NullIfEmpty(row.item.collecting_account), row.credit, row.charge, row.created_at})
      .status();
}

absl::StatusOr<std::optional<SuspenseRow>> Store::FindSuspenseForUpdate(db::Tx& tx, std::string_view id) const {
  // The lock is taken first and alone: PostgreSQL does not lock the empty side of an outer join.
  std::string lock = "SELECT 1 FROM suspense_items WHERE id = $1";
  lock.append(db::ForUpdate(engine_));
  RETURN_IF_ERROR(tx.Query(lock, {id}, [](const db::Row&) {}));
  return tx.QueryOne(DINH_SUSPENSE_SELECT "WHERE s.id = $1", {id}, ReadSuspense);
}

absl::Status Store::UpdateSuspense(db::Tx& tx, const SuspenseRow& row) const {
  const db::Param note = row.note_sealed ? db::Param(db::BlobView{*row.note_sealed}) : db::Param(db::Null{});
  return ExpectOne(
      tx.Exec("UPDATE suspense_items SET remaining_vnd = $3, state = $4, charge = $5, resolved_at = $6, "
              "resolved_by = $7, note_sealed = $8, revision = revision + 1 WHERE id = $1 AND revision = $2",
              {row.item.id, row.revision, row.item.remaining_vnd, row.item.state, row.charge, row.resolved_at,
               row.resolved_by, note}));
}

absl::StatusOr<std::vector<SuspenseRow>> Store::ListSuspense(db::Tx& tx, const std::vector<AgencyUnit>& agencies,
                                                             bool include_resolved, std::string_view after,
                                                             int limit) const {
  std::vector<SuspenseRow> rows;
  for (const AgencyUnit& where : agencies) {
    // What is to be refunded has been decided but still has to be sent: it stays in sight.
    ASSIGN_OR_RETURN(std::vector<SuspenseRow> some,
                     tx.QueryAll(DINH_SUSPENSE_SELECT "WHERE s.agency = $1 AND g.unit = $2 AND s.id > $3 "
                                                      "AND ($4 = 1 OR s.state IN (1, 3)) ORDER BY s.id LIMIT $5",
                                 {where.agency, where.unit, after, include_resolved, limit}, ReadSuspense));
    std::move(some.begin(), some.end(), std::back_inserter(rows));
  }
  std::sort(rows.begin(), rows.end(), [](const SuspenseRow& a, const SuspenseRow& b) { return a.item.id < b.item.id; });
  if (rows.size() > static_cast<size_t>(limit)) rows.resize(static_cast<size_t>(limit));
  return rows;
}

absl::Status Store::InsertTransfer(db::Tx& tx, const Transfer& transfer) const {
  const Posting& posting = transfer.posting;
  RETURN_IF_ERROR(CheckPosting(posting));
  for (const Account* account : {&posting.debit, &posting.credit}) {
    RETURN_IF_ERROR(
        tx.ExecLater("INSERT INTO ledger_accounts (code, kind, agency) VALUES ($1, $2, $3) "
                     "ON CONFLICT (code) DO NOTHING",
                     {account->code, account->kind, account->agency}));
  }
  return tx.ExecLater(
      "INSERT INTO transfers (id, reason, debit, credit, amount_vnd, charge, bank_credit, suspense, at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {transfer.id, TransferReasonName(posting.reason), posting.debit.code, posting.credit.code, posting.amount_vnd,
       NullIfEmpty(transfer.charge), NullIfEmpty(transfer.credit), NullIfEmpty(transfer.suspense), transfer.at});
}

absl::Status Store::EachTransfer(db::Tx& tx, const std::function<void(const Transfer&)>& visit) const {
  return tx.Query(
      "SELECT t.id, t.reason, d.code, d.kind, d.agency, c.code, c.kind, c.agency, t.amount_vnd, t.at FROM transfers t "
      "JOIN ledger_accounts d ON d.code = t.debit JOIN ledger_accounts c ON c.code = t.credit ORDER BY t.id",
      {}, [&](const db::Row& row) {
        Transfer transfer;
        transfer.id = row.Text(0);
        transfer.posting.reason = ParseTransferReason(row.TextView(1)).value_or(TransferReason{});
        transfer.posting.debit = {row.Text(2), static_cast<AccountKind>(row.Int(3)), row.Text(4)};
        transfer.posting.credit = {row.Text(5), static_cast<AccountKind>(row.Int(6)), row.Text(7)};
        transfer.posting.amount_vnd = row.Int(8);
        transfer.at = row.Int(9);
        visit(transfer);
      });
}

absl::StatusOr<std::map<std::string, base::Vnd>> Store::ExpectedBalances(db::Tx& tx, AccountKind kind) const {
  std::map<std::string, base::Vnd> balances;
  const auto add = [&](std::string_view sql, const std::function<Account(const db::Row&)>& account) {
    return tx.Query(sql, {}, [&](const db::Row& row) { balances[account(row).code] += row.Int(0); });
  };
  const auto bank = [](const db::Row& row) {
    return row.IsNull(2) ? UnregisteredBankAccount(row.TextView(1)) : BankAccount(row.TextView(2), row.TextView(1));
  };
  absl::Status status;
  switch (kind) {
    case AccountKind::kReceivable:
      status =
          add("SELECT CAST(SUM(amount_vnd - paid_vnd) AS BIGINT), agency FROM charges WHERE state IN (1, 2) "
              "GROUP BY agency",
              [](const db::Row& row) { return ReceivableAccount(row.TextView(1)); });
      break;
    case AccountKind::kFees:
      status =
          add("SELECT CAST(SUM(CASE WHEN state IN (1, 2) THEN amount_vnd ELSE paid_vnd END) AS BIGINT), agency, "
              "purpose_kind FROM charges GROUP BY agency, purpose_kind",
              [](const db::Row& row) { return FeesAccount(row.TextView(1), row.TextView(2)); });
      break;
    case AccountKind::kSuspense:
      status =
          add("SELECT CAST(SUM(remaining_vnd) AS BIGINT), agency FROM suspense_items WHERE state = 1 GROUP BY agency",
              [](const db::Row& row) { return SuspenseAccount(row.TextView(1)); });
      break;
    case AccountKind::kRefunds:
      status =
          add("SELECT CAST(SUM(remaining_vnd) AS BIGINT), agency FROM suspense_items WHERE state = 3 GROUP BY agency",
              [](const db::Row& row) { return RefundsAccount(row.TextView(1)); });
      break;
    case AccountKind::kBank:
      status =
          add("SELECT CAST(SUM(k.amount_vnd) AS BIGINT), a.agency, a.id FROM bank_credits k "
              "JOIN collecting_accounts a ON a.id = k.collecting_account GROUP BY a.agency, a.id",
              bank);
      if (status.ok()) {
        // Whoever looks after an unregistered account is told by the item the credit lies in.
        status =
            add("SELECT CAST(SUM(k.amount_vnd) AS BIGINT), s.agency, k.collecting_account FROM bank_credits k "
                "JOIN suspense_items s ON s.credit = k.id WHERE k.collecting_account IS NULL "
                "GROUP BY s.agency, k.collecting_account",
                bank);
      }
      if (status.ok()) {
        status =
            add("SELECT CAST(-SUM(remaining_vnd) AS BIGINT), agency, collecting_account FROM suspense_items "
                "WHERE state = 4 GROUP BY agency, collecting_account",
                bank);
      }
      break;
  }
  if (!status.ok()) return status;
  return balances;
}

absl::StatusOr<std::vector<std::string>> Store::Mismatches(db::Tx& tx) const {
  std::vector<std::string> problems;
  const auto tell = [&](std::string_view what, const db::Row& row) {
    problems.push_back(std::string(what) + " " + row.Text(0) + " says " + std::to_string(row.Int(1)) +
                       " but its transfers say " + std::to_string(row.Int(2)));
  };
  RETURN_IF_ERROR(
      tx.Query("SELECT k.id, k.amount_vnd, CAST(COALESCE(SUM(t.amount_vnd), 0) AS BIGINT) FROM bank_credits k "
               "LEFT JOIN transfers t ON t.bank_credit = k.id AND t.reason IN ('charge_paid', 'credit_held') "
               "GROUP BY k.id, k.amount_vnd HAVING k.amount_vnd <> COALESCE(SUM(t.amount_vnd), 0)",
               {}, [&](const db::Row& row) { tell("credit", row); }));
  RETURN_IF_ERROR(
      tx.Query("SELECT c.id, c.paid_vnd, CAST(COALESCE(SUM(CASE WHEN t.reason = 'payment_released' THEN -t.amount_vnd "
               "ELSE t.amount_vnd END), 0) AS BIGINT) FROM charges c LEFT JOIN transfers t ON t.charge = c.id "
               "AND t.reason IN ('charge_paid', 'suspense_assigned', 'payment_released') GROUP BY c.id, c.paid_vnd "
               "HAVING c.paid_vnd <> COALESCE(SUM(CASE WHEN t.reason = 'payment_released' THEN -t.amount_vnd "
               "ELSE t.amount_vnd END), 0)",
               {}, [&](const db::Row& row) { tell("charge", row); }));
  return problems;
}

absl::StatusOr<int64_t> Store::CountCredits(db::Tx& tx) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM bank_credits", {}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

}  // namespace dinh::payments
