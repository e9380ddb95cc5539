// The three shapes of a call on gRPC's callback API. Private to libs/rpc.
//
// A reactor's callbacks run on gRPC's own few threads and never wait: handlers go to the pool (or run at once when
// light), streams move on by OnReadDone and OnWriteDone. Each reactor owns itself and goes with OnDone.
#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/rpc/call.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/pool.h"

namespace dinh::rpc {

// What a path leads to: a method of the pipeline, or one of gRPC's own (health). Exactly one function is set.
struct GrpcTarget {
  const Message* request_prototype = nullptr;
  const Message* response_prototype = nullptr;
  bool on_io_thread = false;
  // A unary call that brings no deadline gets this one (0: the pipeline's).
  std::chrono::milliseconds default_deadline{0};
  std::function<absl::Status(CallHead&, Message&, Message*)> unary;
  std::function<absl::Status(CallHead&, MessageReader&, Message*)> client_stream;
  std::function<absl::Status(CallHead&, Message&, std::shared_ptr<StreamSink>)> server_stream;
};

// The open server streams, so that a drain can end them. Thread-safe.
class OpenStreams {
 public:
  class Stream {
   public:
    virtual ~Stream() = default;
    virtual void EndForDrain() = 0;
  };
  // false: draining; open none.
  bool Add(const std::shared_ptr<Stream>& stream);
  void Remove(Stream* stream);
  void EndAll();

 private:
  std::mutex mutex_;
  bool draining_ = false;
  std::set<std::shared_ptr<Stream>> streams_;
};

// What all reactors share; outlives them.
struct GrpcShared {
  HandlerPool& pool;
  OpenStreams& streams;
};

grpc::ServerGenericBidiReactor* NewReactor(const GrpcShared& shared, const GrpcTarget& target, CallHead head,
                                           grpc::GenericCallbackServerContext* context);
// Ends the call at once.
grpc::ServerGenericBidiReactor* NewRefusal(const absl::Status& status);

}  // namespace dinh::rpc
