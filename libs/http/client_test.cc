// The client against a server that says what a test wants, byte by byte.
#include "libs/http/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "libs/base/status.h"

namespace dinh::http {
namespace {

// Takes connections one after the other; each is answered by the next script, which gets the connected socket.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::function<void(int)>> scripts) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const auto& script : scripts) {
        const int fd = accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        script(fd);
        close(fd);
      }
    });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  uint16_t port = 0;

 private:
  int listener_;
  std::thread thread_;
};

// Reads up to the end of a request's header and returns what came.
std::string ReadHead(int fd) {
  std::string all;
  char buffer[4096];
  while (all.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0) break;
    all.append(buffer, n);
  }
  return all;
}

void Say(int fd, std::string_view bytes) {
  EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
}

// Answers one request with `bytes`, then closes.
std::function<void(int)> Answer(const std::string& bytes) {
  return [bytes](int fd) {
    ReadHead(fd);
    Say(fd, bytes);
  };
}

Client To(const ScriptedServer& server, size_t bytes_max = 1'000'000, int timeout_ms = 20'000) {
  ClientOptions options;
  options.port = server.port;
  options.response_bytes_max = bytes_max;
  options.timeout = std::chrono::milliseconds(timeout_ms);
  return Client(options);
}

TEST(ClientTest, ReadsEveryFraming) {
  ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\nx-a: 2\r\n\r\nabc"),
       Answer("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
       Answer("HTTP/1.0 200 OK\r\n\r\nuntil the end"),
       Answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
       Answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")});
  Client client = To(server);
  absl::StatusOr<ClientResponse> response = client.Get("/");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "abc");
  EXPECT_EQ(response->Header("X-a"), "1");
  client.Close();
  response = client.Get("/");
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "abc");
  client.Close();
  EXPECT_EQ(client.Get("/")->body, "until the end");
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(client.Get("/")->status, 204);
  client.Close();
  EXPECT_EQ(client.Get("/")->status, 304);
}

TEST(ClientTest, SendsWhatItIsTold) {
  std::string seen;
  ScriptedServer server({[&](int fd) {
    seen = ReadHead(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }});
  Client client = To(server);
  ASSERT_TRUE(client.Post("/v1/x?y", "application/json", "", {{"Idempotency-Key", "k"}}).ok());
  EXPECT_EQ(seen, "POST /v1/x?y HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port) +
                      "\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n");
}

TEST(ClientTest, OpensAKeptConnectionAgainWhenTheServerHadClosedIt) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  // The second connection reads the request and closes without a word: only what may be repeated is sent again.
  const auto two_requests = [answer](int fd) {
    ReadHead(fd);
    Say(fd, answer);
    ReadHead(fd);
  };
  ScriptedServer server({Answer(answer), two_requests, Answer(answer), two_requests});
  Client client = To(server);
  EXPECT_EQ(client.Get("/")->body, "ok");
  EXPECT_EQ(client.Get("/")->body, "ok");  // the first connection was closed: noticed before sending, or after
  EXPECT_EQ(client.Get("/")->body, "ok");  // closed while the answer was awaited
  client.Close();
  EXPECT_EQ(client.Get("/")->body, "ok");
  EXPECT_EQ(client.Post("/", "text/plain", "pay").status().code(), absl::StatusCode::kUnavailable);
}

TEST(ClientTest, RefusesBrokenAnswers) {
  ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), Answer("HTTP/1.1 200 OK\r\nContent-Le"),
       Answer("SSH-2.0-OpenSSH\r\n\r\n"), Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
       Answer("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'x')), Answer("")});
  Client client = To(server, /*bytes_max=*/1000);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.Get("/").status().code(), absl::StatusCode::kDataLoss) << i;
  EXPECT_EQ(client.Get("/").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client.Get("/").status().code(), absl::StatusCode::kUnavailable);
}

TEST(ClientTest, KeepsItsDeadline) {
  ScriptedServer server({[](int fd) {
    ReadHead(fd);
    ReadHead(fd);  // until the client has gone
  }});
  Client client = To(server, 1000, /*timeout_ms=*/30);
  EXPECT_EQ(client.Get("/").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(client.connected());
}

TEST(ClientTest, SaysWhenNobodyListens) {
  uint16_t port = 0;
  {
    ScriptedServer gone({});
    port = gone.port;
  }
  ClientOptions options;
  options.port = port;
  EXPECT_EQ(Client(options).Get("/").status().code(), absl::StatusCode::kUnavailable);
  options.host = "no such host";
  EXPECT_EQ(Client(options).Get("/").status().code(), absl::StatusCode::kUnavailable);
}

TEST(ClientTest, ReadSomeKeepsTheConnectionOverATimeout) {
  std::atomic<bool> go{false};
  ScriptedServer server({[&](int fd) {
    ReadHead(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!go) std::this_thread::yield();
    Say(fd, "3\r\nabc\r\n0\r\n\r\n");
  }});
  Client client = To(server);
  ASSERT_TRUE(client.Open({}).ok());
  EXPECT_EQ(client.ReadSome(std::chrono::milliseconds(1)).status().code(), absl::StatusCode::kDeadlineExceeded);
  go = true;
  EXPECT_EQ(*client.ReadSome(std::chrono::seconds(20)), "abc");
  EXPECT_EQ(*client.ReadSome(std::chrono::seconds(20)), "");
}

}  // namespace
}  // namespace dinh::http
