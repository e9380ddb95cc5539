// The life of a report through the real pipeline on SQLite.
#include "services/feedback/test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class LifeTest : public FeedbackServiceTest {};

TEST_F(LifeTest, ACitizenReportsAndIsAnswered) {
  const auto sent = Create(Pothole());
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_THAT(sent->id(), StartsWith("PA-"));
  EXPECT_EQ(sent->view(), pb::Report::VIEW_REPORTER);
  EXPECT_EQ(sent->agency(), "ubnd-15865");
  EXPECT_EQ(sent->unit(), "15865");
  EXPECT_EQ(sent->state(), pb::Report::STATE_ASSIGNED) << "the category gives it to who has least";
  EXPECT_TRUE(sent->public_());
  EXPECT_TRUE(sent->has_due_time());
  EXPECT_EQ(sent->assignee(), "") << "the office's business";
  EXPECT_EQ(sent->tracking_token(), "");

  const auto office = Get(sent->id(), Worker());
  ASSERT_TRUE(office.ok()) << office.status();
  EXPECT_EQ(office->view(), pb::Report::VIEW_OFFICE);
  EXPECT_EQ(office->assignee(), "worker1");
  ASSERT_TRUE(Do<pb::StartReportRequest>("StartReport", sent->id(), Worker()).ok());
  const auto asked = Do<pb::AskReporterRequest>("AskReporter", sent->id(), Worker());
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->state(), pb::Report::STATE_WAITING);
  EXPECT_FALSE(asked->has_due_time()) << "the clock stands";

  pb::AddUpdateRequest supply;
  supply.set_id(sent->id());
  supply.set_text("Ngay trước cổng nhà văn hóa");
  const auto supplied = Call<pb::Report>("AddUpdate", supply, CitizenA());
  ASSERT_TRUE(supplied.ok()) << supplied.status();
  EXPECT_EQ(supplied->state(), pb::Report::STATE_IN_PROGRESS);
  EXPECT_TRUE(supplied->has_due_time());

  const auto resolved = Do<pb::ResolveReportRequest>("ResolveReport", sent->id(), Worker());
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->state(), pb::Report::STATE_RESOLVED);
  EXPECT_THAT(EventsOf(*resolved), ElementsAre("submit", "assign", "start", "ask", "supply", "resolve"));
  const auto rated = Do<pb::RateReportRequest>("RateReport", sent->id(), CitizenA());
  ASSERT_TRUE(rated.ok()) << rated.status();
  EXPECT_EQ(rated->stars(), 5);
  EXPECT_EQ(ReasonOf(Do<pb::RateReportRequest>("RateReport", sent->id(), CitizenA()).status()), "ALREADY_RATED");
  const auto reopened = Do<pb::ReopenReportRequest>("ReopenReport", sent->id(), CitizenA());
  ASSERT_TRUE(reopened.ok()) << reopened.status();
  EXPECT_EQ(reopened->state(), pb::Report::STATE_RECEIVED);
}

TEST_F(LifeTest, AbsentAndForeignAreTheSame) {
  pb::CreateReportRequest request = Pothole();
  request.set_publicity(pb::PUBLICITY_PRIVATE);
  const std::string id = MustCreate(request);
  const std::string absent = "PA-0000000000";
  for (const Principal& who : {CitizenB(), SamePhone(), Elsewhere(), PoliceDesk(), Stranger()}) {
    const absl::Status foreign = Get(id, who).status();
    EXPECT_TRUE(absl::IsPermissionDenied(foreign)) << foreign;
    EXPECT_EQ(foreign, Get(absent, who).status());
  }
  for (const Principal& who : {Elsewhere(), PoliceDesk()}) {
    const absl::Status foreign = Do<pb::RejectReportRequest>("RejectReport", id, who).status();
    EXPECT_TRUE(absl::IsPermissionDenied(foreign));
    EXPECT_EQ(foreign, Do<pb::RejectReportRequest>("RejectReport", absent, who).status());
  }
  for (const Principal& who : {CitizenB(), SamePhone()}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Do<pb::RateReportRequest>("RateReport", id, who).status()));
    EXPECT_TRUE(absl::IsPermissionDenied(Do<pb::ReopenReportRequest>("ReopenReport", id, who).status()));
    EXPECT_TRUE(absl::IsPermissionDenied(Do<pb::JoinReportRequest>("JoinReport", id, who).status()));
    pb::RequestRemovalRequest removal;
    removal.set_id(id);
    removal.set_reason("Lý do để thử nghiệm");
    EXPECT_TRUE(absl::IsPermissionDenied(Call<pb::RequestRemovalResponse>("RequestRemoval", removal, who).status()));
    pb::ReplyToReportRequest reply;
    reply.set_id(id);
    reply.set_text("Nội dung để thử nghiệm");
    EXPECT_TRUE(absl::IsPermissionDenied(Call<pb::ReplyToReportResponse>("ReplyToReport", reply, who).status()));
  }
  EXPECT_TRUE(absl::IsPermissionDenied(Do<pb::AnswerReportRequest>("AnswerReport", id, Chair()).status()))
      << "who leads does not work on it";
}

TEST_F(LifeTest, WithoutALoginAPhoneIsEnough) {
  pb::CreateReportRequest request = Pothole();
  EXPECT_EQ(ReasonOf(Create(request, Stranger()).status()), "PHONE_PASS_INVALID");
  request.set_phone_pass(Pass());
  const auto sent = Create(request, Stranger(), "key-1");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->tracking_token().size(), 43u);
  EXPECT_TRUE(Get(sent->id(), Stranger(), sent->tracking_token()).ok());
  EXPECT_EQ(Get(sent->id(), Stranger(), sent->tracking_token())->view(), pb::Report::VIEW_REPORTER);
  EXPECT_EQ(Get(sent->id(), Desk())->reporter().phone(), "0900000009") << "the office may call back";
  ASSERT_TRUE(Do<pb::ResolveReportRequest>("ResolveReport", sent->id(), Worker()).ok());
  pb::RateReportRequest rate;
  rate.set_id(sent->id());
  rate.set_stars(4);
  EXPECT_TRUE(absl::IsPermissionDenied(Call<pb::Report>("RateReport", rate, Stranger()).status()));
  rate.set_tracking_token(sent->tracking_token());
  EXPECT_TRUE(Call<pb::Report>("RateReport", rate, Stranger()).ok());
  // A pass lives for half an hour.
  harness_->clock().Advance(31 * 60 * base::kMicrosPerSecond);
  EXPECT_EQ(ReasonOf(Create(request, Stranger()).status()), "PHONE_PASS_INVALID");
}

TEST_F(LifeTest, AWrongCodeGivesNoPass) {
  pb::ConfirmPhoneRequest request;
  request.set_challenge("0900000009");
  request.set_code("000000");
  EXPECT_EQ(ReasonOf(Call<pb::PhonePass>("ConfirmPhone", request, Stranger()).status()), "OTP_INVALID");
}

TEST_F(LifeTest, AsManyAsADayAllows) {
  Start({"DINH_FEEDBACK_REPORTS_PER_LOGIN=2", "DINH_FEEDBACK_REPORTS_PER_PHONE=1"});
  EXPECT_TRUE(Create(Pothole()).ok());
  EXPECT_TRUE(Create(Pothole()).ok());
  const absl::Status third = Create(Pothole()).status();
  EXPECT_EQ(ReasonOf(third), "TOO_MANY_REPORTS");
  EXPECT_GT(base::DetailOf(third)->retry_after_ms, 0);
  pb::CreateReportRequest by_phone = Pothole();
  by_phone.set_phone_pass(Pass());
  EXPECT_TRUE(Create(by_phone, Stranger()).ok());
  EXPECT_EQ(ReasonOf(Create(by_phone, Stranger()).status()), "TOO_MANY_REPORTS");
  harness_->clock().Advance(24 * 3600 * base::kMicrosPerSecond);
  EXPECT_TRUE(Create(Pothole()).ok());
}

TEST_F(LifeTest, NotEverythingIsAReport) {
  pb::CreateReportRequest request = Pothole();
  request.clear_answers();
  request.set_category("legal.denunciation");
  absl::Status status = Create(request).status();
  EXPECT_EQ(ReasonOf(status), "LEGAL_CHANNEL") << status;
  request.set_category("emergency.crime");
  status = Create(request).status();
  EXPECT_EQ(ReasonOf(status), "EMERGENCY_NOT_CONFIRMED") << status;
  request.set_category("road");
  EXPECT_EQ(ReasonOf(Create(request).status()), "CATEGORY_UNKNOWN");
  request.set_category("no.such");
  EXPECT_EQ(ReasonOf(Create(request).status()), "CATEGORY_UNKNOWN");
}

TEST_F(LifeTest, SecurityGoesToThePoliceAndStaysPrivate) {
  pb::CreateReportRequest request = Pothole("Nghi có nhóm đánh bạc ở đầu làng");
  request.clear_answers();
  request.set_category("security.theft");
  request.set_publicity(pb::PUBLICITY_PUBLIC);
  const auto sent = Create(request);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->agency(), "ca-15865");
  EXPECT_FALSE(sent->public_()) << "whatever was asked for";
  EXPECT_TRUE(Get(sent->id(), PoliceDesk()).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Get(sent->id(), Desk()).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Get(sent->id(), Stranger()).status()));
}

TEST_F(LifeTest, ReportsAboutStaffGoAroundTheirUnit) {
  pb::CreateReportRequest request;
  request.set_category("staff.attitude");
  request.set_description("Cán bộ nói năng thiếu tôn trọng người dân");
  request.mutable_place()->set_unit("15865");
  request.set_about_officer("desk");
  const auto sent = Create(request);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->agency(), "ubnd-38");
  for (const Principal& who : {Desk(), Chair(), Worker()}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Get(sent->id(), who).status()));
  }
  EXPECT_TRUE(Get(sent->id(), Province()).ok());
  // Not even an officer with rights everywhere, when it is about them.
  Principal everywhere = Province();
  everywhere.id = "desk";
  EXPECT_TRUE(absl::IsPermissionDenied(Get(sent->id(), everywhere).status()));
  // And not back to the unit, whoever sends it there.
  pb::RouteReportRequest route;
  route.set_id(sent->id());
  route.set_category("other");
  route.set_unit("15865");
  route.set_reason("Chuyển về xã xử lý");
  const absl::Status back = Call<pb::Report>("RouteReport", route, Province()).status();
  EXPECT_THAT((std::vector<std::string>{"BYPASSED_UNIT", "CATEGORY_UNKNOWN"}), Contains(ReasonOf(back))) << back;
}

TEST_F(LifeTest, NeighboursJoinOnceAndNotTheirOwn) {
  const std::string id = MustCreate();
  ASSERT_TRUE(OnBoard(id).has_value());
  EXPECT_EQ(ReasonOf(Do<pb::JoinReportRequest>("JoinReport", id, CitizenA()).status()), "OWN_REPORT");
  const auto joined = Do<pb::JoinReportRequest>("JoinReport", id, CitizenB());
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->joined(), 1);
  EXPECT_EQ(joined->view(), pb::Report::VIEW_PUBLIC);
  EXPECT_EQ(ReasonOf(Do<pb::JoinReportRequest>("JoinReport", id, CitizenB()).status()), "ALREADY_JOINED");
  pb::JoinReportRequest by_phone;
  by_phone.set_id(id);
  by_phone.set_phone_pass(Pass());
  EXPECT_TRUE(Call<pb::Report>("JoinReport", by_phone, Stranger()).ok());
  EXPECT_EQ(ReasonOf(Call<pb::Report>("JoinReport", by_phone, Stranger()).status()), "ALREADY_JOINED");
  EXPECT_TRUE(OnBoard(id, [](const pb::Report& r) { return r.joined() == 2; }).has_value());
}

TEST_F(LifeTest, TwoOfficersAtOnce) {
  const std::string id = MustCreate();
  const std::string etag = Get(id, Worker())->etag();
  pb::ResolveReportRequest request;
  request.set_id(id);
  request.set_etag(etag);
  EXPECT_TRUE(Call<pb::Report>("ResolveReport", request, Worker()).ok());
  EXPECT_EQ(ReasonOf(Call<pb::Report>("ResolveReport", request, Worker()).status()), "STALE_ETAG");
  request.clear_etag();
  EXPECT_EQ(ReasonOf(Call<pb::Report>("ResolveReport", request, Worker()).status()), "STATE_DOES_NOT_ALLOW");
}

TEST_F(LifeTest, TheSameRequestTwiceIsOneReport) {
  const auto first = Create(Pothole(), CitizenA(), "key-7");
  const auto again = Create(Pothole(), CitizenA(), "key-7");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->id(), again->id());
  EXPECT_EQ(ReasonOf(Create(Pothole("Một nội dung khác hẳn"), CitizenA(), "key-7").status()), "IDEMPOTENCY_KEY_REUSED");
}

TEST_F(LifeTest, OfficersInTurnByLoad) {
  std::map<std::string, int> shares;
  for (int i = 0; i < 6; ++i) ++shares[Get(MustCreate(), Desk())->assignee()];
  EXPECT_EQ(shares, (std::map<std::string, int>{{"worker1", 3}, {"worker2", 3}}));
}

TEST_F(LifeTest, OnlyColleaguesWhoMay) {
  const std::string id = MustCreate();
  EXPECT_EQ(ReasonOf(Assign(id, "nobody").status()), "OFFICER_UNKNOWN");
  EXPECT_EQ(ReasonOf(Assign(id, "policeman").status()), "OFFICER_UNKNOWN");
  const auto given = Assign(id, "worker2");
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->assignee(), "worker2");
}

TEST_F(LifeTest, RoutedWithAReasonToAnotherOffice) {
  const std::string id = MustCreate();
  pb::RouteReportRequest route;
  route.set_id(id);
  route.set_reason("Nơi xảy ra thuộc xã bên");
  EXPECT_EQ(ReasonOf(Call<pb::Report>("RouteReport", route, Desk()).status()), "INVALID_FIELD");
  route.set_unit("15889");
  const auto routed = Call<pb::Report>("RouteReport", route, Desk());
  ASSERT_TRUE(routed.ok()) << routed.status();
  EXPECT_EQ(routed->agency(), "ubnd-15889");
  EXPECT_EQ(routed->state(), pb::Report::STATE_RECEIVED);
  EXPECT_TRUE(absl::IsPermissionDenied(Get(id, Desk()).status()) || Get(id, Desk())->view() == pb::Report::VIEW_PUBLIC);
  EXPECT_EQ(Get(id, Elsewhere())->view(), pb::Report::VIEW_OFFICE);
}

TEST_F(LifeTest, NotesOfTheOfficeStayThere) {
  const std::string id = MustCreate();
  pb::AddUpdateRequest note;
  note.set_id(id);
  note.set_text("Gọi đội thi công trước");
  note.set_private_(true);
  EXPECT_TRUE(absl::IsPermissionDenied(Call<pb::Report>("AddUpdate", note, CitizenA()).status()));
  ASSERT_TRUE(Call<pb::Report>("AddUpdate", note, Worker()).ok());
  const auto texts = [&](const Principal& who) {
    std::vector<std::string> out;
    const auto report = Get(id, who);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return out;
    for (const pb::Update& update : report->updates()) out.push_back(update.text());
    return out;
  };
  EXPECT_THAT(texts(Worker()), Contains("Gọi đội thi công trước"));
  EXPECT_THAT(texts(CitizenA()), Not(Contains("Gọi đội thi công trước")));
  ASSERT_TRUE(OnBoard(id).has_value());
  EXPECT_THAT(texts(Stranger()), Not(Contains("Gọi đội thi công trước")));
}

TEST_F(LifeTest, ListsShowWhatIsOnes) {
  const std::string id = MustCreate();
  const auto list = [&](pb::ListReportsRequest::Of of, const Principal& who) {
    pb::ListReportsRequest request;
    request.set_of(of);
    return Call<pb::ListReportsResponse>("ListReports", request, who);
  };
  using R = pb::ListReportsRequest;
  EXPECT_EQ(list(R::OF_MINE, CitizenA())->reports_size(), 1);
  EXPECT_EQ(list(R::OF_MINE, CitizenB())->reports_size(), 0);
  EXPECT_EQ(list(R::OF_MINE, SamePhone())->reports_size(), 0) << "one phone, two persons, no mixing";
  EXPECT_EQ(list(R::OF_OFFICE, Desk())->reports_size(), 1);
  EXPECT_EQ(list(R::OF_OFFICE, Elsewhere())->reports_size(), 0);
  EXPECT_EQ(list(R::OF_ASSIGNED, Worker())->reports_size(), 1);
  EXPECT_TRUE(absl::IsUnauthenticated(list(R::OF_MINE, Stranger()).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(list(R::OF_OFFICE, CitizenA()).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(list(R::OF_MINE, Desk()).status()));
}

TEST_F(LifeTest, PagesOfAnOfficeHoldEachReportOnce) {
  std::set<std::string> made, seen;
  for (int i = 0; i < 11; ++i) made.insert(MustCreate());
  pb::ListReportsRequest request;
  request.set_of(pb::ListReportsRequest::OF_OFFICE);
  request.set_page_size(4);
  request.set_category("road");
  for (int page = 0; page < 10; ++page) {
    const auto some = Call<pb::ListReportsResponse>("ListReports", request, Desk());
    ASSERT_TRUE(some.ok()) << some.status();
    for (const pb::Report& report : some->reports()) EXPECT_TRUE(seen.insert(report.id()).second);
    if (some->next_page_token().empty()) break;
    request.set_page_token(some->next_page_token());
  }
  EXPECT_EQ(seen, made);
}

}  // namespace
}  // namespace dinh::feedback
