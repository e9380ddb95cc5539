#include "services/feedback/public_cache.h"

#include <memory>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

constexpr size_t kAskedBytes = 1 << 20;  // some thousands of questions
constexpr char kAsked[] = "asked";

telemetry::Counter& Answers(telemetry::Metrics& metrics, const std::string& what, const char* from) {
  return metrics
      .AddCounter("dinh_feedback_board_answers_total", "answers about the public board, by where they came from",
                  {"what", "from"})
      .With({what, from});
}

}  // namespace

PublicCache::Group::Group(std::string group_name, telemetry::Metrics& metrics)
    : name(std::move(group_name)), kept(Answers(metrics, name, "kept")), made(Answers(metrics, name, "made")) {}

PublicCache::PublicCache(cache::Cache* cache, const base::Clock& clock, telemetry::Metrics& metrics)
    : cache_(cache),
      clock_(clock),
      asked_({.bytes_max = kAskedBytes}, clock),
      board_("board", metrics),
      indicators_("indicators", metrics) {}

void PublicCache::BoardChanged() {
  if (cache_ != nullptr) cache_->Invalidate(board_.name);
}

std::string PublicCache::KeyOf(const std::string& language, const google::protobuf::Message& request) {
  std::string text = std::string(request.GetDescriptor()->full_name()) + "\n" + language + "\n";
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return base::Base64UrlEncode(base::Sha256(text));
}

bool PublicCache::AskedBefore(const std::string& key) {
  const bool before = asked_.Get(kAsked, key) != nullptr;
  asked_.Put(kAsked, key, std::make_shared<const std::string>(), kAnswerLasts, asked_.Version(kAsked));
  return before;
}

void PublicCache::Keep(const Group& group, const std::string& key, const google::protobuf::Message& answer,
                       uint64_t version, std::chrono::steady_clock::time_point begin) {
  const auto left = kAnswerLasts - std::chrono::ceil<std::chrono::milliseconds>(clock_.Steady() - begin);
  cache_->Put(group.name, key, std::make_shared<const std::string>(answer.SerializeAsString()), left, version);
}

}  // namespace dinh::feedback
