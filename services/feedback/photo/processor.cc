#include "services/feedback/photo/processor.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "services/feedback/photo/errors.h"
#include "services/feedback/photo/worker_process.h"
#include "services/feedback/photo_worker/protocol.h"
#include "services/feedback/photo_worker/sandbox.h"

namespace dinh::feedback {
namespace {

constexpr std::chrono::milliseconds kCancelCheck{50};
constexpr int64_t kBusyRetryAfterMs = 3'000;
constexpr double kBoxTolerance = 1e-6;  // x + width of fractions that were rounded on their way

using SteadyTime = std::chrono::steady_clock::time_point;

// At most `places` at once; others wait for their turn.
class Gate {
 public:
  explicit Gate(int places) : free_(places) {}

  // false when no place became free by then, or the operation was cancelled.
  bool Enter(SteadyTime until, const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    while (free_ == 0) {
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now >= until || cancelled.load()) return false;
      changed_.wait_until(lock, std::min(until, now + kCancelCheck));
    }
    --free_;
    return true;
  }
  void Leave() {
    {
      std::lock_guard lock(mutex_);
      ++free_;
    }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
};

absl::Status StatusOf(photo::Verdict verdict) {
  switch (verdict) {
    case photo::Verdict::kOk:
      return absl::OkStatus();
    case photo::Verdict::kTypeRefused:
      return PhotoTypeRefused();
    case photo::Verdict::kDamaged:
      return PhotoDamaged();
    case photo::Verdict::kTooManyPixels:
      return PhotoTooManyPixels(photo::kPixelsMax);
    case photo::Verdict::kTooNarrow:
      return PhotoTooNarrow(photo::kAspectMax);
    case photo::Verdict::kExtraData:
      return PhotoExtraDataRefused();
  }
  return PhotoNotProcessed();
}

std::string TypeName(photo::SourceType type) {
  switch (type) {
    case photo::SourceType::kJpeg:
      return "image/jpeg";
    case photo::SourceType::kPng:
      return "image/png";
    case photo::SourceType::kWebp:
      return "image/webp";
    case photo::SourceType::kNone:
      break;
  }
  return "";
}

bool IsInside(const BlurBox& box) {
  const auto inside = [](double from, double length) {
    return from >= 0 && length > 0 && from + length <= 1 + kBoxTolerance;  // false for NaN
  };
  return inside(box.x, box.width) && inside(box.y, box.height);
}

class WorkerPhotoProcessor final : public PhotoProcessor {
 public:
  explicit WorkerPhotoProcessor(PhotoOptions options) : options_(std::move(options)), gate_(options_.workers_max) {}

  absl::StatusOr<ProcessedPhoto> Process(base::OpContext& ctx, std::string_view bytes) override {
    return Run(ctx, bytes, {});
  }

  absl::StatusOr<ProcessedPhoto> Blur(base::OpContext& ctx, std::string_view full_jpeg,
                                      const std::vector<BlurBox>& boxes) override {
    if (boxes.empty() || boxes.size() > photo::kBoxesMax || !std::all_of(boxes.begin(), boxes.end(), IsInside)) {
      return BlurBoxesInvalid(photo::kBoxesMax);
    }
    std::vector<photo::Box> covered;
    covered.reserve(boxes.size());
    for (const BlurBox& box : boxes) {
      covered.push_back({box.x, box.y, std::min(1.0, box.width), std::min(1.0, box.height)});
    }
    ASSIGN_OR_RETURN(ProcessedPhoto photo, Run(ctx, full_jpeg, std::move(covered)));
    photo.position.reset();
    return photo;
  }

 private:
  absl::StatusOr<ProcessedPhoto> Run(base::OpContext& ctx, std::string_view bytes, std::vector<photo::Box> boxes) {
    if (bytes.size() > photo::kUploadBytesMax) return PhotoTooLarge(photo::kUploadBytesMax);
    RETURN_IF_ERROR(ctx.Check());
    // The operation's clock may stand still in tests; a worker must not hang on it. Remaining() is rounded down.
    const SteadyTime now = std::chrono::steady_clock::now();
    const SteadyTime deadline =
        now + std::min(ctx.Remaining() + std::chrono::milliseconds(1), options_.wait_max + options_.worker_time_max);
    if (!gate_.Enter(std::min(deadline, now + options_.wait_max), *ctx.cancelled())) {
      RETURN_IF_ERROR(ctx.Check());
      return PhotoBusy(kBusyRetryAfterMs);
    }
    const std::string head = photo::EncodeRequestHead({static_cast<uint32_t>(bytes.size()), std::move(boxes)});
    WorkerTask task{options_.worker_path, head, bytes, photo::kAnswerBytesMax};
    task.deadline = std::min(deadline, std::chrono::steady_clock::now() + options_.worker_time_max);
    task.cancelled = ctx.cancelled().get();
    const WorkerRun run = RunWorker(task);
    gate_.Leave();
    return Read(ctx, run);
  }

  static absl::StatusOr<ProcessedPhoto> Read(const base::OpContext& ctx, const WorkerRun& run) {
    if (run.end == WorkerEnd::kNotStarted) return PhotoWorkerMissing();
    if (run.end == WorkerEnd::kNoResources) return PhotoBusy(kBusyRetryAfterMs);
    if (run.end == WorkerEnd::kExited && run.exit_code == photo::kExitNoSandbox) return PhotoWorkerMissing();
    RETURN_IF_ERROR(ctx.Check());
    photo::Answer answer;
    if (run.end != WorkerEnd::kExited || run.exit_code != 0 || !photo::DecodeAnswer(run.output, &answer)) {
      return PhotoNotProcessed();
    }
    RETURN_IF_ERROR(StatusOf(answer.verdict));
    ProcessedPhoto photo;
    photo.full_jpeg = std::move(answer.full);
    photo.thumbnail_jpeg = std::move(answer.thumbnail);
    photo.width = answer.width;
    photo.height = answer.height;
    if (answer.position) photo.position = GeoPoint{answer.position->lat, answer.position->lon};
    photo.source_type = TypeName(answer.type);
    return photo;
  }

  const PhotoOptions options_;
  Gate gate_;
};

std::string BesideThisProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : (self.parent_path() / "dinh-photo").string();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PhotoProcessor>> MakePhotoProcessor(PhotoOptions options) {
  if (options.worker_path.empty()) options.worker_path = BesideThisProgram();
  if (access(options.worker_path.c_str(), X_OK) != 0) return PhotoWorkerMissing();
  return std::make_unique<WorkerPhotoProcessor>(std::move(options));
}

}  // namespace dinh::feedback
