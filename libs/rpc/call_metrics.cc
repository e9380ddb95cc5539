#include "libs/rpc/call_metrics.h"

#include "libs/rpc/status_proto.h"

namespace dinh::rpc {

MethodMetrics::MethodMetrics(telemetry::Counter& started, telemetry::CounterFamily& handled,
                             telemetry::Histogram& seconds, std::string service, std::string method)
    : started_(started),
      handled_(handled),
      seconds_(seconds),
      service_(std::move(service)),
      method_(std::move(method)) {
  Of(static_cast<size_t>(absl::StatusCode::kOk));
}

telemetry::Counter& MethodMetrics::Of(size_t code) {
  if (code >= by_code_.size()) code = static_cast<size_t>(absl::StatusCode::kUnknown);
  telemetry::Counter* counter = by_code_[code].load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &handled_.With({service_, method_, CodeName(static_cast<absl::StatusCode>(code))});
    by_code_[code].store(counter, std::memory_order_release);
  }
  return *counter;
}

void MethodMetrics::Handled(absl::StatusCode code, double seconds) {
  Of(static_cast<size_t>(code)).Increment();
  seconds_.Observe(seconds);
}

CallMetrics::CallMetrics(telemetry::Metrics& metrics, const std::string& prefix)
    : started_(metrics.AddCounter(prefix + "_started_total", "Calls begun.", {"grpc_service", "grpc_method"})),
      handled_(metrics.AddCounter(prefix + "_handled_total", "Calls ended, by status code.",
                                  {"grpc_service", "grpc_method", "grpc_code"})),
      seconds_(metrics.AddHistogram(prefix + "_handling_seconds", "From the request understood to the answer made.",
                                    {"grpc_service", "grpc_method"})) {}

std::unique_ptr<MethodMetrics> CallMetrics::ForMethod(const std::string& service, const std::string& method) {
  return std::make_unique<MethodMetrics>(started_.With({service, method}), handled_, seconds_.With({service, method}),
                                         service, method);
}

}  // namespace dinh::rpc
