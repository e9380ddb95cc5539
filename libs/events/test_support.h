// For tests of libs/events: a database with its tables and the parts around it. Header-only.
#pragma once

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/db/test_support.h"
#include "libs/events/outbox.h"
#include "libs/events/schema.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::events {

// Reversible and bound to its context: stands in for the key ring.
inline PayloadSeal TestSeal() {
  const auto mark = [](std::string_view context) { return "sealed[" + std::string(context) + "]"; };
  return {[mark](std::string_view plain, std::string_view context) {
            return mark(context) + std::string(plain.rbegin(), plain.rend());
          },
          [mark](std::string_view sealed, std::string_view context) -> absl::StatusOr<std::string> {
            const std::string expected = mark(context);
            if (!sealed.starts_with(expected)) return base::Internal("not sealed for this context");
            sealed.remove_prefix(expected.size());
            return std::string(sealed.rbegin(), sealed.rend());
          }};
}

struct TestStore : db::TestDatabase {
  explicit TestStore(db::Engine engine) : db::TestDatabase(engine) { Prepare(); }
  explicit TestStore(const TestStore* first) : db::TestDatabase(first) { Prepare(); }
  void Prepare() {
    if (!EnsureSchema(*db).ok()) std::abort();
  }
  // As after a crash or a restart: nothing in memory remains.
  void Restart() {
    db.reset();
    Open();
    Prepare();
  }
  // Appends one event of type "test.happened" in a transaction of its own.
  absl::Status Append(Outbox& outbox, const std::string& subject, const std::string& payload = "payload",
                      bool personal = false) {
    auto ctx = Context();
    return db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
      return outbox.Append(tx, {"test.happened", 1, subject, payload, personal}).status();
    });
  }
  bool LogHas(std::string_view text) {
    std::lock_guard lock(mutex);
    for (const std::string& line : lines) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

  base::SeededRandom random{1};
  base::IdGenerator ids{clock, random};
  telemetry::Metrics metrics;
  std::mutex mutex;
  std::vector<std::string> lines;
  telemetry::Logger logger{clock, "test", telemetry::Level::kDebug, [this](std::string_view line) {
                             std::lock_guard lock(mutex);
                             lines.emplace_back(line);
                           }};
};

// Waits for `condition` for at most ten seconds.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    ::usleep(500);
  }
  return true;
}

}  // namespace dinh::events
