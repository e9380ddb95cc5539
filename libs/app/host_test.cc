#include "libs/app/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dinh/testing/v1/rpc.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/testing/fake_service.h"
#include "libs/testing/temp_dir.h"

namespace dinh::app {
namespace {

namespace pb = ::dinh::testing::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFindThing[] = "/dinh.testing.v1.ThingService/FindThing";

// Writes down what happens to it; the rest is what the test sets.
class RecordingModule final : public ServiceModule {
 public:
  RecordingModule(std::string name, std::vector<std::string> depends_on, std::vector<std::string>& log)
      : name_(std::move(name)), depends_on_(std::move(depends_on)), log_(log) {}
  ~RecordingModule() override { log_.push_back("gone " + name_); }

  std::string_view name() const override { return name_; }
  std::vector<std::string> depends_on() const override { return depends_on_; }
  absl::Status Init(Platform& platform) override {
    log_.push_back("init " + name_);
    return on_init ? on_init(platform) : absl::OkStatus();
  }
  void RegisterMethods(rpc::MethodTable& table) override {
    log_.push_back("register " + name_);
    if (on_register) on_register(table);
  }
  absl::Status Start() override {
    log_.push_back("start " + name_);
    return start_status;
  }
  void Stop() override { log_.push_back("stop " + name_); }

  std::function<absl::Status(Platform&)> on_init;
  std::function<void(rpc::MethodTable&)> on_register;
  absl::Status start_status;

 private:
  const std::string name_;
  const std::vector<std::string> depends_on_;
  std::vector<std::string>& log_;
};

class HostTest : public ::testing::Test {
 protected:
  std::unique_ptr<RecordingModule> Module(const std::string& name, std::vector<std::string> depends_on = {}) {
    return std::make_unique<RecordingModule>(name, std::move(depends_on), log_);
  }
  Host& Make(std::vector<std::unique_ptr<ServiceModule>> modules,
             const std::function<void(HostParts&)>& adjust = nullptr) {
    HostParts parts{.data_dir = dir_.path(),
                    .clock = clock_,
                    .random = random_,
                    .ids = ids_,
                    .logger = logger_,
                    .metrics = metrics_,
                    .keys = *keys_};
    if (adjust) adjust(parts);
    host_ = std::make_unique<Host>(std::move(parts), std::move(modules));
    return *host_;
  }
  template <typename... Modules>
  static std::vector<std::unique_ptr<ServiceModule>> List(Modules... modules) {
    std::vector<std::unique_ptr<ServiceModule>> list;
    (list.push_back(std::move(modules)), ...);
    return list;
  }
  static std::string MessageOf(const absl::Status& status) { return std::string(base::FromAbsl(status.message())); }

  dinh::testing::TempDir dir_;
  base::SystemClock clock_;
  base::SeededRandom random_{1};
  base::IdGenerator ids_{clock_, random_};
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kError, [](std::string_view) {}};
  telemetry::Metrics metrics_;
  std::unique_ptr<auth::KeyRing> keys_ = auth::KeyRing::Ephemeral(clock_, random_);
  std::vector<std::string> log_;
  std::unique_ptr<Host> host_;
};

TEST_F(HostTest, StartsInOrderAndStopsInReverse) {
  Host& host = Make(List(Module("b", {"a"}), Module("a")));
  ASSERT_TRUE(host.Prepare().ok());
  EXPECT_FALSE(host.ready());
  ASSERT_TRUE(host.Start().ok());
  EXPECT_TRUE(host.ready());
  host.Drain();
  EXPECT_FALSE(host.ready());
  host.Stop();
  host.Stop();  // once is enough
  host_.reset();
  EXPECT_THAT(log_, ElementsAre("init a", "init b", "register a", "register b", "start a", "start b", "stop b",
                                "stop a", "gone a", "gone b"));
}

TEST_F(HostTest, AFailedStartIsUndone) {
  auto b = Module("b", {"a"});
  b->start_status = base::Internal("no");
  Host& host = Make(List(Module("a"), std::move(b), Module("c")));
  ASSERT_TRUE(host.Prepare().ok());
  EXPECT_TRUE(absl::IsInternal(host.Start()));
  EXPECT_FALSE(host.ready());
  EXPECT_THAT(log_, ElementsAre("init a", "init b", "init c", "register a", "register b", "register c", "start a",
                                "start b", "stop b", "stop a"));
}

TEST_F(HostTest, CyclesAreRefusedBeforeAnythingHappens) {
  Host& host = Make(List(Module("a", {"b"}), Module("b", {"a"})));
  EXPECT_TRUE(absl::IsFailedPrecondition(host.Prepare()));
  EXPECT_TRUE(log_.empty());
}

TEST_F(HostTest, AnUndeclaredCallIsRefused) {
  auto b = Module("b");
  b->on_init = [](Platform& platform) {
    platform.To("a");
    return absl::OkStatus();
  };
  Host& host = Make(List(Module("a"), std::move(b)));
  ASSERT_TRUE(host.Prepare().ok());
  const absl::Status status = host.Start();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(MessageOf(status), HasSubstr("b calls a"));
}

TEST_F(HostTest, AnIncompleteTableIsRefused) {
  auto a = Module("a");
  a->on_register = [](rpc::MethodTable& table) {
    table.Unary<pb::GetThingRequest, pb::Thing>(
        "dinh.testing.v1.ThingService.GetThing",
        [](rpc::Context&, const pb::GetThingRequest&) -> absl::StatusOr<pb::Thing> { return pb::Thing(); });
  };
  Host& host = Make(List(std::move(a)));
  ASSERT_TRUE(host.Prepare().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(host.Start()));
}

TEST_F(HostTest, ModulesCallEachOtherUnderTheirNames) {
  auto things = std::make_unique<dinh::testing::FakeService>("things");
  things->On<pb::GetThingRequest, pb::Thing>(
      "dinh.testing.v1.ThingService.FindThing",
      [](rpc::Context& ctx, const pb::GetThingRequest&) -> absl::StatusOr<pb::Thing> {
        pb::Thing thing;
        thing.set_name(ctx.principal().id);
        return thing;
      });
  rpc::Channel* channel = nullptr;
  auto caller = Module("payments", {"things"});
  caller->on_init = [&](Platform& platform) {
    channel = &platform.To("things");
    return absl::OkStatus();
  };
  Host& host = Make(List(std::move(caller), std::move(things)));
  ASSERT_TRUE(host.Prepare().ok());
  ASSERT_TRUE(host.Start().ok());
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(5));
  pb::GetThingRequest request;
  request.set_id("x");
  const auto thing = channel->Call<pb::Thing>(ctx, kFindThing, request);
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->name(), "payments");
}

TEST_F(HostTest, ServicesElsewhereAreReachedByTheProcesssChannels) {
  class Remote final : public rpc::Channel {
   public:
    absl::Status CallRaw(base::OpContext&, std::string_view, const google::protobuf::Message&,
                         google::protobuf::Message* response, const rpc::CallOptions&) override {
      static_cast<pb::Thing*>(response)->set_name("remote");
      return absl::OkStatus();
    }
    absl::Status ClientStream(base::OpContext&, std::string_view, rpc::MessageReader&, google::protobuf::Message*,
                              const rpc::CallOptions&) override {
      return absl::OkStatus();
    }
    absl::Status Subscribe(std::string_view, const google::protobuf::Message&, std::shared_ptr<rpc::StreamSink>,
                           const rpc::CallOptions&) override {
      return absl::OkStatus();
    }
  };
  rpc::Channel* channel = nullptr;
  auto caller = Module("payments", {"things"});
  caller->on_init = [&](Platform& platform) {
    channel = &platform.To("things");
    return absl::OkStatus();
  };
  Host& host = Make(List(std::move(caller)), [](HostParts& parts) {
    parts.elsewhere = {"things"};
    parts.remote_channel = [](const std::string&, const std::string&) { return std::make_unique<Remote>(); };
  });
  ASSERT_TRUE(host.Prepare().ok());
  ASSERT_TRUE(host.Start().ok());
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(5));
  const auto thing = channel->Call<pb::Thing>(ctx, kFindThing, pb::GetThingRequest());
  ASSERT_TRUE(thing.ok());
  EXPECT_EQ(thing->name(), "remote");
}

TEST_F(HostTest, StoresAndFilesLieUnderTheDataFolder) {
  auto a = Module("a");
  db::BlobStore* blobs = nullptr;
  a->on_init = [&](Platform& platform) -> absl::Status {
    const std::vector<db::Migration> migrations = {{1, "first", "CREATE TABLE t (id TEXT PRIMARY KEY);", 1}};
    RETURN_IF_ERROR(platform.OpenDatabase(migrations).status());
    EXPECT_FALSE(platform.OpenDatabase(migrations).ok());  // twice the same
    RETURN_IF_ERROR(platform.OpenDatabase(migrations, "second").status());
    ASSIGN_OR_RETURN(blobs, platform.OpenBlobs());
    return absl::OkStatus();
  };
  Host& host = Make(List(std::move(a)));
  ASSERT_TRUE(host.Prepare().ok());
  ASSERT_TRUE(host.Start().ok());
  EXPECT_TRUE(std::filesystem::exists(dir_.File("db/a.sqlite")));
  EXPECT_TRUE(std::filesystem::exists(dir_.File("db/a-second.sqlite")));
  EXPECT_NE(host.database("a"), nullptr);
  EXPECT_NE(host.database("a", "second"), nullptr);
  EXPECT_EQ(host.database("b"), nullptr);
  const auto info = db::WriteBlob(*blobs, "nội dung");
  ASSERT_TRUE(info.ok()) << info.status();
  const auto back = db::ReadBlob(*blobs, info->id, 1000);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, "nội dung");
}

TEST_F(HostTest, TokensAreCheckedAgainstTheKeyRingAndIdentity) {
  class Source final : public auth::PrincipalSource {
   public:
    absl::StatusOr<auth::Principal> Resolve(std::string_view account, std::string_view, std::string_view) override {
      auth::Principal p;
      p.kind = auth::CallerKind::kCitizen;
      p.id = std::string(account);
      return p;
    }
  };
  Source source;
  auto identity = Module("identity");
  identity->on_init = [&](Platform& platform) {
    platform.ProvidePrincipals(&source);
    return absl::OkStatus();
  };
  auto things = std::make_unique<dinh::testing::FakeService>("things");
  things->On<pb::GetThingRequest, pb::Thing>(
      "dinh.testing.v1.ThingService.FindThing",
      [](rpc::Context& ctx, const pb::GetThingRequest&) -> absl::StatusOr<pb::Thing> {
        pb::Thing thing;
        thing.set_name(ctx.principal().id);
        return thing;
      });
  Host& host = Make(List(std::move(identity), std::move(things)));
  ASSERT_TRUE(host.Prepare().ok());
  ASSERT_TRUE(host.Start().ok());
  auth::TokenIssuer issuer(*keys_, clock_, ids_);
  rpc::CallHead head;
  head.credentials = {rpc::Credentials::Kind::kBearer, issuer.Issue({.account = "account-7", .session = "s"}).text, ""};
  pb::GetThingRequest request;
  request.set_id("x");
  pb::Thing thing;
  const absl::Status status = host.pipeline().Unary(*host.pipeline().Find(kFindThing), head, request, &thing);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(thing.name(), "account-7");
  head.credentials.value[head.credentials.value.size() / 2] ^= 1;
  EXPECT_TRUE(absl::IsUnauthenticated(host.pipeline().Unary(*host.pipeline().Find(kFindThing), head, request, &thing)));
}

}  // namespace
}  // namespace dinh::app
