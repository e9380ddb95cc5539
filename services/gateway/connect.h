// The Connect protocol's unary calls (https://connectrpc.com/docs/protocol): POST /dinh.x.v1.Service/Method with JSON
// or binary messages, GET for methods without side effects, and Connect's own form of errors. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/http/message.h"

namespace dinh::gateway {

enum class ConnectCodec { kJson, kProto };

// "application/json" or "application/proto", parameters aside.
bool IsConnectType(std::string_view content_type);

struct ConnectRequest {
  ConnectCodec codec = ConnectCodec::kJson;
  std::string message;  // of a GET, decoded; a POST's is the body
};
// Reads headers and, for GET, the query (message, encoding, base64, connect). INVALID_ARGUMENT or UNIMPLEMENTED.
absl::StatusOr<ConnectRequest> ReadConnectRequest(const http::Request& http);

// Connect-Timeout-Ms; nullopt when absent. INVALID_ARGUMENT unless 1 to 10 digits.
absl::StatusOr<std::optional<std::chrono::milliseconds>> ConnectTimeout(std::string_view header);

// {"code":"invalid_argument","message":…,"details":[{"type":"google.rpc.ErrorInfo","value":…}]} with Connect's own
// table of HTTP statuses. Nothing internal leaves: rpc::ForOutside is applied.
http::Response ConnectProblem(const absl::Status& status, std::string_view trace_id);

}  // namespace dinh::gateway
