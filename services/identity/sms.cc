#include "services/identity/sms.h"

#include <chrono>
#include <memory>
#include <utility>

#include "libs/base/status.h"
#include "nlohmann/json.hpp"

namespace dinh::identity {
namespace {

constexpr char kKind[] = "sms";
constexpr int kAttemptsMax = 6;
constexpr std::chrono::milliseconds kPauseMin{1'000};
constexpr std::chrono::milliseconds kPauseMax{30'000};

using Json = nlohmann::json;

std::string Encode(const SmsMessage& message) {
  return Json{{"to", message.to}, {"text", message.text}, {"useless_after", message.useless_after}}.dump();
}

absl::StatusOr<SmsMessage> Decode(const std::string& payload) {
  const Json json = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return base::Internal("a waiting message has no known form");
  return SmsMessage{json.value("to", ""), json.value("text", ""), json.value("useless_after", int64_t{0})};
}

}  // namespace

absl::Status FileSmsSender::Send(const std::string& id, const SmsMessage& message) {
  RETURN_IF_ERROR(files_.MakeFolder(folder_).status());
  const std::string path = folder_ + "/" + id + ".json";
  const std::string unfinished = folder_ + "/." + id + ".new";
  // A try that broke off may have left it.
  RETURN_IF_ERROR(files_.Remove(unfinished));
  ASSIGN_OR_RETURN(const std::unique_ptr<db::OutFile> file, files_.Create(unfinished));
  const Json json{{"to", message.to}, {"text", message.text}, {"at", clock_.Now()}};
  RETURN_IF_ERROR(file->Write(json.dump() + "\n"));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  RETURN_IF_ERROR(files_.Rename(unfinished, path));
  return files_.SyncFolder(folder_);
}

absl::Status SmsQueue::Register() {
  events::JobKind kind;
  kind.attempts_max = kAttemptsMax;
  kind.pause_min = kPauseMin;
  kind.pause_max = kPauseMax;
  kind.run = [this](base::OpContext&, const events::Job& job) -> absl::StatusOr<events::JobDone> {
    ASSIGN_OR_RETURN(const SmsMessage message, Decode(job.payload));
    if (sender_ != nullptr && clock_.Now() < message.useless_after) {
      RETURN_IF_ERROR(sender_->Send(job.id, message));
    }
    return events::JobDone();
  };
  return jobs_.Register(kKind, std::move(kind));
}

absl::Status SmsQueue::Enqueue(db::Tx& tx, const SmsMessage& message) {
  events::NewJob job;
  job.kind = kKind;
  job.payload = Encode(message);
  return jobs_.Enqueue(tx, job).status();
}

}  // namespace dinh::identity
