// Callers for tests.
#pragma once

#include <string>
#include <vector>

#include "libs/auth/principal.h"

namespace dinh::testing {

inline auth::Principal Anonymous(std::string address = "192.0.2.1") {
  auth::Principal p;
  p.address = std::move(address);
  return p;
}

inline auth::Principal Citizen(std::string account, std::string person,
                               auth::Assurance assurance = auth::Assurance::kPhone) {
  auth::Principal p = Anonymous();
  p.kind = auth::CallerKind::kCitizen;
  p.id = std::move(account);
  p.person = std::move(person);
  p.session = "session-" + p.id;
  p.assurance = assurance;
  return p;
}

inline auth::Principal Officer(std::string account, std::string person, std::vector<auth::Grant> grants) {
  auth::Principal p = Citizen(std::move(account), std::move(person), auth::Assurance::kSeenAtDesk);
  p.kind = auth::CallerKind::kOfficer;
  p.grants = std::move(grants);
  return p;
}

inline auth::Principal Peer(std::string service) {
  auth::Principal p;
  p.kind = auth::CallerKind::kPeer;
  p.id = std::move(service);
  return p;
}

// A request with a signature over its raw body; the handler's verifier decides whether it is good.
inline auth::Principal Signed(std::string owner = {}) {
  auth::Principal p = Anonymous();
  p.kind = auth::CallerKind::kSigned;
  p.id = std::move(owner);
  return p;
}

}  // namespace dinh::testing
