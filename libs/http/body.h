// Request bodies that are not held in memory as a whole: where they go, and how fast.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::http {

// Takes a body piece by piece on the connection's I/O thread: must not block.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Bytes in order. false: this piece was taken, but send no more until Exchange::ResumeBody(); the server then stops
  // reading from the socket, and the client's clock (stall, rate) stands still.
  virtual bool OnData(std::string_view bytes) = 0;
  // Last call, exactly once. OK: the body was complete. Otherwise why it ended: CANCELLED (UPLOAD_BROKEN: connection
  // lost, or the exchange was answered before), DEADLINE_EXCEEDED (UPLOAD_TOO_SLOW), INVALID_ARGUMENT (malformed) or
  // OUT_OF_RANGE (BODY_TOO_LARGE); except in the first case the server has answered the exchange itself.
  virtual void OnEnd(absl::Status status) = 0;
};

// A bounded queue between the I/O thread and one handler thread that reads blocking. Thread-safe.
class BodyReader final : public BodySink {
 public:
  static constexpr size_t kQueueBytesMax = 256 * 1024;

  // `resume` is called, on the reading thread, when a paused body may go on.
  explicit BodyReader(std::function<void()> resume, size_t queue_bytes_max = kQueueBytesMax);

  // Waits for bytes and moves up to out.size() of them; 0 is the end of the body. The errors of OnEnd come after the
  // bytes that had arrived before, which resumable uploads keep; again at each further call. Never waits forever: the
  // server ends stalled bodies.
  absl::StatusOr<size_t> Read(std::span<char> out);

  bool OnData(std::string_view bytes) override;
  void OnEnd(absl::Status status) override;

 private:
  const std::function<void()> resume_;
  const size_t queue_bytes_max_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::string queue_;  // unread bytes from offset_ on
  size_t offset_ = 0;
  bool paused_ = false;
  std::optional<absl::Status> end_;
};

}  // namespace dinh::http
