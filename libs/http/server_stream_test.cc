// Answers that are sent piece by piece: events, downloads, and how they end.
#include <gtest/gtest.h>

#include <future>

#include "libs/base/strings.h"
#include "libs/http/server_test_util.h"
#include "libs/http/sse.h"

namespace dinh::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Event = ResponseStream::Event;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class StreamTest : public ServerTest {
 protected:
  // The stream of the next request; the handler hands it over.
  void Arm(const StreamHead& head = {}) {
    handler_.serve = [this, head](const ExchangePtr& exchange) { Put(exchange->StartStream(head)); };
  }
  void ArmSse() {
    handler_.serve = [this](const ExchangePtr& exchange) { Put(StartSse(*exchange)); };
  }
  std::shared_ptr<ResponseStream> Next() {
    EXPECT_TRUE(Eventually([&] {
      std::lock_guard lock(mutex_);
      return !streams_.empty();
    }));
    std::lock_guard lock(mutex_);
    auto stream = std::move(streams_.front());
    streams_.pop_front();
    return stream;
  }

 private:
  void Put(std::shared_ptr<ResponseStream> stream) {
    std::lock_guard lock(mutex_);
    streams_.push_back(std::move(stream));
  }

  std::mutex mutex_;
  std::deque<std::shared_ptr<ResponseStream>> streams_;
};

std::string ReadUntil(Client& client, std::string_view end) {
  std::string all;
  while (all.find(end) == std::string::npos) {
    const absl::StatusOr<std::string> more = client.ReadSome(kTestPatience);
    if (!more.ok() || more->empty()) break;
    all += *more;
  }
  return all;
}

TEST_F(StreamTest, EventsArriveOneByOneAndTheConnectionIsUsedAgain) {
  ArmSse();
  Start();
  Client client = NewClient();
  const absl::StatusOr<ClientResponse> head = client.Open({.target = "/events"});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->Header("Content-Type"), "text/event-stream");
  EXPECT_EQ(head->Header("Cache-Control"), "no-store");
  EXPECT_EQ(head->Header("Transfer-Encoding"), "chunked");
  const auto stream = Next();
  SseParser parser;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(stream->Write(FormatSse({.id = std::to_string(i), .data = "một\nhai"})));
    parser.Feed(ReadUntil(client, "\n\n"));
    const std::optional<SseEvent> event = parser.Next();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->id, std::to_string(i));
    EXPECT_EQ(event->data, "một\nhai");
  }
  stream->Close();
  EXPECT_EQ(*client.ReadSome(kTestPatience), "");
  EXPECT_FALSE(stream->Write("more"));
  EXPECT_TRUE(Eventually([&] { return stream->closed(); }));
}

TEST_F(StreamTest, HeartbeatsComeWhenNothingElseDoes) {
  ArmSse();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Open({}).ok());
  const auto stream = Next();
  for (int i = 0; i < 3; ++i) {
    std::string beat;
    ASSERT_TRUE(Eventually([&] {
      Advance(seconds(15));
      const absl::StatusOr<std::string> some = client.ReadSome(milliseconds(5));
      if (some.ok()) beat += *some;
      return !beat.empty();
    }));
    EXPECT_EQ(beat.substr(0, 3), kSseHeartbeatLine);
  }
  EXPECT_EQ(server_->stats().connections_open, 1u);
}

TEST_F(StreamTest, TellsWhenTheClientGoes) {
  Arm();
  Start();
  for (const bool reset : {false, true}) {
    Client client = NewClient();
    ASSERT_TRUE(client.Open({}).ok());
    const auto stream = Next();
    std::atomic<int> closed{0};
    stream->OnEvent([&](Event event) { closed += event == Event::kClosed ? 1 : 0; });
    stream->Write("x");
    if (reset) {
      client.Reset();
    } else {
      client.Close();
    }
    EXPECT_TRUE(Eventually([&] { return closed == 1; }));
    EXPECT_FALSE(stream->Write("y"));
    EXPECT_FALSE(stream->WriteAndWait("y"));
    std::atomic<int> again{0};
    stream->OnEvent([&](Event) { again += 1; });
    EXPECT_EQ(again, 1) << "told at once when it was over before";
  }
}

TEST_F(StreamTest, DroppingItWithoutCloseBreaksTheAnswer) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  auto stream = Next();
  ASSERT_TRUE(stream->WriteAndWait("half"));
  stream.reset();
  EXPECT_EQ(client.ReadResponse().status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  stream = Next();
  ASSERT_TRUE(stream->WriteAndWait("half"));
  stream->Abort();
  EXPECT_EQ(client.ReadResponse().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StreamTest, DownloadOfKnownLengthWithBackpressure) {
  constexpr size_t kPiece = 256 * 1024, kPieces = 80;
  StreamHead head;
  head.content_length = kPiece * kPieces;
  head.headers.Add("Content-Type", "application/pdf");
  const auto written = std::make_shared<std::atomic<size_t>>(0);
  handler_.serve = [this, head, written](const ExchangePtr& exchange) {
    Spawn([exchange, head, written] {
      const auto stream = exchange->StartStream(head);
      for (size_t i = 0; i < kPieces; ++i) {
        ASSERT_TRUE(stream->WriteAndWait(std::string(kPiece, static_cast<char>('a' + i % 26))));
        ++*written;
      }
      stream->Close();
    });
  };
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  ASSERT_TRUE(Eventually([&] { return *written > 0; }));
  const absl::StatusOr<ClientResponse> response = client.ReadResponse();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->Header("Content-Length"), std::to_string(kPiece * kPieces));
  ASSERT_EQ(response->body.size(), kPiece * kPieces);
  for (size_t i = 0; i < kPieces; ++i) EXPECT_EQ(response->body[i * kPiece], static_cast<char>('a' + i % 26));
  EXPECT_TRUE(client.connected());
}

TEST_F(StreamTest, AnotherLengthThanPromisedBreaksOff) {
  StreamHead head;
  head.content_length = 5;
  Arm(head);
  Start();
  Client client = NewClient();
  for (const std::string content : {"abc", "abcdefg"}) {
    ASSERT_TRUE(client.SendRaw(kGet).ok());
    const auto stream = Next();
    stream->Write(content);
    stream->Close();
    EXPECT_FALSE(client.ReadResponse().ok()) << content;
  }
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  const auto stream = Next();
  stream->Write("abcde");
  stream->Close();
  EXPECT_EQ(client.ReadResponse()->body, "abcde");
}

TEST_F(StreamTest, AClientThatDoesNotReadIsCutOff) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  const auto stream = Next();
  std::atomic<int> lost{0}, closed{0};
  stream->OnEvent([&](Event) { ++closed; });
  // Until the kernel's buffers are full, so that the limit is reached while a write is blocked.
  std::atomic<int> sent_pieces{0};
  int pieces = 0;
  for (; pieces < 500 && !stream->closed(); ++pieces) {
    stream->Write(std::string(100'000, 'x'), [&](bool sent) { (sent ? sent_pieces : lost) += 1; });
    std::this_thread::yield();
  }
  EXPECT_TRUE(Eventually([&] { return closed == 1 && server_->stats().connections_open == 0; }));
  EXPECT_GT(lost, 0);
  EXPECT_EQ(lost + sent_pieces, pieces);
}

TEST_F(StreamTest, AStalledStreamEndsByTime) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  const auto stream = Next();
  stream->Write(Huge());
  EXPECT_TRUE(Eventually([&] {
    Advance(seconds(16));
    return server_->stats().connections_open == 0;
  }));
  EXPECT_TRUE(Eventually([&] { return stream->closed(); }));
}

TEST_F(StreamTest, PipelinedRequestsWaitBehindAStream) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw(std::string(kGet) + kGet + kGet).ok());
  for (const char* content : {"one", "two", "three"}) {
    const auto stream = Next();
    stream->Write(content);
    stream->Close();
    EXPECT_EQ(client.ReadResponse()->body, content);
  }
}

TEST_F(StreamTest, Http10GetsItUntilTheEndOfTheConnectionAndHeadGetsNothing) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.SendRaw("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").ok());
  auto stream = Next();
  stream->Write("old");
  stream->Close();
  const absl::StatusOr<std::string> all = client.ReadToEnd();
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all->ends_with("Connection: close\r\n\r\nold")) << *all;
  ASSERT_TRUE(client.SendRaw("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  stream = Next();
  EXPECT_TRUE(stream->WriteAndWait("unseen"));
  stream->Close();
  EXPECT_EQ(client.ReadResponse(true)->body, "");
  ASSERT_TRUE(client.SendRaw(kGet).ok());
  stream = Next();
  stream->Write("seen");
  stream->Close();
  EXPECT_EQ(client.ReadResponse()->body, "seen");
}

TEST_F(StreamTest, DrainTellsStreamsAndLetsThemEnd) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Open({}).ok());
  const auto stream = Next();
  std::promise<void> draining;
  std::atomic<bool> closed{false};
  stream->OnEvent([&](Event event) {
    if (event == Event::kDraining) draining.set_value();
    if (event == Event::kClosed) closed = true;
  });
  std::thread stopper([&] { server_->Stop(kTestPatience); });
  draining.get_future().get();
  EXPECT_TRUE(stream->Write("bye"));
  stream->Close();
  EXPECT_EQ(ReadUntil(client, "bye"), "bye");
  stopper.join();
  EXPECT_TRUE(closed);
}

TEST_F(StreamTest, StopCutsStreamsOffAndLateUseIsHarmless) {
  Arm();
  Start();
  Client client = NewClient();
  ASSERT_TRUE(client.Open({}).ok());
  const auto stream = Next();
  server_->Stop(milliseconds(1));
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->Write("x"));
  EXPECT_FALSE(stream->WriteAndWait("x"));
  stream->Close();
  server_.reset();
}

}  // namespace
}  // namespace dinh::http
