#include "libs/http/server.h"

#include <gtest/gtest.h>

#include <future>

#include "libs/base/status.h"
#include "libs/http/server_test_util.h"

namespace dinh::http {
namespace {

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

TEST_F(ServerTest, ServesManyRequestsOnOneConnection) {
  Start();
  Client client = NewClient();
  for (int i = 0; i < 20; ++i) {
    const absl::StatusOr<ClientResponse> response = client.Get("/v1/x?i=" + std::to_string(i));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "GET /v1/x?i=" + std::to_string(i) + " ");
    EXPECT_EQ(response->Header("Content-Type"), "text/plain");
    EXPECT_EQ(response->Header("Date"), "Thu, 12 Feb 2026 23:59:59 GMT");
    EXPECT_EQ(response->Header("Connection"), "");
  }
  const absl::StatusOr<ClientResponse> posted = client.Post("/p", "application/json", "{\"a\":1}");
  ASSERT_TRUE(posted.ok());
  EXPECT_EQ(posted->body, "POST /p {\"a\":1}");
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
  EXPECT_EQ(server_->stats().connections_open, 1u);
  EXPECT_EQ(server_->stats().requests, 21u);
}

TEST_F(ServerTest, ShowsTheRequestAsItCame) {
  handler_.serve = [](const ExchangePtr& exchange) {
    const Request& request = exchange->request();
    std::string out;
    for (std::string_view part :
         {request.method_name, request.path, request.query, request.host, request.client_address, request.body}) {
      out += std::string(part) + "|";
    }
    out += std::string(request.headers.Get("x-trace")) + "|" + std::to_string(request.version_minor) +
           (request.is_https ? "s" : "p");
    EXPECT_FALSE(request.is_tls);
    EXPECT_EQ(request.has_body, !request.body.empty());
    exchange->Respond(Text(out));
  };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(
      client.SendRaw("PATCH /a%20b?q=1?2 HTTP/1.1\r\nHost: x.vn\r\nX-Trace: t\r\nContent-Length: 2\r\n\r\nhi").ok());
  EXPECT_EQ(client.ReadResponse()->body, "PATCH|/a%20b|q=1?2|x.vn|127.0.0.1|hi|t|1p");
  ASSERT_TRUE(client.SendRaw("GET http://y.vn HTTP/1.1\r\nHost: x.vn\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n").ok());
  EXPECT_EQ(client.ReadResponse()->body, "GET|/||y.vn|127.0.0.1|||1p");  // nobody is trusted
  ASSERT_TRUE(
      client.SendRaw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
          .ok());
  EXPECT_EQ(client.ReadResponse()->body, "POST|/||x|127.0.0.1|abcde||1p");
  ASSERT_TRUE(client.SendRaw("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").ok());
  EXPECT_EQ(client.ReadResponse()->body, "OPTIONS|*||x|127.0.0.1|||1p");
}

TEST_F(ServerTest, BelievesTrustedProxies) {
  options_.trusted_proxies = {"127.0.0.0/8"};
  handler_.serve = [](const ExchangePtr& exchange) {
    exchange->Respond(
        Text(std::string(exchange->request().client_address) + (exchange->request().is_https ? " https" : " http")));
  };
  Start();
  Client client = NewClient();
  EXPECT_EQ(client.Get("/", {{"X-Forwarded-For", "9.9.9.9, 203.0.113.5"}, {"X-Forwarded-Proto", "https"}})->body,
            "203.0.113.5 https");
  EXPECT_EQ(client.Get("/")->body, "127.0.0.1 http");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  std::atomic<int> running{0};
  handler_.serve = [&](const ExchangePtr& exchange) {
    EXPECT_EQ(running.fetch_add(1), 0) << "two requests of one connection at the same time";
    const bool elsewhere = exchange->request().path.ends_with("3");
    auto answer = [&running, exchange] {
      running.fetch_sub(1);
      exchange->Respond(Text(std::string(exchange->request().path) + std::string(exchange->request().body)));
    };
    if (elsewhere) {
      Spawn(answer);
    } else {
      answer();
    }
  };
  Start();
  Client client = NewClient();
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    if (i % 7 == 0) requests += "\r\n";  // forgiven
  }
  ASSERT_TRUE(client.SendRaw(requests).ok());
  for (int i = 0; i < 200; ++i) {
    const absl::StatusOr<ClientResponse> response = client.ReadResponse();
    ASSERT_TRUE(response.ok()) << i << response.status();
    EXPECT_EQ(response->body, "/" + std::to_string(i) + "abc");
  }
}

TEST_F(ServerTest, OnlyTheFirstAnswerCounts) {
  std::promise<ExchangePtr> held;
  handler_.serve = [&](const ExchangePtr& exchange) {
    EXPECT_TRUE(exchange->Respond(Text("first")));
    EXPECT_FALSE(exchange->Respond(Text("second")));
    EXPECT_EQ(exchange->StartStream({}), nullptr);
    if (exchange->request().path == "/held") held.set_value(exchange);
  };
  Start();
  Client client = NewClient();
  EXPECT_EQ(client.Get("/held")->body, "first");
  const ExchangePtr exchange = held.get_future().get();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.Get("/other/path")->body, "first");
  // Its views outlive its answer and the requests after it, and the server.
  EXPECT_EQ(exchange->request().path, "/held");
  EXPECT_FALSE(exchange->Respond(Text("third")));
  server_.reset();
  EXPECT_EQ(exchange->request().path, "/held");
}

TEST_F(ServerTest, AForgottenExchangeIsAnsweredWith500AtOnce) {
  handler_.serve = [this](const ExchangePtr& exchange) {
    if (exchange->request().path == "/elsewhere") {
      Spawn([exchange] { EXPECT_EQ(exchange->request().path, "/elsewhere"); });
    }
  };
  Start();
  Client client = NewClient();
  for (const char* path : {"/here", "/elsewhere", "/here", "/elsewhere"}) {
    const absl::StatusOr<ClientResponse> response = client.Get(path);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, 500);
    EXPECT_NE(response->body.find("\"INTERNAL\""), std::string::npos);
    EXPECT_EQ(response->Header("X-Path"), path);
  }
}

TEST_F(ServerTest, HeadAndBodilessStatuses) {
  handler_.serve = [](const ExchangePtr& exchange) {
    const int status = exchange->request().path == "/204" ? 204 : exchange->request().path == "/304" ? 304 : 200;
    exchange->Respond(Text("content", status));
  };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client
                  .SendRaw("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 "
                           "HTTP/1.1\r\nHost: a\r\n\r\n"
                           "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                  .ok());
  const absl::StatusOr<ClientResponse> head = client.ReadResponse(/*to_head_request=*/true);
  EXPECT_EQ(head->Header("Content-Length"), "7");
  EXPECT_EQ(head->body, "");
  const absl::StatusOr<ClientResponse> none = client.ReadResponse();
  EXPECT_EQ(none->status, 204);
  EXPECT_EQ(none->Header("Content-Length"), "");
  EXPECT_EQ(client.ReadResponse()->status, 304);
  const absl::StatusOr<ClientResponse> last = client.ReadResponse();
  EXPECT_EQ(last->body, "content");
  EXPECT_EQ(last->Header("Connection"), "close");
  EXPECT_FALSE(client.connected());
}

TEST_F(ServerTest, ConnectionsEndWhenTheyShould) {
  handler_.serve = [](const ExchangePtr& exchange) {
    Response response = Text("x");
    response.close = exchange->request().path == "/close";
    exchange->Respond(std::move(response));
  };
  Start();
  for (const auto& [request, closes] : std::vector<std::pair<std::string, bool>>{
           {"GET / HTTP/1.0\r\n\r\n", true},
           {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
           {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", true},
           {"GET /close HTTP/1.1\r\nHost: a\r\n\r\n", true},
       }) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw(request).ok());
    const absl::StatusOr<ClientResponse> response = client.ReadResponse();
    ASSERT_TRUE(response.ok()) << request;
    EXPECT_EQ(response->Header("Connection") == "close", closes) << request;
    if (!closes) {
      ASSERT_TRUE(client.SendRaw(request).ok());
      EXPECT_TRUE(client.ReadResponse().ok()) << request;
    }
  }
  // What comes behind a request that ends the connection is not served.
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET /close HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  const absl::StatusOr<std::string> all = client.ReadToEnd();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->find("HTTP/1.1 200", 1), std::string::npos);
}

TEST_F(ServerTest, HalfClosedClientStillGetsItsAnswer) {
  std::promise<ExchangePtr> arrived;
  handler_.serve = [&](ExchangePtr exchange) { arrived.set_value(std::move(exchange)); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  client.ShutdownWrite();
  arrived.get_future().get()->Respond(Text("late"));
  EXPECT_EQ(client.ReadResponse()->body, "late");
}

TEST_F(ServerTest, LargeAnswersSharedAndOwn) {
  const auto large = std::make_shared<const std::string>(9'000'000, 'v');
  handler_.serve = [&](const ExchangePtr& exchange) {
    Response response;
    if (exchange->request().path == "/shared") {
      response.shared = large;
    } else {
      response.body = *large;
    }
    exchange->Respond(std::move(response));
  };
  Start();
  Client client = NewClient();
  for (const char* path : {"/shared", "/own", "/shared"}) {
    const absl::StatusOr<ClientResponse> response = client.Get(path);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(response->body == *large);
  }
}

TEST_F(ServerTest, MalformedRequestsGetAProblemAndTheEnd) {
  Start();
  for (const auto& [request, status] : std::vector<std::pair<std::string, int>>{
           {"GET /\r\n\r\n", 400},
           {"\x16\x03\x01\x02", 400},
           {"GET / HTTP/1.1\r\n\r\n", 400},
           {"GET / HTTP/3.0\r\n\r\n", 505},
           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET "
            "/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            400},
           {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx", 400},
           {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
           {"POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 3\r\n\r\n", 417},
       }) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw(request).ok());
    const absl::StatusOr<std::string> all = client.ReadToEnd();
    ASSERT_TRUE(all.ok()) << request << all.status();
    EXPECT_TRUE(all->starts_with("HTTP/1.1 " + std::to_string(status))) << *all;
    EXPECT_NE(all->find("application/problem+json"), std::string::npos);
    EXPECT_NE(all->find("Connection: close"), std::string::npos);
    EXPECT_EQ(all->find("\r\nHTTP/1.1"), std::string::npos) << "one answer only";
    EXPECT_TRUE(all->ends_with("\"}")) << *all;
  }
  EXPECT_EQ(server_->stats().protocol_errors, 8u);
}

TEST_F(ServerTest, ConcurrentLoadFromManyClientsAnsweredFromManyThreads) {
  options_.io_threads = 2;
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<ExchangePtr> queue;
  bool ended = false;
  handler_.serve = [&](ExchangePtr exchange) {
    if (exchange->request().path.back() % 2 == 0) {
      exchange->Respond(Text(std::string(exchange->request().target)));
      return;
    }
    std::lock_guard lock(mutex);
    queue.push_back(std::move(exchange));
    arrived.notify_one();
  };
  std::vector<std::thread> answerers;
  answerers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    answerers.emplace_back([&] {
      for (;;) {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [&] { return ended || !queue.empty(); });
        if (queue.empty()) return;
        const ExchangePtr exchange = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        exchange->Respond(Text(std::string(exchange->request().target)));
      }
    });
  }
  Start();
  constexpr int kClients = 16, kRequests = 250;
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      Client client = NewClient();
      for (int i = 0; i < kRequests; ++i) {
        const std::string target = "/" + std::to_string(c) + "/" + std::to_string(i);
        if (i % 50 == 49) client.Close();
        const absl::StatusOr<ClientResponse> response = client.Get(target);
        if (response.ok() && response->body == target) good.fetch_add(1);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good.load(), kClients * kRequests);
  EXPECT_EQ(server_->stats().requests, static_cast<uint64_t>(kClients * kRequests));
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 0; }));
  {
    std::lock_guard lock(mutex);
    ended = true;
  }
  arrived.notify_all();
  for (std::thread& answerer : answerers) answerer.join();
}

TEST_F(ServerTest, ClientsThatVanishDoNoHarm) {
  std::mutex mutex;
  std::vector<ExchangePtr> held;
  handler_.serve = [&](ExchangePtr exchange) {
    std::lock_guard lock(mutex);
    held.push_back(std::move(exchange));
  };
  Start();
  for (int i = 0; i < 50; ++i) {
    Client client = NewClient();
    ASSERT_TRUE(client.SendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(i % 2 == 0 ? "GET /par" : "")).ok());
    ASSERT_TRUE(Eventually([&] {
      std::lock_guard lock(mutex);
      return held.size() == static_cast<size_t>(i + 1);
    }));
    client.Reset();
  }
  for (const ExchangePtr& exchange : held) exchange->Respond(Text(std::string(100'000, 'x')));
  EXPECT_TRUE(Eventually([&] { return server_->stats().connections_open == 0; }));
}

TEST_F(ServerTest, TellsWhyItCannotStart) {
  Start();
  FunctionHandler handler;
  ServerOptions options;
  options.port = server_->port();
  const absl::Status taken = Server::Start(options, handler, clock_).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(taken), "HTTP_BIND_FAILED");
  EXPECT_NE(taken.message().find("127.0.0.1:" + std::to_string(options.port)), absl::string_view::npos) << taken;
  options.port = 0;
  options.host = "nowhere.example";
  EXPECT_EQ(ReasonOf(Server::Start(options, handler, clock_).status()), "BAD_HTTP_OPTION");
  options.host = "127.0.0.1";
  options.io_threads = 0;
  EXPECT_EQ(ReasonOf(Server::Start(options, handler, clock_).status()), "BAD_HTTP_OPTION");
  options.io_threads = 1;
  options.trusted_proxies = {"everyone"};
  EXPECT_EQ(ReasonOf(Server::Start(options, handler, clock_).status()), "BAD_TRUSTED_PROXY");
  options.trusted_proxies.clear();
  for (const char* host : {"", "localhost", "0.0.0.0"}) {
    options.host = host;
    EXPECT_TRUE(Server::Start(options, handler, clock_).ok()) << host;
  }
}

TEST_F(ServerTest, DrainFinishesWhatIsInFlightAndNoMore) {
  std::promise<ExchangePtr> arrived;
  handler_.serve = [&](ExchangePtr exchange) {
    if (exchange->request().path == "/idle") {
      exchange->Respond(Text("x"));
    } else {
      arrived.set_value(std::move(exchange));
    }
  };
  Start();
  Client idle = NewClient(), busy = NewClient();
  ASSERT_TRUE(idle.Get("/idle").ok());
  ASSERT_TRUE(busy.SendRaw("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  const ExchangePtr exchange = arrived.get_future().get();
  std::thread stopper([&] { server_->Stop(kTestPatience); });
  EXPECT_TRUE(idle.WaitClosed(kTestPatience));
  EXPECT_TRUE(Eventually([&] { return !NewClient().Get("/idle").ok(); })) << "still accepts";
  exchange->Respond(Text("done"));
  const absl::StatusOr<ClientResponse> response = busy.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "done");
  EXPECT_EQ(response->Header("Connection"), "close");
  stopper.join();
  server_->Stop(std::chrono::milliseconds(0));
}

TEST_F(ServerTest, DrainCutsOffWhatDoesNotEnd) {
  std::promise<ExchangePtr> arrived;
  handler_.serve = [&](ExchangePtr exchange) { arrived.set_value(std::move(exchange)); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  const ExchangePtr exchange = arrived.get_future().get();
  server_->Stop(std::chrono::milliseconds(5));
  EXPECT_TRUE(client.WaitClosed(kTestPatience));
  EXPECT_TRUE(exchange->Respond(Text("nobody hears")));
}

}  // namespace
}  // namespace dinh::http
