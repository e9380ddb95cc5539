// What is hashed and signed in the audit chain. Internal to libs/auth. Changing any of it breaks every existing chain.
#pragma once

#include <string>
#include <string_view>

#include "libs/auth/audit.h"
#include "libs/auth/audit_chain.h"

namespace dinh::auth {

// The hash before the first row.
std::string GenesisHash(std::string_view service);
std::string ChainHash(std::string_view previous, const AuditRecord& record);
// What a head's signature covers.
std::string HeadBytes(const AuditHead& head);
void SignHead(const Key& key, AuditHead* head);
bool HeadSignatureValid(const KeyRing& keys, const AuditHead& head);

}  // namespace dinh::auth
