// Comments of the proto files, by the full name of what they describe.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dinh::gateway {

class Comments {
 public:
  // `descriptor_set`: a serialised FileDescriptorSet with source info. Empty when it cannot be read.
  explicit Comments(std::string_view descriptor_set);
  // One paragraph of text, "" when there is none. `name`: "dinh.territory.v1.Unit.code".
  const std::string& Of(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> texts_;
  std::string none_;
};

}  // namespace dinh::gateway
