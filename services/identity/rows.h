// What the store reads and writes. Plain values in clear; sealing happens inside the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "services/identity/domain/login.h"
#include "services/identity/domain/officer.h"
#include "services/identity/domain/otp.h"
#include "services/identity/domain/person.h"

namespace dinh::identity {

// Values are stored.
enum class AccountKind { kCitizen = 1, kOfficer = 2 };

struct AccountRow {
  std::string id;
  AccountKind kind = AccountKind::kCitizen;
  std::string phone;     // citizens
  std::string username;  // officers
  std::string password_hash;
  bool locked = false;
};

struct PersonRow {
  Person person;
  int64_t revision = 1;  // the etag
  base::Micros created_at = 0;
};

// A person that an account may act for.
struct OwnPersonRow {
  PersonRow row;
  std::string account;
  auth::ResourceScope scope() const { return {{}, account, "", ""}; }
};

struct OrganisationRow {
  std::string id;
  std::string name;
  std::string tax_code;
  Address address;
  std::vector<std::string> representatives;
};

struct OfficerRow {
  std::string account;
  int64_t revision = 1;
  std::string person;
  std::string username;
  std::string full_name;
  std::string position;
  std::string agency;  // whose administrators look after the officer
  std::string unit;
  bool locked = false;
  std::vector<RoleGrant> grants;
  auth::ResourceScope scope() const { return {{}, "", agency, unit}; }
};

struct ChallengeRow {
  std::string id;
  std::string phone;
  std::string code_index;
  Challenge challenge;
};

struct LoginRow {
  std::string id;
  std::string account;
  std::string person;
  LoginFamily family;
  std::string secret;
  std::string device;
  base::Micros created_at = 0;
  base::Micros last_used_at = 0;
  base::Micros expires_at = 0;
};

// What a token's login may do today.
struct RightsRow {
  AccountKind kind = AccountKind::kCitizen;
  bool locked = false;
  LoginState state = LoginState::kActive;
  base::Micros expires_at = 0;
  std::string person;  // of the token or else of the login; "" when the account may not act for it
  Assurance assurance = Assurance::kNone;
};

// Values are stored.
enum class AttemptKind {
  kOtpPhone = 1,
  kOtpBlock = 2,
  kOtpAddress = 3,
  kOtpDevice = 4,
  kWrongNameAndAddress = 5,
  kWrongName = 6,
  kWrongAddress = 7,
  kWrongCodeAddress = 8,
};

struct AccessRow {
  std::string service;
  int64_t sequence = 0;
  std::string person;
  base::Micros at = 0;
  std::string caller_kind;
  std::string caller;
  std::string actor;
  std::string method;
  std::string resource;
  std::string reason;
};

// The key of a page of accesses, newest first.
struct AccessKey {
  base::Micros at = 0;
  std::string service;
  int64_t sequence = 0;
};

}  // namespace dinh::identity
