// The transcoder under test and protobuf's json_util, which it is compared with.
#pragma once

#include <memory>
#include <string>

#include "dinh/testing/v1/transcode.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/gateway/transcode/transcoder.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {

using testing::v1::Everything;

class Json {
 public:
  Json() {
    google::protobuf::SetLogHandler(nullptr);  // it would tell of every text that is no UTF-8
    const auto plan = transcoder_.Add(Everything::descriptor());
    FUZZ_CHECK(plan.ok());
    plan_ = *plan;
  }
  const gateway::transcode::MessagePlan& plan() const { return *plan_; }
  const gateway::transcode::MessagePlan& plan(std::string_view name) const { return *transcoder_.Find(name); }
  const gateway::transcode::Transcoder& transcoder() const { return transcoder_; }

  bool Parse(std::string_view json, Everything* out) const { return transcoder_.Parse(*plan_, json, out).ok(); }
  bool Print(const Everything& message, std::string* out) const { return transcoder_.Print(*plan_, message, out).ok(); }

  // Equal also where a NaN stands on both sides.
  static bool Same(const google::protobuf::Message& a, const google::protobuf::Message& b, std::string* difference,
                   bool ignore_masks = false) {
    google::protobuf::util::DefaultFieldComparator comparator;
    comparator.set_treat_nan_as_equal(true);
    google::protobuf::util::MessageDifferencer differencer;
    differencer.set_field_comparator(&comparator);
    differencer.ReportDifferencesToString(difference);
    if (ignore_masks) differencer.IgnoreField(google::protobuf::FieldMask::descriptor()->field(0));
    return differencer.Compare(a, b);
  }

 private:
  gateway::transcode::Transcoder transcoder_;
  const gateway::transcode::MessagePlan* plan_ = nullptr;
};

}  // namespace dinh::fuzz
