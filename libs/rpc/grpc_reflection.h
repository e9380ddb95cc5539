// grpc.reflection.v1alpha (and v1, which is the same on the wire) over the descriptors of the method tables: Debian's
// plugin knows only services with generated stubs. Private to libs/rpc.
#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include <string>
#include <vector>

#include "grpc/reflection/v1alpha/reflection.pb.h"

namespace dinh::rpc {

inline constexpr char kReflectionV1Alpha[] = "grpc.reflection.v1alpha.ServerReflection";
inline constexpr char kReflectionV1[] = "grpc.reflection.v1.ServerReflection";

// `services`: full names to list. Thread-safe.
class Reflection {
 public:
  explicit Reflection(std::vector<std::string> services) : services_(std::move(services)) {}

  grpc::reflection::v1alpha::ServerReflectionResponse Answer(
      const grpc::reflection::v1alpha::ServerReflectionRequest& request) const;
  // One conversation; the object outlives it.
  grpc::ServerGenericBidiReactor* NewReactor() const;

 private:
  std::vector<std::string> services_;
};

}  // namespace dinh::rpc
