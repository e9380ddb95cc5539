// grpc_server_{started,handled}_total and grpc_server_handling_seconds, for every transport alike: what is measured is
// the call, not the wire. Handles are resolved at start, so that a call looks nothing up by name.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc {

// One method's figures. Thread-safe.
class MethodMetrics {
 public:
  MethodMetrics(telemetry::Counter& started, telemetry::CounterFamily& handled, telemetry::Histogram& seconds,
                std::string service, std::string method);
  void Started() { started_.Increment(); }
  void Handled(absl::StatusCode code, double seconds);

 private:
  telemetry::Counter& Of(size_t code);

  telemetry::Counter& started_;
  telemetry::CounterFamily& handled_;
  telemetry::Histogram& seconds_;
  const std::string service_, method_;
  // A code that never happened has no series: 17 for each method would be noise.
  std::array<std::atomic<telemetry::Counter*>, 17> by_code_{};
};

// `prefix`: "grpc_server", or "grpc_client" for remote channels.
class CallMetrics {
 public:
  CallMetrics(telemetry::Metrics& metrics, const std::string& prefix);
  std::unique_ptr<MethodMetrics> ForMethod(const std::string& service, const std::string& method);

 private:
  telemetry::CounterFamily& started_;
  telemetry::CounterFamily& handled_;
  telemetry::HistogramFamily& seconds_;
};

}  // namespace dinh::rpc
