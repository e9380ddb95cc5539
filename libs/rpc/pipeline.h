// The way of every call, whatever it came in by:
//   deadline → authenticate → admit → authorise → validate → claim (idempotency) → handler → scope check made? → audit
//   → metrics and one log line.
// Authorise comes before validate, so that a stranger learns nothing about what a request should look like, and both
// before anything tells whether a resource exists (AIP-211, AIP-193).
//
//   Pipeline pipeline(options);
//   RETURN_IF_ERROR(pipeline.Add("territory", table, audit));   // refuses a table that is not complete
//   const BoundMethod* method = pipeline.Find("/dinh.territory.v1.TerritoryService/GetUnit");
//   CallHead head{…};
//   absl::Status status = pipeline.Unary(*method, head, request, response);
//
// A method of a service that runs elsewhere is passed on (AddForwarded): of all that, only deadline, trace, metrics and
// the log line happen here; the service itself does the rest, each exactly once, with the client's own credentials and
// address.
//
// A returned status may leave the server (see status_proto.h): the cause of an INTERNAL stands only in the log line.
//
// Thread safety: Add at start on one thread; everything else from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/limits.h"
#include "libs/base/random.h"
#include "libs/rpc/call.h"
#include "libs/rpc/method_table.h"

namespace dinh::telemetry {
class Logger;
class Metrics;
}  // namespace dinh::telemetry

namespace dinh::rpc {

class CallMetrics;
class Channel;
class MethodMetrics;
class Validator;

// Server streams that one login may have open at a time; more are refused RESOURCE_EXHAUSTED.
inline constexpr int kStreamsPerPrincipalMax = 32;

struct PipelineOptions {
  const base::Clock& clock;
  base::Random& random;
  Authenticator& authenticator;
  RateLimiter* limiter = nullptr;         // null: no limits
  telemetry::Metrics* metrics = nullptr;  // null: none
  telemetry::Logger* logger = nullptr;    // null: no lines
  // Stored answers of idempotent calls; empty: stored as they are (tests).
  std::function<std::string(std::string_view plain)> seal_answer;
  std::function<absl::StatusOr<std::string>(std::string_view sealed)> open_answer;
  // Keyed hash under which the body of an idempotent call is remembered: a plain one of a short body (a phone, a
  // password) could be found by trying. Must not change while claims live; empty: a plain hash (tests).
  std::function<std::string(std::string_view text)> mac_body;
  // Of unary calls, and what one has that brings none; AccessRule::deadline_s raises it. Uploads may take as long as
  // the slowest client that is not cut off, server streams go on until somebody ends them.
  std::chrono::milliseconds max_deadline = base::kUnaryDeadlineMax;
};

// A method of a table with everything resolved at start.
struct BoundMethod {
  const MethodEntry* entry = nullptr;
  std::string service;  // module: "territory"
  std::string label;    // "dinh.territory.v1.TerritoryService/GetUnit"
  AuditSink* audit = nullptr;
  Channel* forward = nullptr;  // to the service that has it; null: it is here
  std::unique_ptr<Validator> validator;
  std::unique_ptr<MethodMetrics> metrics;
  const google::protobuf::FieldDescriptor* request_id_field = nullptr;

  BoundMethod();
  ~BoundMethod();
  // May run on the I/O thread that read the request; all others belong on the handler pool.
  bool light() const { return entry->rule.light && forward == nullptr; }
};

class Pipeline {
 public:
  explicit Pipeline(PipelineOptions options);
  ~Pipeline();

  // `table` and `audit` (may be null) must outlive the pipeline. FAILED_PRECONDITION when the table is not complete.
  absl::Status Add(std::string_view service, const MethodTable& table, AuditSink* audit = nullptr);

  // The same for a service that runs elsewhere (MethodTable::Remote). `channel` must live as long as calls may come,
  // and its streams must have ended before the pipeline goes.
  absl::Status AddForwarded(std::string_view service, const MethodTable& table, Channel& channel);

  // nullptr when unknown. A path that several services serve (the event feed) needs the service's name.
  const BoundMethod* Find(std::string_view path) const;
  const BoundMethod* Find(std::string_view service, std::string_view path) const;
  const std::vector<std::unique_ptr<BoundMethod>>& methods() const { return methods_; }
  const base::Clock& clock() const { return options_.clock; }

  // Runs on this thread. `request` may be changed (texts are brought to NFC); both must be of the method's types.
  absl::Status Unary(const BoundMethod& method, CallHead& head, Message& request, Message* response);
  absl::Status ClientStream(const BoundMethod& method, CallHead& head, MessageReader& reader, Message* response);
  // Starts the stream. An error: nothing was started, and the transport ends the call with it; after OK the sink ends
  // it.
  absl::Status ServerStream(const BoundMethod& method, CallHead& head, Message& request,
                            std::shared_ptr<StreamSink> sink);

 private:
  struct Call;
  class AuditHook;
  class CheckedReader;
  class WatchedSink;

  absl::StatusOr<std::vector<BoundMethod*>> Bind(std::string_view service, const MethodTable& table);
  void StartTrace(Call& call);
  absl::Status Prepare(Call& call);
  absl::Status PrepareForward(Call& call);
  absl::Status Admit(Call& call);
  absl::Status Authenticate(Call& call, auth::Principal* principal);
  // Whether a stream's caller is still who it was when the stream began. UNAUTHENTICATED.
  absl::Status Recheck(const Call& call);
  // Counts a stream of a login until call.slot goes.
  absl::Status TakeSlot(Call& call);
  base::OpContext::Deadline DeadlineOf(const Call& call) const;
  void SetClaim(Call& call, const Message* request, std::string body_hash);
  absl::Status AfterHandler(Call& call, absl::Status status);
  absl::Status Finish(Call& call, const absl::Status& status);
  void Log(const Call& call, const absl::Status& status, int64_t micros) const;
  absl::Status RunUnary(Call& call, Message& request, Message* response);
  absl::Status RunClientStream(Call& call, MessageReader& reader, Message* response);
  absl::Status RunServerStream(Call& call, Message& request, const std::shared_ptr<StreamSink>& sink);
  absl::Status ForwardUnary(Call& call, const Message& request, Message* response);
  absl::Status ForwardClientStream(Call& call, MessageReader& reader, Message* response);
  absl::Status ForwardServerStream(Call& call, const Message& request, const std::shared_ptr<StreamSink>& sink);

  PipelineOptions options_;
  std::unique_ptr<CallMetrics> metrics_;
  std::vector<std::unique_ptr<BoundMethod>> methods_;
  std::unordered_map<std::string_view, const BoundMethod*> by_path_;
  std::unordered_map<std::string, const BoundMethod*> by_service_path_;  // "territory" + path
  std::mutex streams_mutex_;
  std::unordered_map<std::string, int> streams_;  // open ones by login; guarded by streams_mutex_
};

}  // namespace dinh::rpc
