// absl::Status ↔ google.rpc.Status (AIP-193), the form in which errors travel over gRPC and Connect.
//
// Details, in this order: one ErrorInfo always (domain "dinh"), BadRequest with the violations in Vietnamese and a
// second one with the same violations in English, RetryInfo where waiting helps, LocalizedMessage "vi" and "en".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace dinh::rpc {

inline constexpr std::string_view kErrorDomain = "dinh";

// What may leave the server: INTERNAL, UNKNOWN, DATA_LOSS and every status that base's error constructors did not make
// are replaced by the general text with the trace id as metadata; others are returned as they are.
absl::Status ForOutside(const absl::Status& status, std::string_view trace_id);

// `status` must be ForOutside's.
google::rpc::Status ToProto(const absl::Status& status);
// Unknown details are dropped; a status without ErrorInfo keeps its code and message.
absl::Status FromProto(const google::rpc::Status& proto);

// The name of a code as gRPC's metrics write it: "OK", "NotFound", "InvalidArgument".
std::string_view CodeName(absl::StatusCode code);
// "NOT_FOUND", as the specifications write it.
std::string_view CodeConstant(absl::StatusCode code);

}  // namespace dinh::rpc
