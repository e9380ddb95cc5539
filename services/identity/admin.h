// For the command line: the first officer of an installation, whose password is read from the terminal.
//
//   identity::AdminTools tools{*database, *keys, clock, random, ids, resource_dir};   // <data-dir>/db/identity.sqlite
//   ASSIGN_OR_RETURN(std::string id, identity::CreateOfficer(ctx, tools, officer, password));
//
// The caller holds the lock of the data folder. The tables are made when they are not there yet.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/base/ids.h"
#include "libs/base/op_context.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "services/identity/officers.h"

namespace dinh::identity {

struct AdminTools {
  db::Database& database;
  const auth::KeyRing& keys;
  base::Random& random;
  base::IdGenerator& ids;
  std::string resource_dir;  // has roles.json
};

inline constexpr size_t kFirstPasswordBytesMin = 12;

// The account's id. Errors: INVALID_FIELD, PASSWORD_TOO_WEAK, USERNAME_TAKEN, those of the data file.
absl::StatusOr<std::string> CreateOfficer(base::OpContext& ctx, const AdminTools& tools, const NewOfficer& officer,
                                          std::string_view password);

}  // namespace dinh::identity
