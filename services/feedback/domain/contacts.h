// Finds in a text what reaches a person or is a number of a person: phones, personal numbers, accounts, e-mail
// addresses, number plates. Digits count whatever stands between them singly (blank, dot, hyphen, brackets), and in
// their full-width form. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace dinh::feedback {

enum class ContactKind { kPhone, kPersonalNumber, kBankAccount, kEmail };

// Bytes [begin, end) of the text.
struct Contact {
  ContactKind kind = ContactKind::kPhone;
  size_t begin = 0;
  size_t end = 0;
};

// In order, not overlapping. Sums of money (500.000.000) are none.
std::vector<Contact> ContactsOf(std::string_view text);

// 36A-123.45, 36-B1 123.45, 30E12345
bool HasPlate(std::string_view text);

}  // namespace dinh::feedback
