#include "libs/testing/service_harness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "libs/auth/audit.h"
#include "libs/base/status.h"
#include "libs/db/test_support.h"

namespace dinh::testing {
namespace {

namespace pb = ::dinh::testing::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCreate[] = "/dinh.testing.v1.ThingService/CreateThing";
constexpr char kGetOwn[] = "/dinh.testing.v1.ThingService/GetOwnThing";
constexpr char kWatch[] = "/dinh.testing.v1.ThingService/WatchThing";
constexpr char kUpload[] = "/dinh.testing.v1.ThingService/UploadThing";

struct OwnedThing {
  pb::Thing thing;
  std::string owner;
  auth::ResourceScope scope() const { return {.owner_persons = {owner}}; }
};

// The smallest service that owns rows.
class ThingModule final : public app::ServiceModule {
 public:
  std::string_view name() const override { return "things"; }
  void BindConfig(config::Registry& registry) override {
    registry.Bind("things", "prefix", &prefix_, "put before each name");
  }
  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase({{1, "things",
                                                  "CREATE TABLE things (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
                                                  "owner TEXT NOT NULL);",
                                                  1}}));
    return absl::OkStatus();
  }
  void RegisterMethods(rpc::MethodTable& table) override {
    const std::string service = "dinh.testing.v1.ThingService.";
    table.Unary(service + "CreateThing", this, &ThingModule::Create);
    table.Unary(service + "GetOwnThing", this, &ThingModule::GetOwn);
    table.ClientStream(service + "UploadThing", this, options::v1::UploadChunk::default_instance(),
                       &ThingModule::Upload);
    table.ServerStream(service + "WatchThing", this, pb::Thing::default_instance(), &ThingModule::Watch);
    table.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
  }

  absl::StatusOr<pb::Thing> Create(rpc::Context& ctx, const pb::CreateThingRequest& request) {
    return db_->Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Thing> {
      ctx.ScopeByPrincipal();
      pb::Thing thing;
      thing.set_id(platform_->ids().Next());
      thing.set_name(prefix_ + request.name());
      RETURN_IF_ERROR(tx.Exec("INSERT INTO things (id, name, owner) VALUES ($1, $2, $3)",
                              {thing.id(), thing.name(), ctx.principal().person})
                          .status());
      return thing;
    });
  }
  absl::StatusOr<pb::Thing> GetOwn(rpc::Context& ctx, const pb::GetThingRequest& request) {
    return db_->Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Thing> {
      auto row = tx.QueryOne("SELECT id, name, owner FROM things WHERE id = $1", {request.id()}, [](const db::Row& r) {
        OwnedThing owned;
        owned.thing.set_id(r.Text(0));
        owned.thing.set_name(r.Text(1));
        owned.owner = r.Text(2);
        return owned;
      });
      ASSIGN_OR_RETURN(OwnedThing owned, ctx.InScope(std::move(row)));
      ctx.AuditSubject(owned.owner, "things/" + owned.thing.id());
      return owned.thing;
    });
  }
  absl::StatusOr<pb::Thing> Upload(rpc::Context&, rpc::MessageReader& reader) {
    options::v1::UploadChunk chunk;
    pb::Thing thing;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
      if (!more) return thing;
      thing.set_number(thing.number() + static_cast<int64_t>(chunk.data().size()));
    }
  }
  absl::Status Watch(std::shared_ptr<rpc::Context>, const pb::GetThingRequest&, std::shared_ptr<rpc::StreamSink> sink) {
    for (int i = 0; i < 3; ++i) sink->Write(pb::Thing());
    sink->Finish(absl::OkStatus());
    return absl::OkStatus();
  }

 private:
  app::Platform* platform_ = nullptr;
  db::Database* db_ = nullptr;
  std::string prefix_;
};

class ServiceHarnessTest : public db::EngineTest {
 protected:
  void SetUp() override {
    HarnessOptions options;
    options.modules.push_back(std::make_unique<ThingModule>());
    options.engine = GetParam();
    options.settings = {"DINH_THINGS_PREFIX=Việc "};
    auto harness = ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(harness.ok()) << harness.status();
    harness_ = *std::move(harness);
  }
  absl::StatusOr<pb::Thing> Create(const std::string& name, const auth::Principal& who,
                                   ServiceHarness::CallExtras extras = {}) {
    pb::CreateThingRequest request;
    request.set_name(name);
    request.add_parts()->set_id("p");
    return harness_->Call<pb::Thing>(kCreate, request, who, extras);
  }
  absl::StatusOr<pb::Thing> GetOwn(const std::string& id, const auth::Principal& who) {
    pb::GetThingRequest request;
    request.set_id(id);
    return harness_->Call<pb::Thing>(kGetOwn, request, who);
  }
  int64_t Count(const std::string& sql) {
    auto ctx = harness_->NewContext();
    const auto n = harness_->database("things")->Read(
        *ctx, [&](db::Tx& tx) { return tx.QueryOne(sql, {}, [](const db::Row& r) { return r.Int(0); }); });
    EXPECT_TRUE(n.ok()) << n.status();
    return n.ok() && n->has_value() ? **n : -1;
  }
  const auth::Principal citizen_ = Citizen("account-1", "person-1");
  const auth::Principal other_ = Citizen("account-2", "person-2");
  std::unique_ptr<ServiceHarness> harness_;
};

DINH_BOTH_ENGINES(ServiceHarnessTest);

TEST_P(ServiceHarnessTest, TheSameRequestIdHasItsEffectOnce) {
  bool replayed = true;
  const auto first = Create("một", citizen_, {.request_id = "r-1", .replayed = &replayed});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->name(), "Việc một");
  EXPECT_FALSE(replayed);
  const auto again = Create("một", citizen_, {.request_id = "r-1", .replayed = &replayed});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(replayed);
  EXPECT_EQ(again->id(), first->id());
  EXPECT_EQ(Count("SELECT COUNT(*) FROM things"), 1);

  const absl::Status reused = Create("hai", citizen_, {.request_id = "r-1"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(reused));
  EXPECT_EQ(base::DetailOf(reused)->reason, "IDEMPOTENCY_KEY_REUSED");

  EXPECT_EQ(harness_->database("things")->engine(), GetParam());
  EXPECT_EQ(std::filesystem::exists(harness_->data_dir() + "/db"), GetParam() == db::Engine::kSqlite);

  const auto others = Create("một", other_, {.request_id = "r-1"});  // another caller's id is another id
  ASSERT_TRUE(others.ok());
  EXPECT_NE(others->id(), first->id());
}

TEST_P(ServiceHarnessTest, AbsentAndForeignAreTheSameAnswerAndBothAreAudited) {
  const auto thing = Create("một", citizen_);
  ASSERT_TRUE(thing.ok());
  EXPECT_TRUE(GetOwn(thing->id(), citizen_).ok());
  const absl::Status foreign = GetOwn(thing->id(), other_).status();
  const absl::Status absent = GetOwn("no-such-thing", other_).status();
  EXPECT_TRUE(absl::IsPermissionDenied(foreign));
  EXPECT_EQ(foreign, absent);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM audit"), 4);  // one change, one read, two refusals
}

TEST_P(ServiceHarnessTest, StoredAnswersAreSealed) {
  ASSERT_TRUE(Create("bí mật", citizen_, {.request_id = "r-1"}).ok());
  const std::string id = [&] {
    auto ctx = harness_->NewContext();
    auto row = harness_->database("things")->Read(*ctx, [&](db::Tx& tx) {
      return tx.QueryOne("SELECT id FROM things", {}, [](const db::Row& r) { return r.Text(0); });
    });
    return row.ok() && row->has_value() ? **row : std::string();
  }();
  ASSERT_FALSE(id.empty());
  auto ctx = harness_->NewContext();
  auto answer = harness_->database("things")->Read(*ctx, [&](db::Tx& tx) {
    return tx.QueryAll("SELECT * FROM idempotency", {}, [](const db::Row& r) {
      std::string all;
      for (int i = 0; i < 4; ++i) all += r.Text(i);
      return all;
    });
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->size(), 1u);
  EXPECT_EQ((*answer)[0].find(id), std::string::npos);
  EXPECT_EQ((*answer)[0].find("bí mật"), std::string::npos);
}

TEST_P(ServiceHarnessTest, RulesHoldAsForRealCallers) {
  EXPECT_TRUE(absl::IsUnauthenticated(Create("một", Anonymous()).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Create("một", Peer("payments")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Create("", citizen_).status()));
  const auto late = Create("một", citizen_, {.deadline = std::chrono::milliseconds(0)});
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status()));
}

TEST_P(ServiceHarnessTest, StreamsOfBothKinds) {
  pb::GetThingRequest request;
  request.set_id("x");
  auto sink = harness_->Subscribe(kWatch, request, Anonymous());
  ASSERT_TRUE(sink.ok()) << sink.status();
  ASSERT_TRUE((*sink)->WaitForEnd());
  EXPECT_EQ((*sink)->Messages<pb::Thing>().size(), 3u);
  std::vector<options::v1::UploadChunk> chunks(3);
  for (auto& chunk : chunks) chunk.set_data("abc");
  const auto uploaded = harness_->CallStream<pb::Thing>(kUpload, chunks, citizen_);
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  EXPECT_EQ(uploaded->number(), 9);
}

TEST_P(ServiceHarnessTest, TheLogNamesCallsNotPeopleOrBodies) {
  ASSERT_TRUE(Create("bí mật", citizen_).ok());
  EXPECT_THAT(harness_->Log(), HasSubstr("ThingService/CreateThing"));
  EXPECT_THAT(harness_->Log(), Not(HasSubstr("bí mật")));
}

}  // namespace
}  // namespace dinh::testing
