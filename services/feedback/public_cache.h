// Answers about the public board that many ask for at the same time: kept for a moment, dropped when the board changes.
//
// An answer is kept from the second time on that the same is asked within kAnswerLasts, so that what only one asks for
// – most boxes of a map that is moved about – costs nothing more than without a cache. Keys are digests: what people
// look for and where does not stand in Redis.
//
// An answer is stored under the version of the board from before it was made, so one that was read just before a change
// and stored just after it is never served. However the change was missed (a process died between its commit and
// Changed, Redis forgot), no answer is older than kAnswerLasts, counted from before it was read. Errors are not kept.
// deploy/adr/0012 says what is kept, and what is not.
//
// Metric: dinh_feedback_board_answers_total{what=board|indicators,from=kept|made}.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/base/clock.h"
#include "libs/cache/local_cache.h"
#include "libs/rpc/context.h"
#include "libs/telemetry/metrics.h"

namespace dinh::feedback {

// Less than what may be served after a missed invalidation (2 s), with the time that telling Redis takes.
inline constexpr std::chrono::milliseconds kAnswerLasts{1500};

class PublicCache {
 public:
  // `cache` null: every answer is made. The arguments outlive the object.
  PublicCache(cache::Cache* cache, const base::Clock& clock, telemetry::Metrics& metrics);

  // The answer kept for this request in the caller's language, or what `make` returns. `make` must answer everybody
  // alike: nothing in it may hang on who asks.
  template <typename Answer, typename Make>
  absl::StatusOr<Answer> Board(const rpc::Context& ctx, const google::protobuf::Message& request, const Make& make) {
    return Get<Answer>(board_, ctx, request, make);
  }
  // The same for what each step of each report changes: nobody tells of that, so it is kept for kAnswerLasts whatever
  // happens.
  template <typename Answer, typename Make>
  absl::StatusOr<Answer> Indicators(const rpc::Context& ctx, const google::protobuf::Message& request,
                                    const Make& make) {
    return Get<Answer>(indicators_, ctx, request, make);
  }
  // The board has changed: after the commit. May call Redis.
  void BoardChanged();

 private:
  struct Group {
    Group(std::string name, telemetry::Metrics& metrics);
    const std::string name;
    telemetry::Counter& kept;
    telemetry::Counter& made;
  };

  template <typename Answer, typename Make>
  absl::StatusOr<Answer> Get(const Group& group, const rpc::Context& ctx, const google::protobuf::Message& request,
                             const Make& make) {
    const std::string key = cache_ == nullptr ? "" : KeyOf(ctx.language, request);
    if (key.empty() || !AskedBefore(key)) {
      group.made.Increment();
      return make();
    }
    Answer kept;
    if (const auto value = cache_->Get(group.name, key); value != nullptr && kept.ParseFromString(*value)) {
      group.kept.Increment();
      return kept;
    }
    group.made.Increment();
    const auto begin = clock_.Steady();
    const uint64_t version = cache_->Version(group.name);
    absl::StatusOr<Answer> made = make();
    if (made.ok()) Keep(group, key, *made, version, begin);
    return made;
  }
  static std::string KeyOf(const std::string& language, const google::protobuf::Message& request);
  // Remembers that it was asked.
  bool AskedBefore(const std::string& key);
  // `begin`: from before it was made.
  void Keep(const Group& group, const std::string& key, const google::protobuf::Message& answer, uint64_t version,
            std::chrono::steady_clock::time_point begin);

  cache::Cache* const cache_;
  const base::Clock& clock_;
  cache::LocalCache asked_;
  const Group board_, indicators_;
};

}  // namespace dinh::feedback
