#include "tests/faults/outside_client.h"

#include "libs/base/strings.h"

namespace dinh::testing {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

namespace {

constexpr std::chrono::milliseconds kRestartMax{20'000};
constexpr int kTriesMax = 200;
constexpr int kSmallFileBytes = 2'000;
constexpr int kLargeFileBytes = 600'000;
constexpr int kPieceBytes = 150'000;

bool MayTryAgain(const ApiAnswer& answer) {
  if (answer.status == 0 || answer.status == 429 || answer.status == 503) return true;
  if (answer.status != 409) return false;
  // The last two: what an earlier, broken call had brought was still being written when this one asked.
  for (const char* reason : {"REQUEST_IN_FLIGHT", "IN_FLIGHT", "UPLOAD_OFFSET_WRONG", "UPLOAD_STILL_FINISHING"}) {
    if (answer.Reason() == reason) return true;
  }
  return false;
}

// A valid PDF of about that many bytes: content under test takes more than one write.
std::string PdfOf(const std::string& marker, int bytes) {
  std::string text = marker;
  while (static_cast<int>(text.size()) < bytes) text += " " + marker;
  return demo::SamplePdf(text);
}

}  // namespace

OutsideClient::OutsideClient(Whereabouts& where, const std::atomic<bool>& stop, Tokens tokens, Json demo, int number,
                             uint64_t seed)
    : where_(where),
      stop_(stop),
      tokens_(std::move(tokens)),
      demo_(std::move(demo)),
      number_(number),
      random_(seed + static_cast<uint64_t>(number)) {}

ApiAnswer OutsideClient::Do(const std::string& what, const std::string& token, const Call& call) {
  ApiAnswer answer;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const Whereabouts::At at = where_.Now();
    ApiClient client("127.0.0.1", at.port);
    client.set_token(token);
    answer = call(client);
    if (!MayTryAgain(answer)) break;
    ++retries_;
    if (answer.status == 0) where_.WaitAfter(at.generation, std::min(kRestartMax, std::chrono::milliseconds(50)));
  }
  if (answer.status >= 500) surprises_.push_back(what + ": HTTP " + std::to_string(answer.status) + " " + answer.raw);
  return answer;
}

ApiAnswer OutsideClient::Post(const std::string& what, const std::string& token, const std::string& path,
                              const Json& body, const std::string& key) {
  return Do(what, token, [&](ApiClient& client) { return client.Post(path, body, {{"Idempotency-Key", key}}); });
}

ApiAnswer OutsideClient::UploadInPieces(const std::string& token, const std::string& marker, const std::string& pdf) {
  const auto size = static_cast<int64_t>(pdf.size());
  const Json body = {{"file_name", marker + ".pdf"}, {"size_bytes", size}};
  const ApiAnswer begun = Post("begin upload", token, "/v1/uploads", body, "begin-" + marker);
  if (!begun.ok()) return begun;
  const std::string path = "/v1/uploads/" + begun.Text("id");
  int64_t acknowledged = 0;
  for (int pieces = 0; pieces < kTriesMax; ++pieces) {
    const ApiAnswer answer = Do("piece", token, [&](ApiClient& client) {
      ApiAnswer now = client.Get(path);
      const int64_t offset = now.Int("offset");
      if (!now.ok() || now.body.contains("attachment")) return now;
      if (offset < acknowledged) surprises_.push_back("bytes are lost: " + now.raw);
      return client.SendPiece(path, offset, std::string_view(pdf).substr(static_cast<size_t>(offset), kPieceBytes));
    });
    if (!answer.ok()) return answer;
    acknowledged = answer.Int("offset");
    if (!answer.body.contains("attachment")) continue;
    ApiAnswer stored = answer;
    stored.body = answer.body["attachment"];
    return stored;
  }
  return {};
}

bool OutsideClient::Upload(const std::string& token, const std::string& marker, std::string* id, std::string* sha256) {
  const bool large = random_.Below(3) == 0;
  const std::string pdf = PdfOf(marker, large ? kLargeFileBytes : kSmallFileBytes);
  const ApiAnswer stored =
      large && random_.Below(2) == 0 ? UploadInPieces(token, marker, pdf) : Do("upload", token, [&](ApiClient& client) {
        return client.Upload("/v1/attachments", marker + ".pdf", "application/pdf", pdf,
                             {{"Idempotency-Key", "up-" + marker}});
      });
  if (!stored.ok()) return false;
  *id = stored.Text("id");
  *sha256 = stored.Text("sha256");
  if (*sha256 != base::HexEncode(base::Sha256(pdf))) surprises_.push_back("another hash: " + stored.raw);
  return true;
}

bool OutsideClient::File(Acknowledged& ack) {
  ack.marker = "M" + std::to_string(number_) + "-" + std::to_string(count_);
  if (!Upload(tokens_.citizen, ack.marker, &ack.attachment, &ack.sha256)) return false;
  ack.key = "file-" + ack.marker;
  const Json filing = {{"procedure", "2.000635"},
                       {"unit", "15865"},
                       {"form", demo_.at("story_form")},
                       {"attachments", {ack.attachment}}};
  // Sometimes the answer is asked for twice: it must be the same dossier.
  const int times = random_.Below(3) == 0 ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    filing_ = true;
    const ApiAnswer filed = Post("file", tokens_.citizen, "/v1/dossiers", filing, ack.key);
    filing_ = false;
    if (!filed.ok()) {
      surprises_.push_back("file: HTTP " + std::to_string(filed.status) + " " + filed.raw + filed.error);
      return false;
    }
    ack.code = filed.Text("code");
    ack.codes.push_back(ack.code);
  }
  return true;
}

bool OutsideClient::Accept(Acknowledged& ack) {
  const ApiAnswer accepted =
      Post("accept", tokens_.desk, "/v1/dossiers/" + ack.code + ":accept", Json::object(), "accept-" + ack.marker);
  if (!accepted.ok()) {
    surprises_.push_back("accept: HTTP " + std::to_string(accepted.status) + " " + accepted.raw + accepted.error);
    return false;
  }
  ack.accepted = true;
  ack.charge = accepted.Text("charge");
  ack.due_date = accepted.Text("due_date");
  return true;
}

bool OutsideClient::Pay(Acknowledged& ack) {
  ApiAnswer charge;
  for (int i = 0; i < kTriesMax && !stop_; ++i) {  // it opens by a job, maybe after the next start
    charge = Do("charge", tokens_.citizen, [&](ApiClient& client) { return client.Get("/v1/charges/" + ack.charge); });
    if (charge.ok()) break;
    where_.WaitAfter(where_.Now().generation, std::chrono::milliseconds(20));
  }
  if (!charge.ok()) return false;
  ack.memo = charge.Text("memo");
  ack.account = charge.body.value("collecting_account", Json::object());
  ack.transaction = "KILL-" + ack.marker;
  const std::string body = Json{
      {"transaction_id", ack.transaction},
      {"bank_bin", ack.account.value("bank_bin", "")},
      {"account_number", ack.account.value("account_number", "")},
      {"amount_vnd", charge.Int("amount_vnd")},
      {"memo", ack.memo},
      {"booked_at", UnixNow()}}.dump();
  const std::string secret = demo_.at("bank").value("secret", "");
  const int deliveries = 1 + static_cast<int>(random_.Below(3));
  for (int i = 0; i < deliveries; ++i) {
    const ApiAnswer told = Do("notify", "", [&](ApiClient& client) {
      return client.Send("POST", "/v1/bank/notifications", body, "application/json",
                         {{"X-Dinh-Signature", demo::SignNotification(secret, UnixNow(), body)}});
    });
    if (!told.ok() || told.Text("outcome") != "paid") {
      surprises_.push_back("notify: HTTP " + std::to_string(told.status) + " " + told.raw + told.error);
      return false;
    }
    ack.paid = true;
  }
  return true;
}

// The rest of the story, for some.
bool OutsideClient::Finish(Acknowledged& ack) {
  const std::string path = "/v1/dossiers/" + ack.code;
  for (int i = 0; i < kTriesMax && !stop_; ++i) {
    const ApiAnswer now = Do("get", tokens_.citizen, [&](ApiClient& client) { return client.Get(path); });
    if (now.Int("national_state") == 4) break;
    where_.WaitAfter(where_.Now().generation, std::chrono::milliseconds(20));
  }
  std::string sha256;
  if (stop_ || !Upload(tokens_.specialist, "R" + ack.marker, &ack.result, &sha256)) return false;
  ack.forwarded =
      Post("forward", tokens_.specialist, path + ":forward", {{"results", {ack.result}}}, "fw-" + ack.marker).ok();
  if (!ack.forwarded) return false;
  ack.signed_off = Post("sign", tokens_.chair, path + ":sign", Json::object(), "sign-" + ack.marker).ok();
  if (!ack.signed_off) return false;
  ack.returned = Post("return", tokens_.desk, path + ":return", Json::object(), "return-" + ack.marker).ok();
  if (!ack.returned) return false;
  const int stars = 1 + static_cast<int>(random_.Below(5));
  if (!Post("rate", tokens_.citizen, path + ":rate", {{"stars", stars}}, "rate-" + ack.marker).ok()) return false;
  ack.stars = stars;
  return true;
}

bool OutsideClient::Live(Acknowledged& ack) {
  if (!File(ack)) return false;
  if (stop_ || !Accept(ack)) return false;
  if (stop_ || !Pay(ack)) return false;
  return stop_ || random_.Below(2) == 0 || Finish(ack);
}

void OutsideClient::Run() {
  while (!stop_) {
    ++count_;
    list_.emplace_back();
    Live(list_.back());
  }
}

}  // namespace dinh::testing
