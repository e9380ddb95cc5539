// A person, as told over a phone or seen at the desk.
#pragma once

#include <string>

namespace dinh::identity {

// How sure the platform is who a person is; ordered. Values are stored.
enum class Assurance { kNone = 0, kPhone = 1, kSeenAtDesk = 2, kNationalEid = 3 };

struct Address {
  std::string text;
  std::string unit;  // code in the map of `at`
  std::string at;    // "2024-05-01"; set whenever `unit` is
  bool operator==(const Address&) const = default;
};

struct Person {
  std::string id;
  std::string full_name;        // NFC
  std::string personal_number;  // "" when not told
  std::string birth_date;       // partial
  Address address;
  Assurance assurance = Assurance::kNone;
  std::string phone;  // normal form, "" when none
};

// Seen papers make the number authoritative: it is then unique among all such persons. What is only told is a claim
// that anybody may make, so it must not keep the true holder out.
inline bool IsVerified(const Person& person) { return person.assurance >= Assurance::kSeenAtDesk; }

// Name, number and birth date stand on the papers; address and phone change without them.
inline bool ChangesPapers(const Person& from, const Person& to) {
  return from.full_name != to.full_name || from.personal_number != to.personal_number ||
         from.birth_date != to.birth_date;
}

}  // namespace dinh::identity
