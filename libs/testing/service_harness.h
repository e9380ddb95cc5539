// Starts service modules on temporary stores with a fake clock and seeded randomness, and calls their RPCs as
// anybody, through the real pipeline (access, field rules, idempotency, audit).
//
//   HarnessOptions options;
//   options.modules.push_back(territory::MakeTerritoryModule());
//   ASSERT_OK_AND_ASSIGN / auto harness = ServiceHarness::Start(std::move(options));  // absl::StatusOr
//   absl::StatusOr<pb::Unit> unit =
//       (*harness)->Call<pb::Unit>("/dinh.territory.v1.TerritoryService/GetUnit", request, Anonymous());
//
// Several modules call each other through real local channels; what is missing is a FakeService.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/app/audit.h"
#include "libs/app/host.h"
#include "libs/app/service_module.h"
#include "libs/testing/fake_service.h"
#include "libs/testing/principals.h"
#include "libs/testing/temp_dir.h"

namespace dinh::testing {

// 2026-02-13 08:00 in Vietnam, a Friday.
inline constexpr base::Micros kTestNow = 1'770'944'400LL * base::kMicrosPerSecond;

// SQLite files, or schemas on the test program's own PostgreSQL when DINH_TEST_ENGINE=postgres stands in the
// environment: CTest runs every service's tests once with each.
db::Engine TestEngine();

struct HarnessOptions {
  std::vector<std::unique_ptr<app::ServiceModule>> modules;
  db::Engine engine = TestEngine();
  base::Micros now = kTestNow;
  uint64_t seed = 1;
  bool dev = true;
  std::vector<std::string> settings;  // "DINH_SMS_PREFIX=09": as the environment gives them
  std::string data_dir;               // empty: a temporary one of the harness. The same: the same data, on both engines
  rpc::RateLimiter* limiter = nullptr;
  bool audit = true;  // rows are written and chained as in the real process
  // Changes the parts before the host is made. May be empty.
  std::function<void(app::HostParts&)> adjust;
};

// Keeps what a server stream sends. Thread-safe.
class CollectingSink final : public rpc::StreamSink {
 public:
  bool Write(const google::protobuf::Message& message) override;
  void Finish(const absl::Status& status) override;
  void OnClosed(std::function<void()> callback) override;

  // The client goes away.
  void Close();
  // false: fewer than `count` messages within `limit` of real time.
  bool WaitFor(size_t count, std::chrono::milliseconds limit = std::chrono::seconds(5));
  bool WaitForEnd(std::chrono::milliseconds limit = std::chrono::seconds(5));
  size_t size() const;
  absl::Status status() const;  // after the end
  template <typename M>
  std::vector<M> Messages() const {
    std::lock_guard lock(mutex_);
    std::vector<M> out;
    for (const auto& m : messages_) out.push_back(static_cast<const M&>(*m));
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<google::protobuf::Message>> messages_;
  bool finished_ = false, closed_ = false;
  absl::Status status_;
  std::function<void()> on_closed_;
};

struct CallExtras {
  std::string request_id;
  std::string language = "vi";
  std::chrono::milliseconds deadline{30'000};  // of the fake clock
  bool* replayed = nullptr;
};

class ServiceHarness {
 public:
  using CallExtras = testing::CallExtras;

  static absl::StatusOr<std::unique_ptr<ServiceHarness>> Start(HarnessOptions options);
  ~ServiceHarness();

  absl::Status CallRaw(std::string_view path, const google::protobuf::Message& request,
                       google::protobuf::Message* response, const auth::Principal& principal, const CallExtras& extras);
  // `path`: "/dinh.territory.v1.TerritoryService/GetUnit".
  template <typename Resp>
  absl::StatusOr<Resp> Call(std::string_view path, const google::protobuf::Message& request,
                            const auth::Principal& principal, const CallExtras& extras = {}) {
    Resp response;
    absl::Status status = CallRaw(path, request, &response, principal, extras);
    if (!status.ok()) return status;
    return response;
  }
  // A client stream of these messages.
  absl::Status StreamRaw(std::string_view path, const std::vector<const google::protobuf::Message*>& messages,
                         google::protobuf::Message* response, const auth::Principal& principal,
                         const CallExtras& extras);
  template <typename Resp, typename Req>
  absl::StatusOr<Resp> CallStream(std::string_view path, const std::vector<Req>& messages,
                                  const auth::Principal& principal, const CallExtras& extras = {}) {
    std::vector<const google::protobuf::Message*> pointers;
    for (const Req& message : messages) pointers.push_back(&message);
    Resp response;
    absl::Status status = StreamRaw(path, pointers, &response, principal, extras);
    if (!status.ok()) return status;
    return response;
  }
  // `service`: whose feed, when several have the method; empty otherwise.
  absl::StatusOr<std::shared_ptr<CollectingSink>> Subscribe(std::string_view path,
                                                            const google::protobuf::Message& request,
                                                            const auth::Principal& principal,
                                                            std::string_view service = {});

  base::FakeClock& clock() { return clock_; }
  base::SeededRandom& random() { return random_; }
  base::IdGenerator& ids() { return ids_; }
  app::Host& host() { return *host_; }
  const auth::KeyRing& keys() const { return *keys_; }
  telemetry::Metrics& metrics() { return metrics_; }
  const std::string& data_dir() const { return data_dir_; }
  db::Database* database(std::string_view service, std::string_view name = "main") {
    return host_->database(service, name);
  }
  // The log so far, one JSON object a line.
  std::string Log() const;
  // Every byte the services have written: files, and on PostgreSQL the rows.
  std::string StoredBytes() const;
  // How many files lie in a service's blob store; in a folder with what is unfinished.
  size_t StoredFiles(std::string_view service) const;
  // Waits until `count` jobs of this kind are done since the start. The clock goes on meanwhile as the real one does,
  // so that a try that failed is repeated. false after 20 s.
  bool WaitForJobs(std::string_view service, std::string_view kind, int count);
  // A context as a worker has it, for direct calls of stores.
  std::unique_ptr<base::OpContext> NewContext() const;

 private:
  explicit ServiceHarness(HarnessOptions& options);

  TempDir temp_;
  std::string data_dir_;
  base::FakeClock clock_;
  base::SeededRandom random_;
  base::IdGenerator ids_;
  mutable std::mutex log_mutex_;
  std::string log_;
  telemetry::Logger logger_;
  telemetry::Metrics metrics_;
  std::unique_ptr<auth::KeyRing> keys_;
  std::unique_ptr<app::Audit> audit_;
  std::unique_ptr<app::Host> host_;
};

}  // namespace dinh::testing
