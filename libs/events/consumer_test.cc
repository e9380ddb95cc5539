#include "libs/events/consumer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "dinh/payments/v1/events.pb.h"
#include "libs/auth/principal.h"
#include "libs/events/event_hub.h"
#include "libs/events/test_support.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/rpc/local_channel.h"
#include "libs/rpc/pipeline.h"
#include "libs/rpc/tls_credentials.h"
#include "libs/testing/temp_dir.h"
#include "libs/testing/test_ca.h"

namespace dinh::events {
namespace {

// A service that publishes and one that consumes, each with its own database.
class ConsumerTest : public db::EngineTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(hub_.Init().ok());
    ASSERT_TRUE(hub_.Start().ok());
    ASSERT_TRUE(consuming_.db->Migrate({{1, "effects", "CREATE TABLE effects (subject TEXT NOT NULL);"}}).ok());
  }
  void TearDown() override { hub_.Stop(); }
  EventRouter Router() {
    EventRouter router;
    router.OnType("test.happened", [this](db::Tx& tx, const v1::FeedEvent& event) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO effects (subject) VALUES ($1)", {event.subject()}).status());
      ++tries_;
      if (broken_) return base::Unavailable("BROKEN", {"x", "x"});
      return absl::OkStatus();
    });
    return router;
  }
  std::unique_ptr<Consumer> Make(std::unique_ptr<EventSource> source = nullptr, db::CommitHook* hook = nullptr) {
    if (source == nullptr) source = std::make_unique<FeedSource>(hub_.feed());
    ConsumerOptions options{.name = "b", .feed = "a"};
    options.pause_min = std::chrono::milliseconds(1);
    options.pause_max = std::chrono::milliseconds(5);
    options.hook = hook;
    return std::make_unique<Consumer>(options, std::move(source), *consuming_.db, consuming_.clock, consuming_.logger,
                                      consuming_.metrics, Router());
  }
  void Append(int from, int to) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(publishing_.Append(hub_.outbox(), std::to_string(i)).ok());
  }
  int64_t Effects() { return consuming_.Number("SELECT COUNT(*) FROM effects"); }
  bool Reaches(int64_t effects) {
    return Eventually([&] { return Effects() >= effects; });
  }
  v1::FeedEvent Event(int64_t sequence) {
    v1::FeedEvent event;
    event.set_sequence(sequence);
    event.set_type("test.happened");
    event.set_subject(std::to_string(sequence));
    return event;
  }

  TestStore publishing_{GetParam()}, consuming_{GetParam()};
  EventHub hub_{*publishing_.db,     "a", publishing_.clock, publishing_.random, publishing_.ids, publishing_.logger,
                publishing_.metrics, {}};
  std::atomic<bool> broken_{false};
  std::atomic<int> tries_{0};
};

DINH_BOTH_ENGINES(ConsumerTest);

TEST_P(ConsumerTest, EachEventOnceInOrder) {
  auto consumer = Make();
  consumer->Start();
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (int w = 0; w < 4; ++w) writers.emplace_back([&, w] { Append(w * 50, w * 50 + 50); });
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(Reaches(200));
  consumer->Stop();
  EXPECT_EQ(consuming_.Number("SELECT COUNT(DISTINCT subject) FROM effects"), 200);
  EXPECT_EQ(*consumer->ReadCursor(), 200);
  EXPECT_EQ(tries_, 200);
}

TEST_P(ConsumerTest, AgainAfterACrashBehindTheCommitHasNoEffect) {
  auto consumer = Make();
  EXPECT_TRUE(*consumer->Apply(Event(1)));
  EXPECT_TRUE(*consumer->Apply(Event(2)));
  consumer.reset();
  consuming_.Restart();  // the crash: the source does not know that 1 and 2 were applied
  consumer = Make();
  EXPECT_FALSE(*consumer->Apply(Event(1)));
  EXPECT_FALSE(*consumer->Apply(Event(2)));
  EXPECT_TRUE(*consumer->Apply(Event(3)));
  EXPECT_EQ(Effects(), 3);
}

TEST_P(ConsumerTest, ACrashBeforeTheCommitLeavesNeitherEffectNorCursor) {
  struct Hook : db::CommitHook {
    absl::Status BeforeCommit(db::Tx&) override { return base::Unavailable("CRASH", {"x", "x"}); }
  } hook;
  auto consumer = Make(nullptr, &hook);
  EXPECT_FALSE(consumer->Apply(Event(1)).ok());
  EXPECT_EQ(Effects(), 0);
  EXPECT_EQ(*consumer->ReadCursor(), 0);
  consumer = Make();
  EXPECT_TRUE(*consumer->Apply(Event(1)));
  EXPECT_EQ(Effects(), 1);
}

TEST_P(ConsumerTest, APoisonEventStopsAndIsTold) {
  broken_ = true;
  auto consumer = Make();
  consumer->Start();
  Append(0, 3);
  ASSERT_TRUE(Eventually([&] { return tries_ > 5; }));
  EXPECT_EQ(Effects(), 0);
  EXPECT_EQ(*consumer->ReadCursor(), 0);
  EXPECT_TRUE(consuming_.LogHas("event_not_applied"));
  EXPECT_NE(consuming_.metrics.Exposition().find("events_consumer_stuck{consumer=\"b\",feed=\"a\"} 1"),
            std::string::npos);
  broken_ = false;
  ASSERT_TRUE(Reaches(3));
  ASSERT_TRUE(Eventually([&] {
    return consuming_.metrics.Exposition().find("events_consumer_stuck{consumer=\"b\",feed=\"a\"} 0") !=
           std::string::npos;
  }));
  consumer->Stop();
  EXPECT_EQ(Effects(), 3);
}

TEST_P(ConsumerTest, ABacklogBeyondTheQueueIsTakenInTurns) {
  const int count = static_cast<int>(kConsumerQueueMax) * 2 + 100;
  auto ctx = publishing_.Context();
  ASSERT_TRUE(
      publishing_.db
          ->Transact(
              *ctx,
              [&](db::Tx& tx) -> absl::Status {
                for (int i = 0; i < count; ++i) {
                  RETURN_IF_ERROR(hub_.outbox().Append(tx, {"test.happened", 1, std::to_string(i), ""}).status());
                }
                return absl::OkStatus();
              })
          .ok());
  ASSERT_TRUE(Eventually([&] { return hub_.feed().head() == count; }));
  auto consumer = Make();
  consumer->Start();
  ASSERT_TRUE(Reaches(count));
  consumer->Stop();
  EXPECT_EQ(Effects(), count);
  EXPECT_EQ(consuming_.Number("SELECT COUNT(DISTINCT subject) FROM effects"), count);
}

TEST_P(ConsumerTest, StopWhileIdleAndWhileStuck) {
  auto consumer = Make();
  consumer->Start();
  ASSERT_TRUE(Eventually([&] { return hub_.feed().subscriptions() == 1; }));
  consumer->Stop();
  EXPECT_EQ(hub_.feed().subscriptions(), 0u);
  broken_ = true;
  consumer = Make();
  consumer->Start();
  Append(0, 1);
  ASSERT_TRUE(Eventually([&] { return tries_ > 0; }));
  consumer->Stop();
  EXPECT_EQ(Effects(), 0);
}

TEST_P(ConsumerTest, ASourceThatFailsIsAskedAgain) {
  class Flaky final : public EventSource {
   public:
    explicit Flaky(Feed& feed) : feed_(feed) {}
    absl::Status Subscribe(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink) override {
      if (++calls_ < 4) return base::Unavailable("DOWN", {"x", "x"});
      if (calls_ == 4) {
        sink->Finish(base::Unavailable("DROPPED", {"x", "x"}));
        return absl::OkStatus();
      }
      return feed_.Subscribe(request, std::move(sink));
    }

   private:
    FeedSource feed_;
    int calls_ = 0;
  };
  auto consumer = Make(std::make_unique<Flaky>(hub_.feed()));
  consumer->Start();
  Append(0, 2);
  EXPECT_TRUE(Reaches(2));
  consumer->Stop();
  EXPECT_TRUE(consuming_.LogHas("event_feed_lost"));
}

TEST_P(ConsumerTest, RoutesByTheMessagesType) {
  std::string paid_charge;
  EventRouter router;
  router.On<payments::v1::ChargePaid>([&](db::Tx&, const payments::v1::ChargePaid& paid, const v1::FeedEvent&) {
    paid_charge = paid.charge();
    return absl::OkStatus();
  });
  EXPECT_EQ(router.types(), std::vector<std::string>{"payments.charge_paid"});
  auto ctx = consuming_.Context();
  const auto run = [&](const std::string& type, const std::string& payload) {
    v1::FeedEvent event;
    event.set_type(type);
    event.set_payload(payload);
    return consuming_.db->Transact(*ctx, [&](db::Tx& tx) { return router.Run(tx, event); });
  };
  payments::v1::ChargePaid paid;
  paid.set_charge("c7");
  EXPECT_TRUE(run("payments.charge_paid", paid.SerializeAsString()).ok());
  EXPECT_EQ(paid_charge, "c7");
  EXPECT_TRUE(run("payments.charge_opened", "whatever").ok());
  EXPECT_FALSE(run("payments.charge_paid", "\xff\xff").ok());
}

// The way it runs in the standalone process: through the pipeline, as a peer.
TEST_P(ConsumerTest, ThroughALocalChannel) {
  struct Peers : rpc::Authenticator {
    absl::StatusOr<auth::Principal> Authenticate(const rpc::Credentials& credentials) override {
      auth::Principal peer;
      peer.kind = auth::CallerKind::kPeer;
      peer.id = credentials.value;
      return peer;
    }
  } peers;
  rpc::MethodTable table;
  hub_.RegisterMethods(table);
  rpc::Pipeline pipeline({.clock = publishing_.clock, .random = publishing_.random, .authenticator = peers});
  const absl::Status added = pipeline.Add("a", table);
  ASSERT_TRUE(added.ok()) << added;
  rpc::LocalChannel channel("b", "a", pipeline);
  auto consumer = Make(std::make_unique<ChannelSource>(channel));
  consumer->Start();
  Append(0, 20);
  EXPECT_TRUE(Reaches(20));
  consumer->Stop();
  EXPECT_EQ(hub_.feed().subscriptions(), 0u);
  hub_.Stop();
}

// The way it runs in a cluster: streams end when the other side drains, and are taken up again when it is back.
TEST_P(ConsumerTest, ThroughGrpcOverRestartsOfTheOtherSide) {
#ifdef DINH_SANITIZE
  // Debian's gRPC is not built for the thread sanitizer and reports races of its own.
  if (std::string(DINH_SANITIZE) == "thread") GTEST_SKIP();
#endif
  struct Nobody : rpc::Authenticator {
    absl::StatusOr<auth::Principal> Authenticate(const rpc::Credentials&) override { return auth::Principal(); }
  } nobody;
  const dinh::testing::TempDir dir;
  const dinh::testing::TestCa ca("ca");
  const auto files = [&](const std::string& service) {
    const dinh::testing::TestIdentity identity = ca.Issue(service);
    std::ofstream(dir.File(service + ".crt")) << identity.certificate;
    std::ofstream(dir.File(service + ".key")) << identity.key;
    std::ofstream(dir.File("ca.crt")) << ca.pem();
    return rpc::TlsFiles{.certificate = dir.File(service + ".crt"),
                         .key = dir.File(service + ".key"),
                         .ca = dir.File("ca.crt"),
                         .trust_domain = "dinh"};
  };
  rpc::MethodTable table;
  hub_.RegisterMethods(table);
  base::SystemClock clock;
  rpc::Pipeline pipeline({.clock = clock, .random = publishing_.random, .authenticator = nobody});
  ASSERT_TRUE(pipeline.Add("payments", table).ok());
  rpc::HandlerPool pool({.max_threads = 4}, nullptr);
  const auto credentials = rpc::ServerCredentialsOf(files("payments"));
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  const auto start = [&](int port) {
    return *rpc::GrpcServer::Start(
        {.address = "127.0.0.1:" + std::to_string(port), .credentials = *credentials, .peer_domain = "dinh"}, pipeline,
        pool);
  };
  std::unique_ptr<rpc::GrpcServer> server = start(0);
  const int port = server->port();
  rpc::GrpcChannel channel({.target = "127.0.0.1:" + std::to_string(port),
                            .service = "payments",
                            .credentials = *rpc::ChannelCredentialsOf(files("procedures"), "payments")},
                           clock, nullptr);
  auto consumer = Make(std::make_unique<ChannelSource>(channel));
  consumer->Start();
  for (int round = 1; round <= 3; ++round) {
    Append(round * 10, round * 10 + 10);
    EXPECT_TRUE(Reaches(round * 10)) << round;
    server->Drain(std::chrono::seconds(5));
    server.reset();
    server = start(port);
  }
  Append(0, 10);
  EXPECT_TRUE(Reaches(40));
  consumer->Stop();
  EXPECT_EQ(consuming_.Number("SELECT COUNT(DISTINCT subject) FROM effects"), 40);
  server.reset();
  EXPECT_EQ(hub_.feed().subscriptions(), 0u);
  hub_.Stop();
  pool.Stop();
}

}  // namespace
}  // namespace dinh::events
