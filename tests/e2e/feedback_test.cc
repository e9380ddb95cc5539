// The life of a report over HTTP: who sends it, who joins, who works on it, who moderates, and what everybody sees.
#include "gmock/gmock.h"
#include "tests/e2e/feedback_platform.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::Json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FeedbackTest : public FeedbackPlatformTest {
 protected:
  static std::vector<std::string> EventsOf(const ApiAnswer& report) {
    std::vector<std::string> events;
    for (const Json& update : report.body.value("updates", Json::array())) {
      if (update.contains("event")) events.push_back(update.value("event", ""));
    }
    return events;
  }
  static std::vector<std::string> PhotosOf(const ApiAnswer& report, const std::string& kind) {
    std::vector<std::string> photos;
    for (const Json& photo : report.body.value("photos", Json::array())) {
      if (photo.value("kind", "") == kind) photos.push_back(photo.value("id", ""));
    }
    return photos;
  }

  void CitizenSends() {
    const ApiAnswer categories = As("citizen_a").Get("/v1/categories");
    ASSERT_EQ(categories.status, 200) << categories.raw;
    bool leaf = false;
    for (const Json& one : categories.body["categories"]) {
      if (one.value("id", "") == "road.pothole") leaf = one.value("leaf", false) && one["questions"].size() == 2;
    }
    EXPECT_TRUE(leaf) << categories.raw;
    const ApiAnswer photo = UploadPhoto("citizen_a", PhotoWithTrail());
    ASSERT_EQ(photo.status, 200) << photo.raw;
    EXPECT_NEAR(photo.body["suggested_position"].value("lat", 0.0), kLat, 1e-4);
    EXPECT_NEAR(photo.body["suggested_position"].value("lng", 0.0), kLng, 1e-4);
    const ApiAnswer nothing = As("citizen_a").Get(kNearby);
    EXPECT_EQ(nothing.body.value("reports", Json::array()).size(), 0u) << nothing.raw;
    Json report = Pothole("Ổ gà to trước cổng trường");
    report["place"]["point"] = {{"lat", kSchoolLat}, {"lng", kSchoolLng}};
    report["photos"] = {photo.Text("id")};
    const ApiAnswer made = As("citizen_a").Post("/v1/reports", report);
    ASSERT_EQ(made.status, 200) << made.raw;
    id_ = made.Text("id");
    EXPECT_THAT(id_, ::testing::MatchesRegex("PA-[0-9A-Z]{10}"));
    EXPECT_EQ(made.Text("view"), "VIEW_REPORTER");
    EXPECT_EQ(made.Text("agency"), "ubnd-15865");
    EXPECT_EQ(made.Text("state"), "STATE_ASSIGNED") << "the category gives it to who has least";
    EXPECT_EQ(made.Text("assignee"), "") << "the office only";
    EXPECT_FALSE(made.Text("due_time").empty());
    EXPECT_TRUE(Lists(As("citizen_a").Get("/v1/reports?of=OF_MINE"), id_));
    EXPECT_FALSE(Lists(As("citizen_b").Get("/v1/reports?of=OF_MINE"), id_));
  }

  void NeighbourJoins() {
    OnBoard(id_);
    const ApiAnswer near = As("citizen_b").Get(kNearby);
    EXPECT_TRUE(Lists(near, id_)) << near.raw;
    const ApiAnswer joined = Do("citizen_b", id_, ":join");
    ASSERT_EQ(joined.status, 200) << joined.raw;
    EXPECT_EQ(joined.Int("joined"), 1);
    EXPECT_EQ(joined.Text("view"), "VIEW_PUBLIC");
    ExpectProblem(Do("citizen_b", id_, ":join"), 409, "ALREADY_JOINED");
    ExpectProblem(Do("citizen_a", id_, ":join"), 409, "OWN_REPORT");
    const ApiAnswer counted = Await("anonymous", Path(id_), [](const ApiAnswer& a) { return a.Int("joined") == 1; });
    EXPECT_EQ(counted.Int("joined"), 1) << counted.raw;
  }

  void DeskAssigns() {
    const ApiAnswer list = As("desk").Get("/v1/reports?of=OF_OFFICE&category=road");
    EXPECT_TRUE(Lists(list, id_)) << list.raw;
    EXPECT_FALSE(Lists(As("elsewhere").Get("/v1/reports?of=OF_OFFICE"), id_));
    const std::string officer = AccountOf("specialist_land");
    const ApiAnswer assigned = Do("desk", id_, ":assign", {{"officer", officer}, {"note", "Địa chính ra xem thực tế"}});
    ASSERT_EQ(assigned.status, 200) << assigned.raw;
    EXPECT_EQ(assigned.Text("assignee"), officer);
    ExpectProblem(Do("desk", id_, ":assign", {{"officer", AccountOf("elsewhere")}}), 400, "OFFICER_UNKNOWN");
    EXPECT_TRUE(Lists(As("specialist_land").Get("/v1/reports?of=OF_ASSIGNED"), id_));
  }

  void OfficerAsksAndCitizenSupplies() {
    ASSERT_EQ(Do("specialist_land", id_, ":start").Text("state"), "STATE_IN_PROGRESS");
    const ApiAnswer asked = Do("specialist_land", id_, ":ask", {{"text", "Ổ gà nằm ở làn nào của đường?"}});
    ASSERT_EQ(asked.Text("state"), "STATE_WAITING") << asked.raw;
    const ApiAnswer note =
        Do("specialist_land", id_, "/updates", {{"text", "Ghi nhớ: hỏi đội giao thông"}, {"private", true}});
    EXPECT_EQ(note.status, 200) << note.raw;
    const ApiAnswer supplied = Do("citizen_a", id_, "/updates", {{"text", "Làn bên phải, cách cổng 5 m"}});
    ASSERT_EQ(supplied.Text("state"), "STATE_IN_PROGRESS") << supplied.raw;
    EXPECT_THAT(supplied.raw, Not(HasSubstr("đội giao thông"))) << "a note of the office";
  }

  void OfficerAnswersAndResolves() {
    const ApiAnswer templates = As("specialist_land").Get("/v1/feedback/templates");
    EXPECT_THAT(templates.raw, AllOf(HasSubstr("\"plan\""), HasSubstr("plan_day")));
    ExpectProblem(Do("specialist_land", id_, ":answer", {{"template", "khong-co"}}), 400, "TEMPLATE_UNKNOWN");
    const ApiAnswer answered =
        Do("specialist_land", id_, ":answer",
           {{"template", "plan"}, {"variables", {{"plan_day", "thứ Hai tới"}, {"place", "mặt đường"}}}});
    ASSERT_EQ(answered.Text("state"), "STATE_ANSWERED") << answered.raw;
    EXPECT_THAT(answered.raw, AllOf(HasSubstr("thứ Hai tới"), HasSubstr(id_)));
    const ApiAnswer after = UploadPhoto("specialist_land", PhotoWithTrail());
    ASSERT_EQ(after.status, 200) << after.raw;
    const ApiAnswer resolved =
        Do("specialist_land", id_, ":resolve", {{"text", "Đã vá xong mặt đường"}, {"photos", {after.Text("id")}}});
    ASSERT_EQ(resolved.Text("state"), "STATE_RESOLVED") << resolved.raw;
    EXPECT_EQ(PhotosOf(resolved, "KIND_BEFORE").size(), 1u);
    EXPECT_EQ(PhotosOf(resolved, "KIND_AFTER"), std::vector<std::string>{after.Text("id")});
  }

  void CitizenRates() {
    ExpectProblem(Do("citizen_b", id_, ":rate", {{"stars", 1}}), 403, "PERMISSION_DENIED");
    const ApiAnswer rated = Do("citizen_a", id_, ":rate", {{"stars", 5}, {"comment", "Làm nhanh, cảm ơn"}});
    ASSERT_EQ(rated.status, 200) << rated.raw;
    EXPECT_EQ(rated.Int("stars"), 5);
    ExpectProblem(Do("citizen_a", id_, ":rate", {{"stars", 1}}), 409, "ALREADY_RATED");
    EXPECT_THAT(EventsOf(As("desk").Get(Path(id_))),
                ::testing::IsSupersetOf({"submit", "assign", "start", "ask", "supply", "answer", "resolve", "rate"}));
    const ApiAnswer shown =
        Await("anonymous", Path(id_), [](const ApiAnswer& a) { return a.Text("state") == "STATE_RESOLVED"; });
    EXPECT_EQ(shown.Text("state"), "STATE_RESOLVED") << shown.raw;
    EXPECT_THAT(shown.raw, HasSubstr("Đã vá xong mặt đường"));
    EXPECT_THAT(shown.raw, AllOf(Not(HasSubstr("đội giao thông")), Not(HasSubstr("Công dân Một"))));
  }

  void PlayLife() {
    for (const auto step : {&FeedbackTest::CitizenSends, &FeedbackTest::NeighbourJoins, &FeedbackTest::DeskAssigns,
                            &FeedbackTest::OfficerAsksAndCitizenSupplies, &FeedbackTest::OfficerAnswersAndResolves,
                            &FeedbackTest::CitizenRates}) {
      (this->*step)();
      if (HasFatalFailure()) return;
    }
  }

  // Where no other test reports.
  static constexpr double kSchoolLat = 19.8601, kSchoolLng = 105.8701;
  static constexpr char kNearby[] = "/v1/reports:nearby?lat=19.8601&lng=105.8701&radius_m=100&category=road.pothole";
  std::string id_;
};

TEST_F(FeedbackTest, AReportLivesFromThePhotoToTheRating) { PlayLife(); }

TEST_F(FeedbackTest, APhotoShowsOnlyAfterAModeratorAndCarriesNoTrail) {
  const std::string original = PhotoWithTrail();
  ASSERT_THAT(original, HasSubstr(kTrail));
  const ApiAnswer photo = UploadPhoto("citizen_a", original);
  ASSERT_EQ(photo.status, 200) << photo.raw;
  Json report = Pothole();
  report["photos"] = {photo.Text("id")};
  const std::string id = Made("citizen_a", report);
  EXPECT_TRUE(PhotosOf(OnBoard(id), "KIND_BEFORE").empty()) << "the report shows, its photo does not";
  const std::string path = "/v1/report-photos/" + photo.Text("id");
  for (const char* who : {"anonymous", "citizen_b", "elsewhere", "police"}) {
    ExpectProblem(As(who).Get(path), 403, "PERMISSION_DENIED");
  }
  EXPECT_EQ(As("citizen_a").Get(path).status, 200);
  EXPECT_EQ(As("desk").Get(path).status, 200);
  EXPECT_THAT(As("chair").Get("/v1/feedback/moderation?page_size=100").raw, HasSubstr(photo.Text("id")));
  ExpectProblem(As("elsewhere").Post(path + ":moderate", {{"approve", true}}), 403, "PERMISSION_DENIED");
  const ApiAnswer blurred =
      As("chair").Post(path + ":blur", {{"boxes", {{{"x", 0.1}, {"y", 0.1}, {"width", 0.3}, {"height", 0.3}}}}});
  EXPECT_EQ(blurred.status, 200) << blurred.raw;
  ASSERT_EQ(As("chair").Post(path + ":moderate", {{"approve", true}}).status, 200);
  const ApiAnswer shown = Await("anonymous", path, [](const ApiAnswer& answer) { return answer.status == 200; });
  ASSERT_EQ(shown.status, 200) << shown.raw;
  EXPECT_EQ(shown.Header("Content-Type"), "image/jpeg");
  EXPECT_EQ(shown.Header("X-Content-Type-Options"), "nosniff");
  const ApiAnswer own = As("citizen_a").Get(path);
  EXPECT_NE(shown.raw, own.raw) << "everybody sees the blurred picture";
  const ApiAnswer small = As("anonymous").Get(path + "?thumbnail=true");
  EXPECT_EQ(small.status, 200);
  for (const ApiAnswer* picture : {&shown, &own, &small}) {
    EXPECT_TRUE(picture->raw.starts_with("\xFF\xD8\xFF"));
    EXPECT_THAT(picture->raw, AllOf(Not(HasSubstr("Exif")), Not(HasSubstr(kTrail))));
  }
  EXPECT_THAT(As("anonymous").Get(Path(id)).raw, Not(HasSubstr("suggested_position")));
}

TEST_F(FeedbackTest, WhatTheHeadHidesIsNowhereUntilShownAgain) {
  const std::string id = Made("citizen_a", Pothole("Đường lún cạnh trạm bơm"));
  OnBoard(id);
  ExpectProblem(Do("specialist", id, ":hide", {{"reason", "Không có quyền này"}}), 403, "PERMISSION_DENIED");
  const ApiAnswer hidden = Do("chair", id, ":hide", {{"reason", "Đang xác minh nội dung"}});
  ASSERT_EQ(hidden.status, 200) << hidden.raw;
  EXPECT_TRUE(hidden.body.value("hidden", false));
  const ApiAnswer gone = Await("anonymous", Path(id), [](const ApiAnswer& answer) { return answer.status == 403; });
  ExpectProblem(gone, 403, "PERMISSION_DENIED");
  EXPECT_THAT(AllThatIsPublic(), AllOf(Not(HasSubstr(id)), Not(HasSubstr("trạm bơm"))));
  EXPECT_EQ(As("citizen_a").Get(Path(id)).status, 200) << "it stays the reporter's";
  ASSERT_EQ(Do("chair", id, ":hide", {{"show", true}, {"reason", "Đã xác minh xong"}}).status, 200);
  OnBoard(id);
  EXPECT_THAT(AllThatIsPublic(), HasSubstr("trạm bơm"));
}

TEST_F(FeedbackTest, EverybodyFindsItOnTheBoard) {
  const std::string id = Made("citizen_a", Pothole("Có ổ gà sâu & <nguy hiểm> lối vào chợ"));
  const ApiAnswer shown = OnBoard(id);
  EXPECT_EQ(shown.Text("view"), "VIEW_PUBLIC");
  EXPECT_THAT(shown.raw, AllOf(Not(HasSubstr("reporter")), Not(HasSubstr("assignee"))));
  const ApiAnswer far = As("anonymous").Get("/v1/reports:board?bbox=105.7,19.7,106,20&zoom=11");
  ASSERT_EQ(far.status, 200) << far.raw;
  int64_t open = 0;
  for (const Json& cell : far.body["cells"]) open += std::stoll(cell.value("open", "0"));
  EXPECT_GE(open, 1) << far.raw;
  EXPECT_THAT(far.raw, Not(HasSubstr(id))) << "counts only";
  const ApiAnswer close = As("anonymous").Get("/v1/reports:board?bbox=105.86,19.85,105.863,19.853&zoom=17");
  EXPECT_TRUE(Lists(close, id)) << close.raw;
  EXPECT_FALSE(Lists(As("anonymous").Get("/v1/reports:board?bbox=105.80,19.80,105.81,19.81&zoom=17"), id));
  for (const char* query : {"o%20ga", "O%20GA%20SAU", "%E1%BB%95%20g%C3%A0", "cho%20loi"}) {
    EXPECT_TRUE(Lists(As("anonymous").Get(std::string("/v1/reports?query=") + query), id)) << query;
  }
  EXPECT_FALSE(Lists(As("anonymous").Get("/v1/reports?query=den%20duong"), id));
  EXPECT_TRUE(Lists(As("anonymous").Get("/v1/reports?category=road&unit=15865&bbox=105.8,19.8,105.9,19.9"), id));
  const ApiAnswer atom = As("anonymous").Get("/v1/reports:atom?category=road");
  EXPECT_THAT(atom.Header("Content-Type"), HasSubstr("application/atom+xml"));
  EXPECT_THAT(atom.raw, AllOf(HasSubstr("urn:dinh:report:" + id), HasSubstr("&amp; &lt;nguy hiểm&gt;")));
  // Open data come a day late.
  const ApiAnswer csv = As("anonymous").Get("/v1/reports:export?format=csv");
  EXPECT_THAT(csv.Header("Content-Type"), HasSubstr("text/csv"));
  EXPECT_EQ(csv.raw.find("\r\n"), csv.raw.size() - 2) << "the header only: " << csv.raw;
  EXPECT_EQ(As("anonymous").Get("/v1/reports:export?format=json").body, Json::array());
}

TEST_F(FeedbackTest, WhoWatchesTheBoardIsTold) {
  http::ClientOptions options;
  options.port = server_->http_port();
  http::Client stream(options);
  http::ClientRequest request;
  request.target = "/v1/reports:watch?category=lighting";
  const auto head = stream.Open(request);
  ASSERT_TRUE(head.ok() && head->status == 200) << head.status();
  const std::string other = Made("citizen_a", Pothole("Ổ gà khác loại"));
  const std::string secret = Made("citizen_a", ReportOf("security.disorder", "Đánh bạc sau chợ mỗi tối"));
  OnBoard(other);
  const std::string id = Made("citizen_a", ReportOf("lighting.out", "Đèn đường tắt ba hôm nay"));
  std::string text;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (text.find(id) == std::string::npos && std::chrono::steady_clock::now() < until) {
    const auto some = stream.ReadSome(std::chrono::milliseconds(500));
    if (some.ok()) text += *some;
  }
  EXPECT_THAT(text, AllOf(HasSubstr("data:"), HasSubstr(id), HasSubstr("lighting.out")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr(other)), Not(HasSubstr(secret)), Not(HasSubstr("Đèn đường tắt"))));
}

TEST_F(FeedbackTest, AnAnonymousReportIsNotShownTheDayItIsSent) {
  Json report = Pothole("Nắp cống vỡ gần ngã tư làng");
  report["anonymous"] = true;
  const ApiAnswer made = As("citizen_a").Post("/v1/reports", report);
  ASSERT_EQ(made.status, 200) << made.raw;
  EXPECT_GT(made.Text("publish_time").substr(0, 10), made.Text("create_time").substr(0, 10));
  OnBoard(Made("citizen_b", Pothole()));  // the publisher has come by
  ExpectProblem(As("anonymous").Get(Path(made.Text("id"))), 403, "PERMISSION_DENIED");
  EXPECT_THAT(AllThatIsPublic(), AllOf(Not(HasSubstr(made.Text("id"))), Not(HasSubstr("Nắp cống vỡ"))));
}

TEST_F(FeedbackTest, SomebodyWithoutALoginReportsAndTracks) {
  const std::string pass = PhonePass("0900000077");
  ASSERT_FALSE(pass.empty());
  ExpectProblem(As("anonymous").Post("/v1/reports", Pothole()), 400, "PHONE_PASS_INVALID");
  const ApiAnswer photo = UploadWithPass(PhotoWithTrail(), pass);
  ASSERT_EQ(photo.status, 200) << photo.raw;
  ExpectProblem(UploadWithPass(PhotoWithTrail(), pass + "x"), 400, "PHONE_PASS_INVALID");
  Json report = Pothole("Mặt đường bong tróc đoạn cầu");
  report["phone_pass"] = pass;
  report["photos"] = {photo.Text("id")};
  const ApiAnswer made = As("anonymous").Post("/v1/reports", report);
  ASSERT_EQ(made.status, 200) << made.raw;
  const std::string id = made.Text("id"), token = made.Text("tracking_token");
  EXPECT_EQ(token.size(), 43u);
  OnBoard(id);
  EXPECT_EQ(As("anonymous").Get(Path(id)).Text("view"), "VIEW_PUBLIC");
  const ApiAnswer own = As("anonymous").Get(Path(id, "?tracking_token=" + token));
  EXPECT_EQ(own.Text("view"), "VIEW_REPORTER") << own.raw;
  EXPECT_EQ(own.Text("tracking_token"), "") << "told once";
  EXPECT_EQ(As("anonymous").Get(Path(id, "?tracking_token=" + std::string(43, 'A'))).Text("view"), "VIEW_PUBLIC");
  ExpectProblem(Do("anonymous", id, "/updates", {{"text", "Tôi là người khác"}}), 403, "PERMISSION_DENIED");
  EXPECT_EQ(Do("anonymous", id, "/updates", {{"text", "Mưa xong còn sâu hơn"}, {"tracking_token", token}}).status, 200);
  ExpectProblem(Do("anonymous", id, ":join", {{"phone_pass", pass}}), 409, "OWN_REPORT");
  ExpectProblem(Do("anonymous", id, ":join"), 400, "PHONE_PASS_INVALID");
  ASSERT_EQ(Do("desk", id, ":resolve", {{"text", "Đã rải lại nhựa"}}).status, 200);
  ExpectProblem(Do("anonymous", id, ":rate", {{"stars", 4}}), 403, "PERMISSION_DENIED");
  EXPECT_EQ(Do("anonymous", id, ":rate", {{"stars", 4}, {"tracking_token", token}}).Int("stars"), 4);
}

TEST_F(FeedbackTest, ThePolicesReportsAreThePolices) {
  const std::string id = Made("citizen_a", ReportOf("security.disorder", "Tụ tập cờ bạc cuối thôn"));
  const ApiAnswer police = As("police").Get(Path(id));
  EXPECT_EQ(police.Text("view"), "VIEW_OFFICE") << police.raw;
  EXPECT_EQ(police.Text("agency"), "ca-15865");
  EXPECT_TRUE(Lists(As("police").Get("/v1/reports?of=OF_OFFICE"), id));
  for (const char* who : {"anonymous", "citizen_b", "desk", "chair", "elsewhere", "province", "admin"}) {
    SCOPED_TRACE(who);
    ExpectProblem(As(who).Get(Path(id)), 403, "PERMISSION_DENIED");
  }
  EXPECT_FALSE(Lists(As("desk").Get("/v1/reports?of=OF_OFFICE&page_size=100"), id));
  ExpectProblem(Do("citizen_b", id, ":join"), 403, "PERMISSION_DENIED");
  OnBoard(Made("citizen_b", Pothole()));  // the publisher has come by
  EXPECT_THAT(AllThatIsPublic(), AllOf(Not(HasSubstr(id)), Not(HasSubstr("cờ bạc"))));
}

TEST_F(FeedbackTest, AReportAboutStaffGoesAroundTheirUnit) {
  Json report = ReportOf("staff.attitude", "Thái độ chưa đúng mực khi tiếp dân");
  report["about_officer"] = AccountOf("desk");
  const std::string id = Made("citizen_a", report);
  for (const char* who :
       {"desk", "chair", "vice_chair", "specialist", "police", "elsewhere", "citizen_b", "anonymous"}) {
    SCOPED_TRACE(who);
    ExpectProblem(As(who).Get(Path(id)), 403, "PERMISSION_DENIED");
  }
  for (const char* who : {"desk", "chair"}) {
    EXPECT_FALSE(Lists(As(who).Get("/v1/reports?of=OF_OFFICE&page_size=100"), id)) << who;
    EXPECT_THAT(As(who).Get("/v1/feedback/moderation?page_size=100").raw, Not(HasSubstr(id))) << who;
  }
  const ApiAnswer above = As("province").Get(Path(id));
  EXPECT_EQ(above.Text("view"), "VIEW_OFFICE") << above.raw;
  EXPECT_EQ(above.Text("agency"), "ubnd-38");
  EXPECT_TRUE(Lists(As("province").Get("/v1/reports?of=OF_OFFICE"), id));
  ExpectProblem(
      Do("province", id, ":route", {{"category", "road.pothole"}, {"unit", "15865"}, {"reason", "Trả về xã"}}), 409,
      "BYPASSED_UNIT");
  EXPECT_EQ(Do("province", id, ":answer", {{"text", "Đã làm việc với đơn vị"}}).Text("state"), "STATE_ANSWERED");
  EXPECT_EQ(As("citizen_a").Get(Path(id)).Text("state"), "STATE_ANSWERED");
}

TEST_F(FeedbackTest, EmergenciesAndLegalChannelsAreToldWhereToGo) {
  Json fire = ReportOf("emergency.fire", "Cháy bếp nhà văn hóa thôn");
  const ApiAnswer first = As("citizen_a").Post("/v1/reports", fire);
  ExpectProblem(first, 409, "EMERGENCY_NOT_CONFIRMED");
  EXPECT_THAT(first.raw, HasSubstr("114"));
  fire["emergency_confirmed"] = true;
  const std::string id = Made("citizen_a", fire);
  EXPECT_EQ(As("police").Get(Path(id)).status, 200);
  ExpectProblem(As("anonymous").Get(Path(id)), 403, "PERMISSION_DENIED");
  for (const char* category : {"legal.complaint", "legal.denunciation"}) {
    Json complaint = ReportOf(category, "Tôi không đồng ý quyết định của xã");
    complaint["emergency_confirmed"] = true;
    const ApiAnswer guided = As("citizen_a").Post("/v1/reports", complaint);
    SCOPED_TRACE(guided.raw);
    ExpectProblem(guided, 409, "LEGAL_CHANNEL");
    EXPECT_THAT(guided.raw, HasSubstr("Luật"));
  }
}

}  // namespace
}  // namespace dinh::testing
