// The objects of one call inside the pipeline. Private to pipeline.cc.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/rpc/pipeline.h"
#include "libs/rpc/request_hash.h"
#include "libs/rpc/validate.h"

namespace dinh::rpc {

// Writes the audit row of a change into the handler's own transaction.
class Pipeline::AuditHook final : public db::CommitHook {
 public:
  AuditHook(AuditSink& sink, const Context& ctx) : sink_(sink), ctx_(ctx) {}
  absl::Status BeforeCommit(db::Tx& tx) override { return sink_.WriteChange(tx, ctx_); }

 private:
  AuditSink& sink_;
  const Context& ctx_;
};

// Everything one call carries from its first step to its log line.
struct Pipeline::Call {
  Call(const BoundMethod& method, CallHead& head, std::chrono::steady_clock::time_point begin)
      : method(method), head(head), begin(begin) {}

  const BoundMethod& method;
  CallHead& head;
  const std::chrono::steady_clock::time_point begin;
  std::shared_ptr<Context> ctx;  // set once the caller is known
  std::optional<AuditHook> audit_hook;
  std::shared_ptr<void> slot;  // of a stream, among those of its login
};

// Applies field rules to what a client streams, and computes the hash of the whole for the idempotency claim.
class Pipeline::CheckedReader final : public MessageReader {
 public:
  CheckedReader(Pipeline& pipeline, Call& call, MessageReader& reader)
      : pipeline_(pipeline), call_(call), reader_(reader) {}

  absl::StatusOr<bool> Read(Message* out) override {
    RETURN_IF_ERROR(call_.ctx->Check());
    ASSIGN_OR_RETURN(const bool more, reader_.Read(out));
    if (!more) {
      pipeline_.SetClaim(call_, nullptr, hash_.Finish());
      return false;
    }
    RETURN_IF_ERROR(call_.method.validator->Check(out));
    hash_.Add(*out);
    return true;
  }

 private:
  Pipeline& pipeline_;
  Call& call_;
  MessageReader& reader_;
  StreamHash hash_;
};

// Holds a stream's messages back until the handler has returned and its scope check is known; counts the stream when it
// ends. Owns the context of the call.
class Pipeline::WatchedSink final : public StreamSink, public std::enable_shared_from_this<WatchedSink> {
 public:
  WatchedSink(Pipeline& pipeline, std::shared_ptr<CallHead> head, const BoundMethod& method,
              std::chrono::steady_clock::time_point begin, std::shared_ptr<StreamSink> sink)
      : pipeline_(pipeline), head_(std::move(head)), call_(method, *head_, begin), sink_(std::move(sink)) {}

  // A source that lets go of the stream without a word has failed.
  ~WatchedSink() override {
    if (done_) return;
    const absl::Status why = broken_ ? absl::CancelledError() : base::Internal("the stream's source vanished");
    sink_->Finish(pipeline_.Finish(call_, why));
  }

  Call& call() { return call_; }

  // The transport's word that the peer is gone ends the call, too. Separate from construction: needs shared_from_this.
  void Attach() {
    sink_->OnClosed([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Closed();
    });
  }
  bool Write(const Message& message) override {
    {
      std::lock_guard lock(mutex_);
      if (done_) return false;
      if (!open_) {
        if (held_.size() >= kHeldMax) return false;
        held_.emplace_back(message.New())->CopyFrom(message);
        return true;
      }
    }
    // A stream may outlive the login, the role or the token that it began with.
    if (const absl::Status still = pipeline_.Recheck(call_); !still.ok()) {
      Finish(still);
      return false;
    }
    if (sink_->Write(message)) return true;
    broken_ = true;
    return false;
  }
  void Finish(const absl::Status& status) override {
    {
      std::lock_guard lock(mutex_);
      if (!open_) {
        if (!held_finish_) held_finish_ = status;
        return;
      }
      if (std::exchange(done_, true)) return;
    }
    sink_->Finish(pipeline_.Finish(call_, status));
  }
  void OnClosed(std::function<void()> callback) override {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        on_closed_ = std::move(callback);
        return;
      }
    }
    callback();
  }
  // The handler's answer is accepted: what it has written so far goes out.
  void Open() {
    // Written outside the lock (a transport may report its end from within); what arrives meanwhile waits its turn.
    std::optional<absl::Status> finish;
    for (std::vector<std::unique_ptr<Message>> batch;;) {
      {
        std::lock_guard lock(mutex_);
        batch.swap(held_);
        if (batch.empty()) {
          open_ = true;
          finish = std::move(held_finish_);
          break;
        }
      }
      for (const auto& message : batch) sink_->Write(*message);
      batch.clear();
    }
    if (finish) Finish(*finish);
  }
  // The call was refused before it began; its figures are written by whoever refused it.
  void Abandon() {
    std::lock_guard lock(mutex_);
    done_ = open_ = true;
    held_.clear();
  }

 private:
  static constexpr size_t kHeldMax = 1024;

  void Closed() {
    std::function<void()> callback;
    bool ended = false;
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(closed_, true)) return;
      callback = std::move(on_closed_);
      ended = std::exchange(done_, true);
    }
    if (call_.ctx != nullptr) call_.ctx->cancelled()->store(true);
    if (!ended) pipeline_.Finish(call_, absl::CancelledError()).IgnoreError();  // nobody is left to be told
    if (callback) callback();
  }

  Pipeline& pipeline_;
  const std::shared_ptr<CallHead> head_;
  Call call_;
  const std::shared_ptr<StreamSink> sink_;
  std::mutex mutex_;
  bool open_ = false, done_ = false, closed_ = false;
  std::atomic<bool> broken_ = false;  // the transport takes no more
  std::vector<std::unique_ptr<Message>> held_;
  std::optional<absl::Status> held_finish_;
  std::function<void()> on_closed_;
};

}  // namespace dinh::rpc
