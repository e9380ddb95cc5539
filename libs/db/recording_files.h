// For tests: FileOps that record the order of operations and fail on demand. Header-only.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/db/errors.h"
#include "libs/db/files.h"

namespace dinh::db {

// Thread-safe. Operations are recorded as "create", "write", "sync", "close", "rename", "remove", "sync_folder".
class RecordingFiles final : public FileOps {
 public:
  // true: this operation fails with STORAGE_UNAVAILABLE.
  using Fault = std::function<bool(std::string_view operation)>;

  explicit RecordingFiles(FileOps& real = SystemFileOps()) : real_(real) {}
  void SetFault(Fault fault) {
    std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  std::vector<std::string> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(log_, {});
  }

  absl::StatusOr<std::unique_ptr<OutFile>> Create(const std::string& path) override {
    if (Fails("create")) return StorageUnavailable();
    auto file = real_.Create(path);
    if (!file.ok()) return file.status();
    return std::make_unique<Out>(*this, *std::move(file));
  }
  absl::StatusOr<std::unique_ptr<InFile>> OpenRead(const std::string& path) override { return real_.OpenRead(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return Fails("rename") ? StorageUnavailable() : real_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override {
    return Fails("remove") ? StorageUnavailable() : real_.Remove(path);
  }
  absl::Status SyncFile(const std::string& path) override {
    return Fails("sync") ? StorageUnavailable() : real_.SyncFile(path);
  }
  absl::Status SyncFolder(const std::string& path) override {
    return Fails("sync_folder") ? StorageUnavailable() : real_.SyncFolder(path);
  }
  absl::StatusOr<bool> MakeFolder(const std::string& path) override { return real_.MakeFolder(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override { return real_.List(path); }

 private:
  class Out final : public OutFile {
   public:
    Out(RecordingFiles& owner, std::unique_ptr<OutFile> real) : owner_(owner), real_(std::move(real)) {}
    absl::Status Write(std::string_view bytes) override {
      return owner_.Fails("write") ? StorageUnavailable() : real_->Write(bytes);
    }
    absl::Status Sync() override { return owner_.Fails("sync") ? StorageUnavailable() : real_->Sync(); }
    absl::Status Close() override { return owner_.Fails("close") ? StorageUnavailable() : real_->Close(); }

   private:
    RecordingFiles& owner_;
    std::unique_ptr<OutFile> real_;
  };

  bool Fails(std::string_view operation) {
    std::lock_guard lock(mutex_);
    log_.emplace_back(operation);
    return fault_ && fault_(operation);
  }

  FileOps& real_;
  std::mutex mutex_;
  Fault fault_;
  std::vector<std::string> log_;
};

}  // namespace dinh::db
