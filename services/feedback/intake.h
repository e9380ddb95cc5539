// How a report comes into being, whoever brings it: shared by CreateReport and Open311.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "libs/rpc/context.h"
#include "services/feedback/rows.h"

namespace dinh::feedback {

// Another system that reports for its users by a key of its own.
struct ForeignOrigin {
  std::string client;      // the key's id; "" none: citizens, officers
  std::string name;        // of its user, as said; may be empty
  std::string phone;       // as 0…; may be empty
  std::string account_id;  // its name for its user
  std::string media_url;   // kept as text for the office
};

class Intake {
 public:
  virtual ~Intake() = default;
  // Errors: those of CreateReport.
  virtual absl::StatusOr<pb::Report> Make(rpc::Context& ctx, const pb::CreateReportRequest& request,
                                          const ForeignOrigin& origin) = 0;
  // A public update by whoever made the report with the same key; the id of the update. `update_id` again: the id it
  // got the first time. PERMISSION_DENIED: absent, or made with another key.
  virtual absl::StatusOr<std::string> AddForeignUpdate(rpc::Context& ctx, const std::string& code,
                                                       const std::string& client, const std::string& update_id,
                                                       const std::string& text) = 0;
};

}  // namespace dinh::feedback
