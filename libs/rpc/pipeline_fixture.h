// What the tests of the pipeline share: a table of handlers that write down when they are asked. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/pipeline.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc {

namespace pb = ::dinh::testing::v1;
using options::v1::SignedRequest;
using options::v1::UploadChunk;

inline constexpr char kService[] = "dinh.testing.v1.ThingService.";

inline std::string Path(const std::string& method) { return "/dinh.testing.v1.ThingService/" + method; }

inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(base::FromAbsl(status.message()));
}

// Writes down in which order the pipeline's parts were asked.
struct Steps {
  std::vector<std::string> log;
  void Add(std::string step) { log.push_back(std::move(step)); }
};

class FakeAuthenticator final : public Authenticator {
 public:
  explicit FakeAuthenticator(Steps& steps) : steps_(steps) {}
  absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) override {
    steps_.Add("authenticate");
    if (credentials.value == "citizen" && !revoked) {
      auth::Principal p;
      p.kind = auth::CallerKind::kCitizen;
      p.id = "account-1";
      p.person = "person-1";
      return p;
    }
    return base::Unauthenticated("TOKEN_INVALID", {"Đăng nhập lại.", "Log in again."});
  }
  bool revoked = false;  // the citizen's login

 private:
  Steps& steps_;
};

class FakeLimiter final : public RateLimiter {
 public:
  explicit FakeLimiter(Steps& steps) : steps_(steps) {}
  int64_t Admit(auth::RateClass, std::string_view principal, std::string_view address) override {
    steps_.Add("admit " + std::string(principal) + "@" + std::string(address));
    return wait_ms;
  }
  int64_t wait_ms = 0;

 private:
  Steps& steps_;
};

class FakeAudit final : public AuditSink {
 public:
  explicit FakeAudit(Steps& steps) : steps_(steps) {}
  absl::Status WriteChange(db::Tx&, const Context&) override {
    steps_.Add("audit change");
    return absl::OkStatus();
  }
  absl::Status WriteRead(const Context&, const absl::Status& status) override {
    steps_.Add(status.ok() ? "audit read" : "audit refusal");
    return read_status;
  }
  absl::Status read_status;

 private:
  Steps& steps_;
};

class VectorReader final : public MessageReader {
 public:
  explicit VectorReader(std::vector<UploadChunk> chunks) : chunks_(std::move(chunks)) {}
  absl::StatusOr<bool> Read(Message* out) override {
    if (next_ == chunks_.size()) return false;
    out->CopyFrom(chunks_[next_++]);
    return true;
  }

 private:
  std::vector<UploadChunk> chunks_;
  size_t next_ = 0;
};

class ListSink final : public StreamSink {
 public:
  bool Write(const Message& message) override {
    ids.push_back(static_cast<const pb::Thing&>(message).id());
    return true;
  }
  void Finish(const absl::Status& status) override { finished = status; }
  void OnClosed(std::function<void()> callback) override { closed = std::move(callback); }

  std::vector<std::string> ids;
  std::optional<absl::Status> finished;
  std::function<void()> closed;
};

// Each handler is what the test sets, or says "handler" and answers.
struct Handlers {
  explicit Handlers(Steps& steps) : steps(steps) {}
  Steps& steps;
  std::function<absl::StatusOr<pb::Thing>(Context&)> on_unary;
  std::function<absl::Status(std::shared_ptr<Context>, std::shared_ptr<StreamSink>)> on_stream;

  absl::StatusOr<pb::Thing> Answer(Context& ctx) {
    steps.Add("handler");
    if (on_unary) return on_unary(ctx);
    pb::Thing thing;
    thing.set_id(ctx.principal().id);
    return thing;
  }
  absl::StatusOr<pb::Thing> Get(Context& ctx, const pb::GetThingRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Create(Context& ctx, const pb::CreateThingRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Notify(Context& ctx, const SignedRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Upload(Context& ctx, MessageReader& reader) {
    UploadChunk chunk;
    int64_t bytes = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
      if (!more) break;
      bytes += static_cast<int64_t>(chunk.data().size());
    }
    ASSIGN_OR_RETURN(pb::Thing thing, Answer(ctx));
    thing.set_number(bytes);
    return thing;
  }
  absl::Status Watch(std::shared_ptr<Context> ctx, const pb::GetThingRequest&, std::shared_ptr<StreamSink> sink) {
    steps.Add("handler");
    return on_stream ? on_stream(std::move(ctx), std::move(sink)) : absl::OkStatus();
  }
};

inline void Fill(MethodTable& table, Handlers& handlers) {
  const auto name = [](const char* method) { return kService + std::string(method); };
  table.Unary(name("GetThing"), &handlers, &Handlers::Get);
  table.Unary(name("FindThing"), &handlers, &Handlers::Get);
  table.Unary(name("CreateThing"), &handlers, &Handlers::Create);
  table.Unary(name("GetOwnThing"), &handlers, &Handlers::Get);
  table.Unary(name("PeerThing"), &handlers, &Handlers::Get);
  table.Unary(name("EnterThing"), &handlers, &Handlers::Create);
  table.Unary(name("NotifyThing"), &handlers, &Handlers::Notify);
  table.ClientStream(name("UploadThing"), &handlers, UploadChunk::default_instance(), &Handlers::Upload);
  table.ServerStream(name("WatchThing"), &handlers, pb::Thing::default_instance(), &Handlers::Watch);
}

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Fill(table_, handlers_);
    ASSERT_TRUE(table_.Complete().ok()) << table_.Complete();
    pipeline_.emplace(PipelineOptions{.clock = clock_,
                                      .random = random_,
                                      .authenticator = authenticator_,
                                      .limiter = &limiter_,
                                      .metrics = &metrics_,
                                      .logger = &logger_});
    const absl::Status added = pipeline_->Add("things", table_, &audit_);
    ASSERT_TRUE(added.ok()) << added;
  }
  absl::Status Call(const std::string& method, Message& request) {
    const BoundMethod* bound = pipeline_->Find(Path(method));
    EXPECT_NE(bound, nullptr) << method;
    answer_.Clear();
    return pipeline_->Unary(*bound, head_, request, &answer_);
  }
  absl::Status Get(const std::string& method, const std::string& id = "x") {
    pb::GetThingRequest request;
    request.set_id(id);
    return Call(method, request);
  }
  absl::Status Create(const std::string& method = "CreateThing", const std::string& name = "Tên") {
    pb::CreateThingRequest request;
    request.set_name(name);
    request.add_parts()->set_id("p");
    return Call(method, request);
  }
  void LogIn() { head_.credentials = {Credentials::Kind::kBearer, "citizen", "192.0.2.1"}; }

  base::FakeClock clock_{1'770'944'400LL * base::kMicrosPerSecond};
  base::SeededRandom random_{1};
  Steps steps_;
  FakeAuthenticator authenticator_{steps_};
  FakeLimiter limiter_{steps_};
  FakeAudit audit_{steps_};
  telemetry::Metrics metrics_;
  std::string log_;
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kInfo, [this](std::string_view line) { log_ = line; }};
  Handlers handlers_{steps_};
  MethodTable table_;
  std::optional<Pipeline> pipeline_;
  CallHead head_;
  pb::Thing answer_;
};

}  // namespace dinh::rpc
