// Metrics in Prometheus' form. One Metrics object a process, passed by reference; no global registry.
//
//   CounterFamily& handled = metrics.AddCounter("grpc_server_handled_total", "calls answered", {"method", "code"});
//   Counter& ok = handled.With({"GetDossier", "OK"});   // once, kept by the caller
//   ok.Increment();                                      // then 10–40 ns
//
// Families are added while the program is put together. The same family added again (two services in one process) is
// the first one. Adding it with another type, labels or buckets, a name that Prometheus does not allow, or With() with
// another number of values is a mistake in the program, not in its input: it ends the process with a message.
//
// Never put personal data, or anything a caller can choose freely, into a label.
// Thread safety: all methods.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dinh::telemetry {

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;
using Histogram = prometheus::Histogram;
using Buckets = std::vector<double>;

// Seconds: OpenTelemetry's default boundaries.
Buckets DefaultBuckets();

// A family keeps at most this many series; what comes after shares one whose labels all say "other".
inline constexpr size_t kSeriesPerFamilyMax = 4096;

template <typename T>
class MetricFamilyHandle {
 public:
  // The series of these label values, in the order of the family's label names; made at the first call. The reference
  // stays good as long as the Metrics object. About 100 ns: keep the reference where it matters.
  T& With(std::initializer_list<std::string_view> values) { return Find(values.begin(), values.size()); }
  T& With(const std::vector<std::string_view>& values) { return Find(values.data(), values.size()); }

 private:
  friend class Metrics;
  MetricFamilyHandle(prometheus::Family<T>& family, std::vector<std::string> labels, Buckets buckets)
      : family_(family), labels_(std::move(labels)), buckets_(std::move(buckets)) {}

  T& Find(const std::string_view* values, size_t count);
  T& Add(const std::vector<std::string>& values);

  prometheus::Family<T>& family_;
  const std::vector<std::string> labels_;
  const Buckets buckets_;  // of a histogram
  std::mutex mutex_;
  std::unordered_map<std::string, T*> series_;
};

using CounterFamily = MetricFamilyHandle<Counter>;
using GaugeFamily = MetricFamilyHandle<Gauge>;
using HistogramFamily = MetricFamilyHandle<Histogram>;

class Metrics {
 public:
  // Ends a callback when it is destroyed; after that the callback does not run and is not running.
  class Subscription {
   public:
    Subscription() = default;
    explicit Subscription(std::shared_ptr<std::function<void()>> callback, std::shared_ptr<std::mutex> mutex)
        : callback_(std::move(callback)), mutex_(std::move(mutex)) {}
    Subscription(Subscription&&) = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { Reset(); }
    void Reset();

   private:
    std::shared_ptr<std::function<void()>> callback_;
    std::shared_ptr<std::mutex> mutex_;
  };

  // `process_folder`: where the process' own figures are read; another one only in tests.
  explicit Metrics(std::string process_folder = "/proc/self");
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  CounterFamily& AddCounter(std::string_view name, std::string_view help, std::vector<std::string> labels = {});
  GaugeFamily& AddGauge(std::string_view name, std::string_view help, std::vector<std::string> labels = {});
  HistogramFamily& AddHistogram(std::string_view name, std::string_view help, std::vector<std::string> labels = {},
                                Buckets buckets = DefaultBuckets());

  // Runs before each exposition, one at a time: for gauges that are read rather than kept (queue lengths). It must not
  // block, nor call Exposition or OnCollect.
  [[nodiscard]] Subscription OnCollect(std::function<void()> callback);

  // The text format 0.0.4, families sorted by name, with the process' own figures (process_resident_memory_bytes,
  // process_cpu_seconds_total, process_open_fds, process_max_fds, process_threads, process_start_time_seconds).
  std::string Exposition() const;
  // Names of all families, sorted; the list that a test pins.
  std::vector<std::string> Names() const;

 private:
  template <typename T>
  struct Families {
    std::map<std::string, std::unique_ptr<MetricFamilyHandle<T>>, std::less<>> by_name;
  };
  template <typename T>
  MetricFamilyHandle<T>& Add(Families<T>& families, std::string_view name, std::string_view help,
                             std::vector<std::string> labels, Buckets buckets);

  const std::string process_folder_;
  prometheus::Registry registry_;
  mutable std::mutex mutex_;  // guards the families
  Families<Counter> counters_;
  Families<Gauge> gauges_;
  Families<Histogram> histograms_;
  const std::shared_ptr<std::mutex> callbacks_mutex_ = std::make_shared<std::mutex>();
  mutable std::vector<std::weak_ptr<std::function<void()>>> callbacks_;
};

}  // namespace dinh::telemetry
