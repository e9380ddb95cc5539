// The demo accounts of development mode. What exists already stays as it is, so that a second start changes nothing.
#pragma once

#include "absl/status/status.h"
#include "libs/auth/password.h"
#include "libs/base/ids.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"
#include "services/identity/data_files.h"
#include "services/identity/store.h"

namespace dinh::identity {

// Passwords that stand in the repository need no costly hash: this one keeps the first start quick. A login hashes
// again with the platform's parameters.
auth::PasswordOptions DemoPasswordOptions();

absl::Status LoadDemoAccounts(base::OpContext& ctx, db::Database& database, const Store& store, base::IdGenerator& ids,
                              const DemoAccounts& accounts);

}  // namespace dinh::identity
