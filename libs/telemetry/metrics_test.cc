#include "libs/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace dinh::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The value of the one series whose line begins with `series` and a blank; NaN when there is none.
double ValueOf(const std::string& exposition, const std::string& series) {
  const size_t at = ("\n" + exposition).find("\n" + series + " ");
  if (at == std::string::npos) return std::nan("");
  return std::strtod(exposition.c_str() + at + series.size() + 1, nullptr);
}

TEST(MetricsTest, CountersAndGaugesWithLabels) {
  Metrics metrics;
  CounterFamily& handled = metrics.AddCounter("calls_total", "calls answered", {"method", "code"});
  Counter& ok = handled.With({"GetDossier", "OK"});
  ok.Increment();
  ok.Increment(2);
  handled.With({"GetDossier", "NOT_FOUND"}).Increment();
  EXPECT_EQ(&handled.With({"GetDossier", "OK"}), &ok);
  EXPECT_EQ(&handled.With(std::vector<std::string_view>{"GetDossier", "OK"}), &ok);
  metrics.AddGauge("queue_length", "calls waiting").With({}).Set(7);
  const std::string text = metrics.Exposition();
  EXPECT_THAT(text, HasSubstr("# HELP calls_total calls answered\n# TYPE calls_total counter\n"));
  EXPECT_EQ(ValueOf(text, R"(calls_total{code="OK",method="GetDossier"})"), 3);
  EXPECT_EQ(ValueOf(text, R"(calls_total{code="NOT_FOUND",method="GetDossier"})"), 1);
  EXPECT_EQ(ValueOf(text, "queue_length"), 7);
}

TEST(MetricsTest, LabelValuesCannotBeMixedUpAndAreEscaped) {
  Metrics metrics;
  CounterFamily& family = metrics.AddCounter("x_total", "", {"a", "b"});
  EXPECT_NE(&family.With({"1", "23"}), &family.With({"12", "3"}));
  family.With({"say \"hi\"\n", "\\"}).Increment();
  EXPECT_THAT(metrics.Exposition(), HasSubstr(R"(x_total{a="say \"hi\"\n",b="\\"} 1)"));
}

TEST(MetricsTest, HistogramsUseTheFourteenBoundaries) {
  Metrics metrics;
  Histogram& seconds = metrics.AddHistogram("handling_seconds", "time", {"method"}).With({"M"});
  seconds.Observe(0.004);
  seconds.Observe(0.3);
  seconds.Observe(20);
  const std::string text = metrics.Exposition();
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_bucket{method="M",le="0.005"})"), 1);
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_bucket{method="M",le="0.25"})"), 1);
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_bucket{method="M",le="0.5"})"), 2);
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_bucket{method="M",le="10"})"), 2);
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_bucket{method="M",le="+Inf"})"), 3);
  EXPECT_EQ(ValueOf(text, R"(handling_seconds_count{method="M"})"), 3);
  size_t boundaries = 0;
  for (size_t at = text.find("_bucket{"); at != std::string::npos; at = text.find("_bucket{", at + 1)) ++boundaries;
  EXPECT_EQ(boundaries, 15u);
}

TEST(MetricsTest, TheSameFamilyAgainIsTheFirst) {
  Metrics metrics;
  CounterFamily& first = metrics.AddCounter("x_total", "help", {"a"});
  EXPECT_EQ(&metrics.AddCounter("x_total", "help", {"a"}), &first);
  HistogramFamily& histogram = metrics.AddHistogram("y_seconds", "help");
  EXPECT_EQ(&metrics.AddHistogram("y_seconds", "help"), &histogram);
}

TEST(MetricsDeathTest, MistakesOfTheProgramEndIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Metrics metrics;
  CounterFamily& family = metrics.AddCounter("x_total", "help", {"a"});
  EXPECT_DEATH(metrics.AddCounter("x_total", "help", {"b"}), "other labels");
  EXPECT_DEATH(metrics.AddGauge("x_total", "help", {"a"}), "x_total");
  EXPECT_DEATH(metrics.AddCounter("not-a-name", "help"), "not-a-name");
  EXPECT_DEATH(family.With({}), "as many values");
  EXPECT_DEATH(family.With({"1", "2"}), "as many values");
}

TEST(MetricsTest, AFamilyDoesNotGrowWithoutEnd) {
  Metrics metrics;
  CounterFamily& family = metrics.AddCounter("x_total", "help", {"a"});
  Counter& first = family.With({"0"});
  for (size_t i = 0; i < kSeriesPerFamilyMax + 100; ++i) family.With({std::to_string(i)}).Increment();
  EXPECT_EQ(&family.With({"0"}), &first);
  EXPECT_EQ(&family.With({"beyond"}), &family.With({"far beyond"}));
  EXPECT_EQ(ValueOf(metrics.Exposition(), R"(x_total{a="other"})"), 100);
}

TEST(MetricsTest, CallbacksRunBeforeEachExpositionUntilTheyEnd) {
  Metrics metrics;
  Gauge& gauge = metrics.AddGauge("queue_length", "calls waiting").With({});
  int runs = 0;
  {
    Metrics::Subscription subscription = metrics.OnCollect([&] { gauge.Set(++runs); });
    EXPECT_EQ(ValueOf(metrics.Exposition(), "queue_length"), 1);
    EXPECT_EQ(ValueOf(metrics.Exposition(), "queue_length"), 2);
    Metrics::Subscription moved = std::move(subscription);
    EXPECT_EQ(ValueOf(metrics.Exposition(), "queue_length"), 3);
    moved = Metrics::Subscription();
    metrics.Exposition();
    EXPECT_EQ(runs, 3);
  }
  metrics.Exposition();
  EXPECT_EQ(runs, 3);
}

TEST(MetricsTest, SubscriptionsMayOutliveTheMetrics) {
  Metrics::Subscription subscription;
  {
    Metrics metrics;
    subscription = metrics.OnCollect([] {});
  }
  subscription.Reset();
}

TEST(MetricsTest, ThreadsCountTogether) {
  Metrics metrics;
  CounterFamily& family = metrics.AddCounter("x_total", "help", {"a"});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2'000; ++n) {
        family.With({n % 2 == 0 ? "even" : "odd"}).Increment();
        if (n % 500 == 0) metrics.Exposition();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ValueOf(metrics.Exposition(), R"(x_total{a="even"})"), 4'000);
  EXPECT_EQ(ValueOf(metrics.Exposition(), R"(x_total{a="odd"})"), 4'000);
}

TEST(ProcessMetricsTest, TellAboutThisProcess) {
  Metrics metrics;
  const std::string text = metrics.Exposition();
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(ValueOf(text, "process_virtual_memory_bytes"), ValueOf(text, "process_resident_memory_bytes"));
  EXPECT_GE(ValueOf(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(ValueOf(text, "process_open_fds"), 3);
  EXPECT_GE(ValueOf(text, "process_max_fds"), ValueOf(text, "process_open_fds"));
  EXPECT_GE(ValueOf(text, "process_threads"), 1);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(ValueOf(text, "process_start_time_seconds"), now + 1);
  EXPECT_GT(ValueOf(text, "process_start_time_seconds"), now - 3'600);
}

TEST(ProcessMetricsTest, ReadsTheFieldsBehindAStrangeName) {
  std::string pattern = (std::filesystem::temp_directory_path() / "dinh_proc_XXXXXX").string();
  const std::filesystem::path root = mkdtemp(pattern.data());
  const std::filesystem::path folder = root / "self";
  std::filesystem::create_directories(folder / "fd");
  for (const char* name : {"0", "1", "2"}) std::ofstream(folder / "fd" / name) << "";
  std::ofstream(root / "stat") << "cpu 1 2 3\nbtime 1000\n";
  // Fields 14 and 15 are 100 and 50 ticks, 20 is 9 threads, 22 is 200 ticks, 23 is 4096 bytes, 24 is 3 pages.
  std::ofstream(folder / "stat") << "7 (a b) c) R 1 7 7 0 -1 0 0 0 0 0 100 50 0 0 20 0 9 0 200 4096 3 0 0\n";
  const std::string text = Metrics(folder.string()).Exposition();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(ValueOf(text, "process_cpu_seconds_total"), 150 / ticks);
  EXPECT_EQ(ValueOf(text, "process_threads"), 9);
  EXPECT_DOUBLE_EQ(ValueOf(text, "process_start_time_seconds"), 1'000 + 200 / ticks);
  EXPECT_EQ(ValueOf(text, "process_virtual_memory_bytes"), 4096);
  EXPECT_EQ(ValueOf(text, "process_resident_memory_bytes"), 3.0 * static_cast<double>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(ValueOf(text, "process_open_fds"), 3);
  std::filesystem::remove_all(root);
}

TEST(ProcessMetricsTest, WhatCannotBeReadIsLeftOut) {
  const std::string text = Metrics("/nowhere").Exposition();
  EXPECT_THAT(text, Not(HasSubstr("process_cpu_seconds_total")));
  EXPECT_THAT(text, Not(HasSubstr("process_open_fds")));
}

TEST(MetricsTest, NamesAreSortedAndComplete) {
  Metrics metrics;
  metrics.AddHistogram("b_seconds", "");
  metrics.AddCounter("a_total", "");
  metrics.AddGauge("c", "");
  EXPECT_THAT(metrics.Names(),
              ::testing::ElementsAre("a_total", "b_seconds", "c", "process_cpu_seconds_total", "process_max_fds",
                                     "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds",
                                     "process_threads", "process_virtual_memory_bytes"));
}

}  // namespace
}  // namespace dinh::telemetry
