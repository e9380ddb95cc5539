// Names of units and agencies, for people to read. Territory's, remembered.
#pragma once

#include <string>

#include "libs/base/op_context.h"

namespace dinh::feedback {

// Thread-safe. Never inside a transaction. The code itself where nobody knows a name.
class Names {
 public:
  virtual ~Names() = default;
  virtual std::string UnitName(base::OpContext& ctx, const std::string& code) = 0;      // "xã Hoằng Hóa"
  virtual std::string AgencyName(base::OpContext& ctx, const std::string& agency) = 0;  // "UBND xã Hoằng Hóa"
};

}  // namespace dinh::feedback
