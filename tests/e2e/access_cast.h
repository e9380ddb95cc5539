// Who calls and what they call about, for the access tests: the demo's people on a running platform, the same people as
// principals for auth's pure functions, and one resource of every kind that belongs to citizen A (or, where it says so,
// to another agency).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "libs/auth/access.h"
#include "tests/support/village.h"

namespace dinh::testing {

// "anonymous", the keys of deploy/data/demo.json's citizens and officers.
inline const std::vector<std::string>& CastNames() {
  static const std::vector<std::string> names = {"anonymous",  "citizen_a",    "citizen_b",  "desk",
                                                 "specialist", "chair",        "vice_chair", "accountant",
                                                 "police",     "police_chief", "elsewhere",  "admin"};
  return names;
}

class Cast {
 public:
  explicit Cast(Village village) : village_(std::move(village)) {}

  // Logs everybody in and makes the resources.
  void Assemble();

  demo::ApiClient& Client(const std::string& who) { return clients_.at(who); }
  const auth::Principal& Principal(const std::string& who) const { return principals_.at(who); }
  // "/v1/dossiers/{dossier}" -> "/v1/dossiers/H56.15865-…". Names: see Assemble.
  std::string Fill(std::string text) const;
  const std::string& resource(const std::string& name) const { return resources_.at(name); }
  // Where the row lies that a path (with names still in it) and body are about.
  auth::ResourceScope ScopeOf(const std::string& path, const std::string& body) const;
  // A login that may be ended.
  demo::ApiClient Fresh(const std::string& who);
  Village& village() { return village_; }

 private:
  void AssembleDossiers();
  void AssembleMoney();

  Village village_;
  std::map<std::string, demo::ApiClient> clients_;
  std::map<std::string, auth::Principal> principals_;
  std::map<std::string, std::string> resources_;
};

// Every RPC of the platform, from the descriptors.
std::vector<const google::protobuf::MethodDescriptor*> AllMethods();

struct HttpRule {
  std::string verb;
  std::string path;  // template
  std::string body;
};
// The google.api.http option; verb empty: none.
HttpRule HttpRuleOf(const google::protobuf::MethodDescriptor& method);
// The RPC that a path (names in braces count as any text) belongs to; nullptr: none.
const google::protobuf::MethodDescriptor* MethodOf(const std::string& verb, const std::string& path);

}  // namespace dinh::testing
