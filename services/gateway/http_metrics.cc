#include "services/gateway/http_metrics.h"

namespace dinh::gateway {

HttpMetrics::HttpMetrics(telemetry::Metrics& metrics)
    : requests_(metrics.AddCounter("http_server_requests_total", "HTTP requests answered, by route template.",
                                   {"method", "route", "status"})),
      seconds_(metrics.AddHistogram("http_server_request_seconds",
                                    "Time from the end of a request's header to its answer.", {"method", "route"})) {}

HttpMetrics::Series& HttpMetrics::Of(std::string_view method, std::string_view route) {
  std::lock_guard lock(mutex_);
  Series& series = series_[{std::string(method), std::string(route)}];
  if (series.requests == nullptr) {
    series.method = method;
    series.route = route;
    series.requests = &requests_;
    series.seconds = &seconds_.With({series.method, series.route});
  }
  return series;
}

void HttpMetrics::Series::Observe(int status, std::chrono::steady_clock::time_point begin,
                                  std::chrono::steady_clock::time_point end) {
  constexpr int kOk = 200;
  telemetry::Counter* counter = status == kOk ? ok.load(std::memory_order_relaxed) : nullptr;
  if (counter == nullptr) {
    counter = &requests->With({method, route, std::to_string(status)});
    if (status == kOk) ok.store(counter, std::memory_order_relaxed);
  }
  counter->Increment();
  seconds->Observe(std::chrono::duration<double>(end - begin).count());
}

}  // namespace dinh::gateway
