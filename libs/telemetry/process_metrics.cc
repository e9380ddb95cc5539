#include "libs/telemetry/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace dinh::telemetry {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

void AddFamily(std::vector<prometheus::MetricFamily>& families, std::string name, std::string help, double value,
               prometheus::MetricType type = prometheus::MetricType::Gauge) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  family.metric.emplace_back();
  if (type == prometheus::MetricType::Counter) {
    family.metric.back().counter.value = value;
  } else {
    family.metric.back().gauge.value = value;
  }
  families.push_back(std::move(family));
}

// Seconds since 1970 at which the machine started.
std::optional<double> BootTime(const std::string& folder) {
  std::istringstream in(ReadText(folder + "/../stat"));
  for (std::string word; in >> word;) {
    double seconds = 0;
    if (word == "btime" && in >> seconds) return seconds;
  }
  return std::nullopt;
}

// Field numbers of proc(5), "stat".
struct Stat {
  double utime = 0;        // 14, clock ticks
  double stime = 0;        // 15, clock ticks
  double num_threads = 0;  // 20
  double start_time = 0;   // 22, clock ticks since boot
  double vsize = 0;        // 23, bytes
  double rss = 0;          // 24, pages
};

std::optional<Stat> ReadStat(const std::string& folder) {
  const std::string text = ReadText(folder + "/stat");
  // The second field is the program's name in parentheses and may hold anything, also blanks and parentheses.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream in(text.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; in >> field;) fields.push_back(std::move(field));
  constexpr size_t kFirst = 3;
  if (fields.size() < 24 - kFirst + 1) return std::nullopt;
  const auto number = [&](size_t field) { return std::strtod(fields[field - kFirst].c_str(), nullptr); };
  return Stat{number(14), number(15), number(20), number(22), number(23), number(24)};
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectProcess(const std::string& folder) {
  std::vector<prometheus::MetricFamily> families;
  if (const std::optional<Stat> stat = ReadStat(folder)) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    AddFamily(families, "process_cpu_seconds_total", "CPU time spent, user and system",
              (stat->utime + stat->stime) / ticks, prometheus::MetricType::Counter);
    AddFamily(families, "process_resident_memory_bytes", "memory in RAM",
              stat->rss * static_cast<double>(sysconf(_SC_PAGESIZE)));
    AddFamily(families, "process_virtual_memory_bytes", "memory mapped", stat->vsize);
    AddFamily(families, "process_threads", "threads", stat->num_threads);
    if (const std::optional<double> boot = BootTime(folder)) {
      AddFamily(families, "process_start_time_seconds", "start, seconds since 1970", *boot + stat->start_time / ticks);
    }
  }
  std::error_code error;
  std::filesystem::directory_iterator open(folder + "/fd", error);
  if (!error) {
    double count = 0;
    for (; open != std::filesystem::directory_iterator() && !error; open.increment(error)) ++count;
    AddFamily(families, "process_open_fds", "open file descriptors", count);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    AddFamily(families, "process_max_fds", "file descriptors allowed", static_cast<double>(limit.rlim_cur));
  }
  return families;
}

}  // namespace dinh::telemetry
