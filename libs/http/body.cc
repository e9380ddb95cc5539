#include "libs/http/body.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dinh::http {

BodyReader::BodyReader(std::function<void()> resume, size_t queue_bytes_max)
    : resume_(std::move(resume)), queue_bytes_max_(queue_bytes_max) {}

absl::StatusOr<size_t> BodyReader::Read(std::span<char> out) {
  size_t taken = 0;
  bool resume = false;
  {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return offset_ < queue_.size() || end_.has_value(); });
    if (offset_ == queue_.size() && !end_->ok()) return *end_;
    taken = std::min(out.size(), queue_.size() - offset_);
    std::memcpy(out.data(), queue_.data() + offset_, taken);
    offset_ += taken;
    if (offset_ == queue_.size()) {
      queue_.clear();
      offset_ = 0;
    }
    if (paused_ && queue_.size() - offset_ <= queue_bytes_max_ / 2) {
      paused_ = false;
      resume = true;
    }
  }
  if (resume && resume_) resume_();
  return taken;
}

bool BodyReader::OnData(std::string_view bytes) {
  std::lock_guard lock(mutex_);
  if (end_.has_value()) return true;
  if (offset_ > queue_bytes_max_ / 2) {
    queue_.erase(0, offset_);
    offset_ = 0;
  }
  queue_ += bytes;
  paused_ = queue_.size() - offset_ >= queue_bytes_max_;
  arrived_.notify_one();
  return !paused_;
}

void BodyReader::OnEnd(absl::Status status) {
  std::lock_guard lock(mutex_);
  if (end_.has_value()) return;
  end_ = std::move(status);
  arrived_.notify_all();
}

}  // namespace dinh::http
