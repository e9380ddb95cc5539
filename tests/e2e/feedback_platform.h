// A running platform for tests of reports (phản ánh): the demo's people, logged in once a suite, and shorthand for what
// most of the tests begin with.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/feedback/photo_worker/testing/images.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {

class FeedbackPlatformTest : public PlatformTest {
 protected:
  using ApiAnswer = demo::ApiAnswer;
  using ApiClient = demo::ApiClient;
  using Json = demo::Json;

  // Where the demo's reports lie: in the village of the story.
  static constexpr double kLat = 19.8512, kLng = 105.8617;
  // Stands in every place of a photo's metadata.
  static constexpr char kTrail[] = "DINH-EXIF-TRAIL";

  static void TearDownTestSuite() {
    clients_.clear();
    PlatformTest::TearDownTestSuite();
  }

  // "anonymous", or a key of deploy/data/demo.json.
  ApiClient& As(const std::string& who) {
    const auto known = clients_.find(who);
    if (known != clients_.end()) return known->second;
    const Json demo = DemoData();
    bool officer = false;
    for (const Json& one : demo.at("officers")) officer = officer || one.value("key", "") == who;
    Village village = NewVillage();
    ApiClient client = who == "anonymous" ? Anonymous() : officer ? village.Officer(who) : village.Citizen(who);
    return clients_.emplace(who, std::move(client)).first->second;
  }
  std::string AccountOf(const std::string& who) { return As(who).Get("/v1/me").Text("account"); }

  static Json Pothole(const std::string& text = "Ổ gà to giữa đường liên thôn") {
    return {{"category", "road.pothole"},
            {"description", text},
            {"place", {{"point", {{"lat", kLat}, {"lng", kLng}}}, {"unit", "15952"}}},
            {"answers", {{"size", "medium"}, {"danger", "false"}}}};
  }
  static Json ReportOf(const std::string& category, const std::string& text) {
    return {{"category", category}, {"description", text}, {"place", {{"unit", "15952"}}}};
  }
  // The new report's id.
  std::string Made(const std::string& who, const Json& report) {
    const ApiAnswer made = As(who).Post("/v1/reports", report);
    EXPECT_EQ(made.status, 200) << made.raw;
    return made.Text("id");
  }
  static std::string Path(const std::string& id, const std::string& rest = "") { return "/v1/reports/" + id + rest; }
  ApiAnswer Do(const std::string& who, const std::string& id, const std::string& rest,
               const Json& body = Json::object()) {
    return As(who).Post(Path(id, rest), body);
  }

  // Asks again until the answer is as wanted, for at most 20 s; the last answer.
  ApiAnswer Await(const std::string& who, const std::string& path,
                  const std::function<bool(const ApiAnswer&)>& wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      ApiAnswer answer = As(who).Get(path);
      if (wanted(answer) || std::chrono::steady_clock::now() > until) return answer;
      std::this_thread::yield();
    }
  }
  // What everybody sees of it, once it is on the board.
  ApiAnswer OnBoard(const std::string& id) {
    ApiAnswer shown = Await("anonymous", Path(id), [](const ApiAnswer& answer) { return answer.status == 200; });
    EXPECT_EQ(shown.status, 200) << shown.raw;
    return shown;
  }

  static std::string PhotoWithTrail() {
    photo::testing::ExifSpec exif;
    exif.position = {kLat, kLng};
    exif.text = kTrail;
    photo::testing::JpegSpec spec;
    spec.segments.emplace_back(0xE1, photo::testing::ExifPayload(photo::testing::MakeExif(exif)));
    spec.segments.emplace_back(0xFE, kTrail);
    return photo::testing::MakeJpeg(photo::testing::Quarters(320, 240), spec);
  }
  ApiAnswer UploadPhoto(const std::string& who, const std::string& bytes) {
    return As(who).Upload("/v1/report-photos", "anh.jpg", "image/jpeg", bytes);
  }
  // With the form field that somebody without a login sends.
  ApiAnswer UploadWithPass(const std::string& bytes, const std::string& pass) {
    http::ClientOptions options;
    options.port = server_->http_port();
    http::Client client(options);
    http::ClientRequest head;
    head.method = "POST";
    head.target = "/v1/report-photos";
    size_t at = 0;
    const http::Client::Source source = [&](std::span<char> out) -> absl::StatusOr<size_t> {
      const size_t n = std::min(out.size(), bytes.size() - at);
      std::copy_n(bytes.data() + at, n, out.data());
      at += n;
      return n;
    };
    const auto response =
        client.Upload(head, {{"phone_pass", pass}}, {"file", "anh.jpg", "image/jpeg", source, bytes.size()});
    ApiAnswer answer;
    if (!response.ok()) return answer;
    answer.status = response->status;
    answer.raw = response->body;
    answer.headers = response->headers;
    answer.body = Json::parse(answer.raw, nullptr, false);
    return answer;
  }

  // A pass for a phone that has no login.
  std::string PhonePass(const std::string& phone) {
    const std::string before = demo::NewestMessage(server_->outbox(), phone);
    const ApiAnswer sent = As("anonymous").Post("/v1/auth/otp:send", {{"phone", phone}});
    EXPECT_EQ(sent.status, 200) << sent.raw;
    const std::string code = demo::ReadOtp(server_->outbox(), phone, before);
    EXPECT_EQ(code.size(), 6u);
    const ApiAnswer pass =
        As("anonymous").Post("/v1/reports:confirmPhone", {{"challenge", sent.Text("challenge")}, {"code", code}});
    EXPECT_EQ(pass.status, 200) << pass.raw;
    return pass.Text("phone_pass");
  }

  // Everything that can be read without a login, in one text.
  std::string AllThatIsPublic() {
    std::string all;
    for (const char* path : {"/v1/reports?page_size=100", "/v1/reports:nearby?lat=19.8512&lng=105.8617&radius_m=1000",
                             "/v1/reports:board?bbox=105.8,19.8,105.9,19.9&zoom=17", "/v1/reports:atom",
                             "/v1/reports:export?format=csv", "/v1/reports:export?format=json"}) {
      const ApiAnswer answer = As("anonymous").Get(path);
      EXPECT_EQ(answer.status, 200) << path << answer.raw;
      all += answer.raw;
    }
    return all;
  }

  // true when one of `list`'s reports has the id.
  static bool Lists(const ApiAnswer& answer, const std::string& id) {
    for (const Json& one : answer.body.value("reports", Json::array())) {
      const Json& report = one.contains("report") ? one["report"] : one;
      if (report.value("id", "") == id) return true;
    }
    return false;
  }

  static inline std::map<std::string, ApiClient> clients_;
};

}  // namespace dinh::testing
