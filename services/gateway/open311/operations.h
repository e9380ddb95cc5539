// The resources of GeoReport v2 and what each calls of dinh.feedback.v1.Open311Service.
// Sources: http://wiki.open311.org/GeoReport_v2/ and, for servicerequestupdates, FixMyStreet's extension
// (https://github.com/mysociety/fixmystreet/wiki/Open311-FMS---Proposed-differences-to-Open311).
//
// Pure functions.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/http/message.h"
#include "services/gateway/open311/document.h"
#include "services/gateway/open311/errors.h"
#include "services/gateway/open311/form.h"

namespace dinh::gateway::open311 {

inline constexpr std::string_view kSpecification = "http://wiki.open311.org/GeoReport_v2/";
inline constexpr std::string_view kPrefix = "/open311/v2/";
// A process that has this method serves them all.
inline constexpr std::string_view kServicePath = "/dinh.feedback.v1.Open311Service/ListServices";

struct Input {
  std::string id;  // from the path, decoded
  Form form;
  std::string_view public_url;  // put before paths of photos
};
// Makes the operation's call.
using Invoke = std::function<absl::Status(google::protobuf::Message& request, google::protobuf::Message* response)>;

struct Operation {
  http::Method method;        // kGet or kPost
  std::string_view resource;  // "requests"
  bool has_id;                // "requests/{service_request_id}"
  std::string_view label;     // "/open311/v2/requests/{service_request_id}.{format}", for metrics
  std::string_view rpc;       // "/dinh.feedback.v1.Open311Service/ListServiceRequests"
  absl::StatusOr<Node> (*run)(const Input& input, const Invoke& invoke);

  std::string_view method_name() const { return method == http::Method::kPost ? "POST" : "GET"; }
};

std::span<const Operation> Operations();

struct Match {
  const Operation* operation = nullptr;
  const Refusal* refusal = nullptr;  // why there is no operation
  std::string_view allow;            // methods, when only the method was wrong
  std::string_view id;               // of the path, not decoded
  Format format = Format::kXml;      // .json in any case; XML, which the specification requires, otherwise
};
// `path` begins with kPrefix and outlives the match.
Match FindOperation(http::Method method, std::string_view path);

// Reads `request` and runs the operation of `match`. INVALID_ARGUMENT before any call; else what the call says.
absl::StatusOr<Node> Run(const Match& match, const http::Request& request, std::string_view public_url,
                         const Invoke& invoke);

}  // namespace dinh::gateway::open311
