#include "libs/events/outbox.h"

#include <gtest/gtest.h>

#include "dinh/events/v1/service.pb.h"
#include "dinh/payments/v1/events.pb.h"
#include "libs/events/test_support.h"

namespace dinh::events {
namespace {

class OutboxTest : public db::EngineTest {
 protected:
  TestStore t_{GetParam()};
  int woken_ = 0;
  Outbox outbox_{t_.ids, TestSeal(), [this] { ++woken_; }};
};

DINH_BOTH_ENGINES(OutboxTest);

TEST_P(OutboxTest, AnEventIsWrittenWithItsChangeOrNotAtAll) {
  auto ctx = t_.Context();
  const auto run = [&](absl::Status result) {
    return t_.db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(outbox_.Append(tx, {"test.happened", 1, "s", "p"}).status());
      return result;
    });
  };
  EXPECT_FALSE(run(base::StaleEtag()).ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM outbox"), 0);
  EXPECT_EQ(woken_, 0);
  EXPECT_TRUE(run(absl::OkStatus()).ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM outbox WHERE sequence IS NULL"), 1);
  EXPECT_EQ(woken_, 1);
}

TEST_P(OutboxTest, PersonalPayloadsAreSealed) {
  ASSERT_TRUE(t_.Append(outbox_, "a", "Công dân Một", true).ok());
  ASSERT_TRUE(t_.Append(outbox_, "b", "no person in it", false).ok());
  EXPECT_EQ(t_.RowsHolding("outbox", "payload", "Công dân"), 0);
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM outbox WHERE sealed = 1 AND subject = 'a'"), 1);
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM outbox WHERE sealed = 0 AND subject = 'b'"), 1);
  Outbox careless(t_.ids, {}, {});
  EXPECT_EQ(t_.Append(careless, "c", "Công dân Một", true).code(), absl::StatusCode::kInternal);
}

TEST_P(OutboxTest, TypeAndVersionComeFromTheProto) {
  auto ctx = t_.Context();
  ctx->trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true};
  payments::v1::ChargePaid paid;
  paid.set_charge("c1");
  ASSERT_TRUE(t_.db->Transact(*ctx, [&](db::Tx& tx) { return outbox_.Append(tx, "c1", paid); }).ok());
  EXPECT_EQ(
      t_.Number("SELECT COUNT(*) FROM outbox WHERE type = 'payments.charge_paid' AND version = 1 AND subject = 'c1' "
                "AND sealed = 0 AND traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'"),
      1);
  const v1::FeedEvent not_an_event;
  EXPECT_EQ(t_.db->Transact(*ctx, [&](db::Tx& tx) { return outbox_.Append(tx, "x", not_an_event); }).code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace dinh::events
