#include "tests/bench/measure.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dinh::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

int64_t CpuMicros(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << in.rdbuf();
  const std::string stat = text.str();
  // The command's name may hold blanks: fields are counted from its closing bracket (state is the 3rd).
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  int64_t user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1'000'000 / sysconf(_SC_CLK_TCK);
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; in >> child;) children.push_back(child);
  return children;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

WrkResult RunWrk(const std::string& url, int connections, int seconds) {
  WrkResult result;
  const std::string command = "wrk -t1 -c" + std::to_string(connections) + " -d" + std::to_string(seconds) + "s " + url;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    long requests = 0, connect = 0, read = 0, write = 0, timeout = 0, bad = 0;
    double rate = 0;
    if (std::sscanf(line, " %ld requests in", &requests) == 1) result.requests = requests;
    if (std::sscanf(line, "Requests/sec: %lf", &rate) == 1) result.requests_per_s = rate;
    if (std::sscanf(line, " Socket errors: connect %ld, read %ld, write %ld, timeout %ld", &connect, &read, &write,
                    &timeout) == 4) {
      result.errors += connect + read + write + timeout;
    }
    if (std::sscanf(line, " Non-2xx or 3xx responses: %ld", &bad) == 1) result.errors += bad;
  }
  pclose(pipe);
  return result;
}

double FdatasyncMicros(const std::string& folder, int count) {
  const std::string path = folder + "/fdatasync.bin";
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::string block(4096, 'x');
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i) {
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(fd) != 0) return 0;
  }
  const double micros = SecondsSince(begin) * 1e6 / count;
  close(fd);
  unlink(path.c_str());
  return micros;
}

double RawSqliteCommitsPerSecond(const std::string& folder, double seconds) {
  sqlite3* db = nullptr;
  if (sqlite3_open((folder + "/raw.sqlite").c_str(), &db) != SQLITE_OK) return 0;
  sqlite3_exec(
      db,
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v TEXT)",
      nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db,
                     "INSERT INTO t (v) VALUES ('a row of the size that a dossier has in its own table, more or less')",
                     -1, &insert, nullptr);
  int64_t commits = 0;
  const auto begin = Clock::now();
  while (SecondsSince(begin) < seconds) {
    if (sqlite3_step(insert) != SQLITE_DONE) break;
    sqlite3_reset(insert);
    ++commits;
  }
  const double rate = static_cast<double>(commits) / SecondsSince(begin);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
}

std::string MachineName() {
  utsname name{};
  uname(&name);
  std::ifstream cpus("/proc/cpuinfo");
  std::string line, model;
  while (std::getline(cpus, line)) {
    if (line.rfind("model name", 0) == 0) model = line.substr(line.find(':') + 2);
  }
  return std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores, " + model + ", Linux " + name.release;
}

void Print(const std::string& name, double value) {
  std::printf("%s: %.4g\n", name.c_str(), value);
  std::fflush(stdout);
}

void Print(const std::string& name, const std::string& value) {
  std::printf("%s: %s\n", name.c_str(), value.c_str());
  std::fflush(stdout);
}

}  // namespace dinh::bench
