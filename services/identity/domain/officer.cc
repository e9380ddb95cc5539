#include "services/identity/domain/officer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dinh::identity {
namespace {

constexpr size_t kDifferentBytesMin = 5;

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool Administers(const Roles& roles, const std::vector<RoleGrant>& grants, std::string_view agency,
                 std::string_view unit) {
  return std::any_of(grants.begin(), grants.end(), [&](const RoleGrant& grant) {
    return grant.agency == agency && grant.unit == unit && roles.Allows(grant.role, kManageOfficers);
  });
}

}  // namespace

Roles::Roles(std::vector<Role> roles) {
  for (Role& role : roles) {
    std::string id = role.id;
    roles_.insert_or_assign(std::move(id), std::move(role));
  }
}

const Role* Roles::Find(std::string_view id) const {
  const auto found = roles_.find(id);
  return found == roles_.end() ? nullptr : &found->second;
}

bool Roles::Allows(std::string_view role, std::string_view permission) const {
  const Role* found = Find(role);
  return found != nullptr &&
         std::find(found->permissions.begin(), found->permissions.end(), permission) != found->permissions.end();
}

std::vector<base::FieldViolation> CheckGrants(const Roles& roles, const std::vector<RoleGrant>& grants,
                                              std::string_view field) {
  std::vector<base::FieldViolation> violations;
  std::set<RoleGrant> seen;
  for (size_t i = 0; i < grants.size(); ++i) {
    const std::string at = std::string(field) + "[" + std::to_string(i) + "]";
    if (roles.Find(grants[i].role) == nullptr) {
      violations.push_back({at + ".role",
                            {"Không có vai trò này. Hãy chọn một vai trò trong danh mục vai trò.",
                             "There is no such role. Choose one of the list of roles."}});
    } else if (!seen.insert(grants[i]).second) {
      violations.push_back({at,
                            {"Vai trò này đã có trong danh sách. Hãy bỏ dòng trùng.",
                             "This role stands in the list already. Remove the repeated line."}});
    }
  }
  return violations;
}

bool LeavesNoAdmin(const Roles& roles, const std::vector<Colleague>& colleagues, std::string_view account, bool locked,
                   const std::vector<RoleGrant>& grants, std::string_view agency, std::string_view unit) {
  bool before = false, after = false;
  for (const Colleague& colleague : colleagues) {
    const bool now = !colleague.locked && Administers(roles, colleague.grants, agency, unit);
    before = before || now;
    after = after || (colleague.account == account ? !locked && Administers(roles, grants, agency, unit) : now);
  }
  return before && !after;
}

std::optional<base::Text> PasswordWeakness(std::string_view password, std::string_view username) {
  if (std::set<char>(password.begin(), password.end()).size() < kDifferentBytesMin) {
    return base::Text{"Mật khẩu lặp lại quá ít ký tự. Hãy dùng nhiều ký tự khác nhau hơn.",
                      "The password repeats too few characters. Use more different ones."};
  }
  if (!username.empty() && Lower(password).find(Lower(username)) != std::string::npos) {
    return base::Text{"Mật khẩu chứa tên đăng nhập. Hãy chọn mật khẩu khác.",
                      "The password holds the user name. Choose another one."};
  }
  return std::nullopt;
}

std::string NormalizeUsername(std::string_view username) { return Lower(username); }

}  // namespace dinh::identity
