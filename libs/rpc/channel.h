// How one service calls another: a function call through the same pipeline (local) or gRPC over mTLS (remote). The
// caller cannot tell which.
//
//   absl::StatusOr<pb::Unit> unit = territory.Call<pb::Unit>(ctx, "/dinh.territory.v1.TerritoryService/GetUnit",
//   request);
//
// * The caller's deadline and trace go along; so does the user's principal when `as_user` is set (a remote callee gets
//   the user's token and checks it again; a local one the principal). Default: the calling service itself (PEER).
// * A client stream ends with the reader: when that fails, the call is cancelled, so that the callee never takes half
// of
//   what was meant for the whole, and the reader's error is the answer (unless the callee has answered already).
// * Refused (INTERNAL) while ctx.in_transaction.
// Thread safety: thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/auth/principal.h"
#include "libs/base/op_context.h"

namespace dinh::rpc {

class MessageReader;
class StreamSink;
struct CallHead;

struct CallOptions {
  // In the user's name: the principal of the call that is being answered. Never somebody else's.
  const auth::Principal* as_user = nullptr;
  // The user's token, where no rpc::Context carries it (a server stream has none).
  std::string bearer;
  std::string request_id;  // idempotency key for mutations
  // A client's call that this process only passes on: credentials, address, language, request id, trace and (of a
  // server stream) deadline are taken from here as they came; `replayed` is written back. Not together with as_user. A
  // server stream returns when the callee has accepted or refused it.
  CallHead* forward = nullptr;
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual absl::Status CallRaw(base::OpContext& ctx, std::string_view path, const google::protobuf::Message& request,
                               google::protobuf::Message* response, const CallOptions& options) = 0;
  // Reads `reader` on this thread, no faster than the callee takes its messages.
  virtual absl::Status ClientStream(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                                    google::protobuf::Message* response, const CallOptions& options) = 0;
  // A server stream; `sink` gets the messages. Ends when the sink's Write returns false, or by itself. An error:
  // nothing was started, and the sink hears nothing.
  virtual absl::Status Subscribe(std::string_view path, const google::protobuf::Message& request,
                                 std::shared_ptr<StreamSink> sink, const CallOptions& options) = 0;
  absl::Status Subscribe(std::string_view path, const google::protobuf::Message& request,
                         std::shared_ptr<StreamSink> sink) {
    return Subscribe(path, request, std::move(sink), {});
  }

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
