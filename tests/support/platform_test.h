// A running platform for end-to-end tests: one server per test suite, demo accounts, readable calls.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/api_client.h"
#include "services/standalone/demo/story.h"
#include "tests/support/server_process.h"
#include "tests/support/village.h"

namespace dinh::testing {

inline demo::Json DemoData() {
  std::ifstream in(ServerProcess::Resources() + "/demo.json");
  return demo::Json::parse(in, nullptr, false);
}

inline demo::StoryOptions StoryOptionsFor(const ServerProcess& server) {
  demo::StoryOptions options;
  options.port = server.http_port();
  options.outbox_dir = server.outbox();
  options.demo = DemoData();
  return options;
}

class PlatformTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    // Limits stay on, but one test machine plays a whole village.
    server_ = std::make_unique<ServerProcess>(
        ServerProcess::Options{.data_dir = dir_->File("data"), .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000"}});
    absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  static void TearDownTestSuite() {
    server_.reset();
    dir_.reset();
  }
  void SetUp() override { ASSERT_TRUE(server_ != nullptr && server_->running()); }

  demo::Story NewStory() { return demo::Story(StoryOptionsFor(*server_)); }
  Village NewVillage() { return Village(StoryOptionsFor(*server_)); }
  demo::ApiClient Anonymous() { return demo::ApiClient("127.0.0.1", server_->http_port()); }
  demo::ApiClient Citizen(const std::string& key) {
    demo::Story story = NewStory();
    demo::ApiClient client = Anonymous();
    absl::Status status = story.LoginCitizen(client, key);
    EXPECT_TRUE(status.ok()) << status;
    return client;
  }
  demo::ApiClient Officer(const std::string& key) {
    demo::Story story = NewStory();
    demo::ApiClient client = Anonymous();
    absl::Status status = story.LoginOfficer(client, key);
    EXPECT_TRUE(status.ok()) << status;
    return client;
  }

  static inline std::unique_ptr<TempDir> dir_;
  static inline std::unique_ptr<ServerProcess> server_;
};

// Checks that an answer is a problem+json as promised: Vietnamese title, reason, trace id, no internal text.
inline void ExpectProblem(const demo::ApiAnswer& answer, int status, const std::string& reason = "") {
  EXPECT_EQ(answer.status, status) << answer.raw << answer.error;
  EXPECT_EQ(answer.Header("Content-Type"), "application/problem+json") << answer.raw;
  EXPECT_FALSE(answer.Text("title").empty()) << answer.raw;
  EXPECT_FALSE(answer.Text("reason").empty()) << answer.raw;
  EXPECT_FALSE(answer.Text("trace_id").empty()) << answer.raw;
  if (!reason.empty()) {
    EXPECT_EQ(answer.Text("reason"), reason) << answer.raw;
  }
  for (const char* internal : {"SELECT ", "INSERT ", "sqlite", ".cc:", "absl::", "/libs/", "/services/"}) {
    EXPECT_EQ(answer.raw.find(internal), std::string::npos) << answer.raw;
  }
}

}  // namespace dinh::testing
