#include "libs/rpc/health.h"

#include <utility>

#include "libs/base/status.h"

namespace dinh::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One a connection of every client process: who may not watch would not call either.
constexpr size_t kWatchersMax = 4096;

HealthCheckResponse Response(Health::Status status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response;
}

}  // namespace

void Health::Set(const std::string& service, bool serving) {
  const Status status = serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  {
    std::lock_guard lock(mutex_);
    if (draining_) return;
    Status& state = states_[service];
    if (std::exchange(state, status) == status) return;
  }
  Tell(service, status);
}

void Health::Drain() {
  std::vector<std::string> services;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    for (auto& [service, state] : states_) {
      state = HealthCheckResponse::NOT_SERVING;
      services.push_back(service);
    }
  }
  for (const std::string& service : services) Tell(service, HealthCheckResponse::NOT_SERVING);
}

Health::Status Health::Get(const std::string& service) const {
  std::lock_guard lock(mutex_);
  const auto found = states_.find(service);
  return found == states_.end() ? HealthCheckResponse::SERVICE_UNKNOWN : found->second;
}

bool Health::watched() const {
  std::lock_guard lock(mutex_);
  return !watchers_.empty();
}

absl::Status Health::Check(const Message& request, Message* response) const {
  const std::string& service = static_cast<const HealthCheckRequest&>(request).service();
  const Status status = Get(service);
  if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
    return base::NotFound("SERVICE_UNKNOWN", {"Không có dịch vụ này ở đây. Hãy kiểm tra tên.",
                                              "There is no such service here. Check the name."});
  }
  static_cast<HealthCheckResponse*>(response)->set_status(status);
  return absl::OkStatus();
}

absl::Status Health::Watch(const Message& request, const std::shared_ptr<StreamSink>& sink) {
  const std::string& service = static_cast<const HealthCheckRequest&>(request).service();
  const StreamSink* key = sink.get();
  {
    std::lock_guard lock(mutex_);
    if (watchers_.size() >= kWatchersMax) {
      return base::ResourceExhausted(
          "TOO_MANY_WATCHERS",
          {"Quá nhiều kết nối theo dõi. Hãy thử lại sau.", "Too many health watchers. Try again later."}, 1000);
    }
    watchers_.push_back({service, sink});
  }
  sink->Write(Response(Get(service)));
  sink->OnClosed([this, key] { Forget(key); });
  return absl::OkStatus();
}

void Health::Tell(const std::string& service, Status status) {
  std::vector<std::shared_ptr<StreamSink>> sinks;
  {
    std::lock_guard lock(mutex_);
    for (const Watcher& watcher : watchers_) {
      if (watcher.service == service) sinks.push_back(watcher.sink);
    }
  }
  for (const auto& sink : sinks) sink->Write(Response(status));
}

void Health::Forget(const StreamSink* sink) {
  std::shared_ptr<StreamSink> last;  // let go outside the lock
  std::lock_guard lock(mutex_);
  for (auto it = watchers_.begin(); it != watchers_.end(); ++it) {
    if (it->sink.get() != sink) continue;
    last = std::move(it->sink);
    watchers_.erase(it);
    return;
  }
}

}  // namespace dinh::rpc
