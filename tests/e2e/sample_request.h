// A request that passes the field rules, made from the descriptors: what a caller would have to send who knows nothing
// but the contract.
#pragma once

#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"

namespace dinh::testing {

// Required fields only; fields named "etag" get one that is stale. `skip`: fields that stand in the path.
nlohmann::json SampleOf(const google::protobuf::Descriptor& message, const std::set<std::string>& skip = {});

}  // namespace dinh::testing
