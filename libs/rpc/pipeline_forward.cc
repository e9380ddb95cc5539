// Methods of services that run elsewhere: passed on with the client's own credentials, and checked there.
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/pipeline_parts.h"

namespace dinh::rpc {

absl::Status Pipeline::AddForwarded(std::string_view service, const MethodTable& table, Channel& channel) {
  ASSIGN_OR_RETURN(const std::vector<BoundMethod*> methods, Bind(service, table));
  for (BoundMethod* method : methods) method->forward = &channel;
  return absl::OkStatus();
}

absl::Status Pipeline::PrepareForward(Call& call) {
  const CallHead& head = call.head;
  // A peer is known by its own certificate, and the callee would see this process'.
  if (head.principal != nullptr || head.credentials.kind == Credentials::Kind::kPeer) {
    return base::Internal("a call of a service cannot be passed on");
  }
  const base::OpContext::Deadline deadline = DeadlineOf(call);
  StartTrace(call);
  call.ctx = std::make_shared<Context>(options_.clock, deadline, *call.method.entry, auth::Principal());
  call.ctx->trace = head.trace;
  if (head.cancelled != nullptr) call.ctx->set_cancelled(head.cancelled);
  return call.ctx->Check();
}

absl::Status Pipeline::ForwardUnary(Call& call, const Message& request, Message* response) {
  RETURN_IF_ERROR(PrepareForward(call));
  CallOptions options;
  options.forward = &call.head;
  return call.method.forward->CallRaw(*call.ctx, call.method.entry->path, request, response, options);
}

absl::Status Pipeline::ForwardClientStream(Call& call, MessageReader& reader, Message* response) {
  RETURN_IF_ERROR(PrepareForward(call));
  CallOptions options;
  options.forward = &call.head;
  return call.method.forward->ClientStream(*call.ctx, call.method.entry->path, reader, response, options);
}

absl::Status Pipeline::ForwardServerStream(Call& call, const Message& request,
                                           const std::shared_ptr<StreamSink>& sink) {
  RETURN_IF_ERROR(PrepareForward(call));
  CallOptions options;
  options.forward = &call.head;
  return call.method.forward->Subscribe(call.method.entry->path, request, sink, options);
}

}  // namespace dinh::rpc
