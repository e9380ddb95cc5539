// What a client of Open311 sends: fields of a query string, of application/x-www-form-urlencoded and of
// multipart/form-data without files. Everything is bounded, and what is not plainly one value of one field is refused.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/limits.h"

namespace dinh::gateway::open311 {

inline constexpr size_t kFormBytesMax = 64 * base::kKiB;  // a body
inline constexpr size_t kFormFieldsMax = 100;
inline constexpr size_t kFieldNameBytesMax = 128;

bool IsFormType(std::string_view content_type);

// Thread safety: a value.
class Form {
 public:
  // Fields of `text`, which is encoded as a query string. INVALID_ARGUMENT: a bad escape, no UTF-8, a field twice (but
  // `attribute[code][]`), too many fields, an attribute without a code.
  absl::Status AddEncoded(std::string_view text);
  // A body of one of the types of IsFormType.
  absl::Status AddBody(std::string_view content_type, std::string_view body);

  // "" when absent: the specification makes no difference between that and an empty value.
  std::string_view Get(std::string_view name) const;
  // The values of `attribute[code]=value` by code, without empty ones; several of `attribute[code][]` joined by ",".
  std::map<std::string, std::string> Attributes() const;

 private:
  class MultipartFields;
  struct Field {
    std::string value;
    bool list = false;
  };

  absl::Status Add(std::string name, std::string_view value);

  std::map<std::string, Field, std::less<>> fields_;  // `attribute[code][]` stands as "attribute[code]"
  size_t count_ = 0;
};

}  // namespace dinh::gateway::open311
