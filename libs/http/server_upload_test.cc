// Bodies that are streamed: how they arrive, how fast they must, and how they break.
#include <gtest/gtest.h>

#include <future>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/multipart.h"
#include "libs/http/server_test_util.h"

namespace dinh::http {
namespace {

using std::chrono::seconds;

constexpr uint64_t kLimit = 20 * 1024 * 1024;

// A body that can be told from any other of its length, made as it is sent.
Client::Source Bytes(uint64_t size, uint64_t break_at = UINT64_MAX) {
  auto sent = std::make_shared<uint64_t>(0);
  return [=](std::span<char> out) -> absl::StatusOr<size_t> {
    if (*sent >= break_at) return absl::AbortedError("broken off");
    const size_t n = std::min<uint64_t>({out.size(), size - *sent, break_at - *sent});
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<char>((*sent + i) * 2654435761u >> 24);
    *sent += n;
    return n;
  };
}

std::string Collected(uint64_t size) {
  std::string out(size, '\0');
  EXPECT_TRUE(Bytes(size)(std::span<char>(out.data(), out.size())).ok());
  return out;
}

class UploadTest : public ServerTest {
 protected:
  void SetUp() override {
    handler_.plan = [this](const Request&) { return BodyPlan::Read(limit_); };
    handler_.serve = [this](const ExchangePtr& exchange) {
      if (exchange->body_reader() == nullptr) {
        exchange->Respond(Text("no body"));
        return;
      }
      Spawn([this, exchange] { ReadAll(exchange); });
    };
  }

  void ReadAll(const ExchangePtr& exchange) {
    std::string body(1000, '\0');
    std::string all;
    absl::StatusOr<size_t> n = 0;
    do {
      n = exchange->body_reader()->Read(std::span<char>(body.data(), body.size()));
      if (n.ok()) all.append(body.data(), *n);
    } while (n.ok() && *n > 0);
    std::lock_guard lock(mutex_);
    status_ = n.status();
    ended_ = true;
    if (n.ok()) exchange->Respond(Text(std::to_string(all.size()) + " " + base::HexEncode(base::Sha256(all))));
  }

  // How the last body ended.
  std::string Reason() {
    EXPECT_TRUE(Eventually([&] {
      std::lock_guard lock(mutex_);
      return ended_;
    }));
    std::lock_guard lock(mutex_);
    const auto detail = base::DetailOf(status_);
    return detail.has_value() ? detail->reason : "OK";
  }

  uint64_t limit_ = kLimit;
  std::mutex mutex_;
  absl::Status status_;
  bool ended_ = false;
};

TEST_F(UploadTest, LargeBodiesArriveWhole) {
  Start();
  Client client = NewClient();
  for (uint64_t size : {1ul, 4096ul, 70'001ul, 9'000'000ul, static_cast<unsigned long>(kLimit)}) {
    const std::string expected = std::to_string(size) + " " + base::HexEncode(base::Sha256(Collected(size)));
    const absl::StatusOr<ClientResponse> sized = client.SendStream({.method = "POST"}, Bytes(size), size);
    ASSERT_TRUE(sized.ok()) << sized.status();
    EXPECT_EQ(sized->body, expected);
    const absl::StatusOr<ClientResponse> chunked = client.SendStream({.method = "POST"}, Bytes(size));
    ASSERT_TRUE(chunked.ok()) << chunked.status();
    EXPECT_EQ(chunked->body, expected);
  }
  EXPECT_EQ(client.Get("/")->body, "no body");
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
}

TEST_F(UploadTest, OverTheLimitIs413AndTheClientSeesIt) {
  Start();
  Client client = NewClient();
  const absl::StatusOr<ClientResponse> sized = client.SendStream({.method = "POST"}, Bytes(kLimit + 1), kLimit + 1);
  ASSERT_TRUE(sized.ok()) << sized.status();
  EXPECT_EQ(sized->status, 413);
  const absl::StatusOr<ClientResponse> chunked = client.SendStream({.method = "POST"}, Bytes(kLimit + 1));
  ASSERT_TRUE(chunked.ok()) << chunked.status();
  EXPECT_EQ(chunked->status, 413);
  EXPECT_EQ(Reason(), "BODY_TOO_LARGE");
}

TEST_F(UploadTest, BrokenUploadsReachTheReader) {
  Start();
  Client client = NewClient();
  EXPECT_EQ(client.SendStream({.method = "POST"}, Bytes(1'000'000, 300'000), 1'000'000).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(Reason(), "UPLOAD_BROKEN");
  ended_ = false;
  ASSERT_TRUE(client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 2; }));
  client.Reset();
  EXPECT_EQ(Reason(), "UPLOAD_BROKEN");
  ended_ = false;
  ASSERT_TRUE(
      client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n").ok());
  EXPECT_EQ(client.ReadResponse()->status, 400);
  EXPECT_EQ(Reason(), "MALFORMED_REQUEST");
}

TEST_F(UploadTest, TenSecondsWithoutAByteIs408) {
  Start();
  Client client = NewClient();
  ASSERT_TRUE(
      client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x')).ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 1; }));
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(11));
    return server_->stats().timeouts == 1;
  }));
  const absl::StatusOr<ClientResponse> response = client.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 408);
  EXPECT_EQ(Reason(), "UPLOAD_TOO_SLOW");
  EXPECT_EQ(server_->stats().timeouts, 1u);
}

TEST_F(UploadTest, BelowTheLeastRateIs408) {
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 1; }));
  // Never a stall, but half of what is asked for.
  for (int second = 0; second < 25 && server_->stats().timeouts == 0; ++second) {
    if (!client.SendRaw(std::string(1000, 'x')).ok()) break;
    Advance(seconds(1));
  }
  const absl::StatusOr<ClientResponse> response = client.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 408);
  EXPECT_EQ(Reason(), "UPLOAD_TOO_SLOW");
}

TEST_F(UploadTest, EnoughBytesEachWindowKeepAnUploadAlive) {
  struct Counter final : BodySink {
    bool OnData(std::string_view data) override {
      bytes += data.size();
      return true;
    }
    void OnEnd(absl::Status status) override { complete = status.ok(); }
    std::atomic<uint64_t> bytes{0};
    std::atomic<bool> complete{false};
  };
  const auto sink = std::make_shared<Counter>();
  handler_.plan = [&](const Request&) { return BodyPlan::Stream(sink, kLimit); };
  ExchangePtr held;
  handler_.serve = [&](ExchangePtr exchange) { held = std::move(exchange); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n").ok());
  for (uint64_t sent = 3000; sent <= 90'000; sent += 3000) {
    ASSERT_TRUE(client.SendRaw(std::string(3000, 'x')).ok());
    ASSERT_TRUE(Eventually([&] { return sink->bytes == sent; }));
    Advance(seconds(1));
  }
  EXPECT_TRUE(Eventually([&] { return sink->complete.load(); }));
  EXPECT_EQ(server_->stats().timeouts, 0u);
}

TEST_F(UploadTest, ABusySinkStopsTheReadingAndTheClock) {
  struct Slow final : BodySink {
    bool OnData(std::string_view data) override {
      bytes += data.size();
      return false;
    }
    void OnEnd(absl::Status status) override { ended = status.ok(); }
    std::atomic<uint64_t> bytes{0};
    std::atomic<bool> ended{false};
  };
  const auto sink = std::make_shared<Slow>();
  std::promise<ExchangePtr> arrived;
  handler_.plan = [&](const Request&) { return BodyPlan::Stream(sink, kLimit); };
  handler_.serve = [&](ExchangePtr exchange) { arrived.set_value(std::move(exchange)); };
  Start();
  constexpr uint64_t kSize = 10'000'000;
  std::thread sender([&] {
    Client client = NewClient();
    const absl::StatusOr<ClientResponse> response = client.SendStream({.method = "POST"}, Bytes(kSize), kSize);
    EXPECT_TRUE(response.ok() && response->body == "done") << response.status();
  });
  const ExchangePtr exchange = arrived.get_future().get();
  EXPECT_TRUE(Eventually([&] { return sink->bytes > 0; }));
  const uint64_t first = sink->bytes;
  EXPECT_LE(first, 64u * 1024u);
  Advance(seconds(20));  // the client's clock stands still meanwhile
  uint64_t seen = first;
  while (!sink->ended) {
    EXPECT_LE(sink->bytes, seen + 64 * 1024);
    seen = sink->bytes;
    exchange->ResumeBody();
    if (!Eventually([&] { return sink->bytes > seen || sink->ended; })) break;
  }
  EXPECT_EQ(sink->bytes, kSize);
  EXPECT_EQ(server_->stats().timeouts, 0u);
  exchange->Respond(Text("done"));
  sender.join();
}

TEST_F(UploadTest, ASinkThatNeverGoesOnIsEnded) {
  struct Stuck final : BodySink {
    bool OnData(std::string_view) override { return false; }
    void OnEnd(absl::Status status) override { code = status.code(); }
    std::atomic<absl::StatusCode> code{absl::StatusCode::kOk};
  };
  const auto sink = std::make_shared<Stuck>();
  handler_.plan = [&](const Request&) { return BodyPlan::Stream(sink, kLimit); };
  ExchangePtr held;
  handler_.serve = [&](ExchangePtr exchange) { held = std::move(exchange); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc").ok());
  ASSERT_TRUE(Eventually([&] {
    Advance(seconds(9));
    return server_->stats().timeouts == 1;
  }));
  EXPECT_TRUE(client.ReadResponse()->status / 100 >= 4);
  EXPECT_EQ(sink->code, absl::StatusCode::kDeadlineExceeded);
}

TEST_F(UploadTest, AnswersBeforeTheBodyEnds) {
  handler_.serve = [](const ExchangePtr& exchange) { exchange->Respond(Text("not allowed", 403)); };
  Start();
  Client client = NewClient();
  const absl::StatusOr<ClientResponse> response = client.SendStream({.method = "POST"}, Bytes(kLimit), kLimit);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->Header("Connection"), "close");
}

TEST_F(UploadTest, RejectsBeforeTheBodyIsRead) {
  handler_.plan = [](const Request& head) {
    EXPECT_EQ(head.headers.Get("content-type"), "image/gif");
    return BodyPlan::Reject(Text("only PDF", 415));
  };
  handler_.serve = [](const ExchangePtr&) { FAIL() << "a rejected request was served"; };
  Start();
  Client client = NewClient();
  const absl::StatusOr<ClientResponse> response =
      client.SendStream({.method = "POST", .headers = {{"Content-Type", "image/gif"}}}, Bytes(kLimit), kLimit);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 415);
  EXPECT_EQ(response->body, "only PDF");
}

TEST_F(UploadTest, SaysContinueOnlyToThoseWhoMayGoOn) {
  handler_.plan = [](const Request& head) {
    return head.path == "/no" ? BodyPlan::Reject(Text("no", 403)) : BodyPlan::Buffer(100);
  };
  handler_.serve = [](const ExchangePtr& exchange) { exchange->Respond(Text(std::string(exchange->request().body))); };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(
      client.SendRaw("POST /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().requests == 1; }));
  ASSERT_TRUE(client.SendRaw("hiGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ok());
  const absl::StatusOr<std::string> all = client.ReadToEnd();
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all->starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << *all;
  for (const char* request : {"POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
                              "POST /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n"}) {
    ASSERT_TRUE(client.SendRaw(request).ok());
    const absl::StatusOr<std::string> refused = client.ReadToEnd();
    ASSERT_TRUE(refused.ok());
    EXPECT_TRUE(refused->starts_with("HTTP/1.1 4")) << *refused;
  }
}

TEST_F(UploadTest, BufferedBodiesHaveABudgetTogether) {
  options_.buffered_bytes_max = 10'000;
  handler_.plan = [](const Request&) { return BodyPlan::Buffer(8000); };
  handler_.serve = [](const ExchangePtr& exchange) {
    exchange->Respond(Text(std::to_string(exchange->request().body.size())));
  };
  Start();
  Client slow = NewClient();
  ASSERT_TRUE(slow.SendRaw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n" + std::string(7999, 'x')).ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().buffered_bytes == 7999; }));
  const absl::StatusOr<ClientResponse> refused = NewClient().Post("/", "text/plain", std::string(8000, 'y'));
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->Header("Retry-After"), "1");
  EXPECT_EQ(NewClient().Post("/", "text/plain", "small")->body, "5");
  ASSERT_TRUE(slow.SendRaw("x").ok());
  EXPECT_EQ(slow.ReadResponse()->body, "8000");
  EXPECT_TRUE(Eventually([&] { return server_->stats().buffered_bytes == 0; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(slow.Post("/", "text/plain", std::string(8000, 'y'))->body, "8000");
}

TEST_F(UploadTest, CarriesARouteFromPlanToRequest) {
  handler_.plan = [](const Request& head) {
    BodyPlan plan = BodyPlan::Buffer(100);
    plan.context = std::make_shared<std::string>("route of " + std::string(head.path));
    return plan;
  };
  handler_.serve = [](const ExchangePtr& exchange) {
    const auto* route = static_cast<const std::string*>(exchange->context().get());
    exchange->Respond(Text(route != nullptr ? *route : "none"));
  };
  Start();
  Client client = NewClient();
  EXPECT_EQ(client.Post("/a", "text/plain", "x")->body, "route of /a");
  EXPECT_EQ(client.Get("/a")->body, "none");
}

TEST_F(UploadTest, MultipartEndToEnd) {
  handler_.serve = [this](const ExchangePtr& exchange) {
    Spawn([exchange] {
      struct Parts final : MultipartParser::Listener {
        absl::Status OnPartBegin(const MultipartPart& part) override {
          out += part.name + "=" + part.filename.value_or("") + ";";
          data.clear();
          return absl::OkStatus();
        }
        absl::Status OnPartData(std::string_view bytes) override {
          data += bytes;
          return absl::OkStatus();
        }
        absl::Status OnPartEnd() override {
          out += std::to_string(data.size()) + base::HexEncode(base::Sha256(data)) + ";";
          return absl::OkStatus();
        }
        std::string out, data;
      } parts;
      MultipartParser parser(*MultipartBoundary(exchange->request().headers.Get("Content-Type")), {}, parts);
      char buffer[8192];
      for (;;) {
        const absl::StatusOr<size_t> n = exchange->body_reader()->Read(buffer);
        ASSERT_TRUE(n.ok()) << n.status();
        if (*n == 0) break;
        ASSERT_TRUE(parser.Feed(std::string_view(buffer, *n)).ok());
      }
      exchange->Respond(Text(parser.Finish().ok() ? parts.out : "broken"));
    });
  };
  Start();
  Client client = NewClient();
  const absl::StatusOr<ClientResponse> response =
      client.Upload({.method = "POST", .target = "/v1/attachments"}, {{"kind", "application"}},
                    {.field = "file",
                     .filename = "Đơn.pdf",
                     .content_type = "application/pdf",
                     .content = Bytes(3'000'000),
                     .bytes = 3'000'000});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "kind=;11" + base::HexEncode(base::Sha256("application")) + ";file=Đơn.pdf;3000000" +
                                base::HexEncode(base::Sha256(Collected(3'000'000))) + ";");
}

TEST(BodyReaderTest, KeepsItsBoundAndOrderBetweenTwoThreads) {
  std::atomic<int> resumed{0};
  BodyReader reader([&] { resumed.fetch_add(1); }, 1000);
  std::string received;
  std::thread consumer([&] {
    char buffer[37];
    for (;;) {
      const absl::StatusOr<size_t> n = reader.Read(buffer);
      ASSERT_TRUE(n.ok());
      if (*n == 0) return;
      received.append(buffer, *n);
    }
  });
  std::string sent;
  int pauses = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(1 + i % 97, static_cast<char>('a' + i % 26));
    sent += piece;
    if (!reader.OnData(piece)) {
      ++pauses;
      EXPECT_TRUE(Eventually([&] { return resumed == pauses; }));
    }
  }
  reader.OnEnd(absl::OkStatus());
  consumer.join();
  EXPECT_EQ(received, sent);
  EXPECT_GT(pauses, 0);
  char more[8];
  EXPECT_EQ(*reader.Read(more), 0u);
}

TEST(BodyReaderTest, WhatArrivedComesBeforeWhyItEnded) {
  BodyReader reader([] {});
  reader.OnData("abcdef");
  reader.OnEnd(absl::CancelledError("gone"));
  char buffer[4];
  ASSERT_EQ(*reader.Read(buffer), 4u);
  ASSERT_EQ(*reader.Read(buffer), 2u);
  EXPECT_TRUE(absl::IsCancelled(reader.Read(buffer).status()));
  EXPECT_TRUE(absl::IsCancelled(reader.Read(buffer).status()));
}

}  // namespace
}  // namespace dinh::http
