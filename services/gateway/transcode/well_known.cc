#include "services/gateway/transcode/well_known.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::transcode {

namespace pb = google::protobuf;

bool SetWellKnownText(const MessagePlan& plan, std::string_view text, Message* message) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  switch (plan.well_known) {
    case WellKnown::kTimestamp: {
      if (!ParseTimestamp(text, &seconds, &nanos)) return false;
      auto* time = static_cast<pb::Timestamp*>(message);
      time->set_seconds(seconds);
      time->set_nanos(nanos);
      return true;
    }
    case WellKnown::kDuration: {
      if (!ParseDuration(text, &seconds, &nanos)) return false;
      auto* span = static_cast<pb::Duration*>(message);
      span->set_seconds(seconds);
      span->set_nanos(nanos);
      return true;
    }
    case WellKnown::kFieldMask: {
      std::vector<std::string> paths;
      if (!ParseFieldMask(text, &paths)) return false;
      auto* mask = static_cast<pb::FieldMask*>(message);
      for (std::string& path : paths) mask->add_paths(std::move(path));
      return true;
    }
    default:
      return false;
  }
}

base::Text WellKnownExpectation(const MessagePlan& plan) {
  switch (plan.well_known) {
    case WellKnown::kTimestamp:
      return {"cần một thời điểm, ví dụ \"2026-02-13T15:04:05Z\".",
              "a time such as \"2026-02-13T15:04:05Z\" is needed."};
    case WellKnown::kDuration:
      return {"cần một khoảng thời gian tính bằng giây, ví dụ \"1.5s\".",
              "a duration in seconds such as \"1.5s\" is needed."};
    case WellKnown::kFieldMask:
      return {"cần tên các trường, cách nhau bằng dấu phẩy.", "names of fields, separated by commas, are needed."};
    default:
      return {"cần một đối tượng JSON {…}.", "a JSON object {…} is needed."};
  }
}

}  // namespace dinh::gateway::transcode
