// http_server_requests_total and http_server_request_seconds by method and route template; never by raw path.
//
// Thread safety: thread-safe after construction.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "libs/telemetry/metrics.h"

namespace dinh::gateway {

class HttpMetrics {
 public:
  // The series of one method and route; found once per route, so that a request costs two additions.
  class Series {
   public:
    void Observe(int status, std::chrono::steady_clock::time_point begin, std::chrono::steady_clock::time_point end);

   private:
    friend class HttpMetrics;
    std::string method, route;
    telemetry::CounterFamily* requests = nullptr;
    telemetry::Histogram* seconds = nullptr;
    std::atomic<telemetry::Counter*> ok{nullptr};  // of status 200, which most answers have
  };

  explicit HttpMetrics(telemetry::Metrics& metrics);
  // `method` must be one of a fixed set, `route` a template.
  Series& Of(std::string_view method, std::string_view route);

 private:
  telemetry::CounterFamily& requests_;
  telemetry::HistogramFamily& seconds_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Series> series_;
};

}  // namespace dinh::gateway
