// Sizes, counts and times: what a hostile or broken client can do to the server, and what it gets.
#include <gtest/gtest.h>

#include <future>

#include "libs/http/server_test_util.h"

namespace dinh::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class ServerLimitsTest : public ServerTest {
 protected:
  // One connection, `bytes`, everything that comes back.
  std::string Talk(std::string_view bytes) {
    Client client = NewClient();
    EXPECT_TRUE(client.SendRaw(bytes).ok());
    const absl::StatusOr<std::string> all = client.ReadToEnd();
    return all.ok() ? *all : all.status().ToString();
  }
};

TEST_F(ServerLimitsTest, HeadersTargetsAndBodiesThatAreTooLarge) {
  handler_.plan = [](const Request&) { return BodyPlan::Buffer(1000); };
  Start();
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  EXPECT_TRUE(Talk("GET /" + std::string(8191, 'a') + host + "Connection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(Talk("GET /" + std::string(8192, 'a') + host + "\r\n").starts_with("HTTP/1.1 414"));
  EXPECT_TRUE(Talk("GET /" + std::string(100'000, 'a') + host + "\r\n").starts_with("HTTP/1.1 414"));
  EXPECT_TRUE(Talk("GET /" + host + "Connection: close\r\nX: " + std::string(16'000, 'a') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(Talk("GET /" + host + "X: " + std::string(16'384, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: a\r\n";
  EXPECT_TRUE(Talk("GET /" + host + many + "\r\n").starts_with("HTTP/1.1 431"));
  const std::string at_limit =
      Talk("POST /p" + host + "Connection: close\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'b'));
  EXPECT_TRUE(at_limit.starts_with("HTTP/1.1 200") && at_limit.ends_with("b")) << at_limit;
  const std::string over = Talk("POST /p" + host + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'b'));
  EXPECT_TRUE(over.starts_with("HTTP/1.1 413") && over.find("X-Path: /p") != std::string::npos) << over;
  EXPECT_TRUE(Talk("POST /p" + host + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + std::string(1000, 'b') +
                   "\r\n1\r\nb\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 413"));
  // A chunk header without an end.
  EXPECT_TRUE(Talk("POST /p" + host + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x'))
                  .starts_with("HTTP/1.1 400"));
}

TEST_F(ServerLimitsTest, RefusesConnectionsOverTheLimit) {
  options_.connections_max = 3;
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(NewClient());
    ASSERT_EQ(clients.back().Get("/")->status, 200);
  }
  const absl::StatusOr<ClientResponse> refused = NewClient().Get("/");
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->Header("Retry-After"), "1");
  EXPECT_EQ(refused->Header("Connection"), "close");
  EXPECT_GE(server_->stats().connections_refused, 1u);
  // An idle one makes room for those who try again.
  EXPECT_TRUE(Eventually([&] { return NewClient().Get("/")->status == 200; }));
  EXPECT_EQ(clients[2].Get("/")->status, 200);
}

TEST_F(ServerLimitsTest, BusyConnectionsAreNotEvicted) {
  options_.connections_max = 2;
  std::mutex mutex;
  std::vector<ExchangePtr> held;
  handler_.serve = [&](ExchangePtr exchange) {
    std::lock_guard lock(mutex);
    held.push_back(std::move(exchange));
  };
  Start();
  Client first = NewClient(), second = NewClient();
  ASSERT_TRUE(first.SendRaw(kGet).ok());
  ASSERT_TRUE(second.SendRaw(kGet).ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 2; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(NewClient().Get("/")->status, 503);
  {
    std::lock_guard lock(mutex);
    for (const ExchangePtr& exchange : held) exchange->Respond(Text("kept"));
  }
  EXPECT_EQ(first.ReadResponse()->body, "kept");
  EXPECT_EQ(second.ReadResponse()->body, "kept");
}

TEST_F(ServerLimitsTest, RefusesConnectionsOfOneAddressOverItsLimit) {
  options_.connections_per_address_max = 2;
  Start();
  Client first = NewClient(), second = NewClient();
  ASSERT_EQ(first.Get("/")->status, 200);
  ASSERT_EQ(second.Get("/")->status, 200);
  EXPECT_EQ(NewClient().Get("/")->status, 503);
  first.Close();
  EXPECT_TRUE(Eventually([&] { return NewClient().Get("/")->status == 200; }));
}

TEST_F(ServerLimitsTest, TrustedProxiesHaveNoAddressLimit) {
  options_.connections_per_address_max = 1;
  options_.trusted_proxies = {"127.0.0.1"};
  Start();
  Client first = NewClient(), second = NewClient();
  EXPECT_EQ(first.Get("/")->status, 200);
  EXPECT_EQ(second.Get("/")->status, 200);
}

TEST_F(ServerLimitsTest, IdleConnectionsEndSilently) {
  Start();
  Client fresh = NewClient(), kept = NewClient();
  ASSERT_TRUE(fresh.SendRaw("").ok());
  ASSERT_EQ(kept.Get("/")->status, 200);
  ASSERT_TRUE(Eventually([&] { return server_->stats().connections_open == 2; }));
  Advance(seconds(11));
  EXPECT_TRUE(fresh.WaitClosed(kTestPatience));  // never said a word
  EXPECT_EQ(kept.Get("/")->status, 200);
  Advance(seconds(45));
  EXPECT_EQ(kept.Get("/")->status, 200);
  EXPECT_EQ(server_->stats().connections_accepted, 2u);
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(30));
    return server_->stats().connections_open == 0;
  }));
  EXPECT_TRUE(kept.WaitClosed(kTestPatience));
  EXPECT_EQ(server_->stats().timeouts, 0u);
}

TEST_F(ServerLimitsTest, SlowHeadersAreEndedHoweverTheyTrickle) {
  Start();
  Client client = NewClient();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
  ASSERT_EQ(client.Get("/")->status, 200);
  // A byte each second: no byte buys more time.
  for (int i = 0; i < 20; ++i) {
    if (!client.SendRaw(request.substr(i, 1)).ok()) break;
    Advance(seconds(1));
  }
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(1));
    return server_->stats().timeouts == 1;
  }));
  const absl::StatusOr<ClientResponse> response = client.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 408);
  EXPECT_EQ(server_->stats().timeouts, 1u);
}

TEST_F(ServerLimitsTest, HandlersThatNeverAnswerAreAnsweredFor) {
  std::promise<ExchangePtr> arrived;
  handler_.serve = [&](ExchangePtr exchange) { arrived.set_value(std::move(exchange)); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  const ExchangePtr exchange = arrived.get_future().get();
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(36));
    return server_->stats().timeouts == 1;
  }));
  const absl::StatusOr<ClientResponse> response = client.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 504);
  EXPECT_FALSE(exchange->Respond(Text("too late")));
}

TEST_F(ServerLimitsTest, ClientsThatDoNotReadAreCutOff) {
  handler_.serve = [](const ExchangePtr& exchange) { exchange->Respond(Text(Huge())); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 1; }));
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(31));
    return server_->stats().connections_open == 0;
  }));
  EXPECT_EQ(server_->stats().timeouts, 1u);
}

TEST_F(ServerLimitsTest, SurvivesRandomBytes) {
  Start();
  uint32_t state = 1;
  const auto next = [&] { return state = state * 1664525u + 1013904223u; };
  const std::string seed =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + std::string(kGet);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = seed;
    for (int edits = 0; edits < 4; ++edits) bytes[next() % bytes.size()] = static_cast<char>(next() >> 24);
    Client client = NewClient();
    const size_t split = next() % bytes.size();
    ASSERT_TRUE(client.SendRaw(bytes.substr(0, split)).ok());
    client.SendRaw(bytes.substr(split)).IgnoreError();
  }
  EXPECT_EQ(NewClient().Get("/alive")->status, 200);
}

}  // namespace
}  // namespace dinh::http
