// The public part of ReportService: what everybody sees of reports, from the board alone.
//
// Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "libs/auth/page_token.h"
#include "libs/db/database.h"
#include "libs/rpc/context.h"
#include "services/feedback/json_data.h"
#include "services/feedback/names.h"
#include "services/feedback/public_cache.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class PublicReports {
 public:
  struct Parts {
    db::Database& database;
    const BoardStore& board;
    const FeedbackData& data;
    Names& names;
    const auth::PageTokens& page_tokens;
    PublicCache& cache;
  };
  explicit PublicReports(const Parts& parts) : p_(parts) {}

  // ListReports of the board. INVALID_FIELD, PAGE_TOKEN_MISMATCH.
  absl::StatusOr<pb::ListReportsResponse> List(rpc::Context& ctx, const pb::ListReportsRequest& request);
  // INVALID_FIELD.
  absl::StatusOr<pb::ListNearbyReportsResponse> Nearby(rpc::Context& ctx, const pb::ListNearbyReportsRequest& request);

  // What is public of a report, nullopt when nothing is. `code`: as a person types it.
  absl::StatusOr<std::optional<pb::Report>> Get(rpc::Context& ctx, const std::string& code);
  // The same inside a transaction of the caller; names of unit and agency as far as they were asked for before it.
  absl::StatusOr<std::optional<pb::Report>> PublicView(rpc::Context& ctx, db::Tx& tx, const std::string& code) const;

 private:
  absl::StatusOr<pb::ListReportsResponse> MakeList(rpc::Context& ctx, const pb::ListReportsRequest& request);

  const Parts p_;
};

}  // namespace dinh::feedback
