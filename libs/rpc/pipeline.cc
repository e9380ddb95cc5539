#include "libs/rpc/pipeline.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/call_metrics.h"
#include "libs/rpc/pipeline_parts.h"
#include "libs/rpc/request_hash.h"
#include "libs/rpc/status_proto.h"
#include "libs/rpc/validate.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

constexpr int64_t kStreamRetryMs = 5'000;
// An upload of the largest size at the least speed.
constexpr std::chrono::seconds kUploadMax{base::kUploadBytesMax / base::kUploadBytesPerSecondMin};

std::string_view KindName(auth::CallerKind kind) {
  switch (kind) {
    case auth::CallerKind::kAnonymous:
      return "anonymous";
    case auth::CallerKind::kCitizen:
      return "citizen";
    case auth::CallerKind::kOfficer:
      return "officer";
    case auth::CallerKind::kPeer:
      return "peer";
    case auth::CallerKind::kSigned:
      return "signed";
  }
  return "unknown";
}

bool IsRequestId(std::string_view id) {
  if (id.empty() || id.size() > base::kRequestIdBytesMax) return false;
  for (const char c : id) {
    if (c < 0x21 || c > 0x7E) return false;
  }
  return true;
}

absl::Status BadRequestId() {
  return base::InvalidField(
      "request_id",
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
  const bool usable =
      field != nullptr && !field->is_repeated() && field->type() == google::protobuf::FieldDescriptor::TYPE_STRING;
  return usable ? field : nullptr;
}

bool SameGrants(const std::vector<auth::Grant>& a, const std::vector<auth::Grant>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auth::Grant& x, const auth::Grant& y) {
    return x.role == y.role && x.agency == y.agency && x.unit == y.unit && x.permissions == y.permissions;
  });
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

BoundMethod::BoundMethod() = default;
BoundMethod::~BoundMethod() = default;

Pipeline::Pipeline(PipelineOptions options) : options_(std::move(options)) {
  if (options_.metrics != nullptr) metrics_ = std::make_unique<CallMetrics>(*options_.metrics, "grpc_server");
}
Pipeline::~Pipeline() = default;

absl::Status Pipeline::Add(std::string_view service, const MethodTable& table, AuditSink* audit) {
  ASSIGN_OR_RETURN(const std::vector<BoundMethod*> methods, Bind(service, table));
  for (BoundMethod* method : methods) method->audit = audit;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BoundMethod*>> Pipeline::Bind(std::string_view service, const MethodTable& table) {
  RETURN_IF_ERROR(table.Complete());
  std::vector<BoundMethod*> bound;
  for (const auto& entry : table.entries()) {
    auto method = std::make_unique<BoundMethod>();
    method->entry = entry.get();
    method->service = std::string(service);
    method->label = entry->path.substr(1);
    ASSIGN_OR_RETURN(method->validator, Validator::Compile(*entry->descriptor->input_type()));
    if (metrics_ != nullptr) {
      method->metrics = metrics_->ForMethod(entry->descriptor->service()->full_name(), entry->descriptor->name());
    }
    method->request_id_field = RequestIdField(*entry->descriptor->input_type());
    const auto [at, fresh] = by_path_.emplace(entry->path, method.get());
    if (!fresh) at->second = nullptr;  // several services have it: only together with the service's name
    by_service_path_.emplace(method->service + entry->path, method.get());
    bound.push_back(method.get());
    methods_.push_back(std::move(method));
  }
  return bound;
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
  if (entry.server_stream) return call.head.deadline.value_or(base::OpContext::Deadline::max());
  std::chrono::milliseconds most =
      std::max<std::chrono::milliseconds>(std::chrono::seconds(entry.rule.deadline_s), options_.max_deadline);
  if (entry.client_stream) most += kUploadMax;
  const auto latest = call.begin + most;
  return call.head.deadline ? std::min(*call.head.deadline, latest) : latest;
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
  auth::RateClass rate = call.method.entry->rule.rate;
  const auth::Principal& principal = call.ctx->principal();
  const bool peer = principal.kind == auth::CallerKind::kPeer || principal.kind == auth::CallerKind::kSigned;
  // Methods of peers have no limit, but others who knock there leave refusals in the audit log: not without one.
  if (rate == auth::RateClass::kNone && !peer) rate = auth::RateClass::kWrite;
  if (options_.limiter == nullptr || call.head.local || rate == auth::RateClass::kNone) return absl::OkStatus();
  const int64_t wait_ms = options_.limiter->Admit(rate, principal.id, principal.address);
  if (wait_ms <= 0) return absl::OkStatus();
  return base::ResourceExhausted("RATE_LIMITED",
                                 {"Bạn gửi yêu cầu quá nhanh. Hãy chờ một lát rồi thử lại.",
                                  "Too many calls in a short time. Wait a little, then try again."},
                                 wait_ms);
}

void Pipeline::StartTrace(Call& call) {
  base::Trace& trace = call.head.trace;
  trace = trace.trace_id.empty() ? telemetry::NewTrace(options_.random, false)
                                 : telemetry::NewChild(trace, options_.random);
}

// Up to and including authorisation. Leaves call.ctx set whenever the caller is known.
absl::Status Pipeline::Prepare(Call& call) {
  const base::OpContext::Deadline deadline = DeadlineOf(call);
  StartTrace(call);
  auth::Principal principal;
  const absl::Status known = Authenticate(call, &principal);
  if (call.head.seen != nullptr) *call.head.seen = principal;
  call.ctx = std::make_shared<Context>(options_.clock, deadline, *call.method.entry, std::move(principal));
  call.ctx->trace = call.head.trace;
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
  if (options_.mac_body) claim->body_hash = options_.mac_body(claim->request_id + "\n" + claim->body_hash);
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
  const bool read_personal = entry.rule.audit == auth::Audit::kReadPersonal && !ctx.nothing_personal();
  if (status.ok() && read_personal && call.method.audit != nullptr) {
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
  call.ctx->has_request_id = !call.head.request_id.empty();
  if (call.method.audit != nullptr) call.ctx->commit_hook = &call.audit_hook.emplace(*call.method.audit, *call.ctx);
  CheckedReader checked(*this, call, reader);
  return AfterHandler(call, Guarded([&] { return entry.client_stream(*call.ctx, checked, response); }));
}

absl::Status Pipeline::Unary(const BoundMethod& method, CallHead& head, Message& request, Message* response) {
  Call call(method, head, options_.clock.Steady());
  if (method.metrics != nullptr) method.metrics->Started();
  if (!method.entry->unary) return Finish(call, base::Internal("the method streams"));
  if (method.forward != nullptr) return Finish(call, ForwardUnary(call, request, response));
  return Finish(call, RunUnary(call, request, response));
}

absl::Status Pipeline::ClientStream(const BoundMethod& method, CallHead& head, MessageReader& reader,
                                    Message* response) {
  Call call(method, head, options_.clock.Steady());
  if (method.metrics != nullptr) method.metrics->Started();
  if (!method.entry->client_stream) return Finish(call, base::Internal("the method takes no client stream"));
  if (method.forward != nullptr) return Finish(call, ForwardClientStream(call, reader, response));
  return Finish(call, RunClientStream(call, reader, response));
}

absl::Status Pipeline::Recheck(const Call& call) {
  // Peers are known by their certificate or their module; what they may do is in the contract. Who is asked by
  // forwarding looks himself.
  const bool elsewhere = call.method.forward != nullptr;
  if (elsewhere || call.head.credentials.kind != Credentials::Kind::kBearer) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auth::Principal now, options_.authenticator.Authenticate(call.head.credentials));
  const auth::Principal& then = call.ctx->principal();
  if (now.kind == then.kind && now.id == then.id && now.person == then.person && SameGrants(now.grants, then.grants)) {
    return absl::OkStatus();
  }
  return base::Unauthenticated("RIGHTS_CHANGED", {"Quyền của bạn vừa thay đổi. Hãy mở lại kết nối.",
                                                  "Your rights have changed. Open the stream again."});
}

absl::Status Pipeline::TakeSlot(Call& call) {
  const auth::Principal& principal = call.ctx->principal();
  if (principal.kind == auth::CallerKind::kPeer || principal.id.empty()) return absl::OkStatus();
  const std::string login = principal.id;
  std::lock_guard lock(streams_mutex_);
  int& open = streams_[login];
  if (open >= kStreamsPerPrincipalMax) {
    return base::ResourceExhausted("TOO_MANY_STREAMS",
                                   {"Bạn đang mở quá nhiều kết nối theo dõi. Hãy đóng bớt rồi thử lại.",
                                    "You have too many streams open. Close some, then try again."},
                                   kStreamRetryMs);
  }
  ++open;
  call.slot = std::shared_ptr<void>(nullptr, [this, login](void*) {
    std::lock_guard unlock(streams_mutex_);
    if (--streams_[login] <= 0) streams_.erase(login);
  });
  return absl::OkStatus();
}

absl::Status Pipeline::RunServerStream(Call& call, Message& request, const std::shared_ptr<StreamSink>& sink) {
  const MethodEntry& entry = *call.method.entry;
  if (!entry.server_stream) return base::Internal("the method sends no stream");
  if (call.method.forward != nullptr) return ForwardServerStream(call, request, sink);
  RETURN_IF_ERROR(Prepare(call));
  RETURN_IF_ERROR(TakeSlot(call));
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
  if (call.method.forward != nullptr) {
    kind = "forwarded";
  } else if (call.ctx != nullptr) {
    kind = KindName(call.ctx->principal().kind);
    id = call.ctx->principal().id;
  }
  const double ms = static_cast<double>(micros) / kMicrosPerMs;
  if (status.ok()) {
    options_.logger->Log(level, "call",
                         {{"trace_id", call.head.trace.trace_id},
                          {"caller", kind},
                          {"principal", id},
                          {"method", call.method.label},
                          {"code", "OK"},
                          {"ms", ms}});
    return;
  }
  const std::optional<base::ErrorDetail> detail = base::DetailOf(status);
  // A call that was cancelled or came too late is nobody's mistake, whoever noticed it.
  const bool ended = absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  const bool ours = (!detail && !ended) || status.code() == absl::StatusCode::kInternal;
  options_.logger->Log(ours ? telemetry::Level::kError : level, "call",
                       {{"trace_id", call.head.trace.trace_id},
                        {"caller", kind},
                        {"principal", id},
                        {"method", call.method.label},
                        {"code", CodeConstant(status.code())},
                        {"reason", detail ? std::string_view(detail->reason) : std::string_view()},
                        {"cause", ours ? base::FromAbsl(status.message()) : std::string_view()},
                        {"ms", ms}});
}

}  // namespace dinh::rpc
