#include "services/identity/admin.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/auth/password.h"
#include "libs/auth/sealer.h"
#include "libs/base/text.h"
#include "services/identity/data_files.h"
#include "services/identity/errors.h"

namespace dinh::identity {
namespace {

constexpr size_t kUsernameMin = 3;
constexpr size_t kUsernameMax = 64;

bool IsUsername(std::string_view name) {
  if (name.size() < kUsernameMin || name.size() > kUsernameMax) return false;
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return word(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '.' || c == '_' || c == '-'; });
}

// What the contract's field rules check for those who come in by RPC.
absl::Status CheckFields(const NewOfficer& officer, std::string_view password) {
  std::vector<base::FieldViolation> violations;
  if (!IsUsername(officer.username)) {
    violations.push_back({"officer.username",
                          {"Tên đăng nhập gồm 3 đến 64 chữ thường không dấu, chữ số, dấu . _ -.",
                           "A user name has 3 to 64 of a-z, 0-9, '.', '_', '-'."}});
  }
  if (base::CodePoints(officer.full_name) < 2) {
    violations.push_back({"officer.full_name", {"Hãy nhập họ và tên.", "Give the full name."}});
  }
  if (officer.grants.empty()) {
    violations.push_back({"officer.grants", {"Hãy giao ít nhất một vai trò.", "Give at least one role."}});
  }
  for (const RoleGrant& grant : officer.grants) {
    if (!grant.agency.empty() && !grant.unit.empty()) continue;
    violations.push_back({"officer.grants",
                          {"Vai trò cần mã cơ quan và mã đơn vị, ví dụ ubnd-15865 và 15865.",
                           "A role needs an agency and a unit, for example ubnd-15865 and 15865."}});
  }
  if (password.size() < kFirstPasswordBytesMin || password.size() > auth::kPasswordBytesMax) {
    violations.push_back({"password", {"Mật khẩu cần từ 12 đến 256 ký tự.", "A password has 12 to 256 characters."}});
  }
  return violations.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations));
}

}  // namespace

absl::StatusOr<std::string> CreateOfficer(base::OpContext& ctx, const AdminTools& tools, const NewOfficer& officer,
                                          std::string_view password) {
  NewOfficer wanted = officer;
  wanted.username = NormalizeUsername(wanted.username);
  ASSIGN_OR_RETURN(wanted.full_name, base::NormalizeText(wanted.full_name));
  RETURN_IF_ERROR(CheckFields(wanted, password));
  ASSIGN_OR_RETURN(const std::string json, ReadDataFile(tools.resource_dir + "/roles.json"));
  ASSIGN_OR_RETURN(const Roles roles, ParseRoles(json));
  RETURN_IF_ERROR(CheckNewOfficer(roles, wanted, password));
  RETURN_IF_ERROR(tools.database.Migrate(Migrations()));
  auth::PasswordHasher hasher;
  ASSIGN_OR_RETURN(const std::string hash, hasher.Hash(ctx, password));
  const auth::Sealer sealer(tools.keys, tools.random);
  const Store store(sealer);
  const OfficerRow row = MakeOfficer(tools.ids, wanted);
  RETURN_IF_ERROR(tools.database.Transact(ctx, [&](db::Tx& tx) { return AddOfficer(tx, store, row, hash); }));
  return row.account;
}

}  // namespace dinh::identity
