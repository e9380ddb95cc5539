#include "libs/rpc/status_proto.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "libs/base/status.h"

namespace dinh::rpc {
namespace {

TEST(StatusProtoTest, EverythingSurvivesTheWire) {
  base::ErrorDetail detail;
  detail.reason = "TEST_REASON";
  detail.text = {"Hãy thử lại.", "Try again."};
  detail.metadata = {{"a", "1"}, {"b", "đ"}};
  detail.violations = {{"form.copies", {"Quá lớn.", "Too large."}}, {"name", {"Bắt buộc.", "Required."}}};
  detail.retry_after_ms = 1'250;
  const absl::Status before = base::MakeError(absl::StatusCode::kInvalidArgument, detail);

  google::rpc::Status wire;
  ASSERT_TRUE(wire.ParseFromString(ToProto(before).SerializeAsString()));
  const absl::Status after = FromProto(wire);

  EXPECT_EQ(after.code(), absl::StatusCode::kInvalidArgument);
  const auto back = base::DetailOf(after);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->reason, "TEST_REASON");
  EXPECT_EQ(back->text.vi, "Hãy thử lại.");
  EXPECT_EQ(back->text.en, "Try again.");
  EXPECT_EQ(back->metadata, detail.metadata);
  ASSERT_EQ(back->violations.size(), 2u);
  EXPECT_EQ(back->violations[0].field, "form.copies");
  EXPECT_EQ(back->violations[0].description.vi, "Quá lớn.");
  EXPECT_EQ(back->violations[0].description.en, "Too large.");
  EXPECT_EQ(back->violations[1].description.en, "Required.");
  EXPECT_EQ(back->retry_after_ms, 1'250);
}

TEST(StatusProtoTest, ErrorInfoComesFirstAndNamesTheDomain) {
  const google::rpc::Status proto = ToProto(base::StaleEtag());
  ASSERT_GE(proto.details_size(), 1);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(proto.details(0).UnpackTo(&info));
  EXPECT_EQ(info.domain(), "dinh");
  EXPECT_EQ(info.reason(), "STALE_ETAG");
}

TEST(StatusProtoTest, TheCauseOfAnInternalErrorStaysInside) {
  for (const absl::Status& status :
       {base::Internal("SELECT secret FROM /var/db"), absl::InternalError("SELECT secret"),
        absl::UnknownError("secret"), absl::InvalidArgumentError("secret: not made by our constructors"),
        absl::DataLossError("secret")}) {
    const google::rpc::Status proto = ToProto(ForOutside(status, "4bf92f35"));
    EXPECT_EQ(proto.code(), static_cast<int>(absl::StatusCode::kInternal));
    EXPECT_EQ(proto.SerializeAsString().find("secret"), std::string::npos);
    EXPECT_NE(proto.SerializeAsString().find("4bf92f35"), std::string::npos);
  }
}

TEST(StatusProtoTest, OurOwnErrorsLeaveUnchanged) {
  EXPECT_EQ(ForOutside(base::PermissionDenied(), "t"), base::PermissionDenied());
  EXPECT_TRUE(ForOutside(absl::OkStatus(), "t").ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(ForOutside(absl::DeadlineExceededError("x"), "t")));
}

// The caller must learn that asking again helps: an error of ours would say that nothing does.
TEST(StatusProtoTest, AnOutcomeThatIsNotKnownMayBeAskedForAgain) {
  const absl::Status unknown = base::MakeError(
      absl::StatusCode::kUnknown, {.reason = "COMMIT_OUTCOME_UNKNOWN", .text = {"vi", "en"}, .retry_after_ms = 500});
  const absl::Status outside = ForOutside(unknown, "t");
  EXPECT_TRUE(absl::IsUnavailable(outside)) << outside;
  EXPECT_EQ(base::DetailOf(outside)->reason, "COMMIT_OUTCOME_UNKNOWN");
  EXPECT_EQ(base::DetailOf(outside)->retry_after_ms, 500);
  EXPECT_TRUE(absl::IsInternal(ForOutside(absl::UnknownError("of a library"), "t")));
}

TEST(StatusProtoTest, PermissionDeniedIsTheSameBytesWhateverTheCause) {
  EXPECT_EQ(ToProto(ForOutside(base::PermissionDenied(), "1")).SerializeAsString(),
            ToProto(ForOutside(base::PermissionDenied(), "2")).SerializeAsString());
}

TEST(StatusProtoTest, AForeignStatusKeepsItsCode) {
  google::rpc::Status proto;
  proto.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
  proto.set_message("connection refused");
  EXPECT_TRUE(absl::IsUnavailable(FromProto(proto)));
}

}  // namespace
}  // namespace dinh::rpc
