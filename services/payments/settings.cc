#include "services/payments/settings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "nlohmann/json.hpp"
#include "services/payments/domain/vietqr.h"
#include "services/payments/errors.h"

namespace dinh::payments {
namespace {

absl::Status BadKey(std::string_view why_vi, std::string_view why_en) {
  return base::FailedPrecondition(
      "BANK_KEY_INVALID", {"payments.bank_keys: " + std::string(why_vi), "payments.bank_keys: " + std::string(why_en)});
}

std::string Member(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

absl::Status AddKey(std::string id, std::string secret, std::vector<SigningKey>& keys) {
  const size_t at = std::min(id.find('@'), id.size());
  const std::string bin = at < id.size() ? id.substr(at + 1) : "";
  const bool bin_fits =
      at == id.size() || (bin.size() == 6 && bin.find_first_not_of("0123456789") == std::string::npos);
  id.resize(at);
  if (id.empty() || !bin_fits) return BadKey("mỗi mục có dạng mã@BIN:khóa bí mật", "each entry is id@bin:secret");
  if (secret.size() < kSigningSecretMin)
    return BadKey("khóa phải dài ít nhất 32 byte", "a secret has at least 32 bytes");
  if (keys.size() >= kSigningKeysMax) return BadKey("quá nhiều khóa", "too many keys");
  const bool twice = std::any_of(keys.begin(), keys.end(), [&](const SigningKey& key) { return key.id == id; });
  if (twice) return BadKey("mã khóa bị trùng", "an id stands twice");
  keys.push_back({std::move(id), std::move(secret), bin});
  return absl::OkStatus();
}

// A row that VietQR could not show would be found out by the first citizen who has to pay.
absl::Status CheckAccount(const CollectingAccountRow& row) {
  if (row.agency.empty()) return BadAccountsFile("thiếu cơ quan (agency)", "an agency is missing");
  const VietQr qr{.bin = row.bank_bin, .account = row.account_number};
  if (EncodeVietQr(qr).ok()) return absl::OkStatus();
  return BadAccountsFile("bank_bin hoặc account_number của " + row.agency + " sai dạng",
                         "bank_bin or account_number of " + row.agency + " is malformed");
}

}  // namespace

void Settings::Bind(config::Registry& registry) {
  registry.Bind("payments", "accounts_file", &accounts_file, "JSON file of the agencies' collecting accounts");
  registry.Bind("payments", "bank_keys", &bank_keys, "id@bin:secret of every bank that notifies credits",
                {.secret = true});
  registry.Bind("payments", "fallback_agency", &fallback_agency,
                "who looks after credits to accounts that nobody registered; default: the first in the accounts file");
  registry.Bind("payments", "expiry_interval", &expiry_interval,
                "how often unpaid charges are looked at for their end");
}

absl::StatusOr<std::vector<SigningKey>> ParseBankKeys(const std::vector<std::string>& entries) {
  std::vector<SigningKey> keys;
  for (const std::string& entry : entries) {
    const size_t colon = std::min(entry.find(':'), entry.size());
    const std::string secret = colon < entry.size() ? entry.substr(colon + 1) : "";
    RETURN_IF_ERROR(AddKey(entry.substr(0, colon), secret, keys));
  }
  return keys;
}

absl::StatusOr<AccountsFile> ParseAccountsFile(std::string_view json) {
  const nlohmann::json root = nlohmann::json::parse(json, nullptr, false);
  const auto list = root.is_object() ? root.find("collecting_accounts") : root.end();
  if (!root.is_object() || list == root.end() || !list->is_array()) {
    return BadAccountsFile("thiếu danh sách collecting_accounts", "the list collecting_accounts is missing");
  }
  AccountsFile file;
  std::set<std::string> agencies;
  std::set<std::string> ids;
  for (const nlohmann::json& entry : *list) {
    if (!entry.is_object()) return BadAccountsFile("có mục không phải đối tượng", "an entry is not an object");
    CollectingAccountRow row;
    row.agency = Member(entry, "agency");
    row.bank_bin = Member(entry, "bank_bin");
    row.account_number = Member(entry, "account_number");
    row.holder_name = Member(entry, "holder_name");
    row.id = row.bank_bin + "-" + row.account_number;
    row.active = agencies.insert(row.agency).second;
    RETURN_IF_ERROR(CheckAccount(row));
    if (!ids.insert(row.id).second) return BadAccountsFile("một tài khoản lặp lại", "an account stands twice");
    file.accounts.push_back(std::move(row));
  }
  const auto bank = root.find("bank");
  if (bank != root.end() && bank->is_object()) {
    RETURN_IF_ERROR(AddKey(Member(*bank, "key_id"), Member(*bank, "secret"), file.demo_keys));
  }
  return file;
}

}  // namespace dinh::payments
