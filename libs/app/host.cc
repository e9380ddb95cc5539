#include "libs/app/host.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "libs/app/module_graph.h"
#include "libs/app/platform_services.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/metrics.h"
#include "libs/rpc/local_channel.h"

namespace dinh::app {
namespace {

absl::Status Wiring(const std::string& vi, const std::string& en) {
  return base::FailedPrecondition("WIRING", {vi, en});
}

absl::Status UndeclaredCall(const std::string& module, const std::string& callee) {
  return Wiring("Mô-đun " + module + " gọi " + callee + " mà không khai báo trong depends_on().",
                "Module " + module + " calls " + callee + " without declaring it in depends_on().");
}

// Stands where a module asked for a channel it had not declared; the start fails, so nothing is ever called on it.
class NoChannel final : public rpc::Channel {
 public:
  absl::Status CallRaw(base::OpContext&, std::string_view, const google::protobuf::Message&, google::protobuf::Message*,
                       const rpc::CallOptions&) override {
    return base::Internal("undeclared dependency");
  }
  absl::Status ClientStream(base::OpContext&, std::string_view, rpc::MessageReader&, google::protobuf::Message*,
                            const rpc::CallOptions&) override {
    return base::Internal("undeclared dependency");
  }
  absl::Status Subscribe(std::string_view, const google::protobuf::Message&, std::shared_ptr<rpc::StreamSink>,
                         const rpc::CallOptions&) override {
    return base::Internal("undeclared dependency");
  }
};

// Stored answers lie in a table of their own; the row is found by the claim's hash, so no row stands in the context.
constexpr std::string_view kAnswerContext = "idempotency.answer";

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return Wiring("Không tạo được thư mục dữ liệu. Hãy kiểm tra quyền ghi.",
                "Cannot create the data folder. Check that it may be written.");
}

}  // namespace

class Host::ServicePlatform final : public Platform {
 public:
  ServicePlatform(Host& host, std::string service, std::vector<std::string> depends_on)
      : host_(host), service_(std::move(service)), depends_on_(std::move(depends_on)) {}

  const std::string& service() const override { return service_; }
  const std::string& data_dir() const override { return host_.parts_.data_dir; }
  const std::string& resource_dir() const override { return host_.parts_.resource_dir; }
  bool dev() const override { return host_.parts_.dev; }
  bool draining() const override { return host_.draining(); }
  const base::Clock& clock() const override { return host_.parts_.clock; }
  base::Random& random() override { return host_.parts_.random; }
  base::IdGenerator& ids() override { return host_.parts_.ids; }
  telemetry::Logger& logger() override { return host_.parts_.logger; }
  telemetry::Metrics& metrics() override { return host_.parts_.metrics; }
  rpc::Pipeline& pipeline() override { return *host_.pipeline_; }
  rpc::HandlerPool& pool() override { return *host_.pool_; }
  cache::Cache* cache() override { return host_.parts_.cache; }
  cache::Fanout* fanout() override { return host_.parts_.fanout; }
  void LoginEnded(std::string_view session) override {
    host_.tokens_->Forget(session);
    if (host_.parts_.revoked == nullptr) return;
    // Tokens that were given out live as long as this; the store is the truth, so an error costs some seconds only.
    const base::Micros until =
        clock().Now() + std::chrono::duration_cast<std::chrono::microseconds>(auth::kAccessTokenLife).count();
    if (absl::Status status = host_.parts_.revoked->Add(session, until); !status.ok()) {
      logger().Warn("login_end_not_told", {{"cause", std::string(status.ToString())}});
    }
  }
  void ProvidePrincipals(auth::PrincipalSource* source) override { host_.tokens_->SetSource(source); }

  absl::StatusOr<db::Database*> OpenDatabase(const std::vector<db::Migration>& migrations,
                                             std::string_view name) override {
    return host_.OpenDatabase(service_, name, migrations);
  }

  absl::StatusOr<db::BlobStore*> OpenBlobs(std::string_view name) override { return host_.OpenBlobs(service_, name); }
  const auth::Sealer& sealer() override { return host_.sealer_; }
  const auth::PageTokens& page_tokens() override { return host_.page_tokens_; }
  const auth::KeyRing& keys() override { return host_.parts_.keys; }

  rpc::Channel& To(std::string_view service) override {
    const std::string callee(service);
    std::unique_ptr<rpc::Channel>& channel = channels_[callee];
    if (channel != nullptr) return *channel;
    if (std::find(depends_on_.begin(), depends_on_.end(), callee) != depends_on_.end()) {
      channel = host_.ChannelFor(service_, callee);
    }
    if (channel == nullptr) {
      undeclared_ = callee;
      channel = std::make_unique<NoChannel>();
    }
    return *channel;
  }
  // The callee of an undeclared dependency; empty when all is well.
  const std::string& undeclared() const { return undeclared_; }

 private:
  Host& host_;
  const std::string service_;
  const std::vector<std::string> depends_on_;
  std::map<std::string, std::unique_ptr<rpc::Channel>> channels_;
  std::string undeclared_;
};

Host::Host(HostParts parts, std::vector<std::unique_ptr<ServiceModule>> modules)
    : parts_(std::move(parts)),
      sealer_(parts_.keys, parts_.random),
      page_tokens_(parts_.keys),
      verifier_(parts_.keys, parts_.clock, 0),  // the authenticator remembers
      modules_(std::move(modules)) {
  const auto verify = [this](std::string_view token) -> absl::StatusOr<rpc::VerifiedToken> {
    ASSIGN_OR_RETURN(const auth::AccessClaims claims, verifier_.Verify(token));
    return rpc::VerifiedToken{claims.account, claims.session, claims.person, claims.expires_at};
  };
  tokens_ = std::make_unique<rpc::TokenAuthenticator>(verify, parts_.clock);
  if (parts_.revoked != nullptr) {
    tokens_->SetEnded([revoked = parts_.revoked](std::string_view session) { return revoked->Contains(session); });
  }
  pipeline_ = std::make_unique<rpc::Pipeline>(MakePipelineOptions());
  pool_ = std::make_unique<rpc::HandlerPool>(parts_.pool, &parts_.metrics);
}

rpc::PipelineOptions Host::MakePipelineOptions() {
  return {.clock = parts_.clock,
          .random = parts_.random,
          .authenticator = parts_.authenticator != nullptr ? *parts_.authenticator : *tokens_,
          .limiter = parts_.limiter,
          .metrics = &parts_.metrics,
          .logger = &parts_.logger,
          .seal_answer = [this](std::string_view plain) { return sealer_.Seal(kAnswerContext, "", plain); },
          .open_answer = [this](std::string_view sealed) { return sealer_.Open(kAnswerContext, "", sealed); },
          // The oldest key: after a rotation the same body must still be known.
          .mac_body =
              [this](std::string_view text) {
                return base::HmacSha256(parts_.keys.All(auth::KeyPurpose::kBlindIndex).back()->secret.view(),
                                        "idempotency.body\n" + std::string(text));
              },
          .max_deadline = parts_.max_deadline};
}

Host::~Host() { Stop(); }

absl::Status Host::Prepare() {
  std::vector<ModuleNode> nodes;
  nodes.reserve(modules_.size());
  for (const auto& module : modules_) nodes.push_back({std::string(module->name()), module->depends_on()});
  ASSIGN_OR_RETURN(const std::vector<size_t> order, StartOrder(nodes, parts_.elsewhere));
  std::vector<std::unique_ptr<ServiceModule>> sorted;
  sorted.reserve(order.size());
  for (const size_t i : order) {
    names_.insert(nodes[i].name);
    platforms_.push_back(std::make_unique<ServicePlatform>(*this, nodes[i].name, nodes[i].depends_on));
    sorted.push_back(std::move(modules_[i]));
  }
  modules_ = std::move(sorted);
  return absl::OkStatus();
}

void Host::BindConfig(config::Registry& registry) {
  for (const auto& module : modules_) module->BindConfig(registry);
}

absl::Status Host::PrepareStores() {
  RETURN_IF_ERROR(InitModules());
  return RegisterTables();
}

absl::Status Host::Start() {
  absl::Status status = PrepareStores();
  if (status.ok()) status = StartModules();
  if (!status.ok()) {
    Stop();
    return status;
  }
  ready_ = true;
  return absl::OkStatus();
}

absl::Status Host::InitModules() {
  for (size_t i = 0; i < modules_.size(); ++i) {
    RETURN_IF_ERROR(modules_[i]->Init(*platforms_[i]));
    const std::string& missing = platforms_[i]->undeclared();
    if (!missing.empty()) return UndeclaredCall(std::string(modules_[i]->name()), missing);
  }
  return absl::OkStatus();
}

absl::Status Host::RegisterTables() {
  for (const auto& module : modules_) {
    const std::string name(module->name());
    auto table = std::make_unique<rpc::MethodTable>();
    module->RegisterMethods(*table);
    rpc::AuditSink* audit = parts_.audit ? parts_.audit(name, database(name)) : nullptr;
    RETURN_IF_ERROR(pipeline_->Add(name, *table, audit));
    tables_.emplace(name, std::move(table));
    if (module->is_edge()) RETURN_IF_ERROR(RegisterForwarded(name));
  }
  return absl::OkStatus();
}

absl::Status Host::RegisterForwarded(const std::string& edge) {
  for (const PlatformService& service : PlatformServices()) {
    if (parts_.elsewhere.count(service.name) == 0) continue;
    auto table = std::make_unique<rpc::MethodTable>(rpc::MethodTable::Remote(service.proto_services));
    std::unique_ptr<rpc::Channel> channel = ChannelFor(edge, service.name);
    if (channel == nullptr) {
      return Wiring("Không biết dịch vụ " + service.name + " ở đâu.",
                    "Where service " + service.name + " is, is not known.");
    }
    RETURN_IF_ERROR(pipeline_->AddForwarded(service.name, *table, *channel));
    forwarded_.push_back(std::move(table));
    forwarding_.push_back(std::move(channel));
  }
  return absl::OkStatus();
}

absl::Status Host::StartModules() {
  for (const auto& module : modules_) {
    ++started_;
    RETURN_IF_ERROR(module->Start());
    parts_.logger.Info("module_started", {{"module", module->name()}});
  }
  return absl::OkStatus();
}

void Host::Stop() {
  draining_ = true;
  ready_ = false;
  pool_->Stop();
  while (started_ > 0) modules_[--started_]->Stop();
  for (auto& [name, database] : databases_) database->Close();
}

absl::StatusOr<db::Database*> Host::OpenDatabase(const std::string& service, std::string_view name,
                                                 const std::vector<db::Migration>& migrations) {
  const std::string key = service + "/" + std::string(name);
  if (databases_.count(key) > 0)
    return Wiring("Kho " + key + " được mở hai lần.", "Store " + key + " is opened twice.");
  ASSIGN_OR_RETURN(std::unique_ptr<db::Database> database, OpenEngine(service, name));
  if (parts_.prepare_database) RETURN_IF_ERROR(parts_.prepare_database(*database));
  RETURN_IF_ERROR(database->Migrate(migrations));
  database_metrics_.push_back(db::ExportMetrics(*database, name == "main" ? service : key, parts_.metrics));
  return databases_.emplace(key, std::move(database)).first->second.get();
}

absl::StatusOr<std::unique_ptr<db::Database>> Host::OpenEngine(const std::string& service,
                                                               std::string_view name) const {
  const auto log = [&logger = parts_.logger, service](std::string_view text) {
    logger.Error("storage", {{"module", service}, {"cause", text}});
  };
  const std::string second(name == "main" ? "" : name);
  if (parts_.database.postgres()) {
    db::PostgresOptions options = parts_.database.Postgres(second.empty() ? service : service + "_" + second);
    options.log = log;
    return db::OpenPostgres(options, parts_.clock);
  }
  const std::filesystem::path folder = std::filesystem::path(parts_.data_dir) / "db";
  RETURN_IF_ERROR(MakeFolder(folder));
  db::SqliteOptions options;
  options.path = folder / (second.empty() ? service + ".sqlite" : service + "-" + second + ".sqlite");
  options.log = log;
  options.on_prepare = parts_.database.on_prepare;
  return db::OpenSqlite(options, parts_.clock);
}

absl::StatusOr<db::BlobStore*> Host::OpenBlobs(const std::string& service, std::string_view name) {
  const std::string key = service + "/" + std::string(name);
  if (blobs_.count(key) > 0)
    return Wiring("Kho tệp " + key + " được mở hai lần.", "File store " + key + " is opened twice.");
  db::BlobKeyWrap wrap;
  wrap.wrap = [this](std::string_view secret, std::string_view file) -> absl::StatusOr<std::string> {
    return sealer_.WrapKey(file, secret);
  };
  wrap.unwrap = [this](std::string_view wrapped, std::string_view file) { return sealer_.UnwrapKey(file, wrapped); };
  std::unique_ptr<db::BlobStore> store;
  if (parts_.database.postgres()) {
    db::Database* const beside = database(service);
    if (beside == nullptr) {
      return Wiring("Kho tệp " + key + " được mở trước cơ sở dữ liệu.", "File store " + key + " before its database.");
    }
    ASSIGN_OR_RETURN(
        store, db::OpenDatabaseBlobStore(*beside, std::string(name), std::move(wrap), parts_.random, parts_.clock));
  } else {
    const std::filesystem::path parent = std::filesystem::path(parts_.data_dir) / service;
    RETURN_IF_ERROR(MakeFolder(parent));
    ASSIGN_OR_RETURN(store, db::OpenDirBlobStore(parent / std::string(name), std::move(wrap), parts_.random));
  }
  return blobs_.emplace(key, std::move(store)).first->second.get();
}

db::Database* Host::database(std::string_view service, std::string_view name) const {
  const auto found = databases_.find(std::string(service) + "/" + std::string(name));
  return found == databases_.end() ? nullptr : found->second.get();
}

db::BlobStore* Host::blobs(std::string_view service, std::string_view name) const {
  const auto found = blobs_.find(std::string(service) + "/" + std::string(name));
  return found == blobs_.end() ? nullptr : found->second.get();
}

std::unique_ptr<rpc::Channel> Host::ChannelFor(const std::string& caller, const std::string& callee) {
  if (names_.count(callee) > 0) return std::make_unique<rpc::LocalChannel>(caller, callee, *pipeline_);
  return parts_.remote_channel ? parts_.remote_channel(caller, callee) : nullptr;
}

}  // namespace dinh::app
