// How long one message takes: ours and protobuf's json_util, in the same run. Used by the bench program, not by tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "dinh/testing/v1/transcode.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway::transcode {

struct TranscodeFigures {
  size_t bytes = 0;  // of the JSON
  double parse_us = 0, print_us = 0;
  double json_util_parse_us = 0, json_util_print_us = 0;
  // `transcode_vs_jsonutil`: how many times faster parse + print are.
  double ratio() const { return (json_util_parse_us + json_util_print_us) / (parse_us + print_us); }
};

inline testing::v1::Typical TypicalMessage() {
  testing::v1::Typical message;
  message.set_code("000.15.865.H56-260213-0001");
  message.set_procedure("2.000635");
  auto* filer = message.mutable_filer();
  filer->set_full_name("Công dân Một");
  filer->set_personal_number("038099000001");
  filer->set_phone("0912000001");
  filer->set_birth_date("1999-05");
  message.add_attachments("0190a5b2-7e3c-7abc-8def-0123456789ab");
  message.add_attachments("0190a5b2-7e3c-7abc-8def-0123456789ac");
  message.set_copies(2);
  message.set_fee_vnd(16000);
  message.set_state(testing::v1::COLOUR_GREEN);
  message.mutable_created_at()->set_seconds(1'770'969'600);
  message.mutable_created_at()->set_nanos(250'000'000);
  (*message.mutable_form())["purpose"] = "Bổ sung hồ sơ xin việc";
  (*message.mutable_form())["village"] = "Quang Trung";
  message.set_urgent(true);
  message.set_etag("3f2a9c81");
  return message;
}

template <typename Work>
double MicrosPerRun(int runs, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / runs;
}

// The best of `rounds` of each, so that a busy machine disturbs both alike. `plan` describes `sample`'s type.
inline TranscodeFigures MeasureTranscode(const Transcoder& transcoder, const MessagePlan& plan, const Message& sample,
                                         int runs, int rounds = 5) {
  TranscodeFigures best;
  std::string json;
  (void)transcoder.Print(plan, sample, &json);
  best.bytes = json.size();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  for (int round = 0; round < rounds; ++round) {
    const auto keep = [&](double* slot, double value) {
      if (round == 0 || value < *slot) *slot = value;
    };
    keep(&best.parse_us, MicrosPerRun(runs, [&] {
      const std::unique_ptr<Message> read(sample.New());
      (void)transcoder.Parse(plan, json, read.get());
    }));
    keep(&best.print_us, MicrosPerRun(runs, [&] {
      std::string out;
      (void)transcoder.Print(plan, sample, &out);
    }));
    keep(&best.json_util_parse_us, MicrosPerRun(runs / 4 + 1, [&] {
      const std::unique_ptr<Message> read(sample.New());
      (void)google::protobuf::util::JsonStringToMessage(json, read.get());
    }));
    keep(&best.json_util_print_us, MicrosPerRun(runs / 4 + 1, [&] {
      std::string out;
      (void)google::protobuf::util::MessageToJsonString(sample, &out, options);
    }));
  }
  return best;
}

inline TranscodeFigures BenchTranscode(int runs) {
  Transcoder transcoder;
  const auto plan = transcoder.Add(testing::v1::Typical::descriptor());
  if (!plan.ok()) return {};
  return MeasureTranscode(transcoder, **plan, TypicalMessage(), runs);
}

}  // namespace dinh::gateway::transcode
