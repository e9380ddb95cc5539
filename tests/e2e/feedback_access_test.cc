// Who may do what with whose report, written by hand from the rules of the office, over HTTP.
#include <map>
#include <sstream>
#include <tuple>

#include "gmock/gmock.h"
#include "tests/e2e/access_rows.h"
#include "tests/e2e/feedback_platform.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::Json;

constexpr char kText[] = R"({"text":"Nội dung để thử"})";
constexpr char kReason[] = R"({"reason":"Lý do để thử"})";

// {public} and {private} are citizen A's with the commune, {police} with its police, {staff} about the commune's desk;
// {photo} is {public}'s and not yet approved.
const std::vector<AccessRow>& FeedbackRows() {
  static const std::vector<AccessRow> rows = {
      // Reading: a public report by everybody, any other by its reporter and the office that answers.
      {"anonymous citizen_a citizen_b desk specialist chair police elsewhere admin", "GET", "/v1/reports/{public}", "",
       200},
      {"citizen_a desk specialist chair vice_chair", "GET", "/v1/reports/{private}", "", 200},
      {"anonymous citizen_b police police_chief elsewhere province accountant admin", "GET", "/v1/reports/{private}",
       "", 403},
      {"citizen_a police police_chief", "GET", "/v1/reports/{police}", "", 200},
      {"anonymous citizen_b desk specialist chair elsewhere province admin", "GET", "/v1/reports/{police}", "", 403},
      {"citizen_a province", "GET", "/v1/reports/{staff}", "", 200},
      {"anonymous citizen_b desk specialist chair vice_chair police elsewhere admin", "GET", "/v1/reports/{staff}", "",
       403},
      {"anonymous", "GET", "/v1/reports/{public}/events", "", 401},
      {"citizen_b police elsewhere accountant admin", "GET", "/v1/reports/{public}/events", "", 403},
      {"desk chair", "GET", "/v1/reports/{staff}/events", "", 403},
      {"citizen_a desk specialist chair", "GET", "/v1/report-photos/{photo}", "", 200},
      {"anonymous citizen_b police elsewhere admin", "GET", "/v1/report-photos/{photo}", "", 403},

      // Lists: the board everybody's, one's own with a login, an office's its officers'.
      {"anonymous citizen_b police elsewhere", "GET", "/v1/reports", "", 200},
      {"anonymous", "GET", "/v1/reports?of=OF_MINE", "", 401},
      {"anonymous", "GET", "/v1/reports?of=OF_OFFICE", "", 401},
      {"citizen_a citizen_b accountant admin", "GET", "/v1/reports?of=OF_OFFICE", "", 403},
      {"desk", "GET", "/v1/reports?of=OF_OFFICE&unit=15889", "", 403},
      {"elsewhere police", "GET", "/v1/reports?of=OF_OFFICE", "", 200},
      {"anonymous", "GET", "/v1/feedback/moderation", "", 401},
      {"citizen_a specialist accountant admin", "GET", "/v1/feedback/moderation", "", 403},
      {"desk chair police elsewhere", "GET", "/v1/feedback/moderation", "", 200},
      {"citizen_a admin", "GET", "/v1/feedback/templates", "", 403},

      // The desk and the head assign and route, who works starts and answers: each only here.
      {"anonymous", "POST", "/v1/reports/{public}:assign", "{}", 401},
      {"citizen_a citizen_b specialist police elsewhere province accountant admin", "POST",
       "/v1/reports/{public}:assign", "{}", 403},
      {"anonymous", "POST", "/v1/reports/{public}:start", "{}", 401},
      {"citizen_a chair vice_chair police elsewhere accountant admin", "POST", "/v1/reports/{public}:start", "{}", 403},
      {"citizen_a citizen_b police elsewhere accountant admin", "POST", "/v1/reports/{public}:ask", kText, 403},
      {"citizen_a chair police elsewhere accountant admin", "POST", "/v1/reports/{public}:answer", kText, 403},
      {"citizen_a chair police elsewhere accountant admin", "POST", "/v1/reports/{public}:resolve", kText, 403},
      {"desk specialist chair", "POST", "/v1/reports/{police}:resolve", kText, 403},
      {"desk specialist chair", "POST", "/v1/reports/{staff}:answer", kText, 403},
      {"citizen_a citizen_b police elsewhere accountant admin", "POST", "/v1/reports/{public}:reject", kReason, 403},
      {"citizen_a specialist police elsewhere accountant admin", "POST", "/v1/reports/{public}:route",
       R"({"reason":"Lý do để thử","category":"lighting.out"})", 403},

      // Moderating.
      {"anonymous", "POST", "/v1/reports/{public}:hide", kReason, 401},
      {"citizen_a specialist police elsewhere accountant admin", "POST", "/v1/reports/{public}:hide", kReason, 403},
      {"desk chair", "POST", "/v1/reports/{staff}:hide", kReason, 403},
      {"citizen_a specialist police elsewhere admin", "POST", "/v1/reports/{public}:moderate", R"({"approve":true})",
       403},
      {"anonymous", "POST", "/v1/report-photos/{photo}:moderate", R"({"approve":true})", 401},
      {"citizen_a citizen_b specialist police elsewhere province admin", "POST", "/v1/report-photos/{photo}:moderate",
       R"({"approve":true})", 403},
      {"citizen_a specialist police elsewhere", "POST", "/v1/report-photos/{photo}:blur",
       R"({"boxes":[{"x":0,"y":0,"width":1,"height":1}]})", 403},

      // What only the reporter may, and what everybody but officers may.
      {"anonymous citizen_b", "POST", "/v1/reports/{public}:rate", R"({"stars":1})", 403},
      {"desk specialist admin", "POST", "/v1/reports/{public}:rate", R"({"stars":1})", 403},
      {"anonymous citizen_b police elsewhere accountant admin", "POST", "/v1/reports/{public}:reopen", kReason, 403},
      {"anonymous citizen_b police elsewhere accountant admin", "POST", "/v1/reports/{public}/updates", kText, 403},
      {"citizen_a", "POST", "/v1/reports/{public}/updates", R"({"text":"Ghi chú nội bộ","private":true})", 403},
      {"citizen_b", "POST", "/v1/reports/{private}:join", "{}", 403},
      {"desk specialist chair", "POST", "/v1/reports/{public}:join", "{}", 403},
      {"citizen_b", "POST", "/v1/reports/{police}:requestRemoval", kReason, 403},
      {"citizen_b", "POST", "/v1/reports/{staff}:reply", kText, 403},
      {"anonymous", "POST", "/v1/reports/{public}:reply", kText, 401},
      {"chair accountant admin specialist", "POST", "/v1/reports", "{report}", 403},
      {"anonymous", "GET", "/v1/me/notices", "", 401},
      {"anonymous", "POST", "/v1/me/follows", R"({"unit":"15865"})", 401},
  };
  return rows;
}

class FeedbackAccessTest : public FeedbackPlatformTest {
 protected:
  void SetUp() override {
    FeedbackPlatformTest::SetUp();
    if (!ids_.empty() || HasFatalFailure()) return;
    const ApiAnswer photo = UploadPhoto("citizen_a", PhotoWithTrail());
    ASSERT_EQ(photo.status, 200) << photo.raw;
    ids_["photo"] = photo.Text("id");
    Json report = Pothole();
    report["photos"] = {ids_["photo"]};
    ids_["public"] = Made("citizen_a", report);
    report = Pothole();
    report["publicity"] = "PUBLICITY_PRIVATE";
    ids_["private"] = Made("citizen_a", report);
    ids_["police"] = Made("citizen_a", ReportOf("security.disorder", "Tụ tập cờ bạc cuối thôn"));
    report = ReportOf("staff.attitude", "Thái độ chưa đúng mực khi tiếp dân");
    report["about_officer"] = AccountOf("desk");
    ids_["staff"] = Made("citizen_a", report);
    ids_["absent"] = "PA-0000000000";
    ids_["report"] = Pothole().dump();
    OnBoard(ids_["public"]);
  }
  static void TearDownTestSuite() {
    ids_.clear();
    FeedbackPlatformTest::TearDownTestSuite();
  }

  static std::string Fill(std::string text) {
    for (const auto& [name, id] : ids_) {
      const size_t at = text.find("{" + name + "}");
      if (at != std::string::npos) text.replace(at, name.size() + 2, id);
    }
    return text;
  }
  ApiAnswer Send(const std::string& who, const std::string& method, const std::string& path, const std::string& body) {
    return As(who).Send(method, Fill(path), Fill(body), body.empty() ? "" : "application/json");
  }

  static inline std::map<std::string, std::string> ids_;
};

TEST_F(FeedbackAccessTest, EveryRowHolds) {
  int calls = 0;
  for (const AccessRow& row : FeedbackRows()) {
    std::istringstream names(row.who);
    for (std::string who; names >> who;) {
      SCOPED_TRACE(who + " " + row.method + " " + row.path);
      const ApiAnswer answer = Send(who, row.method, row.path, row.body);
      ++calls;
      EXPECT_EQ(answer.status, row.expected) << answer.raw.substr(0, 400) << answer.error;
      if (row.expected == 403) ExpectProblem(answer, 403, "PERMISSION_DENIED");
      if (row.expected == 401) ExpectProblem(answer, 401, "LOGIN_REQUIRED");
    }
  }
  EXPECT_GE(calls, 190);
  const ApiAnswer untouched = As("citizen_a").Get(Fill("/v1/reports/{public}"));
  EXPECT_EQ(untouched.Text("state"), "STATE_ASSIGNED") << "nothing of it happened: " << untouched.raw;
}

TEST_F(FeedbackAccessTest, AbsentAndForeignAreTheSameBytes) {
  const auto told = [&](const std::string& who, const std::string& method, const std::string& path,
                        const std::string& body) {
    const ApiAnswer answer = Send(who, method, path, body);
    EXPECT_EQ(answer.status, 403) << answer.raw;
    Json problem = answer.body;
    problem.erase("trace_id");
    return problem.dump();
  };
  const std::tuple<const char*, const char*, const char*, const char*> calls[] = {
      {"citizen_b", "GET", "", ""},
      {"anonymous", "GET", "", ""},
      {"elsewhere", "GET", "", ""},
      {"citizen_b", "POST", ":join", "{}"},
      {"elsewhere", "POST", ":assign", "{}"},
      {"elsewhere", "POST", ":hide", kReason},
      {"citizen_b", "POST", "/updates", kText},
      {"citizen_b", "GET", "/events", ""},
      {"citizen_b", "POST", ":requestRemoval", kReason}};
  for (const auto& [who, method, rest, body] : calls) {
    for (const char* foreign : {"{private}", "{police}", "{staff}"}) {
      SCOPED_TRACE(std::string(who) + " " + foreign + rest);
      EXPECT_EQ(told(who, method, std::string("/v1/reports/") + foreign + rest, body),
                told(who, method, std::string("/v1/reports/{absent}") + rest, body));
    }
  }
}

}  // namespace
}  // namespace dinh::testing
