// Rows to messages.
#pragma once

#include <string>
#include <vector>

#include "dinh/identity/v1/resources.pb.h"
#include "services/identity/domain/officer.h"
#include "services/identity/rows.h"

namespace dinh::identity {

inline std::string Etag(int64_t revision) { return std::to_string(revision); }

v1::Person ToProto(const PersonRow& row);
v1::Organisation ToProto(const OrganisationRow& row);
v1::Officer ToProto(const OfficerRow& row, const Roles& roles);
v1::Login ToProto(const LoginRow& row, const std::string& current);
v1::RoleGrant ToProto(const RoleGrant& grant, const Roles& roles);

std::vector<RoleGrant> FromProto(const google::protobuf::RepeatedPtrField<v1::RoleGrant>& grants);

}  // namespace dinh::identity
