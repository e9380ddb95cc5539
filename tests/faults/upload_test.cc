// An upload in pieces over connections that break and a server that dies: it goes on from where it stands, and what has
// come of it is the file that was sent.
#include <sstream>

#include "gmock/gmock.h"
#include "libs/base/random.h"
#include "libs/base/strings.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;

constexpr uint64_t kSeed = 20260214;
constexpr size_t kFileBytes = 3 * 1024 * 1024 + 17;
constexpr std::chrono::seconds kPatience{20};

class UploadFaultTest : public ::testing::Test {
 protected:
  UploadFaultTest() : server_({.data_dir = dir_.File("data"), .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=10000"}}) {
    base::SeededRandom random(kSeed);
    pdf_ = "%PDF-1.4\n" + random.Bytes(kFileBytes - 15) + "%%EOF\n";
  }

  void SetUp() override {
    const absl::Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started;
    token_ = Village(StoryOptionsFor(server_)).Citizen("citizen_a").token();
    const ApiAnswer begun = Client().Post("/v1/uploads", {{"file_name", "giấy.pdf"}, {"size_bytes", pdf_.size()}});
    ASSERT_EQ(begun.status, 200) << begun.raw;
    path_ = "/v1/uploads/" + begun.Text("id");
  }

  ApiClient Client() {
    ApiClient client("127.0.0.1", server_.http_port());
    client.set_token(token_);
    return client;
  }

  // By HEAD, which has no body.
  size_t Offset() {
    const ApiAnswer head = Client().Send("HEAD", path_, "", "");
    EXPECT_EQ(head.status, 200) << head.error;
    EXPECT_TRUE(head.raw.empty());
    EXPECT_EQ(head.Header("Upload-Length"), std::to_string(pdf_.size()));
    return std::stoull("0" + head.Header("Upload-Offset"));
  }
  bool WaitForOffset(size_t least) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      if (Offset() >= least) return true;
    }
    return false;
  }

  // A counter of AppendUpload reaches `count`: "grpc_server_started_total" when a call has begun,
  // "grpc_server_handled_total" when it has ended and what it brought is kept.
  bool WaitForCalls(const std::string& counter, int count) {
    ApiClient metrics("127.0.0.1", server_.metrics_port());
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      std::istringstream lines(metrics.Get("/metrics").raw);
      double calls = 0;
      for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(counter + "{") || line.find("AppendUpload") == std::string::npos) continue;
        calls += std::stod(line.substr(line.rfind(' ')));
      }
      if (calls >= count) return true;
    }
    return false;
  }

  // Announces all of the rest, and sends `bytes` of it.
  void SendPartOf(http::Client& client, size_t offset, size_t bytes) {
    const std::string head =
        "PATCH " + path_ + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token_ +
        "\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: " + std::to_string(offset) +
        "\r\nContent-Length: " + std::to_string(pdf_.size() - offset) + "\r\n\r\n";
    ASSERT_TRUE(client.SendRaw(head + pdf_.substr(offset, bytes)).ok());
  }
  http::Client RawClient() {
    http::ClientOptions options;
    options.port = server_.http_port();
    return http::Client(options);
  }

  // The rest at once. A broken call before may still be writing what it had: then the answer tells where to go on.
  ApiAnswer SendRest(size_t offset) {
    ApiAnswer answer = Client().SendPiece(path_, static_cast<int64_t>(offset), pdf_.substr(offset));
    if (answer.status == 409) {
      EXPECT_EQ(answer.Reason(), "UPLOAD_OFFSET_WRONG") << answer.raw;
      offset = std::stoull(answer.body["metadata"].value("offset", "0"));
      answer = Client().SendPiece(path_, static_cast<int64_t>(offset), pdf_.substr(offset));
    }
    return answer;
  }

  void ExpectWhole(const ApiAnswer& done) {
    ASSERT_EQ(done.status, 200) << done.raw << done.error;
    ASSERT_TRUE(done.body.contains("attachment")) << done.raw;
    EXPECT_EQ(done.body["attachment"].value("sha256", ""), base::HexEncode(base::Sha256(pdf_)));
    const ApiAnswer file = Client().Get("/v1/attachments/" + done.body["attachment"].value("id", ""));
    EXPECT_EQ(file.status, 200);
    EXPECT_TRUE(file.raw == pdf_) << file.raw.size() << " bytes came back";
    EXPECT_EQ(Offset(), pdf_.size());
  }

  TempDir dir_;
  ServerProcess server_;
  std::string pdf_, token_, path_;
};

TEST_F(UploadFaultTest, GoesOnAfterConnectionsWereReset) {
  base::SeededRandom random(kSeed);
  size_t offset = 0, kept = 0;
  constexpr int kResets = 8;
  for (int i = 0; i < kResets; ++i) {
    const size_t bytes = 1 + random.Below(400'000);
    {
      http::Client client = RawClient();
      SendPartOf(client, offset, bytes);
      ASSERT_TRUE(WaitForCalls("grpc_server_started_total", i + 1));
      client.Reset();
    }
    // What was still on its way is lost with the connection; what has arrived stays.
    ASSERT_TRUE(WaitForCalls("grpc_server_handled_total", i + 1));
    const size_t now = Offset();
    EXPECT_GE(now, offset);
    EXPECT_LE(now, offset + bytes);
    kept += now > offset ? 1 : 0;
    offset = now;
  }
  EXPECT_GE(kept, 1u) << "no reset came after bytes had arrived";
  RecordProperty("resets_that_kept_bytes", static_cast<int>(kept));
  ASSERT_LT(offset, pdf_.size());
  const ApiAnswer wrong = Client().SendPiece(path_, 0, pdf_);
  ExpectProblem(wrong, 409, "UPLOAD_OFFSET_WRONG");
  EXPECT_EQ(wrong.body["metadata"].value("offset", ""), std::to_string(offset));
  ExpectWhole(SendRest(offset));
}

TEST_F(UploadFaultTest, GoesOnAfterTheServerDied) {
  constexpr size_t kSent = 5 * 512 * 1024, kDurable = 2 * 1024 * 1024;
  http::Client client = RawClient();
  SendPartOf(client, 0, kSent);
  ASSERT_TRUE(WaitForOffset(kDurable)) << "long calls are durable piece by piece";
  server_.Kill();
  const absl::Status again = server_.Start();
  ASSERT_TRUE(again.ok()) << again;
  const size_t offset = Offset();
  EXPECT_GE(offset, kDurable) << "what was told as durable";
  EXPECT_LE(offset, kSent);
  ExpectWhole(SendRest(offset));
}

TEST_F(UploadFaultTest, ASlowOneIsEndedAndGoesOn) {
  http::Client client = RawClient();
  SendPartOf(client, 0, 1000);
  // Ten seconds without a byte.
  const auto answer = client.ReadResponse();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 408);
  ASSERT_TRUE(WaitForOffset(1000));
  ExpectWhole(SendRest(1000));
}

}  // namespace
}  // namespace dinh::testing
