#include "libs/telemetry/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <type_traits>
#include <utility>

#include "libs/telemetry/process_metrics.h"

namespace dinh::telemetry {
namespace {

constexpr std::string_view kOther = "other";

[[noreturn]] void Mistake(std::string_view what) {
  std::fprintf(stderr, "metrics: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

template <typename T>
prometheus::Family<T>& Register(prometheus::Registry& registry, std::string_view name, std::string_view help) {
  if constexpr (std::is_same_v<T, Counter>) {
    return prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(registry);
  } else if constexpr (std::is_same_v<T, Gauge>) {
    return prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(registry);
  } else {
    return prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(registry);
  }
}

}  // namespace

Buckets DefaultBuckets() { return {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}; }

template <typename T>
T& MetricFamilyHandle<T>::Find(const std::string_view* values, size_t count) {
  if (count != labels_.size())
    Mistake("With() takes as many values as the family " + family_.GetName() + " has labels");
  std::string key;
  for (size_t i = 0; i < count; ++i) {
    key.append(values[i]);
    key.push_back('\xFF');  // in no UTF-8 text
  }
  std::lock_guard lock(mutex_);
  const auto found = series_.find(key);
  if (found != series_.end()) return *found->second;
  if (series_.size() >= kSeriesPerFamilyMax) return Add(std::vector<std::string>(count, std::string(kOther)));
  T& series = Add(std::vector<std::string>(values, values + count));
  series_.emplace(std::move(key), &series);
  return series;
}

template <typename T>
T& MetricFamilyHandle<T>::Add(const std::vector<std::string>& values) {
  prometheus::Labels labels;
  for (size_t i = 0; i < labels_.size(); ++i) labels.emplace(labels_[i], values[i]);
  if constexpr (std::is_same_v<T, Histogram>) {
    return family_.Add(labels, buckets_);
  } else {
    return family_.Add(labels);
  }
}

template class MetricFamilyHandle<Counter>;
template class MetricFamilyHandle<Gauge>;
template class MetricFamilyHandle<Histogram>;

Metrics::Subscription& Metrics::Subscription::operator=(Subscription&& other) noexcept {
  Reset();
  callback_ = std::move(other.callback_);
  mutex_ = std::move(other.mutex_);
  return *this;
}

void Metrics::Subscription::Reset() {
  if (mutex_ == nullptr) return;
  {
    // The callback runs under this mutex, so none is running from here on.
    std::lock_guard lock(*mutex_);
    callback_.reset();
  }
  mutex_.reset();
}

Metrics::Metrics(std::string process_folder)
    : process_folder_(std::move(process_folder)), registry_(prometheus::Registry::InsertBehavior::Throw) {}

Metrics::~Metrics() = default;

template <typename T>
MetricFamilyHandle<T>& Metrics::Add(Families<T>& families, std::string_view name, std::string_view help,
                                    std::vector<std::string> labels, Buckets buckets) {
  std::lock_guard lock(mutex_);
  const auto found = families.by_name.find(name);
  if (found != families.by_name.end()) {
    if (found->second->labels_ != labels || found->second->buckets_ != buckets) {
      Mistake("family " + std::string(name) + " was added before with other labels or buckets");
    }
    return *found->second;
  }
  try {
    auto& family = Register<T>(registry_, name, help);
    auto handle = std::unique_ptr<MetricFamilyHandle<T>>(
        new MetricFamilyHandle<T>(family, std::move(labels), std::move(buckets)));
    return *families.by_name.emplace(std::string(name), std::move(handle)).first->second;
  } catch (const std::exception& error) {
    Mistake("family " + std::string(name) + ": " + error.what());
  }
}

CounterFamily& Metrics::AddCounter(std::string_view name, std::string_view help, std::vector<std::string> labels) {
  return Add(counters_, name, help, std::move(labels), {});
}

GaugeFamily& Metrics::AddGauge(std::string_view name, std::string_view help, std::vector<std::string> labels) {
  return Add(gauges_, name, help, std::move(labels), {});
}

HistogramFamily& Metrics::AddHistogram(std::string_view name, std::string_view help, std::vector<std::string> labels,
                                       Buckets buckets) {
  return Add(histograms_, name, help, std::move(labels), std::move(buckets));
}

Metrics::Subscription Metrics::OnCollect(std::function<void()> callback) {
  auto shared = std::make_shared<std::function<void()>>(std::move(callback));
  std::lock_guard lock(*callbacks_mutex_);
  std::erase_if(callbacks_, [](const auto& weak) { return weak.expired(); });
  callbacks_.push_back(shared);
  return Subscription(std::move(shared), callbacks_mutex_);
}

std::string Metrics::Exposition() const {
  {
    std::lock_guard lock(*callbacks_mutex_);
    for (const auto& weak : callbacks_) {
      if (const auto callback = weak.lock()) (*callback)();
    }
  }
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  for (auto& family : CollectProcess(process_folder_)) families.push_back(std::move(family));
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<std::string> Metrics::Names() const {
  std::vector<std::string> names;
  for (const auto& family : CollectProcess(process_folder_)) names.push_back(family.name);
  std::lock_guard lock(mutex_);
  for (const auto& [name, family] : counters_.by_name) names.push_back(name);
  for (const auto& [name, family] : gauges_.by_name) names.push_back(name);
  for (const auto& [name, family] : histograms_.by_name) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace dinh::telemetry
