// Errors in the form of GeoReport v2: <errors><error><code/><description/></error></errors>, one for each field that is
// wrong. Pure functions.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/http/message.h"
#include "services/gateway/open311/document.h"
#include "services/gateway/problem.h"

namespace dinh::gateway::open311 {

enum class Format { kXml, kJson };

// The body and its Content-Type.
void Write(const Node& root, Format format, http::Response* response);

// The specification's statuses: 404 for what does not exist, 403 for a wrong or missing api_key, 400 for what else a
// request cannot have; login, limits (with Retry-After) and faults of ours keep theirs. `status` is passed through
// rpc::ForOutside. Without security headers.
http::Response ErrorResponse(const absl::Status& status, Format format, std::string_view language,
                             std::string_view trace_id);
http::Response ErrorResponse(const Refusal& refusal, Format format, std::string_view language);

inline constexpr Refusal kNoSuchResource = {
    404, "NO_SUCH_ROUTE", "Không có địa chỉ này. GeoReport v2 có services, requests, tokens và servicerequestupdates.",
    "There is nothing at this address. GeoReport v2 has services, requests, tokens and servicerequestupdates."};
inline constexpr Refusal kFormatNeeded = {404, "FORMAT_UNKNOWN", "Địa chỉ phải kết thúc bằng .xml hoặc .json.",
                                          "The address must end in .xml or .json."};
inline constexpr Refusal kFormNeeded = {
    400, "UNSUPPORTED_MEDIA_TYPE", "Hãy gửi Content-Type application/x-www-form-urlencoded hoặc multipart/form-data.",
    "Send Content-Type application/x-www-form-urlencoded or multipart/form-data."};

}  // namespace dinh::gateway::open311
