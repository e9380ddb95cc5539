#include "libs/rpc/local_channel.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/validate.h"

namespace dinh::rpc {
namespace {

absl::Status UnknownMethod(std::string_view callee, std::string_view path) {
  return base::Internal("service " + std::string(callee) + " has no method " + std::string(path));
}

}  // namespace

LocalChannel::LocalChannel(std::string caller, std::string callee, Pipeline& pipeline)
    : caller_(std::move(caller)), callee_(std::move(callee)), pipeline_(pipeline) {}

CallHead LocalChannel::HeadFor(const CallOptions& options) const {
  if (options.forward != nullptr) {
    CallHead head = *options.forward;
    head.cancelled = nullptr;
    return head;
  }
  CallHead head;
  head.principal = options.as_user;
  // The token is not looked at again, but the callee may call others in the same name.
  head.credentials = options.as_user != nullptr && !options.bearer.empty()
                         ? Credentials{Credentials::Kind::kBearer, options.bearer, {}}
                         : Credentials{Credentials::Kind::kPeer, caller_, {}};
  head.local = true;
  head.request_id = options.request_id;
  return head;
}

CallHead LocalChannel::HeadFor(const base::OpContext& ctx, const CallOptions& options) const {
  CallHead head = HeadFor(options);
  const auto* call = dynamic_cast<const Context*>(&ctx);
  if (options.as_user != nullptr && options.bearer.empty() && call != nullptr && !call->bearer.empty()) {
    head.credentials = {Credentials::Kind::kBearer, call->bearer, {}};
  }
  head.deadline = ctx.deadline();
  head.trace = ctx.trace;
  head.cancelled = ctx.cancelled();
  return head;
}

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
  CallHead head = HeadFor(ctx, options);
  // Check changes nothing of some types, so the caller's message may pass as it is; of others a copy.
  std::unique_ptr<Message> copy;
  if (method->validator->mutates()) {
    copy.reset(request.New());
    copy->CopyFrom(request);
  }
  const absl::Status status =
      pipeline_.Unary(*method, head, copy != nullptr ? *copy : const_cast<Message&>(request), response);
  if (options.forward != nullptr) options.forward->replayed = head.replayed;
  return status;
}

absl::Status LocalChannel::ClientStream(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                                        Message* response, const CallOptions& options) {
  if (ctx.in_transaction) {
    return base::Internal("call of " + std::string(path) + " from inside a transaction");
  }
  const BoundMethod* method = pipeline_.Find(callee_, path);
  if (method == nullptr) return UnknownMethod(callee_, path);
  if (response->GetDescriptor() != method->entry->descriptor->output_type()) {
    return base::Internal("wrong message type for " + std::string(path));
  }
  CallHead head = HeadFor(ctx, options);
  const absl::Status status = pipeline_.ClientStream(*method, head, reader, response);
  if (options.forward != nullptr) options.forward->replayed = head.replayed;
  return status;
}

absl::Status LocalChannel::Subscribe(std::string_view path, const Message& request, std::shared_ptr<StreamSink> sink,
                                     const CallOptions& options) {
  const BoundMethod* method = pipeline_.Find(callee_, path);
  if (method == nullptr) return UnknownMethod(callee_, path);
  if (request.GetDescriptor() != method->entry->descriptor->input_type()) {
    return base::Internal("wrong message type for " + std::string(path));
  }
  CallHead head = HeadFor(options);
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  return pipeline_.ServerStream(*method, head, *copy, std::move(sink));
}

}  // namespace dinh::rpc
