#include "libs/testing/service_harness.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/test_stored_bytes.h"
#include "libs/testing/postgres_server.h"
#include "libs/testing/sql_coverage.h"

namespace dinh::testing {
namespace {

class VectorReader final : public rpc::MessageReader {
 public:
  explicit VectorReader(const std::vector<const google::protobuf::Message*>& messages) : messages_(messages) {}
  absl::StatusOr<bool> Read(google::protobuf::Message* out) override {
    if (next_ == messages_.size()) return false;
    out->CopyFrom(*messages_[next_++]);
    return true;
  }

 private:
  const std::vector<const google::protobuf::Message*>& messages_;
  size_t next_ = 0;
};

absl::Status UnknownMethod(std::string_view path) {
  return base::Internal("no single module has the method " + std::string(path));
}

// What a data folder is to SQLite, a prefix is to the schemas of the test's PostgreSQL.
std::string SchemaPrefix(const std::string& data_dir) {
  return "h" + base::HexEncode(base::Sha256(data_dir)).substr(0, 12) + "_";
}

}  // namespace

db::Engine TestEngine() {
  const char* engine = std::getenv("DINH_TEST_ENGINE");
  return engine != nullptr && std::string_view(engine) == "postgres" ? db::Engine::kPostgres : db::Engine::kSqlite;
}

bool CollectingSink::Write(const google::protobuf::Message& message) {
  std::lock_guard lock(mutex_);
  if (closed_ || finished_) return false;
  messages_.emplace_back(message.New())->CopyFrom(message);
  changed_.notify_all();
  return true;
}

void CollectingSink::Finish(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  finished_ = true;
  status_ = status;
  changed_.notify_all();
}

void CollectingSink::OnClosed(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      on_closed_ = std::move(callback);
      return;
    }
  }
  callback();
}

void CollectingSink::Close() {
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    callback = std::move(on_closed_);
  }
  if (callback) callback();
}

bool CollectingSink::WaitFor(size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return messages_.size() >= count; });
}

bool CollectingSink::WaitForEnd(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return finished_; });
}

size_t CollectingSink::size() const {
  std::lock_guard lock(mutex_);
  return messages_.size();
}

absl::Status CollectingSink::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

ServiceHarness::ServiceHarness(HarnessOptions& options)
    : data_dir_(options.data_dir.empty() ? temp_.path() : options.data_dir),
      clock_(options.now),
      random_(options.seed),
      ids_(clock_, random_),
      logger_(clock_, "test", telemetry::Level::kDebug,
              [this](std::string_view line) {
                std::lock_guard lock(log_mutex_);
                log_.append(line).push_back('\n');
              }),
      keys_(auth::KeyRing::Ephemeral(clock_, random_)) {}

ServiceHarness::~ServiceHarness() {
  if (audit_ != nullptr) audit_->Stop();
  if (host_ != nullptr) host_->Stop();
}

absl::StatusOr<std::unique_ptr<ServiceHarness>> ServiceHarness::Start(HarnessOptions options) {
  std::unique_ptr<ServiceHarness> harness(new ServiceHarness(options));
  app::HostParts parts{.data_dir = harness->data_dir_,
                       .resource_dir = std::string(DINH_SOURCE_DIR) + "/deploy/data",
                       .dev = options.dev,
                       .clock = harness->clock_,
                       .random = harness->random_,
                       .ids = harness->ids_,
                       .logger = harness->logger_,
                       .metrics = harness->metrics_,
                       .keys = *harness->keys_,
                       .limiter = options.limiter};
  if (options.audit) {
    harness->audit_ = std::make_unique<app::Audit>(harness->clock_, harness->ids_, *harness->keys_, harness->logger_);
    parts.audit = harness->audit_->Provider();
  }
  if (options.engine == db::Engine::kPostgres) {
    parts.database.dsn = postgres_test::PostgresServer::Shared().Dsn();
    parts.database.schema_prefix = SchemaPrefix(harness->data_dir_);
  }
  parts.database.on_prepare = [](std::string_view sql) { SqlCoverage::Seen(sql); };
  if (options.adjust) options.adjust(parts);
  harness->host_ = std::make_unique<app::Host>(std::move(parts), std::move(options.modules));
  RETURN_IF_ERROR(harness->host_->Prepare());
  config::Registry registry;
  harness->host_->BindConfig(registry);
  RETURN_IF_ERROR(registry.Load("", options.settings));
  RETURN_IF_ERROR(harness->host_->Start());
  return harness;
}

absl::Status ServiceHarness::CallRaw(std::string_view path, const google::protobuf::Message& request,
                                     google::protobuf::Message* response, const auth::Principal& principal,
                                     const CallExtras& extras) {
  const rpc::BoundMethod* method = host_->pipeline().Find(path);
  if (method == nullptr) return UnknownMethod(path);
  if (request.GetDescriptor() != method->entry->descriptor->input_type() ||
      response->GetDescriptor() != method->entry->descriptor->output_type()) {
    return base::Internal("wrong message types for " + std::string(path));
  }
  rpc::CallHead head;
  head.principal = &principal;
  head.deadline = clock_.Steady() + extras.deadline;
  head.request_id = extras.request_id;
  head.language = extras.language;
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  absl::Status status = host_->pipeline().Unary(*method, head, *copy, response);
  if (extras.replayed != nullptr) *extras.replayed = head.replayed;
  return status;
}

absl::Status ServiceHarness::StreamRaw(std::string_view path,
                                       const std::vector<const google::protobuf::Message*>& messages,
                                       google::protobuf::Message* response, const auth::Principal& principal,
                                       const CallExtras& extras) {
  const rpc::BoundMethod* method = host_->pipeline().Find(path);
  if (method == nullptr) return UnknownMethod(path);
  rpc::CallHead head;
  head.principal = &principal;
  head.deadline = clock_.Steady() + extras.deadline;
  head.request_id = extras.request_id;
  head.language = extras.language;
  VectorReader reader(messages);
  absl::Status status = host_->pipeline().ClientStream(*method, head, reader, response);
  if (extras.replayed != nullptr) *extras.replayed = head.replayed;
  return status;
}

absl::StatusOr<std::shared_ptr<CollectingSink>> ServiceHarness::Subscribe(std::string_view path,
                                                                          const google::protobuf::Message& request,
                                                                          const auth::Principal& principal,
                                                                          std::string_view service) {
  const rpc::BoundMethod* method =
      service.empty() ? host_->pipeline().Find(path) : host_->pipeline().Find(service, path);
  if (method == nullptr) return UnknownMethod(path);
  rpc::CallHead head;
  head.principal = &principal;
  auto sink = std::make_shared<CollectingSink>();
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  RETURN_IF_ERROR(host_->pipeline().ServerStream(*method, head, *copy, sink));
  return sink;
}

std::string ServiceHarness::Log() const {
  std::lock_guard lock(log_mutex_);
  return log_;
}

std::string ServiceHarness::StoredBytes() const {
  std::string bytes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_dir_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  for (const auto& [service, table] : host_->tables()) {
    db::Database* database = host_->database(service);
    if (database == nullptr || database->engine() != db::Engine::kPostgres) continue;
    bytes += db::StoredBytes(*database, *NewContext());
  }
  return bytes;
}

bool ServiceHarness::WaitForJobs(std::string_view service, std::string_view kind, int count) {
  constexpr std::chrono::milliseconds kLook{1};
  const auto& done =
      metrics_.AddCounter("events_jobs_done_total", "jobs carried out", {"service", "kind"}).With({service, kind});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (done.Value() < count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kLook);
    clock_.Advance(kLook.count() * base::kMicrosPerMilli);
  }
  return true;
}

size_t ServiceHarness::StoredFiles(std::string_view service) const {
  db::BlobStore* const blobs = host_->blobs(service);
  if (blobs == nullptr) return 0;
  const db::Database* const database = host_->database(service);
  if (database != nullptr && database->engine() == db::Engine::kPostgres) {
    constexpr size_t kMax = 100'000;
    const auto ids = blobs->List("", kMax);
    return ids.ok() ? ids->size() : kMax;
  }
  size_t files = 0;
  const std::filesystem::path folder = std::filesystem::path(data_dir_) / service / "files";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  return files;
}

std::unique_ptr<base::OpContext> ServiceHarness::NewContext() const {
  return std::make_unique<base::OpContext>(clock_, clock_.Steady() + std::chrono::seconds(30));
}

}  // namespace dinh::testing
