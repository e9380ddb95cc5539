// grpc.health.v1: what load balancers and probes ask. "" is the process as a whole.
//
// Thread safety: thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpc/health/v1/health.pb.h"
#include "libs/rpc/method_table.h"

namespace dinh::rpc {

class Health {
 public:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  // Services are unknown until set. Watchers are told.
  void Set(const std::string& service, bool serving);
  // Every known service; no later Set brings one back (a drain is final).
  void Drain();
  Status Get(const std::string& service) const;
  // Somebody is told of changes.
  bool watched() const;

  // The RPCs. Check: NOT_FOUND for an unknown service.
  absl::Status Check(const Message& request, Message* response) const;
  // Tells the present state at once (SERVICE_UNKNOWN included), then each change.
  absl::Status Watch(const Message& request, const std::shared_ptr<StreamSink>& sink);

 private:
  struct Watcher {
    std::string service;
    std::shared_ptr<StreamSink> sink;
  };
  void Tell(const std::string& service, Status status);
  void Forget(const StreamSink* sink);

  mutable std::mutex mutex_;
  bool draining_ = false;
  std::map<std::string, Status> states_;
  std::vector<Watcher> watchers_;
};

}  // namespace dinh::rpc
