// A server on a free port with a handler made of functions and a clock that stands still until a test moves it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/clock.h"
#include "libs/http/client.h"
#include "libs/http/server.h"

namespace dinh::http {

inline constexpr std::chrono::seconds kTestPatience{20};

// Polls until `condition` holds; false when it never did.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// More than any kernel's socket buffers hold.
inline std::string Huge() {
  std::string out;
  for (int megabytes = 0; megabytes < 40; ++megabytes) out.append(1'000'000, 'x');
  return out;
}

inline Response Text(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

class FunctionHandler final : public Handler {
 public:
  BodyPlan PlanBody(const Request& head) override { return plan ? plan(head) : Handler::PlanBody(head); }
  void OnRequest(ExchangePtr exchange) override { serve(std::move(exchange)); }
  Response OnProtocolError(ProtocolError error, const Request* head) override {
    Response response = Handler::OnProtocolError(error, head);
    if (head != nullptr) response.headers.Add("X-Path", head->path);
    return response;
  }

  std::function<BodyPlan(const Request&)> plan;
  std::function<void(ExchangePtr)> serve = [](const ExchangePtr& exchange) {
    exchange->Respond(Text(std::string(exchange->request().method_name) + " " +
                           std::string(exchange->request().target) + " " + std::string(exchange->request().body)));
  };
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.tick = std::chrono::milliseconds(2);
    options_.connections_per_address_max = 100'000;
  }

  void Start() {
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options_, handler_, clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server);
  }

  void TearDown() override {
    server_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  Client NewClient() {
    ClientOptions options;
    options.port = server_->port();
    options.timeout = kTestPatience;
    return Client(options);
  }

  // A handler thread, joined after the server has stopped.
  void Spawn(std::function<void()> work) {
    std::lock_guard lock(threads_mutex_);
    threads_.emplace_back(std::move(work));
  }

  void Advance(std::chrono::milliseconds time) { clock_.Advance(time.count() * base::kMicrosPerMilli); }

  base::FakeClock clock_{1'770'940'799 * base::kMicrosPerSecond};
  ServerOptions options_;
  FunctionHandler handler_;
  std::unique_ptr<Server> server_;

 private:
  std::mutex threads_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace dinh::http
