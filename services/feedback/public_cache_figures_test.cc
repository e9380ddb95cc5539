// What the public board's answers cost from the database and from the shared cache, printed for the documentation and
// not judged: absolute times drift with the machine. What is judged is that both give the same answer. With more rows:
// DINH_BOARD_ROWS=1000000 DINH_TEST_ENGINE=postgres feedback_service_test --gtest_filter='PublicCacheFigures*'
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/cache/redis_cache.h"
#include "libs/cache/test_support.h"
#include "libs/testing/principals.h"
#include "services/feedback/board_test_support.h"
#include "services/feedback/handlers/board.h"
#include "services/feedback/handlers/public_reports.h"
#include "services/feedback/hidden_sequence.h"

namespace dinh::feedback {
namespace {

constexpr int kRowsDefault = 2000;
constexpr int kTimes = 100;
constexpr std::chrono::minutes kTtl{1};
// As the district has them.
constexpr int kUnits = 37;
constexpr int kRoots = 27;

class PublicCacheFigures : public BoardTest {
 protected:
  std::unique_ptr<rpc::Context> Call() {
    return std::make_unique<rpc::Context>(clock_, clock_.Steady() + std::chrono::seconds(60), method_,
                                          ::dinh::testing::Anonymous());
  }
  // A year of reports all over the district, a tenth of them open.
  void Fill(int64_t rows) {
    for (int64_t first = 1; first <= rows; first += 1000) {
      Write([&](db::Tx& tx) -> absl::Status {
        std::map<CellKey, CellCount> cells;
        IndicatorSums figures;
        for (int64_t number = first; number < first + 1000 && number <= rows; ++number) {
          const auto within = [&] { return (static_cast<double>(random_.Below(1'000'000)) / 1e6 - 0.5) * 0.15; };
          BoardRow row = Row(number, {kSquare.lat + within(), kSquare.lon + within()});
          row.state = random_.Below(10) == 0 ? State::kInProgress : State::kClosed;
          row.shown_at = row.changed_at = row.published_at = kBoardNow - (rows - number) * (365 * 24 * kHour / rows);
          row.day = base::DaysFromCivil(base::ToVietnam(row.shown_at).date);
          RETURN_IF_ERROR(board_.Insert(tx, row));
          for (const CellKey& key : CellsOf(data_.categories, row)) {
            ++(IsOpen(row.state) ? cells[key].open : cells[key].finished);
          }
          Counts& sum = figures[{"unit-" + std::to_string(random_.Below(kUnits)),
                                 "root-" + std::to_string(random_.Below(kRoots)), row.day}];
          sum.minutes.resize(BucketCount());
          ++sum.received;
          ++sum.minutes[random_.Below(BucketCount())];
        }
        RETURN_IF_ERROR(board_.AddTotals(tx, figures));
        return board_.AddCells(tx, cells);
      });
    }
  }
  // Median microseconds.
  static double Micros(const std::function<bool()>& work) {
    std::vector<double> took;
    for (int i = 0; i < kTimes; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_TRUE(work());
      took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(took.begin(), took.end());
    return took[took.size() / 2];
  }
  template <typename Answer>
  void Compare(const char* what, const google::protobuf::Message& request,
               const std::function<absl::StatusOr<Answer>()>& make) {
    const absl::StatusOr<Answer> answer = make();
    ASSERT_TRUE(answer.ok()) << answer.status();
    const auto value = std::make_shared<const std::string>(answer->SerializeAsString());
    const auto put = [&] { far_.Put("board", what, value, kTtl, far_.Version("board")); };
    const auto hit = [&](cache::Cache& cache) {
      const cache::Cache::Value found = cache.Get("board", what);
      Answer parsed;
      return found != nullptr && parsed.ParseFromString(*found) && parsed.ByteSizeLong() == value->size();
    };
    put();
    const double far = Micros([&] { return hit(far_); });
    near_.Put("board", what, value, kTtl, near_.Version("board"));
    const double near = Micros([&] { return hit(near_); });
    const double missed = Micros([&] {
      const bool found = far_.Get("board", what + std::to_string(++asked_)) != nullptr;
      put();
      return !found;
    });
    // The whole way in a process without Redis.
    const auto ask = [&] { return kept_.Board<Answer>(*Call(), request, make); };
    for (int i = 0; i < 2; ++i) EXPECT_EQ(ask()->SerializeAsString(), *value);
    const double local = Micros([&] { return ask().ok(); });
    const double database = Micros([&] { return make().ok(); });
    std::printf(
        "  %-22s %6zu bytes: database %7.1f us, near layer %5.1f, no Redis %5.1f, Redis %5.1f, in vain adds %5.1f\n",
        what, value->size(), database, near, local, far, missed);
  }
  // What it costs to see that something is asked for the first time.
  double AskedOnce() {
    pb::ListReportsRequest request;
    return Micros([&] {
      request.set_query(std::to_string(++asked_));
      return kept_.Board<pb::Board>(*Call(), request, []() -> absl::StatusOr<pb::Board> { return pb::Board(); }).ok();
    });
  }

  rpc::MethodEntry method_;
  base::SystemClock real_clock_;
  cache::TestRedis redis_;
  cache::TestNode near_node_{redis_.ClientOptions()}, far_node_{redis_.ClientOptions()};
  cache::RedisCache near_{{}, near_node_.channel, random_, real_clock_, near_node_.metrics};
  cache::RedisCache far_{{}, far_node_.channel, random_, real_clock_, far_node_.metrics};  // no channel: Redis only
  cache::LocalCache local_{{}, clock_};
  PublicCache kept_{&local_, clock_, metrics_};
  int asked_ = 0;
  auth::PageTokens page_tokens_{*keys_};
  PublicReports reports_{{*database_.db, board_, data_, names_, page_tokens_, cache_}};
  events::EventHub hub_{*database_.db, "feedback", clock_, random_, ids_, logger_, metrics_, {}};
  HiddenSequence hidden_{sealer_};
  BoardHandlers handlers_{{*database_.db, board_, data_, names_, hub_, hidden_, cache_}};
};

TEST_F(PublicCacheFigures, Printed) {
  const char* const wanted = std::getenv("DINH_BOARD_ROWS");
  Fill(wanted == nullptr ? kRowsDefault : std::atoll(wanted));
  near_node_.channel.Start();
  ASSERT_TRUE(cache::Eventually([&] { return near_node_.Proven(); }));
  std::printf("%s\n", db::EngineName(testing::TestEngine()).c_str());
  Compare<pb::ListReportsResponse>("first page of the list", pb::ListReportsRequest(),
                                   [&] { return reports_.List(*Call(), {}); });
  pb::GetBoardRequest map;
  map.set_bbox("105.78,19.77,105.97,19.95");
  map.set_zoom(12);
  Compare<pb::Board>("map, counts", map, [&] { return handlers_.GetBoard(*Call(), map); });
  map.set_bbox("105.870,19.854,105.876,19.860");
  map.set_zoom(17);
  Compare<pb::Board>("map, single reports", map, [&] { return handlers_.GetBoard(*Call(), map); });
  pb::GetIndicatorsRequest month;
  Compare<pb::Indicators>("indicators, all", month, [&] { return handlers_.GetIndicators(*Call(), month); });
  month.set_unit("unit-0");
  Compare<pb::Indicators>("indicators of a unit", month, [&] { return handlers_.GetIndicators(*Call(), month); });
  std::printf("  what is asked once costs %.1f us more than without a cache\n", AskedOnce());
  near_node_.channel.Stop();
}

}  // namespace
}  // namespace dinh::feedback
