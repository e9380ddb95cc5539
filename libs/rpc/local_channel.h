// A call between two modules of one process: the callee's whole pipeline on the caller's thread, without a socket or a
// copy of the request (unless field rules may change it).
//
// The callee sees the peer `caller`, the user when CallOptions::as_user is set, or the client whose call is passed on.
// Which services may be called at all is decided where channels are made (libs/app): from the declared dependencies,
// which have no cycle.
//
// Thread safety: thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/rpc/channel.h"
#include "libs/rpc/pipeline.h"

namespace dinh::rpc {

class LocalChannel final : public Channel {
 public:
  // `pipeline` must outlive the channel; `callee` is the module's name ("territory").
  LocalChannel(std::string caller, std::string callee, Pipeline& pipeline);

  absl::Status CallRaw(base::OpContext& ctx, std::string_view path, const Message& request, Message* response,
                       const CallOptions& options) override;
  absl::Status ClientStream(base::OpContext& ctx, std::string_view path, MessageReader& reader, Message* response,
                            const CallOptions& options) override;
  using Channel::Subscribe;
  absl::Status Subscribe(std::string_view path, const Message& request, std::shared_ptr<StreamSink> sink,
                         const CallOptions& options) override;

 private:
  CallHead HeadFor(const CallOptions& options) const;
  CallHead HeadFor(const base::OpContext& ctx, const CallOptions& options) const;

  const std::string caller_, callee_;
  Pipeline& pipeline_;
};

}  // namespace dinh::rpc
