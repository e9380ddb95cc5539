// BoardService: the map, open data and indicators – from the public board alone.
//
// Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/board_service.pb.h"
#include "dinh/options/v1/common.pb.h"
#include "libs/db/database.h"
#include "libs/events/event_hub.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "services/feedback/hidden_sequence.h"
#include "services/feedback/json_data.h"
#include "services/feedback/names.h"
#include "services/feedback/public_cache.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class BoardHandlers {
 public:
  struct Parts {
    db::Database& database;
    const BoardStore& board;
    const FeedbackData& data;
    Names& names;
    events::EventHub& events;
    const HiddenSequence& hidden_sequence;
    PublicCache& cache;
  };
  explicit BoardHandlers(const Parts& parts) : p_(parts) {}
  void Register(rpc::MethodTable& table);

  absl::StatusOr<pb::ListCategoriesResponse> ListCategories(rpc::Context& ctx,
                                                            const pb::ListCategoriesRequest& request);
  absl::StatusOr<pb::Board> GetBoard(rpc::Context& ctx, const pb::GetBoardRequest& request);
  absl::StatusOr<options::v1::RawBody> GetAtom(rpc::Context& ctx, const pb::GetAtomRequest& request);
  absl::StatusOr<options::v1::RawBody> ExportReports(rpc::Context& ctx, const pb::ExportReportsRequest& request);
  absl::Status WatchBoard(std::shared_ptr<rpc::Context> call, const pb::WatchBoardRequest& request,
                          std::shared_ptr<rpc::StreamSink> client);
  absl::StatusOr<pb::Indicators> GetIndicators(rpc::Context& ctx, const pb::GetIndicatorsRequest& request);

 private:
  absl::StatusOr<pb::Board> MakeBoard(rpc::Context& ctx, const pb::GetBoardRequest& request);
  absl::StatusOr<pb::Indicators> MakeIndicators(rpc::Context& ctx, const pb::GetIndicatorsRequest& request);
  absl::StatusOr<BoardFilter> FilterOf(const std::string& category, const std::string& unit) const;
  absl::StatusOr<pb::Board> Cells(rpc::Context& ctx, const pb::GetBoardRequest& request, const Bbox& box, int level);

  const Parts p_;
};

}  // namespace dinh::feedback
