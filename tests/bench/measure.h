// Small instruments of the benches.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dinh::bench {

// CPU time (user and system) a process has used, in microseconds. 10 ms resolution.
int64_t CpuMicros(pid_t pid);
std::vector<pid_t> ChildrenOf(pid_t pid);
double Median(std::vector<double> values);

struct WrkResult {
  int64_t requests = 0;
  double requests_per_s = 0;
  int64_t errors = 0;  // socket errors and answers that were not 2xx/3xx
};
// wrk against a URL of this machine; requests 0 when wrk failed.
WrkResult RunWrk(const std::string& url, int connections, int seconds);

// Microseconds of one fdatasync after a 4-KiB append, mean over `count`.
double FdatasyncMicros(const std::string& folder, int count);
// Single-row durable commits per second of raw SQLite (WAL, synchronous=FULL), one by one, for `seconds`.
double RawSqliteCommitsPerSecond(const std::string& folder, double seconds);

// "2 cores, <model>, Linux 6.1"
std::string MachineName();

// "name: value" on standard output.
void Print(const std::string& name, double value);
void Print(const std::string& name, const std::string& value);

}  // namespace dinh::bench
