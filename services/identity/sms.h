// Messages to phones. A change enqueues one in its own transaction; it is sent after the commit by a worker, at least
// once, and not at all when it has lost its use by then. Waiting messages are sealed.
//
// Thread safety: thread-safe; Register before the jobs start.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/db/files.h"
#include "libs/events/jobs.h"

namespace dinh::identity {

struct SmsMessage {
  std::string to;  // "0912345678"
  std::string text;
  base::Micros useless_after = 0;
};

class SmsSender {
 public:
  virtual ~SmsSender() = default;
  // `id` is the same when a message is sent again.
  virtual absl::Status Send(const std::string& id, const SmsMessage& message) = 0;
};

// Writes <folder>/<uuidv7>.json: {"to": "0912345678", "text": "…", "at": <microseconds>}, readable by the owner alone,
// whole or not at all (file, sync, rename, sync of the folder).
class FileSmsSender final : public SmsSender {
 public:
  FileSmsSender(std::string folder, db::FileOps& files, const base::Clock& clock)
      : folder_(std::move(folder)), files_(files), clock_(clock) {}
  absl::Status Send(const std::string& id, const SmsMessage& message) override;

 private:
  const std::string folder_;
  db::FileOps& files_;
  const base::Clock& clock_;
};

class SmsQueue {
 public:
  // `sender` may be null: there is no way to send, and Ready() says so.
  SmsQueue(events::Jobs& jobs, SmsSender* sender, const base::Clock& clock)
      : jobs_(jobs), sender_(sender), clock_(clock) {}
  absl::Status Register();
  bool ready() const { return sender_ != nullptr; }
  absl::Status Enqueue(db::Tx& tx, const SmsMessage& message);

 private:
  events::Jobs& jobs_;
  SmsSender* const sender_;
  const base::Clock& clock_;
};

}  // namespace dinh::identity
