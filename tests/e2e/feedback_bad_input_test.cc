// Bad and strange input for reports over HTTP: what is refused and how, and what must be taken as it is.
#include <set>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/e2e/feedback_platform.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::Json;
using ::testing::HasSubstr;
using ::testing::Not;

class FeedbackBadInputTest : public FeedbackPlatformTest {
 protected:
  static std::vector<std::string> FlagsOf(const ApiAnswer& report) {
    return report.body.value("flags", std::vector<std::string>());
  }
  static std::set<std::string> FieldsOf(const ApiAnswer& problem) {
    std::set<std::string> fields;
    for (const Json& one : problem.body.value("violations", Json::array())) fields.insert(one.value("field", ""));
    return fields;
  }
  size_t CountMine(const std::string& who) {
    return As(who).Get("/v1/reports?of=OF_MINE&page_size=100").body.value("reports", Json::array()).size();
  }
};

TEST_F(FeedbackBadInputTest, PlacesThatAreNone) {
  const size_t before = CountMine("citizen_a");
  for (const auto& [lat, lng] : std::vector<std::pair<Json, Json>>{{90.0001, 105.86},
                                                                   {-91, 105.86},
                                                                   {19.85, 180.5},
                                                                   {19.85, -181},
                                                                   {1e300, 105.86},
                                                                   {"NaN", 105.86},
                                                                   {19.85, "Infinity"},
                                                                   {"bắc", 105.86},
                                                                   {0, 0}}) {
    Json report = Pothole();
    report["place"]["point"] = {{"lat", lat}, {"lng", lng}};
    SCOPED_TRACE(report["place"].dump());
    ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400);
  }
  const std::vector<std::pair<Json, std::string>> places = {
      {Json::object(), "INVALID_FIELD"},
      {{{"unit", "99999"}}, "PLACE_UNKNOWN"},
      {{{"house_code", "nha-so-12"}}, "INVALID_FIELD"},
      {{{"house_code", "v-khong-co-thon-nay.1"}}, "PLACE_UNKNOWN"},
      {{{"unit", "abc"}}, "INVALID_FIELD"}};
  for (const auto& [place, reason] : places) {
    Json report = Pothole();
    report["place"] = place;
    SCOPED_TRACE(place.dump());
    ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400, reason);
  }
  EXPECT_EQ(CountMine("citizen_a"), before) << "a refused report left one";
}

TEST_F(FeedbackBadInputTest, OutsideTheDistrictIsTakenWithAFlag) {
  Json report = Pothole();
  report["place"]["point"] = {{"lat", 21.03}, {"lng", 105.85}};
  const ApiAnswer made = As("citizen_a").Post("/v1/reports", report);
  ASSERT_EQ(made.status, 200) << made.raw;
  EXPECT_THAT(FlagsOf(As("desk").Get(Path(made.Text("id")))), ::testing::Contains("FLAG_OUTSIDE_AREA"));
  const ApiAnswer inside = As("citizen_a").Post("/v1/reports", Pothole());
  EXPECT_THAT(FlagsOf(As("desk").Get(Path(inside.Text("id")))), ::testing::IsEmpty()) << inside.raw;
  report["place"].erase("unit");  // nobody knows whose it is
  ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400, "PLACE_UNKNOWN");
}

TEST_F(FeedbackBadInputTest, TextsAreKeptAsTextInNormalForm) {
  const std::string html = "<script>alert(1)</script> & \"ổ gà\" <b>to</b>";
  const std::string id = Made("citizen_a", Pothole(html));
  const ApiAnswer shown = OnBoard(id);
  EXPECT_EQ(shown.Text("description"), html);
  EXPECT_THAT(shown.Header("Content-Type"), HasSubstr("application/json"));
  EXPECT_THAT(As("anonymous").Get("/v1/reports:atom").raw, Not(HasSubstr("<script")));
  const std::string nfd = Made("citizen_a", Pothole("O\xCC\x82\xCC\x89 ga\xCC\x80 dau\xCC\x80 tho\xCC\x82n"));
  EXPECT_EQ(As("citizen_a").Get(Path(nfd)).Text("description"), "Ổ gà daù thôn");
  const std::string emoji = "Đèn tắt 🏠 ba hôm 😀";
  EXPECT_EQ(As("citizen_a").Get(Path(Made("citizen_a", Pothole(emoji)))).Text("description"), emoji);
  for (const char* hidden : {"Ổ\u200B gà to", "Ổ gà \u202Eto", "\uFEFFỔ gà to", "Ổ gà\u2060 to"}) {
    const ApiAnswer refused = As("citizen_a").Post("/v1/reports", Pothole(hidden));
    SCOPED_TRACE(hidden);
    ExpectProblem(refused, 400, "INVALID_FIELD");
    EXPECT_THAT(FieldsOf(refused), ::testing::Contains("description"));
  }
}

TEST_F(FeedbackBadInputTest, TenThousandCharactersAndNotOneMore) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "đường";  // letters of two and three bytes: characters are counted
  const std::string id = Made("citizen_a", Pothole(text));
  EXPECT_EQ(As("citizen_a").Get(Path(id)).Text("description"), text);
  const ApiAnswer refused = As("citizen_a").Post("/v1/reports", Pothole(text + "x"));
  ExpectProblem(refused, 400, "INVALID_FIELD");
  EXPECT_THAT(FieldsOf(refused), ::testing::Contains("description"));
  ExpectProblem(As("citizen_a").Post("/v1/reports", Pothole("    ")), 400, "INVALID_FIELD");
  ExpectProblem(As("citizen_a").Post("/v1/reports", Pothole("ổ gà")), 400, "INVALID_FIELD");
}

TEST_F(FeedbackBadInputTest, CategoriesAnswersAndUnknownFields) {
  Json report = Pothole();
  report["khong_co"] = 1;
  ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400);
  for (const char* ours : {"id", "state", "agency", "tracking_token"}) {
    report = Pothole();
    report[ours] = "của tôi";
    ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400);
  }
  for (const char* category : {"road", "khong.co", "legal"}) {
    report = Pothole();
    report["category"] = category;
    SCOPED_TRACE(category);
    ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400, "CATEGORY_UNKNOWN");
  }
  report = Pothole();
  report["answers"] = {{"size", "khổng lồ"}, {"khong_co", "1"}};
  const ApiAnswer wrong = As("citizen_a").Post("/v1/reports", report);
  ExpectProblem(wrong, 400, "INVALID_FIELD");
  EXPECT_THAT(FieldsOf(wrong), ::testing::IsSupersetOf({"answers.size", "answers.danger", "answers.khong_co"}));
  report = Pothole();
  report["photos"] = {"0190a5b2-7e3c-7abc-8def-0000000000ff"};
  ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400, "PHOTO_UNKNOWN");
  report["photos"] = std::vector<std::string>(6, "0190a5b2-7e3c-7abc-8def-0000000000ff");
  ExpectProblem(As("citizen_a").Post("/v1/reports", report), 400, "INVALID_FIELD");
}

TEST_F(FeedbackBadInputTest, BoxesRadiiAndQueries) {
  for (const char* bbox :
       {"", "1,2,3", "1,2,3,4,5", "a,b,c,d", "106,19,105,20", "179,19,-179,20", "105,20,106,19", "105,-91,106,20",
        "-181,19,106,20", "105,19,106,nan", "105,19,106,inf", "105,19,106,20x", "105;19;106;20"}) {
    SCOPED_TRACE(bbox);
    ExpectProblem(As("anonymous").Get("/v1/reports:board?zoom=12&bbox=" + std::string(bbox)), 400, "INVALID_FIELD");
    if (*bbox != '\0')
      ExpectProblem(As("anonymous").Get("/v1/reports?bbox=" + std::string(bbox)), 400, "INVALID_FIELD");
  }
  for (const char* zoom : {"", "0", "23", "-1", "1.5", "to"}) {
    ExpectProblem(As("anonymous").Get("/v1/reports:board?bbox=105,19,106,20&zoom=" + std::string(zoom)), 400);
  }
  EXPECT_EQ(As("anonymous").Get("/v1/reports:board?bbox=-180,-90,180,90&zoom=1").status, 200) << "the whole world";
  const std::string id = Made("citizen_a", Pothole());
  OnBoard(id);
  const std::string here = "/v1/reports:nearby?category=road&lat=19.8526&lng=105.8617";  // 156 m north of it
  EXPECT_TRUE(Lists(As("anonymous").Get(here), id)) << "200 m when nothing is said";
  EXPECT_TRUE(Lists(As("anonymous").Get(here + "&radius_m=0"), id));
  EXPECT_TRUE(Lists(As("anonymous").Get(here + "&radius_m=1000"), id));
  EXPECT_FALSE(Lists(As("anonymous").Get(here + "&radius_m=100"), id));
  for (const char* radius : {"1001", "-1", "2147483648", "xa", "1e3x"}) {
    SCOPED_TRACE(radius);
    ExpectProblem(As("anonymous").Get(here + "&radius_m=" + radius), 400);
  }
  for (const char* place : {"lat=91&lng=105", "lat=19&lng=181", "lat=NaN&lng=105", "lat=19", "", "lat=x&lng=y"}) {
    const ApiAnswer answer = As("anonymous").Get(std::string("/v1/reports:nearby?") + place);
    SCOPED_TRACE(place);
    // Without a longitude it is a place in Africa: nothing is near.
    if (std::string(place) == "lat=19") {
      EXPECT_EQ(answer.body.value("reports", Json::array()).size(), 0u) << answer.raw;
    } else {
      ExpectProblem(answer, 400);
    }
  }
  for (const char* query : {"query=%21%21%21", "from=2026-02-30", "from=2026-03-01&to=2026-02-01", "page_size=-1",
                            "page_token=khong-phai", "states=STATE_KHONG_CO", "of=OF_KHONG_CO", "category=khong.co"}) {
    SCOPED_TRACE(query);
    ExpectProblem(As("anonymous").Get(std::string("/v1/reports?") + query), 400);
  }
  // Full-text operators of the store are words like any others.
  for (const char* query : {"%22o%20ga", "o%20OR%20*", "NEAR(o%20ga)", "-ga", "text%3Aga", "%27%3B--ga"}) {
    EXPECT_EQ(As("anonymous").Get(std::string("/v1/reports?query=") + query).status, 200) << query;
  }
}

TEST_F(FeedbackBadInputTest, StaleEtagsAndWrongStatesChangeNothing) {
  const std::string id = Made("citizen_a", Pothole());
  const ApiAnswer first = As("desk").Get(Path(id));
  const std::string etag = first.Text("etag");
  ASSERT_FALSE(etag.empty()) << first.raw;
  ASSERT_EQ(Do("specialist", id, ":start", {{"etag", etag}}).status, 200);
  // Two officers at once: who comes second is told.
  for (const char* verb : {":assign", ":answer", ":resolve", ":reject", ":hide", ":route", ":ask"}) {
    Json body = {{"etag", etag}};
    const std::string what = verb;
    if (what == ":answer" || what == ":resolve" || what == ":ask") body["text"] = "Đã xem xét";
    if (what == ":reject" || what == ":hide" || what == ":route") body["reason"] = "Lý do để thử";
    if (what == ":route") body["category"] = "lighting.out";
    SCOPED_TRACE(what);
    ExpectProblem(Do("desk", id, verb, body), 409, "STALE_ETAG");
  }
  EXPECT_EQ(As("desk").Get(Path(id)).Text("state"), "STATE_IN_PROGRESS");
  ExpectProblem(Do("specialist", id, ":start"), 409);
  ExpectProblem(Do("citizen_a", id, ":rate", {{"stars", 5}}), 409);
  ExpectProblem(Do("citizen_a", id, ":reopen", {{"reason", "Chưa làm gì"}}), 409);
  ASSERT_EQ(Do("desk", id, ":reject", {{"reason", "Không thuộc địa bàn"}}).status, 200);
  ExpectProblem(Do("citizen_a", id, "/updates", {{"text", "Nói thêm một câu"}}), 409, "STATE_DOES_NOT_ALLOW");
  const ApiAnswer refused =
      Await("anonymous", Path(id), [](const ApiAnswer& a) { return a.Text("state") == "STATE_REJECTED"; });
  EXPECT_EQ(refused.Text("state"), "STATE_REJECTED") << refused.raw;
  ExpectProblem(Do("citizen_b", id, ":join"), 409, "STATE_DOES_NOT_ALLOW");
}

TEST_F(FeedbackBadInputTest, JoiningOnesOwnAndRatingTwice) {
  const std::string id = Made("citizen_a", Pothole());
  OnBoard(id);
  ExpectProblem(Do("citizen_a", id, ":join"), 409, "OWN_REPORT");
  ExpectProblem(Do("citizen_a", id, ":join"), 409, "OWN_REPORT");
  ASSERT_EQ(Do("desk", id, ":resolve", {{"text", "Đã vá xong"}}).status, 200);
  for (const Json& stars : {Json(0), Json(6), Json(-1), Json(4.5), Json("năm")}) {
    ExpectProblem(Do("citizen_a", id, ":rate", {{"stars", stars}}), 400);
  }
  ASSERT_EQ(Do("citizen_a", id, ":rate", {{"stars", 2}}).status, 200);
  ExpectProblem(Do("citizen_a", id, ":rate", {{"stars", 5}}), 409, "ALREADY_RATED");
  EXPECT_EQ(As("citizen_a").Get(Path(id)).Int("stars"), 2);
}

TEST_F(FeedbackBadInputTest, FilesThatAreNoPhotos) {
  const std::string good = PhotoWithTrail();
  const std::string script = "<html><script>alert('DINH-POLYGLOT')</script></html>";
  const std::pair<std::string, std::string> files[] = {
      {script, "PHOTO_TYPE_REFUSED"},
      {demo::SamplePdf("DINH-NO-PHOTO"), "PHOTO_TYPE_REFUSED"},
      {"GIF89a\x01\x01", "PHOTO_TYPE_REFUSED"},
      {"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "PHOTO_TYPE_REFUSED"},
      {"\xFF\xD8\xFF\xE0 and nothing more", "PHOTO_DAMAGED"},
      {good.substr(0, good.size() / 2), "PHOTO_DAMAGED"},
      {script + good, "PHOTO_TYPE_REFUSED"}};
  for (const auto& [bytes, reason] : files) {
    SCOPED_TRACE(bytes.substr(0, 20));
    ExpectProblem(UploadPhoto("citizen_b", bytes), 400, reason);
  }
  ExpectProblem(UploadPhoto("citizen_b", ""), 400);
  // A picture that is a page as well: the picture is taken, the page is not.
  photo::testing::JpegSpec spec;
  spec.segments.emplace_back(0xFE, script);
  const std::string inside = photo::testing::MakeJpeg(photo::testing::Quarters(64, 64), spec);
  for (const std::string& both : {good + script, inside}) {
    const ApiAnswer stored = UploadPhoto("citizen_b", both);
    ASSERT_EQ(stored.status, 200) << stored.raw;
    const ApiAnswer picture = As("citizen_b").Get("/v1/report-photos/" + stored.Text("id"));
    EXPECT_EQ(picture.Header("Content-Type"), "image/jpeg");
    EXPECT_THAT(picture.raw, Not(HasSubstr("DINH-POLYGLOT")));
    EXPECT_THAT(picture.raw, Not(HasSubstr("<script")));
    EXPECT_EQ(picture.Header("X-Content-Type-Options"), "nosniff");
  }
}

}  // namespace
}  // namespace dinh::testing
