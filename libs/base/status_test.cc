#include "libs/base/status.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "libs/base/strings.h"

namespace dinh::base {
namespace {

ErrorDetail FullDetail() {
  ErrorDetail detail;
  detail.reason = "LIMIT_REACHED";
  detail.text = {"Đã đạt giới hạn: 5 bản. Hãy giảm số bản.", "The limit of 5 copies is reached. Ask for fewer."};
  detail.metadata = {{"limit", "5"}, {"ký tự: lạ", std::string("a\0b:12:", 7)}, {"", ""}};
  detail.violations = {{"form.copies", {"tối đa 5", "at most 5"}}, {"attachments[2]", {"", "not a PDF"}}};
  detail.retry_after_ms = 1500;
  return detail;
}

TEST(StatusTest, EveryPartOfADetailSurvivesTheStatus) {
  const ErrorDetail detail = FullDetail();
  const absl::Status status = MakeError(absl::StatusCode::kResourceExhausted, detail);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(FromAbsl(status.message()), detail.text.en);
  const absl::Status copy = status;
  const auto read = DetailOf(copy);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->reason, detail.reason);
  EXPECT_EQ(read->text.vi, detail.text.vi);
  EXPECT_EQ(read->text.en, detail.text.en);
  EXPECT_EQ(read->metadata, detail.metadata);
  ASSERT_EQ(read->violations.size(), 2u);
  EXPECT_EQ(read->violations[0].field, "form.copies");
  EXPECT_EQ(read->violations[0].description.vi, "tối đa 5");
  EXPECT_EQ(read->violations[1].description.vi, "");
  EXPECT_EQ(read->violations[1].description.en, "not a PDF");
  EXPECT_EQ(read->retry_after_ms, 1500);
}

TEST(StatusTest, ForeignStatusesHaveNoDetail) {
  EXPECT_FALSE(DetailOf(absl::OkStatus()).has_value());
  EXPECT_FALSE(DetailOf(absl::NotFoundError("x")).has_value());
}

TEST(StatusTest, DamagedPayloadsAreRefusedAtEveryLength) {
  const absl::Status status = MakeError(absl::StatusCode::kAborted, FullDetail());
  std::string url, payload;
  status.ForEachPayload([&](absl::string_view u, const absl::Cord& p) {
    url = std::string(FromAbsl(u));
    payload = std::string(p);
  });
  ASSERT_FALSE(payload.empty());
  for (size_t size = 0; size < payload.size(); ++size) {
    absl::Status cut = absl::AbortedError("");
    cut.SetPayload(ToAbsl(url), absl::Cord(payload.substr(0, size)));
    EXPECT_FALSE(DetailOf(cut).has_value()) << size;
  }
  absl::Status longer = absl::AbortedError("");
  longer.SetPayload(ToAbsl(url), absl::Cord(payload + "0:"));
  EXPECT_FALSE(DetailOf(longer).has_value());
  for (const char* lie : {"1:a0:0:99999999999:", "1:a0:0:-1:0:0:", "9999999999999999999:a", "-1:", "1x:a"}) {
    absl::Status lying = absl::AbortedError("");
    lying.SetPayload(ToAbsl(url), absl::Cord(std::string(lie)));
    EXPECT_FALSE(DetailOf(lying).has_value()) << lie;
  }
}

TEST(StatusTest, AnErrorIsNeverOk) {
  const absl::Status status = Error(absl::StatusCode::kOk, "X", {"a", "b"});
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(DetailOf(status)->reason, "X");
}

TEST(StatusTest, InvalidFieldNamesTheFieldInTextMetadataAndViolation) {
  const absl::Status status = InvalidField("phone", {"Hãy nhập 10 chữ số.", "Enter 10 digits."}, "INVALID_PHONE");
  const auto detail = DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(detail->reason, "INVALID_PHONE");
  EXPECT_EQ(detail->text.vi, "Trường “phone” chưa hợp lệ: Hãy nhập 10 chữ số.");
  EXPECT_EQ(detail->metadata, (Metadata{{"field", "phone"}}));
  ASSERT_EQ(detail->violations.size(), 1u);
  EXPECT_EQ(detail->violations[0].field, "phone");
  EXPECT_EQ(DetailOf(InvalidField("a", {"x", "y"}))->reason, "INVALID_FIELD");
}

TEST(StatusTest, InvalidFieldsCarriesAllAtOnce) {
  const auto several = DetailOf(InvalidFields({{"a", {"một", "one"}}, {"b", {"hai", "two"}}, {"c", {"ba", "three"}}}));
  ASSERT_EQ(several->violations.size(), 3u);
  EXPECT_EQ(several->violations[2].description.vi, "ba");
  EXPECT_EQ(several->metadata, (Metadata{{"count", "3"}}));
  const auto one = DetailOf(InvalidFields({{"a", {"một", "one"}}}));
  EXPECT_EQ(one->text.en, "Field 'a' is not valid: one");
}

TEST(StatusTest, NamedConstructorsHaveTheirCodes) {
  const Text text{"vi", "en"};
  EXPECT_EQ(NotFound("R", text).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FailedPrecondition("R", text).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Unauthenticated("R", text).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(PermissionDenied(), PermissionDenied());
  EXPECT_EQ(DetailOf(PermissionDenied())->reason, "PERMISSION_DENIED");
  EXPECT_TRUE(DetailOf(PermissionDenied())->metadata.empty());
  EXPECT_EQ(StaleEtag().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(DetailOf(StaleEtag())->reason, "STALE_ETAG");
  EXPECT_EQ(DetailOf(ResourceExhausted("R", text, 250))->retry_after_ms, 250);
  EXPECT_EQ(Unavailable("R", text).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailOf(Unavailable("R", text))->retry_after_ms, 1000);
}

TEST(StatusTest, WhatWentWrongInsideNeverStandsInTheDetail) {
  const absl::Status status = Internal("SELECT failed in /var/db");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(FromAbsl(status.message()), "SELECT failed in /var/db");
  const auto detail = DetailOf(status);
  EXPECT_EQ(detail->reason, "INTERNAL");
  EXPECT_EQ(detail->text.en.find("SELECT"), std::string::npos);
  EXPECT_EQ(detail->text.vi.find("SELECT"), std::string::npos);
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return FailedPrecondition("ODD", {"số lẻ", "odd"});
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  RETURN_IF_ERROR(Half(half).status());
  ASSIGN_OR_RETURN(n, Half(half));
  return n;
}

TEST(StatusTest, MacrosPassTheFirstErrorOnWithItsDetail) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(DetailOf(Quarter(6).status())->reason, "ODD");
  EXPECT_EQ(DetailOf(Quarter(5).status())->reason, "ODD");
}

}  // namespace
}  // namespace dinh::base
