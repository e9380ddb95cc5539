#include "libs/rpc/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "libs/rpc/pipeline_fixture.h"

namespace dinh::rpc {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(PipelineTest, GoesThroughItsStepsInOrder) {
  LogIn();
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    RETURN_IF_ERROR(ctx.CheckScope({.owner_persons = {"person-1"}}));
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetOwnThing").ok());
  EXPECT_THAT(steps_.log, ElementsAre("authenticate", "admit account-1@192.0.2.1", "handler", "audit read"));
}

TEST_F(PipelineTest, EachStepStopsWhatComesAfterIt) {
  struct Row {
    const char* what;
    std::function<void()> given;
    std::function<absl::Status()> call;
    absl::StatusCode code;
    std::string reason;
    std::vector<std::string> steps;
  };
  const std::vector<Row> rows = {
      {"the deadline has passed",
       [&] { head_.deadline = clock_.Steady(); },
       [&] { return Get("GetThing"); },
       absl::StatusCode::kDeadlineExceeded,
       "DEADLINE_EXCEEDED",
       {}},
      {"a bad token counts against its address",
       [&] {
         head_.credentials = {Credentials::Kind::kBearer, "forged", "192.0.2.1"};
       },
       [&] { return Get("GetThing"); },
       absl::StatusCode::kUnauthenticated,
       "TOKEN_INVALID",
       {"authenticate", "admit @192.0.2.1"}},
      {"too many calls",
       [&] {
         LogIn();
         limiter_.wait_ms = 1500;
       },
       [&] { return Create(); },
       absl::StatusCode::kResourceExhausted,
       "RATE_LIMITED",
       {"authenticate", "admit account-1@192.0.2.1"}},
      {"no login, and a bad request: the login comes first",
       [] {},
       [&] { return Create("CreateThing", ""); },
       absl::StatusCode::kUnauthenticated,
       "LOGIN_REQUIRED",
       {"admit @"}},
      {"not allowed, and a bad request: the refusal comes first",
       [&] { LogIn(); },
       [&] { return Create("EnterThing", ""); },
       absl::StatusCode::kPermissionDenied,
       "PERMISSION_DENIED",
       {"authenticate", "admit account-1@192.0.2.1", "audit refusal"}},
      {"a bad request",
       [&] { LogIn(); },
       [&] { return Create("CreateThing", ""); },
       absl::StatusCode::kInvalidArgument,
       "INVALID_FIELD",
       {"authenticate", "admit account-1@192.0.2.1"}},
      {"a bad request id",
       [&] {
         LogIn();
         head_.request_id = "has blank";
       },
       [&] { return Create(); },
       absl::StatusCode::kInvalidArgument,
       "INVALID_REQUEST_ID",
       {"authenticate", "admit account-1@192.0.2.1"}},
      {"another peer",
       [&] {
         head_.credentials = {Credentials::Kind::kPeer, "feedback", ""};
       },
       [&] { return Get("PeerThing"); },
       absl::StatusCode::kPermissionDenied,
       "PERMISSION_DENIED",
       {}},
  };
  for (const Row& row : rows) {
    head_ = CallHead();
    limiter_.wait_ms = 0;
    steps_.log.clear();
    row.given();
    const absl::Status status = row.call();
    EXPECT_EQ(status.code(), row.code) << row.what << ": " << status;
    EXPECT_EQ(ReasonOf(status), row.reason) << row.what;
    EXPECT_EQ(steps_.log, row.steps) << row.what;
  }
}

TEST_F(PipelineTest, PeersComeInByName) {
  head_.credentials = {Credentials::Kind::kPeer, "payments", ""};
  EXPECT_TRUE(Get("PeerThing").ok());
  EXPECT_EQ(answer_.id(), "payments");
}

TEST_F(PipelineTest, WhoeverKnocksAtAPeersMethodIsCounted) {
  head_.credentials = {Credentials::Kind::kPeer, "payments", "192.0.2.9"};
  ASSERT_TRUE(Get("PeerThing").ok());
  EXPECT_THAT(steps_.log, Not(Contains(HasSubstr("admit"))));
  head_.credentials = {};
  head_.credentials.address = "192.0.2.9";
  limiter_.wait_ms = 1500;
  steps_.log.clear();
  EXPECT_TRUE(absl::IsResourceExhausted(Get("PeerThing")));
  EXPECT_THAT(steps_.log, Not(Contains("audit refusal"))) << "a flood of refusals must not fill the disk";
}

TEST_F(PipelineTest, SignedCallersAreLeftToTheHandlersVerifier) {
  std::optional<auth::CallerKind> kind;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    kind = ctx.principal().kind;
    return pb::Thing();
  };
  SignedRequest request;
  EXPECT_TRUE(Call("NotifyThing", request).ok());
  EXPECT_EQ(kind, auth::CallerKind::kSigned);
  LogIn();
  EXPECT_TRUE(absl::IsPermissionDenied(Call("NotifyThing", request)));
}

TEST_F(PipelineTest, RateLimitTellsWhenToComeBack) {
  limiter_.wait_ms = 1500;
  const auto detail = base::DetailOf(Get("GetThing"));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->retry_after_ms, 1500);
}

TEST_F(PipelineTest, AHandlerThatForgetsTheScopeCheckAnswersNothing) {
  LogIn();
  EXPECT_TRUE(absl::IsInternal(Create()));
  EXPECT_THAT(log_, HasSubstr("without a scope check"));
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    return pb::Thing();
  };
  EXPECT_TRUE(Create().ok());
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.replayed = true;  // the stored answer of the same caller
    return pb::Thing();
  };
  EXPECT_TRUE(Create().ok());
  EXPECT_TRUE(head_.replayed);
}

TEST_F(PipelineTest, AnUnauditedReadOfPersonalDataIsNotAnswered) {
  LogIn();
  audit_.read_status = base::Unavailable("STORAGE", {"Thử lại.", "Try again."});
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    return pb::Thing();
  };
  EXPECT_TRUE(absl::IsUnavailable(Get("GetOwnThing")));
}

TEST_F(PipelineTest, ThrowingHandlersAreInternalErrorsAndTheirTextStaysInTheLog) {
  handlers_.on_unary = [](Context&) -> absl::StatusOr<pb::Thing> { throw std::runtime_error("secret cause"); };
  const absl::Status status = Get("GetThing");
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
  EXPECT_THAT(log_, HasSubstr("secret cause"));
  EXPECT_THAT(log_, HasSubstr(head_.trace.trace_id));
}

TEST_F(PipelineTest, MutationsCarryAClaim) {
  LogIn();
  base::IdempotencyClaim seen;
  bool hooked = false;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    hooked = ctx.commit_hook != nullptr;
    seen = ctx.claim != nullptr ? *ctx.claim : base::IdempotencyClaim{};
    return pb::Thing();
  };
  ASSERT_TRUE(Create().ok());
  EXPECT_TRUE(hooked);
  EXPECT_EQ(seen.request_id, "");  // no id, no claim
  head_.request_id = "r-1";
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(seen.principal, "citizen:account-1");
  EXPECT_EQ(seen.method, "dinh.testing.v1.ThingService/CreateThing");
  EXPECT_EQ(seen.request_id, "r-1");
  EXPECT_TRUE(seen.store_answer);
  const std::string first = seen.body_hash;
  EXPECT_EQ(first.size(), 32u);
  ASSERT_TRUE(Create("CreateThing", "Khác").ok());
  EXPECT_NE(seen.body_hash, first);
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(seen.body_hash, first);

  head_ = CallHead();
  head_.credentials.address = "192.0.2.7";
  pb::CreateThingRequest request;
  request.set_name("ab");
  request.set_request_id("in-the-body");
  request.add_parts()->set_id("p");
  ASSERT_TRUE(Call("EnterThing", request).ok());
  EXPECT_EQ(seen.principal, "anon:192.0.2.7");
  EXPECT_EQ(seen.request_id, "in-the-body");
  EXPECT_FALSE(seen.store_answer);
}

TEST_F(PipelineTest, ABodyIsRememberedUnderAKey) {
  PipelineOptions options{.clock = clock_, .random = random_, .authenticator = authenticator_};
  options.mac_body = [](std::string_view text) { return base::HmacSha256("key", text); };
  Pipeline keyed(std::move(options));
  ASSERT_TRUE(keyed.Add("things", table_).ok());
  std::vector<std::string> hashes;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    hashes.push_back(ctx.claim->body_hash);
    return pb::Thing();
  };
  LogIn();
  for (const char* id : {"r-1", "r-1", "r-2"}) {
    head_.request_id = id;
    pb::CreateThingRequest request;
    request.set_name("Tên");
    request.add_parts()->set_id("p");
    ASSERT_TRUE(keyed.Unary(*keyed.Find(Path("CreateThing")), head_, request, &answer_).ok());
  }
  ASSERT_TRUE(Create().ok());
  ASSERT_EQ(hashes.size(), 4u);
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]) << "equal bodies must not show";
  EXPECT_NE(hashes[2], hashes[3]) << "the plain hash";
}

TEST_F(PipelineTest, ReadsCarryNone) {
  head_.request_id = "r-1";
  bool claimed = true;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    claimed = ctx.claim != nullptr || ctx.commit_hook != nullptr;
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_FALSE(claimed);
}

TEST_F(PipelineTest, UploadsAreHashedWhateverTheCut) {
  std::vector<std::string> hashes;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    hashes.push_back(ctx.claim != nullptr ? ctx.claim->body_hash : "");
    return pb::Thing();
  };
  head_.request_id = "u-1";
  const auto upload = [&](const std::vector<std::string>& pieces) {
    std::vector<UploadChunk> chunks(1);
    chunks[0].mutable_head()->set_file_name("a.pdf");
    for (const std::string& piece : pieces) chunks.emplace_back().set_data(piece);
    VectorReader reader(chunks);
    answer_.Clear();
    return pipeline_->ClientStream(*pipeline_->Find(Path("UploadThing")), head_, reader, &answer_);
  };
  ASSERT_TRUE(upload({"abc", "def"}).ok());
  EXPECT_EQ(answer_.number(), 6);
  ASSERT_TRUE(upload({"a", "bcdef"}).ok());
  ASSERT_TRUE(upload({"abcdeg"}).ok());
  ASSERT_EQ(hashes.size(), 3u);
  EXPECT_EQ(hashes[0].size(), 32u);
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
}

TEST_F(PipelineTest, DeadlinesAreGivenCappedAndPassedOn) {
  std::chrono::milliseconds left{};
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    left = ctx.Remaining();
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(30));
  head_.deadline = clock_.Steady() + std::chrono::seconds(3);
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(3));
  head_.deadline = clock_.Steady() + std::chrono::hours(3);
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(30));
}

TEST_F(PipelineTest, TracesGoOnWithASpanOfTheirOwn) {
  head_.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true};
  base::Trace trace;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    trace = ctx.trace;
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(trace.parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(trace.sampled);
}

TEST_F(PipelineTest, CountsAndLogsWithoutBodies) {
  LogIn();
  EXPECT_TRUE(Get("GetThing", "secret-id").ok());
  EXPECT_THAT(log_, HasSubstr(R"("method":"dinh.testing.v1.ThingService/GetThing")"));
  EXPECT_THAT(log_, HasSubstr(R"("principal":"account-1")"));
  EXPECT_THAT(log_, HasSubstr(R"("code":"OK")"));
  EXPECT_THAT(log_, Not(HasSubstr("secret-id")));
  EXPECT_THAT(log_, Not(HasSubstr("192.0.2.1")));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("GetThing", "")));
  const std::string page = metrics_.Exposition();
  EXPECT_THAT(
      page,
      HasSubstr(R"(grpc_server_started_total{grpc_method="GetThing",grpc_service="dinh.testing.v1.ThingService"} 2)"));
  EXPECT_THAT(
      page,
      HasSubstr(
          R"(grpc_code="InvalidArgument",grpc_method="GetThing",grpc_service="dinh.testing.v1.ThingService"} 1)"));
}

}  // namespace
}  // namespace dinh::rpc
