#include "tests/support/report_life.h"

#include "libs/base/status.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

// What the answer should have been, as an error.
absl::Status Expect(const ApiAnswer& answer, const std::string& step, const std::string& state) {
  if (answer.status == 200 && (state.empty() || answer.Text("state") == state)) return absl::OkStatus();
  return absl::InternalError(step + ": " + std::to_string(answer.status) + " " + answer.raw + answer.error);
}

}  // namespace

absl::StatusOr<std::string> PlayReportLife(const demo::StoryOptions& citizen_options,
                                           const demo::StoryOptions& officer_options,
                                           const std::function<void(std::string_view)>& say) {
  demo::Story citizens(citizen_options), officers(officer_options);
  ApiClient citizen = citizens.NewClient(), desk = officers.NewClient(), specialist = officers.NewClient();
  RETURN_IF_ERROR(citizens.LoginCitizen(citizen, "citizen_a"));
  RETURN_IF_ERROR(officers.LoginOfficer(desk, "desk"));
  RETURN_IF_ERROR(officers.LoginOfficer(specialist, "specialist_land"));
  const auto told = [&say](const char* text) {
    if (say) say(text);
  };

  const ApiAnswer made =
      citizen.Post("/v1/reports", {{"category", "road.pothole"},
                                   {"description", "Ổ gà to trước cổng trường"},
                                   {"place", {{"point", {{"lat", 19.8601}, {"lng", 105.8701}}}, {"unit", "15952"}}},
                                   {"answers", {{"size", "medium"}, {"danger", "false"}}}});
  RETURN_IF_ERROR(Expect(made, "create", "STATE_ASSIGNED"));
  told("Công dân gửi phản ánh; hệ thống giao theo lĩnh vực.");
  const std::string id = made.Text("id"), path = "/v1/reports/" + id;
  const std::string officer = specialist.Get("/v1/me").Text("account");
  RETURN_IF_ERROR(Expect(desk.Post(path + ":assign", {{"officer", officer}}), "assign", ""));
  told("Bộ phận một cửa giao cho cán bộ địa chính.");
  RETURN_IF_ERROR(Expect(specialist.Post(path + ":start", Json::object()), "start", "STATE_IN_PROGRESS"));
  RETURN_IF_ERROR(
      Expect(specialist.Post(path + ":ask", {{"text", "Ổ gà nằm ở làn nào của đường?"}}), "ask", "STATE_WAITING"));
  RETURN_IF_ERROR(Expect(citizen.Post(path + "/updates", {{"text", "Làn bên phải"}}), "supply", "STATE_IN_PROGRESS"));
  told("Cán bộ hỏi thêm, công dân trả lời.");
  RETURN_IF_ERROR(Expect(
      specialist.Post(path + ":answer",
                      {{"template", "plan"}, {"variables", {{"plan_day", "thứ Hai tới"}, {"place", "mặt đường"}}}}),
      "answer", "STATE_ANSWERED"));
  RETURN_IF_ERROR(
      Expect(specialist.Post(path + ":resolve", {{"text", "Đã vá xong mặt đường"}}), "resolve", "STATE_RESOLVED"));
  told("Cán bộ trả lời và xử lý xong.");
  RETURN_IF_ERROR(Expect(citizen.Post(path + ":rate", {{"stars", 5}}), "rate", ""));
  const ApiAnswer seen = desk.Get(path);
  RETURN_IF_ERROR(Expect(seen, "read", "STATE_RESOLVED"));
  if (seen.Int("stars") != 5) return absl::InternalError("the rating is not there: " + seen.raw);
  told("Công dân chấm điểm; bộ phận một cửa thấy ngay.");
  return id;
}

}  // namespace dinh::testing
