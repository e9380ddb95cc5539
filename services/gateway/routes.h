// Every way into the platform over HTTP, worked out once at start from the method tables and their descriptors.
//
// Thread safety: built once, then immutable.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/api/http.pb.h"
#include "libs/rpc/pipeline.h"
#include "services/gateway/transcode/path_router.h"
#include "services/gateway/transcode/path_template.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What a method is to an HTTP client.
struct Endpoint {
  enum class Kind { kUnary, kUpload, kEvents };

  size_t index = 0;  // within RouteTable::endpoints()
  const rpc::BoundMethod* method = nullptr;
  Kind kind = Kind::kUnary;
  const transcode::MessagePlan* request = nullptr;
  const transcode::MessagePlan* response = nullptr;
  bool raw_response = false;    // dinh.options.v1.RawBody
  bool signed_request = false;  // dinh.options.v1.SignedRequest
  bool read_only = false;       // NO_SIDE_EFFECTS
  // Readable by anyone and free of personal data: may be kept by shared caches when no credentials came along.
  bool publicly_cacheable = false;
  bool issues_tokens = false;                          // the answer is identity's TokenPair (cookie sessions)
  bool ends_session = false;                           // identity's Logout
  const FieldDescriptor* request_etag = nullptr;       // string `etag` of the request
  const FieldDescriptor* response_etag = nullptr;      // string `etag` of the response
  const transcode::FieldPlan* resume_field = nullptr;  // events: int64 `last_event_id` or `after_sequence`
  const FieldDescriptor* sequence_field = nullptr;     // events: int64 `sequence` of the message
  // Uploads that go on from an offset: int64 `offset` and bytes `data` of the streamed message. The body is raw then,
  // and the offset is a header. Both null: multipart of UploadChunk.
  const FieldDescriptor* stream_offset = nullptr;
  const FieldDescriptor* stream_data = nullptr;
  // int64 `offset` and `size_bytes` of the answer, which tells them in Upload-Offset and Upload-Length.
  const FieldDescriptor* response_offset = nullptr;
  const FieldDescriptor* response_length = nullptr;

  const rpc::MethodEntry& entry() const { return *method->entry; }
};

// One google.api.http binding of an endpoint.
struct Route {
  enum class Body { kNone, kAll, kField };
  struct Variable {
    std::vector<const transcode::FieldPlan*> fields;  // from the request down to the leaf
    size_t first = 0;
    size_t count = 1;  // 0: all that follow
    bool multi = false;
    std::string path;  // "unit.code"
  };

  size_t index = 0;  // within RouteTable::routes()
  const Endpoint* endpoint = nullptr;
  std::string http_method;  // "GET"; "*" takes all
  transcode::PathTemplate path;
  std::string label;  // "/v1/units/{code}", for metrics
  std::vector<Variable> variables;
  Body body = Body::kNone;
  const transcode::FieldPlan* body_field = nullptr;
  const transcode::FieldPlan* response_field = nullptr;
};

class RouteTable {
 public:
  // FAILED_PRECONDITION or INVALID_ARGUMENT: a bad template, a conflict, a variable that is no field, a method without
  // JSON form. Peer-only methods get no way in.
  static absl::StatusOr<std::unique_ptr<RouteTable>> Build(
      const std::vector<std::unique_ptr<rpc::BoundMethod>>& methods);

  struct Match {
    const Route* route = nullptr;
    transcode::PathSegments segments;
    std::vector<std::string> allowed;  // methods, when only the method was wrong
  };
  // HEAD is matched as GET.
  Match Find(std::string_view http_method, std::string_view path) const;
  // "/dinh.x.v1.Service/Method"; nullptr when unknown.
  const Endpoint* FindRpc(std::string_view path) const;

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }
  const std::vector<std::unique_ptr<Endpoint>>& endpoints() const { return endpoints_; }
  const transcode::Transcoder& transcoder() const { return transcoder_; }

 private:
  absl::Status AddMethod(const rpc::BoundMethod& method);
  absl::Status AddRule(const Endpoint& endpoint, const google::api::HttpRule& rule);
  absl::Status BindVariables(Route* route) const;

  transcode::Transcoder transcoder_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::map<std::string, const Endpoint*, std::less<>> rpcs_;
  transcode::PathRouter router_;
};

}  // namespace dinh::gateway
