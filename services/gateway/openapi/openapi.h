// The OpenAPI 3.1 document of the REST surface, made from the descriptors once at start: paths from google.api.http,
// schemas from the messages, rules from (rule), security from (access), texts from the comments of the proto files.
//
//   std::string json = BuildOpenApi(entries, info);   // served at /openapi.json
//
// Pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "libs/rpc/method_table.h"

namespace dinh::gateway {

// A route that no google.api.http declares: GeoReport v2, whose shapes its own specification tells.
struct SpecifiedRoute {
  std::string verb;           // "get"
  std::string path;           // "/open311/v2/requests/{service_request_id}.{format}"
  std::string method;         // what it calls; its comment says what it is for
  std::string specification;  // address
};

struct OpenApiInfo {
  std::string title = "Đình";
  std::string version;
  std::string server_url;  // "http://127.0.0.1:8080"; empty: relative
  std::vector<SpecifiedRoute> others;
};

// Methods without google.api.http are left out. Deterministic: the same tables give the same bytes.
std::string BuildOpenApi(const std::vector<const rpc::MethodEntry*>& methods, const OpenApiInfo& info);

// The proto files as compiled into the binary, comments included.
std::string_view EmbeddedDescriptorSet();

// The page at /docs: three static files, no inline script or style (the CSP allows none).
std::string_view DocsHtml();    // text/html
std::string_view DocsScript();  // /docs/docs.js
std::string_view DocsStyle();   // /docs/docs.css

}  // namespace dinh::gateway
