#include "libs/app/audit.h"

#include <utility>

#include "dinh/identity/v1/person_service.pb.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"

namespace dinh::app {
namespace {

constexpr int kForwardBatch = 200;
constexpr std::chrono::milliseconds kForwardInterval{500};
constexpr std::chrono::seconds kForwardDeadline{10};
constexpr char kRecordAccesses[] = "/dinh.identity.v1.PersonService/RecordAccesses";

std::string_view KindName(auth::CallerKind kind) {
  switch (kind) {
    case auth::CallerKind::kCitizen:
      return "citizen";
    case auth::CallerKind::kOfficer:
      return "officer";
    case auth::CallerKind::kPeer:
      return "peer";
    case auth::CallerKind::kSigned:
      return "signed";
    case auth::CallerKind::kAnonymous:
      break;
  }
  return "anonymous";
}

// One row a person whose data it was; one without a subject when there was none.
std::vector<auth::AuditRow> RowsOf(const rpc::Context& ctx, const absl::Status& status) {
  auth::AuditRow row;
  const auth::Principal& principal = ctx.principal();
  row.caller_kind = principal.kind;
  row.caller = principal.id;
  row.person = principal.person;
  const auto* method = ctx.method().descriptor;
  row.method = method->service()->full_name() + "/" + method->name();
  row.outcome = status.code();
  row.trace = ctx.trace.trace_id;
  if (std::optional<base::ErrorDetail> detail = base::DetailOf(status)) {
    row.reason = detail->reason;
  } else {
    row.reason = ctx.audit_reason;
  }
  if (ctx.audit_subjects().empty()) return {row};
  std::vector<auth::AuditRow> rows;
  for (const rpc::Context::Subject& subject : ctx.audit_subjects()) {
    row.subject = subject.person;
    row.resource = subject.resource;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

class Audit::Sink final : public rpc::AuditSink {
 public:
  Sink(auth::AuditLog& log, auth::AuditWriter& writer) : log_(log), writer_(writer) {}
  absl::Status WriteChange(db::Tx& tx, const rpc::Context& ctx) override {
    return log_.Append(tx, RowsOf(ctx, absl::OkStatus()));
  }
  absl::Status WriteRead(const rpc::Context& ctx, const absl::Status& status) override {
    return writer_.Submit(RowsOf(ctx, status));
  }

 private:
  auth::AuditLog& log_;
  auth::AuditWriter& writer_;
};

struct Audit::Service {
  Service(std::string name, db::Database& database, const base::Clock& clock, base::IdGenerator& ids,
          const auth::KeyRing& keys, telemetry::Logger& logger)
      : name(std::move(name)),
        log(database, clock, ids),
        writer(log, clock),
        chainer(database, keys, clock, this->name,
                {.on_head =
                     [&logger](const auth::AuditHead& head) {
                       // Kept outside the database: `dinh audit verify --heads` holds the chain against such lines.
                       logger.Info("audit_head", {{"module", head.service}, {"head", auth::FormatHead(head)}});
                     },
                 .on_error =
                     [&logger, service = this->name](const absl::Status& status) {
                       logger.Error("audit_chain", {{"module", service}, {"cause", std::string(status.ToString())}});
                     }}),
        sink(log, writer) {}

  const std::string name;
  auth::AuditLog log;
  auth::AuditWriter writer;
  auth::AuditChainer chainer;
  Sink sink;
  std::unique_ptr<rpc::Channel> identity;
  int64_t forwarded = -1;  // last sequence identity has; -1: not asked yet
};

Audit::Audit(const base::Clock& clock, base::IdGenerator& ids, const auth::KeyRing& keys, telemetry::Logger& logger)
    : clock_(clock), ids_(ids), keys_(keys), logger_(logger) {}

Audit::~Audit() { Stop(); }

std::function<rpc::AuditSink*(const std::string&, db::Database*)> Audit::Provider() {
  return [this](const std::string& name, db::Database* database) -> rpc::AuditSink* {
    if (database == nullptr) return nullptr;
    if (absl::Status status = auth::AuditLog::EnsureSchema(*database); !status.ok()) {
      logger_.Error("audit_schema", {{"module", name}, {"cause", std::string(status.ToString())}});
      return nullptr;
    }
    auto service = std::make_unique<Service>(name, *database, clock_, ids_, keys_, logger_);
    service->chainer.Start();
    rpc::AuditSink* sink = &service->sink;
    services_.emplace(name, std::move(service));
    return sink;
  };
}

void Audit::StartForwarding(Host& host) {
  for (auto& [name, service] : services_) service->identity = host.ChannelFor(name, "identity");
  forwarder_ = std::thread([this] { Forward(); });
}

void Audit::Forward() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    bool more = false;
    for (auto& [name, service] : services_) more |= service->identity != nullptr && ForwardOnce(*service);
    lock.lock();
    if (!more) wake_.wait_for(lock, kForwardInterval, [this] { return stopping_; });
  }
}

// true when there is more to hand on at once.
bool Audit::ForwardOnce(Service& service) {
  base::OpContext ctx(clock_, clock_.Steady() + kForwardDeadline);
  identity::v1::RecordAccessesRequest request;
  request.set_service(service.name);
  if (service.forwarded >= 0) {
    absl::StatusOr<std::vector<auth::AuditRecord>> rows =
        service.log.ListChainedAfter(ctx, service.forwarded, kForwardBatch);
    if (!rows.ok() || rows->empty()) return false;
    for (const auth::AuditRecord& record : *rows) {
      identity::v1::AccessRecord* out = request.add_records();
      out->set_sequence(record.sequence);
      *out->mutable_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(record.at);
      out->set_person(record.row.subject);
      out->set_caller_kind(std::string(KindName(record.row.caller_kind)));
      out->set_caller(record.row.caller_kind == auth::CallerKind::kCitizen ? record.row.person : record.row.caller);
      out->set_method(record.row.method);
      out->set_resource(record.row.resource);
      out->set_reason(record.row.reason);
    }
  }
  // An empty first request asks where identity stands: it is the one that keeps the cursor.
  absl::StatusOr<identity::v1::RecordAccessesResponse> answer =
      service.identity->Call<identity::v1::RecordAccessesResponse>(ctx, kRecordAccesses, request);
  if (!answer.ok()) {
    logger_.Warn("audit_forward", {{"module", service.name}, {"cause", std::string(answer.status().ToString())}});
    return false;
  }
  const bool first = service.forwarded < 0;
  service.forwarded = answer->last_sequence();
  return first || request.records_size() == kForwardBatch;
}

void Audit::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (forwarder_.joinable()) forwarder_.join();
  for (auto& [name, service] : services_) {
    service->writer.Stop();
    service->chainer.Stop();
  }
}

}  // namespace dinh::app
