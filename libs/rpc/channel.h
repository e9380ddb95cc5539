// How one service calls another: a function call through the same pipeline (local) or gRPC over mTLS (remote). The
// caller cannot tell which.
//
//   absl::StatusOr<pb::Unit> unit = territory.Call<pb::Unit>(ctx, "/dinh.territory.v1.TerritoryService/GetUnit",
//   request);
//
// * The caller's deadline and trace go along; so does the user's principal when `as_user` is set (a remote callee gets
//   the user's token and checks it again; a local one the principal). Default: the calling service itself (PEER).
// * Refused (INTERNAL) while ctx.in_transaction.
// Thread safety: thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/auth/principal.h"
#include "libs/base/op_context.h"

namespace dinh::rpc {

class StreamSink;

struct CallOptions {
  const auth::Principal* as_user = nullptr;
  std::string request_id;  // idempotency key for mutations
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual absl::Status CallRaw(base::OpContext& ctx, std::string_view path, const google::protobuf::Message& request,
                               google::protobuf::Message* response, const CallOptions& options) = 0;
  // A server stream; `sink` gets the messages. Ends when the sink's Write returns false, or by itself.
  virtual absl::Status Subscribe(std::string_view path, const google::protobuf::Message& request,
                                 std::shared_ptr<StreamSink> sink) = 0;

  template <typename Resp>
  absl::StatusOr<Resp> Call(base::OpContext& ctx, std::string_view path, const google::protobuf::Message& request,
                            const CallOptions& options = {}) {
    Resp response;
    absl::Status status = CallRaw(ctx, path, request, &response, options);
    if (!status.ok()) return status;
    return response;
  }
};

}  // namespace dinh::rpc
