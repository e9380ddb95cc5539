// What becomes public, and who decides it.
#include "services/feedback/test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ModerationTest : public FeedbackServiceTest {
 protected:
  std::vector<pb::ModerationItem> Queue(const Principal& who) {
    const auto list = Call<pb::ListModerationResponse>("ListModeration", pb::ListModerationRequest(), who);
    EXPECT_TRUE(list.ok()) << list.status();
    return list.ok() ? std::vector<pb::ModerationItem>(list->items().begin(), list->items().end())
                     : std::vector<pb::ModerationItem>();
  }
  absl::StatusOr<pb::Report> Moderate(const std::string& id, bool approve, const std::string& update = "",
                                      const std::string& text = "") {
    pb::ModerateReportRequest request;
    request.set_id(id);
    request.set_update(update);
    request.set_approve(approve);
    request.set_public_text(text);
    return Call<pb::Report>("ModerateReport", request, Desk());
  }
  absl::StatusOr<pb::Photo> Decide(const std::string& photo, bool approve, const Principal& who = Desk()) {
    pb::ModeratePhotoRequest request;
    request.set_id(photo);
    request.set_approve(approve);
    return Call<pb::Photo>("ModeratePhoto", request, who);
  }
  absl::StatusOr<options::v1::RawBody> Picture(const std::string& photo, const Principal& who) {
    pb::GetPhotoRequest request;
    request.set_id(photo);
    return Call<options::v1::RawBody>("GetPhoto", request, who);
  }
  // Not on the board although the publisher has been at work since: another report sent after it is.
  bool KeptOff(const std::string& id) {
    const std::string after = MustCreate(Pothole("Một ổ gà khác để chờ"), CitizenB());
    return OnBoard(after).has_value() && absl::IsPermissionDenied(Get(id, Stranger()).status());
  }
};

TEST_F(ModerationTest, ATextThatNamesAPersonWaits) {
  const std::string id = MustCreate(Pothole("Ông Trần Văn Công đổ vật liệu ra đường"));
  EXPECT_TRUE(KeptOff(id));
  const auto queue = Queue(Desk());
  ASSERT_THAT(queue, SizeIs(1));
  EXPECT_EQ(queue[0].report(), id);
  EXPECT_EQ(queue[0].kind(), pb::ModerationItem::KIND_DESCRIPTION);
  EXPECT_THAT(queue[0].flags(), Contains(static_cast<int>(pb::Report::FLAG_NAMES_PERSON)));
  EXPECT_THAT(Queue(Elsewhere()), IsEmpty());
  ASSERT_TRUE(Moderate(id, true, "", "Có người đổ vật liệu ra đường").ok());
  const auto shown = OnBoard(id);
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->description(), "Có người đổ vật liệu ra đường");
  EXPECT_THAT(Queue(Desk()), IsEmpty());
  EXPECT_THAT(Get(id, CitizenA())->description(), HasSubstr("Trần Văn Công")) << "the reporter's words stay";
}

TEST_F(ModerationTest, RefusedStaysPrivate) {
  const std::string id = MustCreate(Pothole("Ông Trần Văn Công đổ vật liệu ra đường"));
  ASSERT_TRUE(Moderate(id, false).ok());
  EXPECT_TRUE(KeptOff(id));
  EXPECT_EQ(Get(id, CitizenA())->moderation(), pb::Report::MODERATION_REFUSED);
}

TEST_F(ModerationTest, HiddenGoesAtOnceAndComesBack) {
  const std::string id = MustCreate();
  ASSERT_TRUE(OnBoard(id).has_value());
  ASSERT_TRUE(Do<pb::HideReportRequest>("HideReport", id, Chair()).ok());
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    gone = !Get(id, Stranger()).ok();
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
  pb::HideReportRequest show;
  show.set_id(id);
  show.set_show(true);
  show.set_reason("Đã xem xét lại");
  ASSERT_TRUE(Call<pb::Report>("HideReport", show, Chair()).ok());
  EXPECT_TRUE(OnBoard(id).has_value());
}

TEST_F(ModerationTest, PhotosShowOnlyWhenApprovedAndBlurredAsShown) {
  const auto photo = Upload(CitizenA(), "picture-gps");
  ASSERT_TRUE(photo.ok()) << photo.status();
  EXPECT_TRUE(photo->has_suggested_position());
  pb::CreateReportRequest request = Pothole();
  request.add_photos(photo->id());
  const std::string id = MustCreate(request);
  ASSERT_TRUE(OnBoard(id).has_value());
  EXPECT_EQ(OnBoard(id)->photos_size(), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(Picture(photo->id(), Stranger()).status()));
  EXPECT_EQ(Picture(photo->id(), CitizenA())->data(), "full:picture-gps");
  EXPECT_EQ(Picture(photo->id(), Worker())->data(), "full:picture-gps");
  EXPECT_TRUE(absl::IsPermissionDenied(Picture(photo->id(), CitizenB()).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Decide(photo->id(), true, Elsewhere()).status()));

  pb::BlurPhotoRequest blur;
  blur.set_id(photo->id());
  blur.add_boxes()->set_width(0.1);
  ASSERT_TRUE(Call<pb::Photo>("BlurPhoto", blur, Desk()).ok());
  ASSERT_TRUE(Decide(photo->id(), true).ok());
  ASSERT_TRUE(OnBoard(id, [](const pb::Report& r) { return r.photos_size() == 1; }).has_value());
  EXPECT_EQ(Picture(photo->id(), Stranger())->data(), "blurred1:full:picture-gps");
  EXPECT_EQ(Picture(photo->id(), Worker())->data(), "full:picture-gps") << "the office keeps the picture";
  EXPECT_THAT(Queue(Desk()), IsEmpty());
}

TEST_F(ModerationTest, WhoeverIsShownMayAskForRemoval) {
  const auto photo = Upload(CitizenA(), "picture");
  pb::CreateReportRequest request = Pothole();
  request.add_photos(photo->id());
  const std::string id = MustCreate(request);
  ASSERT_TRUE(Decide(photo->id(), true).ok());
  ASSERT_TRUE(OnBoard(id, [](const pb::Report& r) { return r.photos_size() == 1; }).has_value());
  pb::RequestRemovalRequest removal;
  removal.set_id(id);
  removal.set_photo(photo->id());
  removal.set_reason("Trong ảnh có mặt con tôi");
  EXPECT_EQ(ReasonOf(Call<pb::RequestRemovalResponse>("RequestRemoval", removal, Stranger()).status()),
            "PHONE_PASS_INVALID");
  removal.set_phone_pass(Pass());
  const auto asked = Call<pb::RequestRemovalResponse>("RequestRemoval", removal, Stranger());
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_TRUE(OnBoard(id, [](const pb::Report& r) { return r.photos_size() == 0; }).has_value()) << "until decided";
  EXPECT_TRUE(absl::IsPermissionDenied(Picture(photo->id(), Stranger()).status()));
  const auto queue = Queue(Desk());
  ASSERT_THAT(queue, SizeIs(1));
  EXPECT_EQ(queue[0].kind(), pb::ModerationItem::KIND_REMOVAL);
  pb::DecideRemovalRequest decide;
  decide.set_id(id);
  decide.set_request(asked->request());
  decide.set_grant(true);
  decide.set_reason("Ảnh có trẻ em");
  ASSERT_TRUE(Call<pb::Report>("DecideRemoval", decide, Desk()).ok());
  EXPECT_EQ(ReasonOf(Call<pb::Report>("DecideRemoval", decide, Desk()).status()), "ALREADY_DECIDED");
  EXPECT_TRUE(absl::IsPermissionDenied(Picture(photo->id(), Stranger()).status()));
}

TEST_F(ModerationTest, ARightOfReplyShowsOnceApproved) {
  const std::string id = MustCreate();
  ASSERT_TRUE(OnBoard(id).has_value());
  const auto reply = Call<pb::ReplyToReportResponse>(
      "ReplyToReport",
      [&] {
        pb::ReplyToReportRequest r;
        r.set_id(id);
        r.set_text("Đơn vị thi công đang chờ vật liệu");
        return r;
      }(),
      CitizenB());
  ASSERT_TRUE(reply.ok()) << reply.status();
  const auto replies = [&](const pb::Report& report) {
    int count = 0;
    for (const pb::Update& update : report.updates()) count += update.kind() == pb::Update::KIND_REPLY ? 1 : 0;
    return count;
  };
  EXPECT_EQ(replies(*Get(id, Stranger())), 0);
  EXPECT_EQ(replies(*Get(id, Worker())), 1);
  ASSERT_TRUE(Moderate(id, true, reply->update()).ok());
  EXPECT_TRUE(OnBoard(id, [&](const pb::Report& r) { return replies(r) == 1; }).has_value());
  EXPECT_EQ(ReasonOf(Moderate(id, true, "PA-0000000000.1").status()), "UPDATE_UNKNOWN");
}

TEST_F(ModerationTest, RepeatedTargetsAreLookedAt) {
  const auto about = [&](const Principal& who) {
    pb::CreateReportRequest request;
    request.set_category("noise.karaoke");
    request.set_description("Mở loa kẹo kéo quá khuya, cả xóm không ngủ được");
    request.mutable_place()->set_house_code("v-quang-trung-15952.12");
    return Create(request, who);
  };
  ASSERT_TRUE(about(CitizenA()).ok()) << about(CitizenA()).status();
  ASSERT_TRUE(about(CitizenB()).ok());
  const auto third = about(SamePhone());
  ASSERT_TRUE(third.ok()) << third.status();
  const auto office = Get(third->id(), third->agency() == "ca-15865" ? PoliceDesk() : Desk());
  ASSERT_TRUE(office.ok()) << office.status();
  EXPECT_THAT(office->flags(), Contains(static_cast<int>(pb::Report::FLAG_REPEATED_TARGET)));
}

TEST_F(ModerationTest, UploadsAreCountedAndOnesOwn) {
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "refuse me").status()), "PHOTO_TYPE_REFUSED");
  EXPECT_EQ(ReasonOf(Upload(Stranger(), "picture").status()), "PHONE_PASS_INVALID");
  const auto photo = Upload(CitizenA(), "picture");
  ASSERT_TRUE(photo.ok()) << photo.status();
  pb::CreateReportRequest request = Pothole();
  request.add_photos(photo->id());
  EXPECT_EQ(ReasonOf(Create(request, CitizenB()).status()), "PHOTO_UNKNOWN") << "another's upload";
  ASSERT_TRUE(Create(request, CitizenA()).ok());
  EXPECT_EQ(ReasonOf(Create(request, CitizenA()).status()), "PHOTO_UNKNOWN") << "used";
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Upload(CitizenA(), "picture " + std::to_string(i)).ok());
  EXPECT_EQ(ReasonOf(Upload(CitizenA(), "one more").status()), "TOO_MANY_UNUSED_FILES");
  const std::string pass = Pass();
  const auto by_phone = Upload(Stranger(), "picture", pass);
  ASSERT_TRUE(by_phone.ok()) << by_phone.status();
  pb::CreateReportRequest anonymous = Pothole();
  anonymous.set_phone_pass(pass);
  anonymous.add_photos(by_phone->id());
  EXPECT_TRUE(Create(anonymous, Stranger()).ok());
}

}  // namespace
}  // namespace dinh::feedback
