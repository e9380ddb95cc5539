#include "libs/rpc/local_channel.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/validate.h"

namespace dinh::rpc {
namespace {

absl::Status UnknownMethod(std::string_view callee, std::string_view path) {
  return base::Internal("service " + std::string(callee) + " has no method " + std::string(path));
}

Credentials PeerCredentials(const std::string& caller) { return {Credentials::Kind::kPeer, caller, {}}; }

}  // namespace

LocalChannel::LocalChannel(std::string caller, std::string callee, Pipeline& pipeline)
    : caller_(std::move(caller)), callee_(std::move(callee)), pipeline_(pipeline) {}

absl::Status LocalChannel::CallRaw(base::OpContext& ctx, std::string_view path, const Message& request,
                                   Message* response, const CallOptions& options) {
  if (ctx.in_transaction) {
    return base::Internal("call of " + std::string(path) + " from inside a transaction");
  }
  const BoundMethod* method = pipeline_.Find(callee_, path);
  if (method == nullptr) return UnknownMethod(callee_, path);
  if (request.GetDescriptor() != method->entry->descriptor->input_type() ||
      response->GetDescriptor() != method->entry->descriptor->output_type()) {
    return base::Internal("wrong message types for " + std::string(path));
  }
  CallHead head;
  head.principal = options.as_user;
  head.credentials = PeerCredentials(caller_);
  head.local = true;
  head.deadline = ctx.deadline();
  head.trace = ctx.trace;
  head.request_id = options.request_id;
  head.cancelled = ctx.cancelled();
  if (!method->validator->mutates()) {
    // Check changes nothing of such a type, so the caller's message may pass as it is.
    return pipeline_.Unary(*method, head, const_cast<Message&>(request), response);
  }
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  return pipeline_.Unary(*method, head, *copy, response);
}

absl::Status LocalChannel::Subscribe(std::string_view path, const Message& request, std::shared_ptr<StreamSink> sink) {
  const BoundMethod* method = pipeline_.Find(callee_, path);
  if (method == nullptr) return UnknownMethod(callee_, path);
  if (request.GetDescriptor() != method->entry->descriptor->input_type()) {
    return base::Internal("wrong message type for " + std::string(path));
  }
  CallHead head;
  head.credentials = PeerCredentials(caller_);
  head.local = true;
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  return pipeline_.ServerStream(*method, head, *copy, std::move(sink));
}

}  // namespace dinh::rpc
