#include "services/identity/handlers/convert.h"

#include "google/protobuf/util/time_util.h"

namespace dinh::identity {
namespace {

using google::protobuf::util::TimeUtil;

void SetAddress(const Address& from, v1::Address* to) {
  to->set_text(from.text);
  to->set_unit(from.unit);
  to->set_at(from.at);
}

}  // namespace

static_assert(static_cast<int>(Assurance::kPhone) == v1::ASSURANCE_PHONE);
static_assert(static_cast<int>(Assurance::kSeenAtDesk) == v1::ASSURANCE_SEEN_AT_DESK);
static_assert(static_cast<int>(Assurance::kNationalEid) == v1::ASSURANCE_NATIONAL_EID);

v1::Person ToProto(const PersonRow& row) {
  const Person& person = row.person;
  v1::Person out;
  out.set_id(person.id);
  out.set_full_name(person.full_name);
  out.set_personal_number(person.personal_number);
  out.set_birth_date(person.birth_date);
  SetAddress(person.address, out.mutable_address());
  out.set_assurance(static_cast<v1::Assurance>(person.assurance));
  out.set_phone(person.phone);
  *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.created_at);
  out.set_etag(Etag(row.revision));
  return out;
}

v1::Organisation ToProto(const OrganisationRow& row) {
  v1::Organisation out;
  out.set_id(row.id);
  out.set_name(row.name);
  out.set_tax_code(row.tax_code);
  SetAddress(row.address, out.mutable_address());
  for (const std::string& person : row.representatives) out.add_representatives(person);
  return out;
}

v1::RoleGrant ToProto(const RoleGrant& grant, const Roles& roles) {
  v1::RoleGrant out;
  out.set_role(grant.role);
  out.set_agency(grant.agency);
  out.set_unit(grant.unit);
  if (const Role* role = roles.Find(grant.role)) {
    for (const std::string& permission : role->permissions) out.add_permissions(permission);
  }
  return out;
}

v1::Officer ToProto(const OfficerRow& row, const Roles& roles) {
  v1::Officer out;
  out.set_id(row.account);
  out.set_username(row.username);
  out.set_full_name(row.full_name);
  out.set_position(row.position);
  for (const RoleGrant& grant : row.grants) *out.add_grants() = ToProto(grant, roles);
  out.set_locked(row.locked);
  out.set_etag(Etag(row.revision));
  return out;
}

v1::Login ToProto(const LoginRow& row, const std::string& current) {
  v1::Login out;
  out.set_id(row.id);
  *out.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.created_at);
  *out.mutable_last_used_time() = TimeUtil::MicrosecondsToTimestamp(row.last_used_at);
  out.set_device(row.device);
  out.set_current(row.id == current);
  return out;
}

std::vector<RoleGrant> FromProto(const google::protobuf::RepeatedPtrField<v1::RoleGrant>& grants) {
  std::vector<RoleGrant> out;
  for (const v1::RoleGrant& grant : grants) out.push_back({grant.role(), grant.agency(), grant.unit()});
  return out;
}

}  // namespace dinh::identity
