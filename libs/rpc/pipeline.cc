#include "libs/rpc/pipeline.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/call_metrics.h"
#include "libs/rpc/pipeline_internal.h"
#include "libs/rpc/status_proto.h"
#include "libs/rpc/validate.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

constexpr size_t kRequestIdMax = 64;  // characters; a UUID has 36

std::string_view KindName(auth::CallerKind kind) {
  switch (kind) {
    case auth::CallerKind::kAnonymous: return "anonymous";
    case auth::CallerKind::kCitizen: return "citizen";
    case auth::CallerKind::kOfficer: return "officer";
    case auth::CallerKind::kPeer: return "peer";
    case auth::CallerKind::kSigned: return "signed";
  }
  return "unknown";
}

bool IsRequestId(std::string_view id) {
  if (id.empty() || id.size() > kRequestIdMax) return false;
  for (const char c : id) {
    if (c < 0x21 || c > 0x7E) return false;
  }
  return true;
}

absl::Status BadRequestId() {
  return base::InvalidField("request_id",
                            {"Mã yêu cầu (Idempotency-Key) gồm 1 đến 64 ký tự ASCII không dấu cách. Hãy dùng một UUID mới.",
                             "The request id (Idempotency-Key) has 1 to 64 printable ASCII characters. Use a new UUID."},
                            "INVALID_REQUEST_ID");
}

// Whose request id it is. Anonymous callers share none with another address.
std::string ClaimOwner(const auth::Principal& principal) {
  if (principal.anonymous()) return "anon:" + principal.address;
  return std::string(KindName(principal.kind)) + ":" + principal.id;
}

bool NeedsScopeCheck(const auth::AccessRule& rule) {
  return rule.scope == auth::Scope::kOwn || rule.scope == auth::Scope::kAgencyUnit ||
         rule.scope == auth::Scope::kOwnOrAgencyUnit;
}

bool IsRefusal(const absl::Status& status) { return absl::IsPermissionDenied(status); }

const google::protobuf::FieldDescriptor* RequestIdField(const google::protobuf::Descriptor& request) {
  const auto* field = request.FindFieldByName("request_id");
  const bool usable = field != nullptr && !field->is_repeated() &&
                      field->type() == google::protobuf::FieldDescriptor::TYPE_STRING;
  return usable ? field : nullptr;
}

// A handler that throws must not take the process with it.
template <typename F>
absl::Status Guarded(F&& handler) {
  try {
    return handler();
  } catch (const std::exception& e) {
    return base::Internal(std::string("handler threw: ") + e.what());
  } catch (...) {
    return base::Internal("handler threw something that is no std::exception");
  }
}

}  // namespace

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

BoundMethod::BoundMethod() = default;
BoundMethod::~BoundMethod() = default;

Pipeline::Pipeline(PipelineOptions options) : options_(std::move(options)) {
  if (options_.metrics != nullptr) metrics_ = std::make_unique<CallMetrics>(*options_.metrics, "grpc_server");
}
Pipeline::~Pipeline() = default;

absl::Status Pipeline::Add(std::string_view service, const MethodTable& table, AuditSink* audit) {
  RETURN_IF_ERROR(table.Complete());
  for (const auto& entry : table.entries()) {
    auto method = std::make_unique<BoundMethod>();
    method->entry = entry.get();
    method->service = std::string(service);
    method->label = entry->path.substr(1);
    method->audit = audit;
    ASSIGN_OR_RETURN(method->validator, Validator::Compile(*entry->descriptor->input_type()));
    if (metrics_ != nullptr) {
      method->metrics = metrics_->ForMethod(entry->descriptor->service()->full_name(), entry->descriptor->name());
    }
    method->request_id_field = RequestIdField(*entry->descriptor->input_type());
    const auto [at, fresh] = by_path_.emplace(entry->path, method.get());
    if (!fresh) at->second = nullptr;  // several services have it: only together with the service's name
    by_service_path_.emplace(method->service + entry->path, method.get());
    methods_.push_back(std::move(method));
  }
  return absl::OkStatus();
}

const BoundMethod* Pipeline::Find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const BoundMethod* Pipeline::Find(std::string_view service, std::string_view path) const {
  const auto found = by_service_path_.find(std::string(service) + std::string(path));
  return found == by_service_path_.end() ? nullptr : found->second;
}

base::OpContext::Deadline Pipeline::DeadlineOf(const Call& call) const {
  const MethodEntry& entry = *call.method.entry;
  const bool endless = static_cast<bool>(entry.server_stream);
  if (endless) return call.head.deadline.value_or(base::OpContext::Deadline::max());
  const std::chrono::milliseconds own = std::chrono::seconds(entry.rule.deadline_s);
  const auto longest = call.begin + std::max(own, options_.max_deadline);
  if (!call.head.deadline) return call.begin + std::max(own, options_.default_deadline);
  return std::min(*call.head.deadline, longest);
}

absl::Status Pipeline::Authenticate(Call& call, auth::Principal* principal) {
  const CallHead& head = call.head;
  const auth::AccessRule& rule = call.method.entry->rule;
  if (head.principal != nullptr) {
    *principal = *head.principal;
    return absl::OkStatus();
  }
  principal->address = head.credentials.address;
  if (head.credentials.kind == Credentials::Kind::kNone) {
    // Whether the signature is good is the handler's to find out: only it knows the keys and the raw body.
    if (rule.Allows(auth::CallerKind::kSigned)) principal->kind = auth::CallerKind::kSigned;
    return absl::OkStatus();
  }
  if (head.credentials.kind == Credentials::Kind::kPeer) {
    principal->kind = auth::CallerKind::kPeer;
    principal->id = head.credentials.value;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(*principal, options_.authenticator.Authenticate(head.credentials));
  principal->address = head.credentials.address;
  return absl::OkStatus();
}

absl::Status Pipeline::Admit(Call& call) {
  const auth::RateClass rate = call.method.entry->rule.rate;
  if (options_.limiter == nullptr || call.head.local || rate == auth::RateClass::kNone) return absl::OkStatus();
  const auth::Principal& principal = call.ctx->principal();
  const int64_t wait_ms = options_.limiter->Admit(rate, principal.id, principal.address);
  if (wait_ms <= 0) return absl::OkStatus();
  return base::ResourceExhausted("RATE_LIMITED",
                                 {"Bạn gửi yêu cầu quá nhanh. Hãy chờ một lát rồi thử lại.",
                                  "Too many calls in a short time. Wait a little, then try again."},
                                 wait_ms);
}

// Up to and including authorisation. Leaves call.ctx set whenever the caller is known.
absl::Status Pipeline::Prepare(Call& call) {
  const base::OpContext::Deadline deadline = DeadlineOf(call);
  base::Trace trace = call.head.trace.trace_id.empty() ? telemetry::NewTrace(options_.random, false)
                                                       : telemetry::NewChild(call.head.trace, options_.random);
  call.head.trace = trace;
  auth::Principal principal;
  const absl::Status known = Authenticate(call, &principal);
  if (call.head.seen != nullptr) *call.head.seen = principal;
  call.ctx = std::make_shared<Context>(options_.clock, deadline, *call.method.entry, std::move(principal));
  call.ctx->trace = std::move(trace);
  call.ctx->language = call.head.language;
  if (call.head.credentials.kind == Credentials::Kind::kBearer) call.ctx->bearer = call.head.credentials.value;
  if (call.head.cancelled != nullptr) call.ctx->set_cancelled(call.head.cancelled);
  RETURN_IF_ERROR(call.ctx->Check());
  // Bad tokens count against their address: guessing must not be free.
  RETURN_IF_ERROR(Admit(call));
  RETURN_IF_ERROR(known);
  return auth::Authorise(call.method.entry->rule, call.ctx->principal());
}

void Pipeline::SetClaim(Call& call, const Message* request, std::string body_hash) {
  std::string id = call.head.request_id;
  const google::protobuf::FieldDescriptor* field = call.method.request_id_field;
  if (id.empty() && field != nullptr && request != nullptr) id = request->GetReflection()->GetString(*request, field);
  if (id.empty()) return;
  auto claim = std::make_unique<base::IdempotencyClaim>();
  claim->principal = ClaimOwner(call.ctx->principal());
  claim->method = call.method.label;
  claim->request_id = std::move(id);
  claim->body_hash = body_hash.empty() && request != nullptr ? HashOf(*request) : std::move(body_hash);
  claim->store_answer = !call.method.entry->rule.store_no_answer;
  claim->seal = options_.seal_answer;
  claim->open = options_.open_answer;
  call.ctx->claim = std::move(claim);
}

absl::Status Pipeline::AfterHandler(Call& call, absl::Status status) {
  const MethodEntry& entry = *call.method.entry;
  Context& ctx = *call.ctx;
  ctx.commit_hook = nullptr;
  call.head.replayed = ctx.replayed;
  if (status.ok() && NeedsScopeCheck(entry.rule) && !ctx.scope_checked() && !ctx.replayed) {
    return base::Internal("the handler answered without a scope check");
  }
  if (status.ok() && entry.rule.audit == auth::Audit::kReadPersonal && call.method.audit != nullptr) {
    return call.method.audit->WriteRead(ctx, status);
  }
  return status;
}

absl::Status Pipeline::RunUnary(Call& call, Message& request, Message* response) {
  const MethodEntry& entry = *call.method.entry;
  RETURN_IF_ERROR(Prepare(call));
  if (!call.head.request_id.empty() && !IsRequestId(call.head.request_id)) return BadRequestId();
  RETURN_IF_ERROR(call.method.validator->Check(&request));
  if (!entry.no_side_effects) {
    SetClaim(call, &request, {});
    if (call.ctx->claim != nullptr && !IsRequestId(call.ctx->claim->request_id)) return BadRequestId();
    if (call.method.audit != nullptr) call.ctx->commit_hook = &call.audit_hook.emplace(*call.method.audit, *call.ctx);
  }
  return AfterHandler(call, Guarded([&] { return entry.unary(*call.ctx, request, response); }));
}

absl::Status Pipeline::RunClientStream(Call& call, MessageReader& reader, Message* response) {
  const MethodEntry& entry = *call.method.entry;
  RETURN_IF_ERROR(Prepare(call));
  if (!call.head.request_id.empty() && !IsRequestId(call.head.request_id)) return BadRequestId();
  if (call.method.audit != nullptr) call.ctx->commit_hook = &call.audit_hook.emplace(*call.method.audit, *call.ctx);
  CheckedReader checked(*this, call, reader);
  return AfterHandler(call, Guarded([&] { return entry.client_stream(*call.ctx, checked, response); }));
}

absl::Status Pipeline::Unary(const BoundMethod& method, CallHead& head, Message& request, Message* response) {
  Call call(method, head, options_.clock.Steady());
  if (method.metrics != nullptr) method.metrics->Started();
  if (!method.entry->unary) return Finish(call, base::Internal("the method streams"));
  return Finish(call, RunUnary(call, request, response));
}

absl::Status Pipeline::ClientStream(const BoundMethod& method, CallHead& head, MessageReader& reader,
                                    Message* response) {
  Call call(method, head, options_.clock.Steady());
  if (method.metrics != nullptr) method.metrics->Started();
  if (!method.entry->client_stream) return Finish(call, base::Internal("the method takes no client stream"));
  return Finish(call, RunClientStream(call, reader, response));
}

absl::Status Pipeline::RunServerStream(Call& call, Message& request, const std::shared_ptr<StreamSink>& sink) {
  const MethodEntry& entry = *call.method.entry;
  if (!entry.server_stream) return base::Internal("the method sends no stream");
  RETURN_IF_ERROR(Prepare(call));
  RETURN_IF_ERROR(call.method.validator->Check(&request));
  return AfterHandler(call, Guarded([&] { return entry.server_stream(call.ctx, request, sink); }));
}

absl::Status Pipeline::ServerStream(const BoundMethod& method, CallHead& head, Message& request,
                                    std::shared_ptr<StreamSink> sink) {
  if (method.metrics != nullptr) method.metrics->Started();
  // The stream outlives this call, and so must its head.
  auto own = std::make_shared<CallHead>(head);
  auto watched = std::make_shared<WatchedSink>(*this, own, method, options_.clock.Steady(), std::move(sink));
  const absl::Status status = RunServerStream(watched->call(), request, watched);
  own->principal = nullptr;  // borrowed for the start only
  own->seen = nullptr;
  head.trace = own->trace;
  if (!status.ok()) {
    watched->Abandon();
    return Finish(watched->call(), status);
  }
  watched->Attach();
  watched->Open();
  return absl::OkStatus();
}

// Audits a refusal, counts, logs, and makes the status fit to leave.
absl::Status Pipeline::Finish(Call& call, const absl::Status& status) {
  // A light method runs on an I/O thread, which may not wait for the batch: such methods touch nothing personal.
  const bool audited = call.method.audit != nullptr && call.method.entry->rule.audit != auth::Audit::kNone;
  if (audited && IsRefusal(status) && call.ctx != nullptr && !call.method.light()) {
    const absl::Status written = call.method.audit->WriteRead(*call.ctx, status);
    if (!written.ok() && options_.logger != nullptr) {
      options_.logger->Error("audit_refusal_lost", {{"trace_id", call.head.trace.trace_id},
                                                    {"method", call.method.label},
                                                    {"cause", base::FromAbsl(written.message())}});
    }
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(options_.clock.Steady() - call.begin);
  absl::Status outside = ForOutside(status, call.head.trace.trace_id);
  if (call.method.metrics != nullptr) {
    call.method.metrics->Handled(outside.code(), std::chrono::duration<double>(took).count());
  }
  if (options_.logger != nullptr) Log(call, status, took.count());
  return outside;
}

void Pipeline::Log(const Call& call, const absl::Status& status, int64_t micros) const {
  const auto level = status.ok() ? telemetry::Level::kInfo : telemetry::Level::kWarn;
  static constexpr double kMicrosPerMs = 1000.0;
  std::string_view kind = "unknown", id;
  if (call.ctx != nullptr) {
    kind = KindName(call.ctx->principal().kind);
    id = call.ctx->principal().id;
  }
  const double ms = static_cast<double>(micros) / kMicrosPerMs;
  if (status.ok()) {
    options_.logger->Log(level, "call", {{"trace_id", call.head.trace.trace_id}, {"caller", kind}, {"principal", id},
                                         {"method", call.method.label}, {"code", "OK"}, {"ms", ms}});
    return;
  }
  const std::optional<base::ErrorDetail> detail = base::DetailOf(status);
  const bool ours = !detail || status.code() == absl::StatusCode::kInternal;
  options_.logger->Log(ours ? telemetry::Level::kError : level, "call",
                       {{"trace_id", call.head.trace.trace_id}, {"caller", kind}, {"principal", id},
                        {"method", call.method.label}, {"code", CodeConstant(status.code())},
                        {"reason", detail ? std::string_view(detail->reason) : std::string_view()},
                        {"cause", ours ? base::FromAbsl(status.message()) : std::string_view()}, {"ms", ms}});
}

}  // namespace dinh::rpc
