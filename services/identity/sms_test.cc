#include "services/identity/sms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "libs/auth/key_ring.h"
#include "libs/auth/sealer.h"
#include "libs/db/recording_files.h"
#include "libs/db/test_stored_bytes.h"
#include "libs/db/test_support.h"
#include "libs/events/schema.h"
#include "libs/testing/temp_dir.h"
#include "nlohmann/json.hpp"

namespace dinh::identity {
namespace {

constexpr base::Micros kNow = 1'770'944'400LL * base::kMicrosPerSecond;

class SmsTest : public db::EngineTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(events::EnsureSchema(*database_.db).ok());
    const events::PayloadSeal seal{
        [this](std::string_view plain, std::string_view row) { return sealer_.Seal("test.jobs", row, plain); },
        [this](std::string_view sealed, std::string_view row) { return sealer_.Open("test.jobs", row, sealed); }};
    jobs_.emplace(events::JobsOptions{.service = "test", .threads = 1}, *database_.db, clock_, ids_, logger_, metrics_,
                  seal);
    queue_.emplace(*jobs_, &sender_, clock_);
    ASSERT_TRUE(queue_->Register().ok());
  }
  absl::Status Enqueue(const SmsMessage& message) {
    base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(10));
    return database_.db->Transact(ctx, [&](db::Tx& tx) { return queue_->Enqueue(tx, message); });
  }
  std::vector<std::string> Sent() const {
    auto names = db::SystemFileOps().List(folder());
    if (!names.ok()) return {};
    std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".json"); });
    return *names;
  }
  std::string folder() const { return outbox_.path() + "/outbox"; }

  testing::TempDir outbox_;
  base::FakeClock clock_{kNow};
  base::SeededRandom random_{1};
  base::IdGenerator ids_{clock_, random_};
  std::unique_ptr<auth::KeyRing> keys_ = auth::KeyRing::Ephemeral(clock_, random_);
  auth::Sealer sealer_{*keys_, random_};
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kError, [](std::string_view) {}};
  telemetry::Metrics metrics_;
  db::TestDatabase database_{GetParam()};
  db::RecordingFiles files_;
  FileSmsSender sender_{folder(), files_, clock_};
  std::optional<events::Jobs> jobs_;
  std::optional<SmsQueue> queue_;
};

DINH_BOTH_ENGINES(SmsTest);

TEST_P(SmsTest, AMessageIsOneFileThatIsWholeBeforeItHasItsName) {
  ASSERT_TRUE(Enqueue({"0900000001", "mã 123456", kNow + 1}).ok());
  EXPECT_TRUE(Sent().empty());  // nothing is sent inside the transaction
  ASSERT_TRUE(jobs_->RunOneDue().value_or(false));
  const std::vector<std::string> expected = {"remove", "create", "write", "sync", "close", "rename", "sync_folder"};
  EXPECT_EQ(files_.Take(), expected);
  ASSERT_EQ(Sent().size(), 1u);
  std::ifstream in(folder() + "/" + Sent()[0]);
  const auto json = nlohmann::json::parse(in, nullptr, false);
  EXPECT_EQ(json.value("to", ""), "0900000001");
  EXPECT_EQ(json.value("text", ""), "mã 123456");
  EXPECT_EQ(json.value("at", int64_t{0}), kNow);
  EXPECT_FALSE(jobs_->RunOneDue().value_or(true));
}

TEST_P(SmsTest, EveryFailureIsTriedAgainAndLeavesNoHalfMessage) {
  for (const char* step : {"create", "write", "sync", "close", "rename"}) {
    const size_t before = Sent().size();
    files_.SetFault([step](std::string_view operation) { return operation == step; });
    ASSERT_TRUE(Enqueue({"0900000001", "mã 123456", kNow + 3600 * base::kMicrosPerSecond}).ok());
    ASSERT_TRUE(jobs_->RunOneDue().value_or(false)) << step;
    EXPECT_EQ(Sent().size(), before) << step;
    files_.SetFault(nullptr);
    clock_.Advance(60 * base::kMicrosPerSecond);
    ASSERT_TRUE(jobs_->RunOneDue().value_or(false)) << step;
    EXPECT_EQ(Sent().size(), before + 1) << step;
  }
}

TEST_P(SmsTest, AMessageThatHasLostItsUseIsNotSent) {
  ASSERT_TRUE(Enqueue({"0900000001", "mã 123456", kNow + 10}).ok());
  clock_.Advance(10);
  ASSERT_TRUE(jobs_->RunOneDue().value_or(false));
  EXPECT_TRUE(Sent().empty());
  EXPECT_FALSE(jobs_->RunOneDue().value_or(true));
}

TEST_P(SmsTest, AWaitingMessageIsSealed) {
  ASSERT_TRUE(Enqueue({"0900000001", "mã 123456", kNow + 10}).ok());
  std::string bytes;
  if (GetParam() == db::Engine::kPostgres) bytes = db::StoredBytes(*database_.db, *database_.Context());
  for (const char* suffix : {"", "-wal"}) {
    std::ifstream in(database_.options.path + suffix, std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  ASSERT_NE(bytes.find("waiting"), std::string::npos);
  EXPECT_EQ(bytes.find("0900000001"), std::string::npos);
  EXPECT_EQ(bytes.find("123456"), std::string::npos);
}

}  // namespace
}  // namespace dinh::identity
