#include "services/standalone/demo/story.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::demo {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kPoll{20};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int64_t UnixNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The messages to `phone`, newest first: names are time-ordered ids.
std::vector<std::pair<std::string, Json>> Messages(const std::string& outbox_dir, const std::string& phone) {
  std::vector<std::pair<std::string, Json>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(outbox_dir, error)) {
    if (entry.path().extension() != ".json") continue;
    Json message = Json::parse(ReadFile(entry.path()), nullptr, false);
    if (message.is_object() && message.value("to", "") == phone) {
      found.emplace_back(entry.path().filename().string(), std::move(message));
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return found;
}

std::string SixDigits(const std::string& text) {
  for (size_t i = 0; i + 6 <= text.size(); ++i) {
    const bool starts = i == 0 || !std::isdigit(static_cast<unsigned char>(text[i - 1]));
    const bool ends = i + 6 == text.size() || !std::isdigit(static_cast<unsigned char>(text[i + 6]));
    if (starts && ends &&
        std::all_of(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(i + 6),
                    [](unsigned char c) { return std::isdigit(c) != 0; })) {
      return text.substr(i, 6);
    }
  }
  return "";
}

}  // namespace

std::string NewestMessage(const std::string& outbox_dir, const std::string& phone) {
  const auto messages = Messages(outbox_dir, phone);
  return messages.empty() ? "" : messages.front().first;
}

std::string ReadOtp(const std::string& outbox_dir, const std::string& phone, const std::string& newer_than) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < until) {
    const auto messages = Messages(outbox_dir, phone);
    if (!messages.empty() && messages.front().first > newer_than) {
      return SixDigits(messages.front().second.value("text", ""));
    }
    std::this_thread::sleep_for(kPoll);
  }
  return "";
}

std::string SignNotification(const std::string& secret, int64_t unix_seconds, const std::string& body) {
  const std::string time = std::to_string(unix_seconds);
  return "t=" + time + ",v1=" + base::HexEncode(base::HmacSha256(secret, time + "." + body));
}

std::string SamplePdf(const std::string& marker) {
  const std::string text = "BT /F1 18 Tf 72 720 Td (" + marker + ") Tj ET";
  const std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
      "<< /Length " + std::to_string(text.size()) + " >>\nstream\n" + text + "\nendstream",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string pdf = "%PDF-1.4\n";
  std::string xref = "xref\n0 6\n0000000000 65535 f \n";
  for (size_t i = 0; i < objects.size(); ++i) {
    char line[24];
    std::snprintf(line, sizeof line, "%010zu 00000 n \n", pdf.size());
    xref += line;
    pdf += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const size_t start = pdf.size();
  return pdf + xref + "trailer << /Size 6 /Root 1 0 R >>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n";
}

Story::Story(StoryOptions options)
    : options_(std::move(options)),
      citizen_(NewClient()),
      desk_(NewClient()),
      specialist_(NewClient()),
      chair_(NewClient()) {
  steps_ = {{"login", &Story::Login},
            {"find", &Story::FindProcedure},
            {"file", &Story::File},
            {"accept", &Story::Accept},
            {"pay", &Story::Pay},
            {"process", &Story::Process},
            {"strangers", &Story::RefuseStrangers},
            {"return", &Story::ReturnResult},
            {"download", &Story::DownloadAndRate},
            {"track", &Story::Track}};
}

Json Story::Find(const std::string& list, const std::string& key) const {
  for (const Json& entry : options_.demo.value(list, Json::array())) {
    if (entry.value("key", "") == key) return entry;
  }
  return Json::object();
}

void Story::Say(const std::string& line) const {
  if (options_.say) options_.say(line);
}

absl::Status Story::Fail(const std::string& what, const ApiAnswer& answer) const {
  return base::Internal(what + ": HTTP " + std::to_string(answer.status) + " " + answer.error +
                        answer.raw.substr(0, 600));
}

absl::StatusOr<ApiAnswer> Story::WaitFor(ApiClient& client, const std::string& path, const std::string& key,
                                         const Json& value) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  ApiAnswer answer;
  while (std::chrono::steady_clock::now() < until) {
    answer = client.Get(path);
    if (answer.ok() && answer.body.is_object() && answer.body.contains(key) && answer.body[key] == value) return answer;
    std::this_thread::sleep_for(kPoll);
  }
  return Fail("waiting for " + key + " = " + value.dump() + " at " + path, answer);
}

absl::Status Story::LoginCitizen(ApiClient& client, const std::string& key) {
  const std::string phone = Citizen(key).value("phone", "");
  const std::string before = NewestMessage(options_.outbox_dir, phone);
  ApiAnswer sent = client.Post("/v1/auth/otp:send", {{"phone", phone}});
  if (!sent.ok()) return Fail("otp:send", sent);
  const std::string code = ReadOtp(options_.outbox_dir, phone, before);
  if (code.empty()) return base::Internal("no one-time code arrived in the outbox");
  if (sent.raw.find(code) != std::string::npos) return base::Internal("the code stands in the answer");
  ApiAnswer tokens = client.Post("/v1/auth/otp:verify", {{"challenge", sent.Text("challenge")}, {"code", code}});
  if (!tokens.ok()) return Fail("otp:verify", tokens);
  client.set_token(tokens.Text("access_token"));
  return absl::OkStatus();
}

absl::Status Story::LoginOfficer(ApiClient& client, const std::string& key) {
  const Json officer = Officer(key);
  ApiAnswer tokens = client.Post("/v1/auth/password:login", {{"username", officer.value("username", "")},
                                                             {"password", officer.value("password", "")}});
  if (!tokens.ok()) return Fail("password:login as " + key, tokens);
  client.set_token(tokens.Text("access_token"));
  return absl::OkStatus();
}

absl::Status Story::Login() {
  RETURN_IF_ERROR(LoginCitizen(citizen_, "citizen_a"));
  ApiAnswer me = citizen_.Get("/v1/me");
  if (!me.ok()) return Fail("GET /v1/me", me);
  person_ = me.Text("active_person");
  if (person_.empty()) {
    ApiAnswer made = citizen_.Post("/v1/me/persons", Citizen("citizen_a")["persons"][0]);
    if (!made.ok()) return Fail("POST /v1/me/persons", made);
    person_ = made.Text("id");
    ApiAnswer chosen = citizen_.Post("/v1/me/persons/" + person_ + ":select");
    if (!chosen.ok()) return Fail("select person", chosen);
    citizen_.set_token(chosen.Text("access_token"));
  }
  Say("1. Công dân đăng nhập bằng số điện thoại và mã OTP, và cho biết mình là ai.");
  ApiAnswer unit = citizen_.Get("/v1/units/15952:resolve");
  if (!unit.ok() || unit.body["unit"]["code"] != "15865") return Fail("resolve 15952", unit);
  Say("   Xã Hoằng Đồng (15952, đến 30/06/2025) nay là " + unit.body["unit"]["full_name"].get<std::string>() + ".");
  return absl::OkStatus();
}

absl::Status Story::FindProcedure() {
  ApiAnswer found = citizen_.Get("/v1/procedures?query=ban%20sao%20trich%20luc");
  if (!found.ok() || !found.body.contains("procedures") || found.body["procedures"].empty() ||
      found.body["procedures"][0]["code"] != "2.000635") {
    return Fail("search for the procedure", found);
  }
  ApiAnswer page = citizen_.Get("/v1/procedures/2.000635");
  if (!page.ok()) return Fail("GET procedure", page);
  ApiAnswer qr = citizen_.Get("/v1/procedures/2.000635/qr");
  if (!qr.ok() || qr.raw.find("<svg") == std::string::npos) return Fail("GET procedure qr", qr);
  Say("2. Tìm \"ban sao trich luc\" thấy 2.000635: " + page.Text("name") + "; mã QR mở cùng trang đó.");
  return absl::OkStatus();
}

absl::Status Story::Upload(ApiClient& client, const std::string& name, const std::string& marker, std::string* id) {
  const std::string pdf = SamplePdf(marker);
  ApiAnswer stored = client.Upload("/v1/attachments", name, "application/pdf", pdf);
  if (!stored.ok()) return Fail("upload " + name, stored);
  if (stored.Text("sha256") != base::HexEncode(base::Sha256(pdf))) return Fail("hash of " + name, stored);
  *id = stored.Text("id");
  return absl::OkStatus();
}

absl::Status Story::File() {
  RETURN_IF_ERROR(Upload(citizen_, "giay-to.pdf", "DINH-DEMO-ATTACHMENT", &attachment_));
  ApiAnswer form = citizen_.Get("/v1/procedures/2.000635/form");
  if (!form.ok()) return Fail("GET form", form);
  Json values = form.body.contains("prefill") ? form.body["prefill"] : Json::object();
  // What the platform does not know yet; the rest is pre-filled: no declaring twice.
  values.update(options_.demo.value("story_form", Json::object()));
  ApiAnswer filed = citizen_.Post("/v1/dossiers",
                                  {{"procedure", "2.000635"},
                                   {"unit", "15952"},
                                   {"form", values},
                                   {"subjects", {{{"person", person_}, {"relation", "self"}}}},
                                   {"attachments", {attachment_}}},
                                  {{"Idempotency-Key", "story-" + attachment_}});
  if (!filed.ok()) return Fail("POST /v1/dossiers", filed);
  dossier_ = filed.Text("code");
  if (filed.Int("national_state") != 1) return Fail("state after filing", filed);
  if (!filed.Text("due_date").empty() || !filed.Text("charge").empty()) return Fail("too early", filed);
  if (citizen_.Get("/v1/dossiers/" + dossier_ + "/receipt").status != 409)
    return base::Internal("receipt before acceptance");
  Say("3. Nộp hồ sơ " + dossier_ + ", 2 bản, kèm một tệp PDF: trạng thái 1, chưa có hạn trả.");
  return absl::OkStatus();
}

absl::Status Story::Accept() {
  RETURN_IF_ERROR(LoginOfficer(desk_, "desk"));
  ApiAnswer inbox = desk_.Get("/v1/dossiers?states=1&page_size=100");
  if (!inbox.ok() || inbox.raw.find(dossier_) == std::string::npos) return Fail("inbox", inbox);
  ApiAnswer seen = desk_.Get("/v1/dossiers/" + dossier_);
  if (!seen.ok()) return Fail("desk reads dossier", seen);
  ApiAnswer accepted = desk_.Post("/v1/dossiers/" + dossier_ + ":accept", {{"etag", seen.Text("etag")}});
  if (!accepted.ok()) return Fail("accept", accepted);
  charge_ = accepted.Text("charge");
  if (accepted.Text("due_date").empty() || charge_.empty()) return Fail("due date and charge", accepted);
  ApiAnswer receipt = citizen_.Get("/v1/dossiers/" + dossier_ + "/receipt");
  if (!receipt.ok() || !receipt.raw.starts_with("%PDF")) return Fail("receipt", receipt);
  ApiAnswer mine = citizen_.Get("/v1/dossiers/" + dossier_);
  const std::string path = mine.Text("tracking_path");
  tracking_token_ = path.substr(path.rfind('/') + 1);
  Say("4. Cán bộ một cửa tiếp nhận: có giấy tiếp nhận (Mẫu 01), hạn trả " + accepted.Text("due_date") +
      " và khoản thu.");
  return absl::OkStatus();
}

absl::Status Story::Pay() {
  auto open = WaitFor(citizen_, "/v1/charges/" + charge_, "state", "STATE_OPEN");
  if (!open.ok()) return open.status();
  if (open->Int("amount_vnd") != 16000) return Fail("amount", *open);
  ApiAnswer qr = citizen_.Get("/v1/charges/" + charge_ + "/qr?format=text");
  if (!qr.ok() || !qr.raw.starts_with("000201")) return Fail("VietQR", qr);
  const Json account = open->body["collecting_account"];
  const Json notice = {{"transaction_id", "DEMO-" + charge_},
                       {"bank_bin", account.value("bank_bin", "")},
                       {"account_number", account.value("account_number", "")},
                       {"amount_vnd", 16000},
                       {"memo", "MBVCB." + open->Text("memo") + ".CT tu demo"},
                       {"booked_at", UnixNow()}};
  const std::string body = notice.dump();
  const std::string secret = options_.demo["bank"].value("secret", "");
  ApiClient bank = NewClient();
  for (int delivery = 0; delivery < 2; ++delivery) {  // the bank delivers twice
    ApiAnswer told = bank.Send("POST", "/v1/bank/notifications", body, "application/json",
                               {{"X-Dinh-Signature", SignNotification(secret, UnixNow(), body)}});
    if (!told.ok()) return Fail("bank notification", told);
  }
  auto paid = WaitFor(citizen_, "/v1/charges/" + charge_, "state", "STATE_PAID");
  if (!paid.ok()) return paid.status();
  if (paid->Int("paid_vnd") != 16000) return Fail("paid once", *paid);
  auto moved = WaitFor(citizen_, "/v1/dossiers/" + dossier_, "national_state", 4);
  if (!moved.ok()) return moved.status();
  Say("5. Trả 2 × 8.000 đ bằng VietQR; báo có của ngân hàng đến hai lần, ghi một lần; hồ sơ sang xử lý.");
  return absl::OkStatus();
}

absl::Status Story::Process() {
  RETURN_IF_ERROR(LoginOfficer(specialist_, "specialist"));
  RETURN_IF_ERROR(LoginOfficer(chair_, "chair"));
  RETURN_IF_ERROR(Upload(specialist_, "ban-sao-trich-luc.pdf", "DINH-DEMO-RESULT", &result_));
  ApiAnswer drafted = specialist_.Post("/v1/dossiers/" + dossier_ + ":forward", {{"results", {result_}}});
  if (!drafted.ok()) return Fail("forward", drafted);
  if (specialist_.Post("/v1/dossiers/" + dossier_ + ":sign").ok()) return base::Internal("the processor could sign");
  ApiAnswer signed_off = chair_.Post("/v1/dossiers/" + dossier_ + ":sign");
  if (!signed_off.ok() || signed_off.Int("national_state") != 9) return Fail("sign", signed_off);
  Say("6. Công chức dự thảo kết quả, lãnh đạo ký; người xử lý không được tự ký.");
  return absl::OkStatus();
}

absl::Status Story::RefuseStrangers() {
  for (const char* key : {"elsewhere", "police"}) {
    ApiClient stranger = NewClient();
    RETURN_IF_ERROR(LoginOfficer(stranger, key));
    ApiAnswer answer = stranger.Get("/v1/dossiers/" + dossier_);
    if (answer.status != 403) return Fail(std::string("officer ") + key + " was not refused", answer);
  }
  ApiClient neighbour = NewClient();
  RETURN_IF_ERROR(LoginCitizen(neighbour, "citizen_b"));
  ApiAnswer foreign = neighbour.Get("/v1/dossiers/" + dossier_);
  if (foreign.status != 403) return Fail("the neighbour was not refused", foreign);
  if (neighbour.Get("/v1/charges/" + charge_).status != 403) return base::Internal("the neighbour saw the charge");
  Say("   Cán bộ xã khác, công an cùng xã và công dân khác đều bị từ chối.");
  return absl::OkStatus();
}

absl::Status Story::ReturnResult() {
  ApiAnswer returned = desk_.Post("/v1/dossiers/" + dossier_ + ":return");
  if (!returned.ok() || returned.Int("national_state") != 10) return Fail("return", returned);
  Say("   Một cửa trả kết quả.");
  return absl::OkStatus();
}

absl::Status Story::DownloadAndRate() {
  ApiAnswer mine = citizen_.Get("/v1/dossiers/" + dossier_);
  if (!mine.ok() || !mine.body.contains("results") || mine.body["results"].empty()) return Fail("results", mine);
  ApiAnswer file = citizen_.Get("/v1/attachments/" + mine.body["results"][0]["id"].get<std::string>());
  if (!file.ok() || file.raw != SamplePdf("DINH-DEMO-RESULT")) return Fail("download", file);
  ApiAnswer rated =
      citizen_.Post("/v1/dossiers/" + dossier_ + ":rate", {{"stars", 5}, {"comment", "Nhanh và rõ ràng."}});
  if (!rated.ok()) return Fail("rate", rated);
  ApiAnswer accesses = citizen_.Get("/v1/me/accesses");
  if (!accesses.ok()) return Fail("accesses", accesses);
  Say("7. Công dân tải kết quả, chấm 5 điểm, và xem được ai đã đọc dữ liệu của mình.");
  return absl::OkStatus();
}

absl::Status Story::Track() {
  ApiClient anyone = NewClient();
  ApiAnswer seen = anyone.Get("/v1/track/" + tracking_token_);
  if (!seen.ok() || seen.Int("national_state") != 10) return Fail("tracking", seen);
  const std::string name = Citizen("citizen_a")["persons"][0].value("full_name", "");
  if (seen.raw.find(name) != std::string::npos) return Fail("a name in public tracking", seen);
  Say("   Ai giữ giấy tiếp nhận đều tra được trạng thái mà không cần đăng nhập.");
  return absl::OkStatus();
}

absl::Status Story::RunAll() {
  for (const auto& [name, step] : steps_) RETURN_IF_ERROR((this->*step)());
  return absl::OkStatus();
}

}  // namespace dinh::demo
