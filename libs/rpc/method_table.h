// A service's RPCs, listed once. The gRPC adapter, the local channel, the transcoder, OpenAPI and the access matrix all
// read this table with the descriptors.
//
//   table.Unary("dinh.territory.v1.TerritoryService.GetUnit", &handlers, &Handlers::GetUnit);
//
// Registration fails (Complete()) for an unknown method, wrong message types, a method without access rule, a method
// twice; Complete(service) fails when a method of the service is missing. Built at start, then immutable: thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "libs/auth/access.h"
#include "libs/rpc/context.h"

namespace dinh::rpc {

using google::protobuf::Message;

// What a client sends bit by bit: pulled by the handler on its thread.
class MessageReader {
 public:
  virtual ~MessageReader() = default;
  // true: `out` filled; false: the client has finished. An error: it broke off (CANCELLED) or was too slow.
  virtual absl::StatusOr<bool> Read(Message* out) = 0;
};

// A server stream that holds no thread while idle. Lifetime: shared by the transport and the source.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Queues one message; false when the peer is gone or its queue is full past the limit (stop then). Thread-safe.
  virtual bool Write(const Message& message) = 0;
  virtual void Finish(const absl::Status& status) = 0;
  // Called once, from any thread, when the peer goes away or the server drains; at once when it already has.
  virtual void OnClosed(std::function<void()> callback) = 0;
};

struct MethodEntry {
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  auth::AccessRule rule;
  bool no_side_effects = false;  // idempotency_level
  bool idempotent = false;       // NO_SIDE_EFFECTS or IDEMPOTENT
  const Message* request_prototype = nullptr;
  const Message* response_prototype = nullptr;
  // Exactly one is set.
  std::function<absl::Status(Context&, const Message& request, Message* response)> unary;
  std::function<absl::Status(Context&, MessageReader& reader, Message* response)> client_stream;
  // Starts the stream and returns; the sink is written from the event feed's threads. `ctx` outlives the stream.
  std::function<absl::Status(std::shared_ptr<Context> ctx, const Message& request, std::shared_ptr<StreamSink> sink)>
      server_stream;

  // "/dinh.territory.v1.TerritoryService/GetUnit"
  std::string path;
};

class MethodTable {
 public:
  template <typename H, typename Req, typename Resp>
  void Unary(std::string_view full_name, H* handlers, absl::StatusOr<Resp> (H::*handler)(Context&, const Req&)) {
    MethodEntry* entry = Add(full_name, Req::default_instance(), Resp::default_instance());
    if (entry == nullptr) return;
    entry->unary = [handlers, handler](Context& ctx, const Message& request, Message* response) -> absl::Status {
      absl::StatusOr<Resp> result = (handlers->*handler)(ctx, static_cast<const Req&>(request));
      if (!result.ok()) return std::move(result).status();
      *static_cast<Resp*>(response) = *std::move(result);
      return absl::OkStatus();
    };
  }
  // The same without a class, for fakes and small fixed answers.
  template <typename Req, typename Resp>
  void Unary(std::string_view full_name, std::function<absl::StatusOr<Resp>(Context&, const Req&)> handler) {
    MethodEntry* entry = Add(full_name, Req::default_instance(), Resp::default_instance());
    if (entry == nullptr) return;
    entry->unary = [handler = std::move(handler)](Context& ctx, const Message& request,
                                                  Message* response) -> absl::Status {
      absl::StatusOr<Resp> result = handler(ctx, static_cast<const Req&>(request));
      if (!result.ok()) return std::move(result).status();
      *static_cast<Resp*>(response) = *std::move(result);
      return absl::OkStatus();
    };
  }
  // The methods of services that run elsewhere, with their rules: for Pipeline::AddForwarded and for whoever reads
  // tables. Their handlers are never asked. Complete() tells an unknown service.
  static MethodTable Remote(const std::vector<std::string>& services);

  // Every method of "pkg.Service" that has no handler yet answers UNIMPLEMENTED.
  void LeaveOthersUnimplemented(std::string_view service);
  template <typename H, typename Resp>
  void ClientStream(std::string_view full_name, H* handlers, const Message& request_prototype,
                    absl::StatusOr<Resp> (H::*handler)(Context&, MessageReader&)) {
    MethodEntry* entry = Add(full_name, request_prototype, Resp::default_instance());
    if (entry == nullptr) return;
    entry->client_stream = [handlers, handler](Context& ctx, MessageReader& reader, Message* response) -> absl::Status {
      absl::StatusOr<Resp> result = (handlers->*handler)(ctx, reader);
      if (!result.ok()) return std::move(result).status();
      *static_cast<Resp*>(response) = *std::move(result);
      return absl::OkStatus();
    };
  }
  template <typename H, typename Req>
  void ServerStream(std::string_view full_name, H* handlers, const Message& response_prototype,
                    absl::Status (H::*handler)(std::shared_ptr<Context>, const Req&, std::shared_ptr<StreamSink>)) {
    MethodEntry* entry = Add(full_name, Req::default_instance(), response_prototype);
    if (entry == nullptr) return;
    entry->server_stream = [handlers, handler](std::shared_ptr<Context> ctx, const Message& request,
                                               std::shared_ptr<StreamSink> sink) {
      return (handlers->*handler)(std::move(ctx), static_cast<const Req&>(request), std::move(sink));
    };
  }

  // The first registration error, or a service of this table with methods missing.
  absl::Status Complete() const;
  const MethodEntry* Find(std::string_view path) const;  // "/pkg.Service/Method"; nullptr when unknown
  const std::vector<std::unique_ptr<MethodEntry>>& entries() const { return entries_; }

 private:
  // "pkg.Service.Method". nullptr after recording an error.
  MethodEntry* Add(std::string_view full_name, const Message& request, const Message& response);

  absl::Status status_;
  std::vector<std::unique_ptr<MethodEntry>> entries_;
  std::unordered_map<std::string_view, const MethodEntry*> by_path_;  // keys live in the entries
};

}  // namespace dinh::rpc
