// Values of path and query variables, and the text forms below them. A text that a field accepts must print, and read
// back as the same message; in quotes, JSON must not make something else of it.
#include "google/protobuf/util/field_mask_util.h"
#include "libs/base/civil.h"
#include "services/gateway/open311/datetime.h"
#include "services/gateway/transcode/text_forms.h"
#include "tests/fuzz/json.h"

namespace dinh::fuzz {
namespace {

namespace transcode = gateway::transcode;

void CheckField(const Json& json, const transcode::MessagePlan& plan, const transcode::FieldPlan& field,
                std::string_view text) {
  const std::unique_ptr<google::protobuf::Message> message(plan.prototype->New());
  if (!transcode::SetFromText(field, text, "x", message.get()).ok()) return;
  std::string printed, difference;
  FUZZ_CHECK(json.transcoder().PrintField(field, *message, &printed).ok(), field.name);
  const std::unique_ptr<google::protobuf::Message> again(plan.prototype->New());
  FUZZ_CHECK(json.transcoder().ParseField(field, printed, again.get()).ok(), field.name + ": " + printed);
  FUZZ_CHECK(Json::Same(*message, *again, &difference), field.name + ": " + printed + difference);

  std::string quoted;
  transcode::AppendQuoted(text, &quoted);
  if (field.repeated) quoted = "[" + quoted + "]";
  const std::unique_ptr<google::protobuf::Message> by_json(plan.prototype->New());
  if (!json.transcoder().ParseField(field, quoted, by_json.get()).ok()) return;
  FUZZ_CHECK(Json::Same(*message, *by_json, &difference), field.name + ": " + quoted + difference);
}

void CheckTimes(std::string_view text) {
  int64_t seconds = 0, seconds_again = 0;
  int32_t nanos = 0, nanos_again = 0;
  std::string printed;
  if (transcode::ParseTimestamp(text, &seconds, &nanos)) {
    FUZZ_CHECK(transcode::AppendTimestamp(seconds, nanos, &printed));
    FUZZ_CHECK(transcode::ParseTimestamp(printed, &seconds_again, &nanos_again), printed);
    FUZZ_CHECK(seconds == seconds_again && nanos == nanos_again, printed);
  }
  printed.clear();
  if (transcode::ParseDuration(text, &seconds, &nanos)) {
    FUZZ_CHECK(transcode::AppendDuration(seconds, nanos, &printed));
    FUZZ_CHECK(transcode::ParseDuration(printed, &seconds_again, &nanos_again), printed);
    FUZZ_CHECK(seconds == seconds_again && nanos == nanos_again, printed);
  }
  const auto instant = gateway::open311::ParseDateTime(text);
  // An end without end in UTC is in the year 10000 here: good as a bound, never written.
  constexpr base::Micros kWrittenMax =
      (transcode::kMaxTimestampSeconds - base::kVietnamOffsetHours * 3600) * base::kMicrosPerSecond;
  if (!instant || *instant > kWrittenMax) return;
  const std::string written = gateway::open311::FormatDateTime(*instant);
  const auto again = gateway::open311::ParseDateTime(written);
  // Written in whole seconds of Vietnam's time, rounded down.
  FUZZ_CHECK(again && *again <= *instant && *instant - *again < base::kMicrosPerSecond, written);
}

void CheckMask(std::string_view text) {
  google::protobuf::FieldMask ours, theirs;
  std::vector<std::string> paths;
  if (!transcode::ParseFieldMask(text, &paths)) return;
  for (const std::string& path : paths) ours.add_paths(path);
  if (!google::protobuf::util::FieldMaskUtil::FromJsonString(std::string(text), &theirs)) return;
  std::string difference;
  FUZZ_CHECK(Json::Same(ours, theirs, &difference), difference);
}

void CheckNumbers(std::string_view text) {
  std::string printed;
  double real = 0, real_again = 0;
  if (transcode::ParseDouble(text, &real) == transcode::NumberResult::kOk) {
    transcode::AppendDouble(real, &printed);
    FUZZ_CHECK(transcode::ParseDouble(printed, &real_again) == transcode::NumberResult::kOk && real == real_again,
               printed);
  }
  int64_t whole = 0;
  uint64_t natural = 0;
  const bool is_whole = transcode::ParseInt64(text, &whole) == transcode::NumberResult::kOk;
  const bool is_natural = transcode::ParseUint64(text, &natural) == transcode::NumberResult::kOk;
  FUZZ_CHECK(!is_whole || !is_natural || static_cast<uint64_t>(whole) == natural);
  FUZZ_CHECK(!is_whole || whole < 0 || is_natural);
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  static const Json kJson;
  const ExactCopy copy(View(data, size));
  for (const char* type : {"Scalars", "Lists", "WellKnown"}) {
    const auto& plan = kJson.plan(std::string("dinh.testing.v1.") + type);
    for (const auto& field : plan.fields) {
      // What a path or query variable may be: binding refuses whole messages before.
      const bool text_form = field.message == nullptr ||
                             field.message->well_known == transcode::WellKnown::kTimestamp ||
                             field.message->well_known == transcode::WellKnown::kDuration ||
                             field.message->well_known == transcode::WellKnown::kFieldMask ||
                             field.message->well_known == transcode::WellKnown::kWrapper;
      if (text_form) CheckField(kJson, plan, field, copy.view());
    }
  }
  CheckTimes(copy.view());
  CheckNumbers(copy.view());
  CheckMask(copy.view());
  return 0;
}
