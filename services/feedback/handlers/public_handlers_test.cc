// What everybody can ask: lists, search, nearby, Open311. Called without the pipeline: field rules are its own matter.
#include <set>

#include "libs/testing/principals.h"
#include "services/feedback/api_keys.h"
#include "services/feedback/board_test_support.h"
#include "services/feedback/handlers/open311.h"
#include "services/feedback/handlers/public_reports.h"

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSecret[] = "a-secret-of-the-city-app";

// Remembers what it was asked for.
class RecordingIntake final : public Intake {
 public:
  absl::StatusOr<pb::Report> Make(rpc::Context&, const pb::CreateReportRequest& request,
                                  const ForeignOrigin& from) override {
    made = request;
    origin = from;
    pb::Report report;
    report.set_id("PA-7K3M9QXZ4T");
    return report;
  }
  absl::StatusOr<std::string> AddForeignUpdate(rpc::Context&, const std::string& code, const std::string& client,
                                               const std::string& update_id, const std::string& text) override {
    if (client != "city") return base::PermissionDenied();
    updates.push_back(code + " " + update_id + " " + text);
    const bool replayed = std::exchange(replays, 0) > 0;
    return replayed ? "" : code + ".4";
  }
  pb::CreateReportRequest made;
  ForeignOrigin origin;
  std::vector<std::string> updates;
  int replays = 0;  // how often the answer is that of a request that was not run again
};

class PublicHandlersTest : public BoardTest {
 protected:
  std::unique_ptr<rpc::Context> Call(const auth::Principal& who = ::dinh::testing::Anonymous()) {
    return std::make_unique<rpc::Context>(clock_, clock_.Steady() + std::chrono::seconds(60), method_, who);
  }
  static std::string ReasonOf(const absl::Status& status) { return db::ReasonOf(status); }
  std::vector<std::string> Ids(const pb::ListReportsRequest& request) {
    const auto listed = reports_.List(*Call(), request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<std::string> ids;
    if (listed.ok()) {
      for (const pb::Report& report : listed->reports()) ids.push_back(report.id());
    }
    return ids;
  }
  BoardRow Anonymous(int64_t number) const {
    BoardRow row = Row(number);
    row.anonymous = true;
    row.shown_at = row.changed_at = DayOf(row.shown_at);
    BoardLine line;
    line.position = 2;
    line.event = "answer";
    line.state = State::kAnswered;
    line.actor = pb::Update::ACTOR_OFFICER;
    line.actor_name = "Công chức chuyên môn";
    line.text = "Sẽ sửa";
    line.shown_at = row.shown_at;
    row.lines = {line};
    row.state = State::kAnswered;
    return row;
  }

  rpc::MethodEntry method_;
  auth::PageTokens page_tokens_{*keys_};
  PublicReports reports_{{*database_.db, board_, data_, names_, page_tokens_, cache_}};
  RecordingIntake intake_;
  ApiKeys api_keys_ = *ApiKeys::Parse({std::string("city:") + kSecret, "other:another-long-secret"});
  Open311Handlers open311_{{*database_.db, board_, data_, names_, intake_, api_keys_, random_}};
};

TEST_F(PublicHandlersTest, ListsPageByTokensThatBelongToTheirFilter) {
  Put({Row(1), Row(2), Row(3)});
  pb::ListReportsRequest request;
  request.set_category("road");
  request.set_page_size(2);
  EXPECT_THAT(Ids(request), ElementsAre(Row(3).code, Row(2).code));
  const auto first = reports_.List(*Call(), request);
  request.set_page_token(first->next_page_token());
  EXPECT_THAT(Ids(request), ElementsAre(Row(1).code));
  request.set_category("lamp");
  EXPECT_EQ(ReasonOf(reports_.List(*Call(), request).status()), "PAGE_TOKEN_MISMATCH");
}

TEST_F(PublicHandlersTest, ListsFilterAndSearch) {
  BoardRow lamp = Row(2);
  lamp.category = "lamp";
  lamp.search = "den tat";
  Put({Row(1), lamp});
  pb::ListReportsRequest request;
  request.set_query("Đèn  TẮT!");
  EXPECT_THAT(Ids(request), ElementsAre(lamp.code));
  request.set_category("road");
  EXPECT_THAT(Ids(request), IsEmpty());
  request.clear_query();
  EXPECT_THAT(Ids(request), ElementsAre(Row(1).code));
  request.set_from("2026-02-14");
  EXPECT_THAT(Ids(request), IsEmpty());
  request.set_from("2026-02-13");
  request.set_to("2026-02-13");
  EXPECT_THAT(Ids(request), ElementsAre(Row(1).code));
  request.set_bbox("105.8,19.8,105.9,19.9");
  EXPECT_THAT(Ids(request), ElementsAre(Row(1).code));
}

TEST_F(PublicHandlersTest, NonsenseIsToldApart) {
  const auto reason = [&](auto change) {
    pb::ListReportsRequest request;
    change(request);
    return ReasonOf(reports_.List(*Call(), request).status());
  };
  EXPECT_EQ(reason([](auto& r) { r.set_category("none"); }), "CATEGORY_UNKNOWN");
  EXPECT_EQ(reason([](auto& r) { r.set_bbox("105.9,19.8,105.8,19.9"); }), "INVALID_FIELD");
  EXPECT_EQ(reason([](auto& r) { r.set_query("…!"); }), "INVALID_FIELD");
  EXPECT_EQ(reason([](auto& r) {
              r.set_from("2026-02-13");
              r.set_to("2026-02-12");
            }),
            "INVALID_FIELD");
  pb::ListNearbyReportsRequest nowhere;
  EXPECT_EQ(ReasonOf(reports_.Nearby(*Call(), nowhere).status()), "INVALID_FIELD");
}

TEST_F(PublicHandlersTest, AReportIsFoundHoweverItsCodeIsTyped) {
  Put({Row(1)});
  std::string typed = Row(1).code.substr(3);
  for (char& c : typed) c = static_cast<char>(std::tolower(c));
  const auto found = reports_.Get(*Call(), "pa " + typed);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->id(), Row(1).code);
  EXPECT_EQ((*found)->view(), pb::Report::VIEW_PUBLIC);
  EXPECT_EQ((*found)->unit_name(), "đơn vị 15865");
  EXPECT_EQ((*found)->category_name(), "Ổ gà");
  EXPECT_THAT((*found)->actions(), ElementsAre("join"));
  EXPECT_FALSE(reports_.Get(*Call(), "PA-0000000000")->has_value());
  EXPECT_FALSE(reports_.Get(*Call(), "nonsense")->has_value());
}

TEST_F(PublicHandlersTest, AnAnonymousReportHasNoTimesInAnyForm) {
  Put({Anonymous(1)});
  const auto found = reports_.Get(*Call(), Anonymous(1).code);
  ASSERT_TRUE(found.ok() && found->has_value());
  const pb::Report& report = **found;
  EXPECT_FALSE(report.has_create_time());
  EXPECT_FALSE(report.has_due_time());
  EXPECT_EQ(report.day(), "2026-02-13");
  ASSERT_EQ(report.updates_size(), 1);
  EXPECT_FALSE(report.updates(0).has_time());
  EXPECT_EQ(report.updates(0).day(), "2026-02-13");
  pb::ListServiceRequestsRequest request;
  request.add_service_request_ids(report.id());
  const auto listed = open311_.ListServiceRequests(*Call(), request);
  ASSERT_EQ(listed->requests_size(), 1);
  EXPECT_EQ(listed->requests(0).requested_at(), DayOf(kBoardNow));
  EXPECT_EQ(listed->requests(0).updated_at(), DayOf(kBoardNow));
}

TEST_F(PublicHandlersTest, NearbySaysHowFar) {
  Put({Row(1), Row(2, {kSquare.lat + 0.001, kSquare.lon})});
  pb::ListNearbyReportsRequest request;
  request.set_lat(kSquare.lat);
  request.set_lng(kSquare.lon);
  auto near = reports_.Nearby(*Call(), request);
  ASSERT_TRUE(near.ok()) << near.status();
  ASSERT_EQ(near->reports_size(), 2);
  EXPECT_EQ(near->reports(0).distance_m(), 0);
  EXPECT_EQ(near->reports(1).distance_m(), 111);
  request.set_category("lamp");
  EXPECT_EQ(reports_.Nearby(*Call(), request)->reports_size(), 0);
}

TEST(ApiKeysTest, AreParsedAndFound) {
  const auto keys = ApiKeys::Parse({"city:0123456789abcdef", "fix-my-street:has:colons:in:it"});
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->OwnerOf("0123456789abcdef"), "city");
  EXPECT_EQ(keys->OwnerOf("has:colons:in:it"), "fix-my-street");
  EXPECT_EQ(keys->OwnerOf("city:0123456789abcdef"), std::nullopt);
  EXPECT_EQ(keys->OwnerOf(""), std::nullopt);
  EXPECT_EQ(ApiKeys::Parse({})->OwnerOf(""), std::nullopt);
  for (const std::string wrong : {"no colon", ":0123456789abcdef", "Ab:0123456789abcdef", "short:secret"}) {
    const auto refused = ApiKeys::Parse({wrong});
    EXPECT_FALSE(refused.ok()) << wrong;
    EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr("0123456789abcdef")));
  }
  EXPECT_FALSE(ApiKeys::Parse({"a:0123456789abcdef", "a:fedcba9876543210"}).ok());
}

TEST_F(PublicHandlersTest, ServicesAreTheLeavesWithTheirQuestions) {
  const auto services = open311_.ListServices(*Call(), {});
  std::vector<std::string> codes;
  for (const pb::Service& service : services->services()) {
    codes.push_back(service.service_code() + (service.metadata() ? "+" : ""));
    EXPECT_EQ(service.type(), "realtime");
  }
  EXPECT_THAT(codes, ElementsAre("road.pothole+", "road.sign", "lamp", "security"));
  EXPECT_EQ(services->services(0).group(), "Đường sá");
  pb::GetServiceDefinitionRequest request;
  request.set_service_code("road.pothole");
  const auto definition = open311_.GetServiceDefinition(*Call(), request);
  ASSERT_EQ(definition->attributes_size(), 1);
  EXPECT_EQ(definition->attributes(0).code(), "depth");
  EXPECT_EQ(definition->attributes(0).datatype(), "number");
  EXPECT_EQ(definition->attributes(0).order(), 1);
  request.set_service_code("road");
  EXPECT_EQ(ReasonOf(open311_.GetServiceDefinition(*Call(), request).status()), "CATEGORY_UNKNOWN");
}

TEST_F(PublicHandlersTest, AServiceRequestBecomesAReportOfItsKeysOwner) {
  pb::CreateServiceRequestRequest request;
  request.set_service_code("road.pothole");
  request.set_description("Ổ gà lớn trước chợ");
  request.set_lat(19.85);
  request.set_long_(105.85);
  request.set_address_string("trước chợ");
  request.set_address_id("v-quang-trung-15952.12");
  request.set_first_name("Một");
  request.set_last_name("Công dân");
  request.set_phone("0912345678");
  (*request.mutable_attributes())["depth"] = "12";
  for (const std::string key : {"", "wrong"}) {
    request.set_api_key(key);
    EXPECT_EQ(ReasonOf(open311_.CreateServiceRequest(*Call(), request).status()), "API_KEY_INVALID");
  }
  request.set_api_key(kSecret);
  const auto made = open311_.CreateServiceRequest(*Call(), request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->service_request_id(), "PA-7K3M9QXZ4T");
  EXPECT_EQ(made->token(), "");
  EXPECT_THAT(made->service_notice(), HasSubstr("40 giờ làm việc"));
  EXPECT_EQ(intake_.origin.client, "city");
  EXPECT_EQ(intake_.origin.name, "Công dân Một");
  EXPECT_EQ(intake_.origin.phone, "0912345678");
  EXPECT_EQ(intake_.made.place().point().lat(), 19.85);
  EXPECT_EQ(intake_.made.place().house_code(), "v-quang-trung-15952.12");
  EXPECT_EQ(intake_.made.place().note(), "trước chợ");
  EXPECT_EQ(intake_.made.answers().at("depth"), "12");
  request.set_address_id("15865");
  EXPECT_TRUE(open311_.CreateServiceRequest(*Call(), request).ok());
  EXPECT_EQ(intake_.made.place().unit(), "15865");
  request.set_description("Ổ");
  EXPECT_EQ(ReasonOf(open311_.CreateServiceRequest(*Call(), request).status()), "INVALID_FIELD");
  request.set_description("Ổ gà lớn trước chợ");
  request.set_service_code("road");
  EXPECT_EQ(ReasonOf(open311_.CreateServiceRequest(*Call(), request).status()), "CATEGORY_UNKNOWN");
}

TEST_F(PublicHandlersTest, ServiceRequestsAreListedByTimeStatusAndPage) {
  std::vector<BoardRow> rows;
  for (int64_t number = 1; number <= 5; ++number) rows.push_back(Row(number));
  rows[1].state = State::kResolved;
  rows[2].shown_at -= 100 * 24 * kHour;
  rows[3].category = "lamp";
  Put(rows);
  clock_.Advance(kHour);
  const auto ids = [&](auto change) {
    pb::ListServiceRequestsRequest request;
    change(request);
    std::vector<std::string> found;
    const auto listed = open311_.ListServiceRequests(*Call(), request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const pb::ServiceRequest& one : listed->requests()) found.push_back(one.service_request_id());
    return found;
  };
  const auto code = [&](size_t i) { return rows[i - 1].code; };
  EXPECT_THAT(ids([](auto&) {}), ElementsAre(code(5), code(4), code(2), code(1)));
  EXPECT_THAT(ids([](auto& r) { r.add_statuses("closed"); }), ElementsAre(code(2)));
  EXPECT_THAT(ids([](auto& r) { r.add_service_codes("lamp"); }), ElementsAre(code(4)));
  EXPECT_THAT(ids([](auto& r) {
                r.set_page(2);
                r.set_page_size(3);
              }),
              ElementsAre(code(1)));
  EXPECT_THAT(ids([](auto& r) {
                r.set_page(11);
                r.set_page_size(100);
              }),
              IsEmpty())
      << "at most 1,000 in all";
  EXPECT_THAT(ids([](auto& r) { r.set_end(kBoardNow - 24 * kHour); }), IsEmpty());
  EXPECT_THAT(ids([](auto& r) { r.set_start(kBoardNow - 120 * 24 * kHour); }), ElementsAre(code(3)));
  EXPECT_THAT(ids([&](auto& r) {
                r.add_service_request_ids(code(3));
                r.add_service_request_ids(code(3));
                r.add_service_request_ids("PA-0000000000");
                r.add_statuses("closed");
              }),
              ElementsAre(code(3)))
      << "ids override everything else";
  pb::ListServiceRequestsRequest wide;
  wide.set_start(kBoardNow - 91 * 24 * kHour);
  wide.set_end(kBoardNow);
  EXPECT_EQ(ReasonOf(open311_.ListServiceRequests(*Call(), wide).status()), "INVALID_FIELD");
}

TEST_F(PublicHandlersTest, AServiceRequestHoldsTheSpecificationsFields) {
  BoardRow row = Row(1);
  row.expected_at = kBoardNow + kHour;
  row.place = "thôn Quang Trung";
  row.photos = {{"1e1dcd4c-0000-4000-8000-000000000001", pb::Photo::KIND_BEFORE, 1, 1}};
  Put({row});
  pb::ListServiceRequestsRequest request;
  request.add_service_request_ids(row.code);
  const pb::ServiceRequest one = open311_.ListServiceRequests(*Call(), request)->requests(0);
  EXPECT_EQ(one.status(), "open");
  EXPECT_EQ(one.status_notes(), StateNameVi(State::kReceived));
  EXPECT_EQ(one.service_code(), "road.pothole");
  EXPECT_EQ(one.service_name(), "Ổ gà");
  EXPECT_EQ(one.description(), row.text);
  EXPECT_EQ(one.agency_responsible(), "UBND ubnd-15865");
  EXPECT_EQ(one.requested_at(), row.shown_at);
  EXPECT_EQ(one.expected_at(), kBoardNow + kHour);
  EXPECT_EQ(one.address(), "thôn Quang Trung");
  EXPECT_TRUE(one.has_point());
  EXPECT_EQ(one.lat(), kSquare.lat);
  EXPECT_EQ(one.media_path(), "/v1/report-photos/1e1dcd4c-0000-4000-8000-000000000001");
}

TEST_F(PublicHandlersTest, ATokenTellsOnlyOfWhatIsPublic) {
  Put({Row(1)});
  pb::GetTokenRequest request;
  request.set_token(Row(1).code);
  EXPECT_EQ(open311_.GetToken(*Call(), request)->service_request_id(), Row(1).code);
  for (const std::string unknown : {"PA-0000000000", "nonsense"}) {
    request.set_token(unknown);
    EXPECT_EQ(ReasonOf(open311_.GetToken(*Call(), request).status()), "TOKEN_UNKNOWN");
  }
}

TEST_F(PublicHandlersTest, UpdatesComeByTimeAndOfAnonymousReportsByDay) {
  BoardRow named = Row(1);
  BoardLine line;
  line.event = "submit";
  line.position = 1;
  line.shown_at = named.shown_at;
  named.lines.push_back(line);
  line.event = "resolve";
  line.position = 2;
  line.state = State::kResolved;
  line.text = "Đã vá";
  line.shown_at = kBoardNow + kHour;
  named.lines.push_back(line);
  named.changed_at = line.shown_at;
  const BoardRow hidden = Anonymous(2);
  Put({named, hidden});
  clock_.Advance(4 * kHour);
  const auto updates = [&](int64_t start, int64_t end, const std::string& id = "") {
    pb::ListServiceRequestUpdatesRequest request;
    request.set_start(start);
    request.set_end(end);
    if (!id.empty()) request.add_service_request_ids(id);
    std::vector<std::string> found;
    const auto listed = open311_.ListServiceRequestUpdates(*Call(), request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const auto& one : listed->updates()) found.push_back(one.update_id() + " " + one.status());
    return found;
  };
  const std::string resolved = named.code + ".2 closed", answered = hidden.code + ".2 closed";
  EXPECT_THAT(updates(0, 0), ElementsAre(resolved, answered));
  EXPECT_THAT(updates(kBoardNow + 2 * kHour, kBoardNow + 3 * kHour), ElementsAre(answered))
      << "whatever hour of its day is asked for";
  EXPECT_THAT(updates(kBoardNow + 30 * kHour, kBoardNow + 31 * kHour), IsEmpty());
  EXPECT_THAT(updates(0, 0, named.code), ElementsAre(resolved));
}

TEST_F(PublicHandlersTest, AnUpdateNeedsTheKeyAndIsKnownAgain) {
  pb::CreateServiceRequestUpdateRequest request;
  request.set_service_request_id("PA-7K3M9QXZ4T");
  request.set_description("Vẫn còn hỏng");
  auto citizen = Call(::dinh::testing::Citizen("account", "person"));
  EXPECT_EQ(ReasonOf(open311_.CreateServiceRequestUpdate(*citizen, request).status()), "API_KEY_INVALID");
  request.set_api_key("another-long-secret");
  EXPECT_TRUE(absl::IsPermissionDenied(open311_.CreateServiceRequestUpdate(*Call(), request).status()));
  request.set_api_key(kSecret);
  request.set_update_id("77");
  EXPECT_EQ(open311_.CreateServiceRequestUpdate(*Call(), request)->update_id(), "PA-7K3M9QXZ4T.4");
  EXPECT_THAT(intake_.updates, ElementsAre("PA-7K3M9QXZ4T 77 Vẫn còn hỏng"));
  // Without an id of its own: by that of the request; and the answer of a replay is looked for.
  intake_.updates.clear();
  intake_.replays = 1;
  request.clear_update_id();
  auto again = Call();
  again->claim = std::make_unique<base::IdempotencyClaim>();
  again->claim->request_id = "r-1";
  EXPECT_EQ(open311_.CreateServiceRequestUpdate(*again, request)->update_id(), "PA-7K3M9QXZ4T.4");
  EXPECT_EQ(std::set<std::string>(intake_.updates.begin(), intake_.updates.end()),
            std::set<std::string>{"PA-7K3M9QXZ4T request:r-1 Vẫn còn hỏng"});
}

}  // namespace
}  // namespace dinh::feedback
