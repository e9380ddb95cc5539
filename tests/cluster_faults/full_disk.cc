#include "tests/cluster_faults/full_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "tests/cluster_faults/final_state.h"
#include "tests/cluster_faults/load.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using std::chrono::steady_clock;

constexpr const char* kDiskOptions = "size=160m";
constexpr std::chrono::seconds kPatience{30};
constexpr int64_t kOperationsBefore = 40, kRefusals = 20;

class Mounted {
 public:
  explicit Mounted(std::string folder) : folder_(std::move(folder)) {
    error_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, kDiskOptions) == 0 ? 0 : errno;
  }
  ~Mounted() {
    if (error_ == 0) umount2(folder_.c_str(), MNT_DETACH);
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  int error() const { return error_; }

 private:
  const std::string folder_;
  int error_ = 0;
};

bool Eventually(const std::function<bool()>& condition) {
  const auto until = steady_clock::now() + kPatience;
  while (!condition()) {
    if (steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

// To the last byte.
void Fill(const std::string& file) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::string block(1 << 20, 'x');
  for (ssize_t wrote = 0; wrote >= 0 || block.size() > 1;) {
    if (wrote < 0) block.resize(block.size() / 2);
    wrote = write(fd, block.data(), block.size());
  }
  close(fd);
}

void BreakAndMend(ServerProcess& server, Load& load, Recorder& recorder, const std::string& filler,
                  FullDiskResult& result) {
  const auto expect = [&result](bool good, const std::string& text) {
    if (!good) result.violations.push_back(text);
  };
  load.Start();
  expect(Eventually([&] { return static_cast<int64_t>(recorder.size()) >= kOperationsBefore; }),
         "the load does not run before the disk is full");
  const int64_t failed = load.failed();
  Fill(filler);
  expect(Eventually([&] {
           Fill(filler);  // what the server gave back meanwhile
           return load.failed() >= failed + kRefusals;
         }),
         "a full disk refuses nothing");
  result.refused = load.failed() - failed;
  expect(Eventually([&] {
           Fill(filler);
           result.refusal = load.Round(0);
           return result.refusal.find("HTTP 503") != std::string::npos;
         }),
         "not a clear refusal: " + result.refusal);
  expect(server.running(), "the server has ended");
  const auto since = steady_clock::now();
  std::filesystem::remove(filler);
  std::string why;
  expect(Eventually([&] { return (why = load.Round(0)).empty(); }), "it does not go on: " + why);
  result.recovered_ms = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since).count();
  load.Stop();
  for (const auto& surprise : load.surprises()) expect(false, "unexpected answer: " + surprise.text);
}

}  // namespace

FullDiskResult FillDisk(const std::string& folder, uint64_t seed) {
  FullDiskResult result;
  const Mounted disk(folder);
  if (disk.error() != 0) {
    result.skipped = std::string("a file system of its own cannot be mounted: ") + std::strerror(disk.error());
    return result;
  }
  ServerProcess server(
      {.data_dir = folder + "/data",
       .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000", "DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000"}});
  if (const absl::Status started = server.Start(); !started.ok()) {
    result.violations.push_back(started.ToString());
    return result;
  }
  Recorder recorder;
  Load load({.gateways = {StoryOptionsFor(server)}, .clients = 2, .seed = seed}, recorder);
  const absl::Status ready = load.LogIn();
  if (ready.ok()) BreakAndMend(server, load, recorder, folder + "/filler", result);
  if (!ready.ok()) result.violations.push_back(ready.ToString());
  result.operations = static_cast<int64_t>(recorder.size());
  if (server.Terminate() != 0) result.violations.emplace_back("the server did not end cleanly");
  const absl::StatusOr<FinalState> state = ReadFinalState(StoresOf(server.data_dir()));
  if (!state.ok()) result.violations.push_back("the stores cannot be read: " + state.status().ToString());
  if (state.ok()) {
    for (const auto& violation : Check(recorder.all(), *state)) result.violations.push_back(Format(violation));
  }
  return result;
}

}  // namespace dinh::testing
