// A request message from what an HTTP request says: body, query, path, in this order.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "libs/http/message.h"
#include "services/gateway/routes.h"

namespace dinh::gateway {

// INVALID_ARGUMENT with field violations: malformed JSON, an unknown query parameter, a value that does not fit, a
// field that the path says otherwise. `segments` as the router cut them.
absl::Status BindRequest(const RouteTable& table, const Route& route, const transcode::PathSegments& segments,
                         const http::Request& http, Message* request);

// What the path of an upload says, into the first message of its stream. Parameters are refused.
absl::Status BindUpload(const Route& route, const transcode::PathSegments& segments, const http::Request& http,
                        Message* first);

// Fields a query has set already.
using SeenFields = std::set<std::pair<const Message*, const FieldDescriptor*>>;

// `name` is a field path: "filter.from". Repeated fields take it several times, others once.
absl::Status BindParameter(const transcode::MessagePlan& plan, std::string_view name, std::string_view value,
                           SeenFields* seen, Message* request);

// true when the body may be read as JSON: "application/json", with or without charset=utf-8; or no body and no type.
bool IsJson(std::string_view content_type);

}  // namespace dinh::gateway
