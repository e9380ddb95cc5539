// Writes the public board: takes what is due in `publications`, and makes the board say what may be said of each report
// now. Nothing else writes the board, and nothing public is read from anywhere else.
//
// What an anonymous report gives away, at most:
//   * the day its publication happened, never a time, and of later lines the day each became public;
//   * a place moved by HidePoint, no words about the place, no time an answer is expected by;
//   * its number: the order of publication, which is random against that of sending.
// A line younger than the least delay (kLaterDelay.min) is kept back even when something else of the report is
// published, and the state shown is then the one before it. What must go (hidden, refused, contested) goes at once.
//
// The secret of HidePoint is made from the installation's oldest blind-index key (HiddenPlaceKey): the same in every
// process, never stored, and unchanged by a rotation of keys — a place that moved to a new cell with each key would
// give itself away.
//
// Several processes may publish, one at a time. What they read they do not lock, so that no change of a report waits
// for its publication: a report that was changed meanwhile stays due.
//
// Thread safety: Start and Stop from one thread; the rest from any.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"
#include "services/feedback/json_data.h"
#include "services/feedback/names.h"
#include "services/feedback/public_cache.h"
#include "services/feedback/publication.h"
#include "services/feedback/store.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

inline constexpr int kPublishBatch = 16;          // reports a transaction: other writers wait for it
inline constexpr int kNoticesPerReportMax = 500;  // of one publication

class Publisher {
 public:
  struct Parts {
    db::Database& database;
    const Store& store;
    const BoardStore& board;
    const FeedbackData& data;
    Names& names;
    events::Outbox& outbox;
    base::Random& random;
    base::IdGenerator& ids;
    const base::Clock& clock;
    telemetry::Logger& logger;
    telemetry::Metrics& metrics;
    std::string hidden_place_key;  // HiddenPlaceKey(sealer)
    PublicCache& cache;
  };
  explicit Publisher(Parts parts);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void Start();
  void Stop();
  // Something may be due now: called after a commit that said so. Cheap.
  void Wake();

  // One batch. true: there may be more to do at once. For tests without the thread, too.
  absl::StatusOr<bool> Round();

 private:
  struct Draft;
  struct Batch;

  // Names of the villages of what is due: territory is asked before the transaction begins.
  absl::StatusOr<std::map<std::string, std::string>> Villages(base::OpContext& ctx);
  absl::StatusOr<std::vector<Draft>> ReadDue(db::Tx& tx, Batch& batch);
  absl::Status PublishOne(db::Tx& tx, const Draft& draft, Batch& batch);
  absl::Status Show(db::Tx& tx, const ReportRow& report, const std::optional<BoardRow>& before, BoardRow row,
                    Batch& batch);
  absl::Status TakeOff(db::Tx& tx, const BoardRow& before, Batch& batch);
  absl::Status TellFollowers(db::Tx& tx, const ReportRow& report, const BoardRow& row);
  absl::Status TellJoined(db::Tx& tx, const ReportRow& report);
  absl::Status Announce(db::Tx& tx, const BoardRow& row, bool removed);
  uint64_t Bits();
  void Loop();

  const Parts p_;
  const PublicationRules rules_;
  telemetry::Counter& published_;
  telemetry::Counter& changed_;
  telemetry::Counter& removed_;
  telemetry::Counter& failures_;
  telemetry::Gauge& due_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace dinh::feedback
