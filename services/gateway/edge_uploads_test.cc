// Uploads through the gateway: streamed, refused, continued.
#include <string>

#include "dinh/testing/v1/edge.pb.h"
#include "gmock/gmock.h"
#include "libs/base/strings.h"
#include "services/gateway/edge_fixture.h"

namespace dinh::gateway {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class EdgeUploadTest : public EdgeTest {};

std::string RandomBytes(size_t size) {
  base::SeededRandom random(7);
  return random.Bytes(size);
}

TEST_P(EdgeUploadTest, UploadsAreStreamed) {
  const std::string content = RandomBytes(3 * 1024 * 1024 + 17);
  size_t at = 0;
  http::Client::File file = {"file", "đơn.pdf", "application/pdf",
                             [&](std::span<char> out) -> absl::StatusOr<size_t> {
                               const size_t n = std::min(out.size(), content.size() - at);
                               std::copy_n(content.data() + at, n, out.data());
                               at += n;
                               return n;
                             },
                             content.size()};
  auto answer = client_->Upload({"POST", "/v1/testing/uploads", {}, ""}, {{"purpose", "giấy tờ"}}, file);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json body = Body(*answer);
  EXPECT_EQ(body["bytes"], std::to_string(content.size()));
  EXPECT_EQ(body["file_name"], "đơn.pdf");
  EXPECT_EQ(body["fields"]["purpose"], "giấy tờ");
  EXPECT_EQ(body["sha256"], base::HexEncode(base::Sha256(content)));
}

TEST_P(EdgeUploadTest, BadUploads) {
  const std::string type = "multipart/form-data; boundary=b";
  const auto part = [](std::string head, std::string body) {
    return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::string file = part("name=\"file\"; filename=\"a\"", "x");
  const auto upload = [&](std::string body) { return Send("POST", "/v1/testing/uploads", std::move(body), {}, type); };
  EXPECT_EQ(upload(file + "--b--\r\n").status, 200);
  EXPECT_EQ(Reason(upload(part("name=\"a\"", "x") + "--b--\r\n")), "FILE_MISSING");
  EXPECT_EQ(Reason(upload(file + file + "--b--\r\n")), "UNEXPECTED_PART");
  EXPECT_EQ(upload(file).status, 400);  // the last boundary is missing
  EXPECT_EQ(upload("garbage").status, 400);
  EXPECT_EQ(Send("POST", "/v1/testing/uploads", "{}").status, 415);
  EXPECT_EQ(Send("POST", "/v1/testing/uploads").status, 415);
  const auto large =
      upload(part("name=\"file\"; filename=\"a\"", std::string(20 * 1024 * 1024 + 1, 'x')) + "--b--\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(Reason(large), "UPLOAD_TOO_LARGE");

  // Broken off in the middle: the handler is told, and nothing was finished.
  ASSERT_TRUE(client_
                  ->SendRaw("POST /v1/testing/uploads HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
                            "\r\nContent-Length: 100000\r\n\r\n" + file.substr(0, 60))
                  .ok());
  client_->Reset();
  const absl::Status broken = handlers_.WaitBroken();
  EXPECT_FALSE(broken.ok());
}

TEST_P(EdgeUploadTest, UploadsGoOnFromAnOffset) {
  const std::string type = "application/offset+octet-stream", path = "/v1/testing/appends/a%20b";
  const auto append = [&](std::string body, http::ClientHeaders headers, bool login = true) {
    if (login) headers.emplace_back("Authorization", "Bearer citizen");
    if (body.empty()) headers.emplace_back("Content-Type", type);
    return Send("PATCH", path, std::move(body), std::move(headers), type);
  };
  const std::string content = RandomBytes(200'000);
  const auto answer = append(content, {{"Upload-Offset", "17"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Body(answer)["id"], "a b");
  EXPECT_EQ(Body(answer)["sha256"], base::HexEncode(base::Sha256(content)));
  EXPECT_EQ(answer.Header("upload-offset"), "200017");
  EXPECT_EQ(answer.Header("upload-length"), "1000000");
  EXPECT_EQ(append("", {{"Upload-Offset", "5"}}).Header("upload-offset"), "5") << "no bytes are no mistake";
  for (const char* offset : {"", "-1", "x", "1x", "99999999999999999999"}) {
    EXPECT_EQ(Field(append("x", {{"Upload-Offset", offset}})), "Upload-Offset") << offset;
  }
  EXPECT_EQ(Field(append("x", {})), "Upload-Offset");
  EXPECT_EQ(Field(append("x", {{"Upload-Offset", "1"}, {"Upload-Offset", "1"}})), "Upload-Offset");
  EXPECT_EQ(append("x", {}, false).status, 401) << "who he is comes before what he says";
  EXPECT_EQ(Send("PATCH", path, "{}", {{"Upload-Offset", "0"}}).status, 415);
  EXPECT_EQ(
      Reason(Send("PATCH", path + "?id=c", "x", {{"Upload-Offset", "0"}, {"Authorization", "Bearer citizen"}}, type)),
      "UNKNOWN_FIELD");

  // Broken off in the middle: the handler gets what has arrived.
  ASSERT_TRUE(client_
                  ->SendRaw("PATCH " + path +
                            " HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\nAuthorization: Bearer citizen\r\n" +
                            "Content-Type: " + type + "\r\nContent-Length: 300000\r\n\r\n" + content)
                  .ok());
  client_->ShutdownWrite();
  EXPECT_EQ(handlers_.WaitBroken().message(), "200000");
}

INSTANTIATE_TEST_SUITE_P(Shapes, EdgeUploadTest, ::testing::Values(Shape::kStandalone, Shape::kCluster), ShapeName);

}  // namespace
}  // namespace dinh::gateway
