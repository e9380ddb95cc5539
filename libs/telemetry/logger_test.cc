#include "libs/telemetry/logger.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/telemetry/config.h"

namespace dinh::telemetry {
namespace {

using nlohmann::json;

constexpr base::Micros kNow = 1'770'966'062'005'678;  // 2026-02-13T07:01:02.005678Z

class LoggerTest : public ::testing::Test {
 protected:
  json Last() const { return json::parse(lines_.back()); }

  base::FakeClock clock_{kNow};
  std::vector<std::string> lines_;
  Logger logger_{clock_, "identity", Level::kInfo, [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LoggerTest, OneLineWithTimeLevelServiceEventAndFields) {
  const std::string method = "/dinh.identity.v1.AuthService/SendOtp";
  logger_.Info("call", {{"method", method},
                        {"code", "OK"},
                        {"ms", 1.25},
                        {"bytes", size_t{512}},
                        {"delta", -3},
                        {"replayed", false},
                        {"max", std::numeric_limits<uint64_t>::max()}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0],
            "{\"ts\":\"2026-02-13T07:01:02.005678Z\",\"level\":\"info\",\"service\":\"identity\",\"event\":\"call\","
            "\"method\":\"/dinh.identity.v1.AuthService/SendOtp\",\"code\":\"OK\",\"ms\":1.25,\"bytes\":512,"
            "\"delta\":-3,\"replayed\":false,\"max\":18446744073709551615}");
}

TEST_F(LoggerTest, TextsComeBackAsTheyWere) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all.push_back(static_cast<char>(c));
  all += "Đình làng – \U0001F600";
  logger_.Info("x", {{"text", all}, {"a\"b\n", "y"}});
  EXPECT_EQ(lines_.back().find('\n'), std::string::npos);
  EXPECT_EQ(Last()["text"].get<std::string>(), all);
  EXPECT_EQ(Last()["a\"b\n"], "y");
}

TEST_F(LoggerTest, InvalidUtf8IsReplaced) {
  logger_.Info("x", {{"text",
                      "a\xFF"
                      "b\xC3"},
                     {"surrogate", "\xED\xA0\x80"}});
  EXPECT_TRUE(base::IsValidUtf8(lines_.back()));
  EXPECT_EQ(Last()["text"].get<std::string>(), "a\uFFFDb\uFFFD");
  EXPECT_EQ(Last()["surrogate"].get<std::string>(), "\uFFFD\uFFFD\uFFFD");
}

TEST_F(LoggerTest, LongTextsAreCutBetweenLetters) {
  std::string text;
  for (size_t i = 0; i < kLogValueBytesMax; ++i) text += "ệ";
  logger_.Info("x", {{"text", text}});
  const auto cut = Last()["text"].get<std::string>();
  EXPECT_LE(cut.size(), kLogValueBytesMax + 8);
  EXPECT_GE(cut.size(), kLogValueBytesMax);
  EXPECT_TRUE(cut.ends_with("ệ…"));
}

TEST_F(LoggerTest, NumbersThatJsonLacksAreNull) {
  logger_.Info("x", {{"inf", std::numeric_limits<double>::infinity()}, {"nan", std::nan("")}, {"f", 0.5f}});
  EXPECT_TRUE(Last()["inf"].is_null());
  EXPECT_TRUE(Last()["nan"].is_null());
  EXPECT_EQ(Last()["f"], 0.5);
}

TEST_F(LoggerTest, TheLevelCanBeChangedWhileRunning) {
  logger_.Debug("hidden");
  EXPECT_TRUE(lines_.empty());
  EXPECT_FALSE(logger_.Enabled(Level::kDebug));
  logger_.SetLevel(Level::kDebug);
  EXPECT_EQ(logger_.level(), Level::kDebug);
  logger_.Debug("shown");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(Last()["level"], "debug");
  logger_.SetLevel(Level::kError);
  EXPECT_EQ(logger_.level(), Level::kError);
  logger_.Warn("hidden");
  logger_.Error("shown");
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(Last()["level"], "error");
}

TEST_F(LoggerTest, ThreadsDoNotMixTheirLines) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 500; ++n) logger_.Info("x", {{"thread", i}, {"n", n}});
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), 2'000u);
  int64_t sum = 0;
  for (const std::string& line : lines_) sum += json::parse(line)["n"].get<int64_t>();
  EXPECT_EQ(sum, 4 * 499 * 500 / 2);
}

TEST_F(LoggerTest, FilesAreAppendedTo) {
  std::string pattern = (std::filesystem::temp_directory_path() / "dinh_log_XXXXXX").string();
  const std::string folder = mkdtemp(pattern.data());
  const std::string path = folder + "/dinh.log";
  for (const char* event : {"first", "second"}) {
    auto logger = Logger::Open(clock_, "standalone", path, Level::kInfo);
    ASSERT_TRUE(logger.ok());
    (*logger)->Info(event);
    // It is there before the logger is gone: a killed process keeps its last line.
    std::ifstream in(path);
    std::string line, last;
    while (std::getline(in, line)) last = line;
    EXPECT_EQ(json::parse(last)["event"], event);
  }
  std::filesystem::remove_all(folder);
  const auto refused = Logger::Open(clock_, "x", "/proc/no/such/file", Level::kInfo);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(base::DetailOf(refused.status())->reason, "LOG_FILE_UNWRITABLE");
}

TEST_F(LoggerTest, StandardErrorIsTheDefault) {
  ::testing::internal::CaptureStderr();
  auto logger = Logger::Open(clock_, "standalone", "", Level::kInfo);
  ASSERT_TRUE(logger.ok());
  (*logger)->Info("started");
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(json::parse(written)["event"], "started");
  EXPECT_TRUE(written.ends_with("}\n"));
}

TEST(LevelTest, NamesBothWays) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    EXPECT_EQ(ParseLevel(LevelName(level)), level);
  }
  EXPECT_EQ(ParseLevel("INFO"), std::nullopt);
  EXPECT_EQ(ParseLevel(""), std::nullopt);
}

TEST_F(LoggerTest, OpensWhatTheOperatorSaid) {
  auto logger = OpenLogger(clock_, "x", {.level = "warn"});
  ASSERT_TRUE(logger.ok());
  EXPECT_EQ((*logger)->level(), Level::kWarn);
  const auto refused = OpenLogger(clock_, "x", {.level = "loud"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(base::DetailOf(refused.status())->reason, "INVALID_CONFIG");
}

TEST(LogConfigTest, BindsItsKeys) {
  config::Registry registry;
  LogConfig log;
  log.Bind(registry);
  ASSERT_TRUE(registry.Load("", {"DINH_LOG_LEVEL=debug", "DINH_LOG_FILE=/tmp/x"}).ok());
  EXPECT_EQ(ParseLevel(log.level), Level::kDebug);
  EXPECT_EQ(log.file, "/tmp/x");
}

}  // namespace
}  // namespace dinh::telemetry
