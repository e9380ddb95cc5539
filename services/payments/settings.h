// What the service is configured with: who may tell us of money, and which accounts collect it.
//
//   payments.accounts_file  JSON {"collecting_accounts": [{"agency", "bank_bin", "account_number", "holder_name"}, …]};
//                           the first account of an agency takes its new charges. Default in development mode:
//                           deploy/data/demo.json, which also has the demo bank's secret
//   payments.bank_keys      "id@bin:secret" of every bank; two of one bank while its secret is being replaced. Without
//                           @bin the key may speak for any bank
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/config/registry.h"
#include "services/payments/domain/notification.h"
#include "services/payments/store.h"

namespace dinh::payments {

struct Settings {
  std::string accounts_file;
  std::vector<std::string> bank_keys;
  std::string fallback_agency;
  std::chrono::seconds expiry_interval{60};

  void Bind(config::Registry& registry);
};

// FAILED_PRECONDITION BANK_KEY_INVALID: not "id@bin:secret", an id twice, a secret under kSigningSecretMin bytes, too
// many.
absl::StatusOr<std::vector<SigningKey>> ParseBankKeys(const std::vector<std::string>& entries);

struct AccountsFile {
  std::vector<CollectingAccountRow> accounts;
  std::vector<SigningKey> demo_keys;  // "bank" of demo.json: read in development mode only
};
// FAILED_PRECONDITION ACCOUNTS_FILE_INVALID.
absl::StatusOr<AccountsFile> ParseAccountsFile(std::string_view json);

}  // namespace dinh::payments
