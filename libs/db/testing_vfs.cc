#include "libs/db/testing_vfs.h"

#include <filesystem>
#include <fstream>
#include <utility>

namespace dinh::db {

// What SQLite allocates per file: ours, followed by the system's.
struct TestingVfs::OpenFile {
  sqlite3_file base;
  TestingVfs* owner;
  std::string* path;
  File kind;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

struct TestingVfs::Methods {
  static OpenFile* Of(sqlite3_file* file) { return reinterpret_cast<OpenFile*>(file); }
  static sqlite3_file* Real(sqlite3_file* file) { return Of(file)->real(); }

  static int Close(sqlite3_file* file) {
    OpenFile* open = Of(file);
    delete std::exchange(open->path, nullptr);
    return open->real()->pMethods->xClose(open->real());
  }
  static int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    return Real(file)->pMethods->xRead(Real(file), out, size, offset);
  }
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    OpenFile* open = Of(file);
    std::lock_guard lock(open->owner->mutex_);
    if (int code = open->owner->Ask({Operation::kWrite, open->kind, offset, size}); code != SQLITE_OK) return code;
    open->owner->disks_[*open->path].dirty = true;
    return open->real()->pMethods->xWrite(open->real(), bytes, size, offset);
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    OpenFile* open = Of(file);
    std::lock_guard lock(open->owner->mutex_);
    if (int code = open->owner->Ask({Operation::kTruncate, open->kind, size, 0}); code != SQLITE_OK) return code;
    open->owner->disks_[*open->path].dirty = true;
    return open->real()->pMethods->xTruncate(open->real(), size);
  }
  static int Sync(sqlite3_file* file, int flags) {
    OpenFile* open = Of(file);
    TestingVfs& owner = *open->owner;
    std::lock_guard lock(owner.mutex_);
    if (int code = owner.Ask({Operation::kSync, open->kind, 0, 0}); code != SQLITE_OK) return code;
    const sqlite3_io_methods* methods = open->real()->pMethods;
    if (int code = methods->xSync(open->real(), flags); code != SQLITE_OK) return code;
    sqlite3_int64 size = 0;
    if (int code = methods->xFileSize(open->real(), &size); code != SQLITE_OK) return code;
    Disk& disk = owner.disks_[*open->path];
    disk.synced.resize(static_cast<size_t>(size));
    disk.kind = open->kind;
    disk.dirty = false;
    if (open->kind == File::kLog) ++owner.log_syncs_;
    if (open->kind == File::kMain) ++owner.main_syncs_;
    return size == 0 ? SQLITE_OK : methods->xRead(open->real(), disk.synced.data(), static_cast<int>(size), 0);
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Real(file)->pMethods->xFileSize(Real(file), size);
  }
  static int Lock(sqlite3_file* file, int level) { return Real(file)->pMethods->xLock(Real(file), level); }
  static int Unlock(sqlite3_file* file, int level) { return Real(file)->pMethods->xUnlock(Real(file), level); }
  static int CheckReservedLock(sqlite3_file* file, int* out) {
    return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
  }
  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
  }
  static int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
  static int Characteristics(sqlite3_file* file) { return Real(file)->pMethods->xDeviceCharacteristics(Real(file)); }
  static int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, out);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
  static int ShmUnmap(sqlite3_file* file, int remove) { return Real(file)->pMethods->xShmUnmap(Real(file), remove); }

  // Version 2: no memory mapping of the file, so that every write passes here.
  static constexpr sqlite3_io_methods kTable = {2,
                                                Close,
                                                Read,
                                                Write,
                                                Truncate,
                                                Sync,
                                                FileSize,
                                                Lock,
                                                Unlock,
                                                CheckReservedLock,
                                                FileControl,
                                                SectorSize,
                                                Characteristics,
                                                ShmMap,
                                                ShmLock,
                                                ShmBarrier,
                                                ShmUnmap,
                                                nullptr,
                                                nullptr};
};

TestingVfs::TestingVfs(std::string name) : name_(std::move(name)), real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = std::make_unique<sqlite3_vfs>(*real_);
  vfs_->zName = name_.c_str();
  vfs_->pNext = nullptr;
  vfs_->pAppData = this;
  vfs_->szOsFile = static_cast<int>(sizeof(OpenFile)) + real_->szOsFile;
  vfs_->xOpen = [](sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    return static_cast<TestingVfs*>(vfs->pAppData)->Open(path, file, flags, out_flags);
  };
  vfs_->xDelete = [](sqlite3_vfs* vfs, const char* path, int sync_folder) {
    return static_cast<TestingVfs*>(vfs->pAppData)->Delete(path, sync_folder);
  };
  sqlite3_vfs_register(vfs_.get(), 0);
}

TestingVfs::~TestingVfs() { sqlite3_vfs_unregister(vfs_.get()); }

int TestingVfs::Open(const char* path, sqlite3_file* file, int flags, int* out_flags) {
  OpenFile* open = Methods::Of(file);
  open->base.pMethods = nullptr;
  const int code = real_->xOpen(real_, path, open->real(), flags, out_flags);
  if (code != SQLITE_OK) {
    // SQLite closes what has methods, also after an error: that is ours to do here, since we show it none.
    if (open->real()->pMethods != nullptr) open->real()->pMethods->xClose(open->real());
    return code;
  }
  open->owner = this;
  open->path = new std::string(path != nullptr ? path : "");
  open->kind = (flags & SQLITE_OPEN_WAL) != 0       ? File::kLog
               : (flags & SQLITE_OPEN_MAIN_DB) != 0 ? File::kMain
                                                    : File::kOther;
  open->base.pMethods = &Methods::kTable;
  return SQLITE_OK;
}

int TestingVfs::Delete(const char* path, int sync_folder) {
  std::lock_guard lock(mutex_);
  disks_.erase(path);
  return real_->xDelete(real_, path, sync_folder);
}

int TestingVfs::Ask(const Call& call) { return fault_ ? fault_(call) : SQLITE_OK; }

void TestingVfs::SetFault(Fault fault) {
  std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

int64_t TestingVfs::log_syncs() const {
  std::lock_guard lock(mutex_);
  return log_syncs_;
}

int64_t TestingVfs::main_syncs() const {
  std::lock_guard lock(mutex_);
  return main_syncs_;
}

bool TestingVfs::LogIsSynced() const {
  std::lock_guard lock(mutex_);
  for (const auto& [path, disk] : disks_) {
    if (disk.dirty && path.ends_with("-wal")) return false;
  }
  return true;
}

absl::Status TestingVfs::WriteDurableImage(const std::string& folder) const {
  std::lock_guard lock(mutex_);
  for (const auto& [path, disk] : disks_) {
    if (disk.kind == File::kOther) continue;
    const std::filesystem::path target = std::filesystem::path(folder) / std::filesystem::path(path).filename();
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    out.write(disk.synced.data(), static_cast<std::streamsize>(disk.synced.size()));
    if (!out.flush()) return absl::UnavailableError("cannot write the image");
  }
  return absl::OkStatus();
}

}  // namespace dinh::db
