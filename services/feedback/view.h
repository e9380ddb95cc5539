// From rows to what the API shows the reporter and the office. (What the public sees comes from the board alone.)
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dinh/feedback/v1/resources.pb.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/rows.h"

namespace dinh::feedback {

using RoleNames = std::map<std::string, std::string, std::less<>>;  // "specialist" -> "Công chức chuyên môn"

struct ViewContext {
  const CategoryTree& categories;
  base::Micros now = 0;
  bool office = false;  // an officer looks, else the reporter
  bool english = false;
  std::string unit_name;
  std::string agency_name;
};

std::string Etag(const ReportRow& row);
Rules RulesOf(const CategoryTree& categories, const std::string& category);
pb::Report::Moderation ToProto(Moderation moderation);
std::string UpdateId(const ReportRow& row, int64_t position);            // "PA-7K3M9QXZ4T.3"
int64_t PositionOf(const ReportRow& row, const std::string& update_id);  // 0: not of this report

// Without history: what lists show. The reporter's name and phone are in Full only.
pb::Report Summary(const ViewContext& view, const ReportRow& row);
pb::Report Full(const ViewContext& view, const ReportRow& row, const std::vector<UpdateRow>& updates,
                const std::vector<PhotoRow>& photos);
pb::Photo ToProto(const PhotoRow& row);
pb::Category ToProto(const Category& category, bool leaf, bool english);
// Title, text and numbers in one, for an error.
base::Text GuidanceText(const Guidance& guidance);

}  // namespace dinh::feedback
