// Who is calling. Made by the pipeline from a token, a peer certificate or a verified signature; handlers only read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::auth {

enum class CallerKind { kAnonymous = 1, kCitizen = 2, kOfficer = 3, kPeer = 4, kSigned = 5 };

// How sure we are who a person is; ordered.
enum class Assurance { kNone = 0, kPhone = 1, kSeenAtDesk = 2, kNationalEid = 3 };

// One role of an officer: what may be done for which agency in which unit. Rights never flow to other agencies of the
// same unit (the police are an agency of their own) nor to units below (descendants give aggregates, never dossiers).
struct Grant {
  std::string role;                      // "one_stop", "specialist", "chair", …: data of identity
  std::string agency;                    // agency id
  std::string unit;                      // unit code the agency belongs to
  std::vector<std::string> permissions;  // "dossier.accept", …
};

struct Principal {
  CallerKind kind = CallerKind::kAnonymous;
  std::string id;       // account id; peer: its name; signed: the key's owner; anonymous: empty
  std::string person;   // citizen: the person acted for ("" until one is chosen); officer: the officer's person id
  std::string session;  // login (refresh family) id
  Assurance assurance = Assurance::kNone;
  std::vector<Grant> grants;  // officers only
  std::string address;        // client address as text, for limits; never logged beside personal data

  bool anonymous() const { return kind == CallerKind::kAnonymous; }
  bool Has(std::string_view permission, std::string_view agency, std::string_view unit) const;
  // Any grant with the permission, whatever the agency.
  bool HasAnywhere(std::string_view permission) const;
  bool HasRole(std::string_view role, std::string_view agency) const;
};

// Where a row belongs, for the check of scope. Empty fields match nobody.
struct ResourceScope {
  std::vector<std::string> owner_persons;  // persons who may see it as their own
  std::string owner_account;               // or the account itself (logins, attachments not yet used)
  std::string agency;                      // agency id in charge
  std::string unit;                        // unit code of that agency, today's
};

// From a verified access token to a principal with today's rights. Identity implements it; a change of role or account
// takes effect within 5 s because nobody caches its answers longer. Thread-safe.
class PrincipalSource {
 public:
  virtual ~PrincipalSource() = default;
  // UNAUTHENTICATED when the login was ended or the account is locked.
  virtual absl::StatusOr<Principal> Resolve(std::string_view account, std::string_view session,
                                            std::string_view person) = 0;
};

}  // namespace dinh::auth
