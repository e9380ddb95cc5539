// An outside client under power cuts: it does one dossier after another, sends again what was not answered (with the
// same Idempotency-Key, to whatever port the server has now), and keeps the list of what was acknowledged.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "libs/base/random.h"
#include "tests/support/village.h"

namespace dinh::testing {

// Where the server listens now. Thread-safe.
class Whereabouts {
 public:
  void Set(uint16_t port) {
    std::lock_guard lock(mutex_);
    port_ = port;
    ++generation_;
    changed_.notify_all();
  }
  struct At {
    uint16_t port = 0;
    int generation = 0;
  };
  At Now() const {
    std::lock_guard lock(mutex_);
    return {port_, generation_};
  }
  // Waits for a server started after `generation`, at most `limit`.
  void WaitAfter(int generation, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return generation_ > generation; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint16_t port_ = 0;
  int generation_ = 0;
};

// What was acknowledged about one dossier, in the order it happened.
struct Acknowledged {
  std::string attachment, sha256, marker;
  std::string key, code;           // Idempotency-Key, and what it was answered with
  std::vector<std::string> codes;  // of every answer to that key
  bool accepted = false;
  std::string charge, memo, due_date;
  demo::Json account;
  std::string transaction;
  bool paid = false;
  std::string result;
  bool forwarded = false, signed_off = false, returned = false;
  int stars = 0;  // 0: no rating acknowledged
};

struct Tokens {
  std::string citizen, desk, specialist, chair;
};

class OutsideClient {
 public:
  // `stop` ends it between two steps.
  OutsideClient(Whereabouts& where, const std::atomic<bool>& stop, Tokens tokens, demo::Json demo, int number,
                uint64_t seed);

  void Run();
  const std::vector<Acknowledged>& list() const { return list_; }
  int retries() const { return retries_; }
  // A filing is on its way at this moment. Thread-safe.
  bool filing() const { return filing_; }
  // Answers that no client should ever see: "what: HTTP 500 …".
  const std::vector<std::string>& surprises() const { return surprises_; }

 private:
  using Call = std::function<demo::ApiAnswer(demo::ApiClient&)>;
  // Until it is answered or the test ends: errors of the wire, 5xx while the server goes down or comes up, 429 and 409
  // "in flight" are tried again.
  demo::ApiAnswer Do(const std::string& what, const std::string& token, const Call& call);
  demo::ApiAnswer Post(const std::string& what, const std::string& token, const std::string& path,
                       const demo::Json& body, const std::string& key);
  bool Live(Acknowledged& ack);
  bool Upload(const std::string& token, const std::string& marker, std::string* id, std::string* sha256);
  // The same in pieces, going on from wherever the server says it stands.
  demo::ApiAnswer UploadInPieces(const std::string& token, const std::string& marker, const std::string& pdf);
  bool File(Acknowledged& ack);
  bool Accept(Acknowledged& ack);
  bool Pay(Acknowledged& ack);
  bool Finish(Acknowledged& ack);

  Whereabouts& where_;
  const std::atomic<bool>& stop_;
  const Tokens tokens_;
  const demo::Json demo_;
  const int number_;
  base::SeededRandom random_;
  std::vector<Acknowledged> list_;
  std::vector<std::string> surprises_;
  int retries_ = 0;
  int count_ = 0;
  std::atomic<bool> filing_ = false;
};

}  // namespace dinh::testing
