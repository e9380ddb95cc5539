// People who use a cluster while it is being broken: they file, accept, pay, report, answer and read, through every
// gateway, and try again as a phone would (the same Idempotency-Key) until they are answered. What they were told goes
// to the recorder. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/random.h"
#include "services/standalone/demo/story.h"
#include "tests/cluster_faults/history.h"

namespace dinh::testing {

struct LoadOptions {
  std::vector<demo::StoryOptions> gateways;  // one each
  int clients = 4;
  uint64_t seed = 1;
  std::chrono::milliseconds pause{0};  // of a client between two lives
};

class Load {
 public:
  Load(LoadOptions options, Recorder& recorder);
  ~Load();

  // Everybody logs in; errors name who could not.
  absl::Status LogIn();
  void Start();
  // Every client ends what it is doing, within a minute.
  void Stop();
  // One dossier and one report through that gateway, step by step without a second try. Empty: all went well; else what
  // did not. From one thread.
  std::string Round(size_t gateway);
  // On: every bank notification is delivered twice, the second time after later ones.
  void ScrambleBank(bool on) { scramble_ = on; }
  // Attempts of the clients (not the rounds') that were not answered with success.
  int64_t failed() const { return failed_; }
  int64_t attempts() const { return attempts_; }
  // Answers that no client should ever see: HTTP 500, or a refusal of what is right.
  struct Unexpected {
    std::string text;
    std::string trace;
  };
  std::vector<Unexpected> surprises() const;
  // The longest that a client waited for what the platform does by itself, such as opening a charge. A round begins
  // anew and does not meet what was under way when a process died; this does.
  struct Wait {
    std::chrono::milliseconds time{0};
    std::string what;
  };
  Wait longest_wait() const;

 private:
  class Person;

  int64_t Now() const;
  std::string TokenOf(const std::string& who) const;
  // A new token for `who`, if it still is `stale`.
  void Renew(const std::string& who, const std::string& stale, size_t gateway);
  absl::StatusOr<std::string> Login(const std::string& who, size_t gateway) const;
  void Surprise(Unexpected answer);
  void Waited(std::chrono::milliseconds time, const std::string& what);
  // Waits, shorter when the load ends.
  void Pause(std::chrono::milliseconds time);
  bool GivenUp() const { return stopping_ && std::chrono::steady_clock::now() > give_up_at_.load(); }

  const LoadOptions options_;
  Recorder& recorder_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::mutex login_mutex_;
  std::condition_variable stopped_;
  std::map<std::string, std::string> tokens_;
  std::string specialist_account_;
  std::vector<Unexpected> surprises_;
  Wait longest_wait_;
  std::deque<std::string> late_;  // notifications to be delivered again
  std::atomic<bool> scramble_{false}, stopping_{false};
  std::atomic<std::chrono::steady_clock::time_point> give_up_at_{};
  std::atomic<int64_t> failed_{0}, attempts_{0};
  std::vector<std::unique_ptr<Person>> people_;
  std::unique_ptr<Person> prober_;
  std::vector<std::thread> threads_;
};

}  // namespace dinh::testing
