#include "tests/support/village.h"

#include <chrono>

#include "gtest/gtest.h"

namespace dinh::testing {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

int64_t UnixNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

ApiClient Village::Citizen(const std::string& key, size_t person) {
  ApiClient client = Anonymous();
  const absl::Status status = story_.LoginCitizen(client, key);
  EXPECT_TRUE(status.ok()) << key << ": " << status;
  const Json wanted = story_.Citizen(key).at("persons").at(person);
  ApiAnswer me = client.Get("/v1/me");
  EXPECT_EQ(me.status, 200) << me.raw;
  std::string id;
  if (me.body.is_object() && me.body.contains("persons")) {
    for (const Json& one : me.body["persons"]) {
      if (one.value("full_name", "") == wanted.value("full_name", "-")) id = one.value("id", "");
    }
  }
  if (id.empty()) {
    ApiAnswer made = client.Post("/v1/me/persons", wanted);
    EXPECT_EQ(made.status, 200) << made.raw;
    id = made.Text("id");
  }
  if (me.Text("active_person") != id) {
    ApiAnswer chosen = client.Post("/v1/me/persons/" + id + ":select");
    EXPECT_EQ(chosen.status, 200) << chosen.raw;
    client.set_token(chosen.Text("access_token"));
  }
  return client;
}

ApiClient Village::Officer(const std::string& key) {
  ApiClient client = Anonymous();
  const absl::Status status = story_.LoginOfficer(client, key);
  EXPECT_TRUE(status.ok()) << key << ": " << status;
  return client;
}

std::string Village::Upload(ApiClient& client, const std::string& marker) {
  ApiAnswer stored = client.Upload("/v1/attachments", "giay-to.pdf", "application/pdf", demo::SamplePdf(marker));
  EXPECT_EQ(stored.status, 200) << stored.raw << stored.error;
  return stored.Text("id");
}

Json Village::CopyFiling() const {
  return {{"procedure", "2.000635"}, {"unit", "15865"}, {"form", story_.options().demo.at("story_form")}};
}

Json Village::GeneralFiling(const std::string& procedure) {
  return {{"procedure", procedure},
          {"unit", "15865"},
          {"form", {{"content", "Đề nghị cấp giấy xác nhận"}, {"delivery", "desk"}}}};
}

ApiAnswer Village::File(ApiClient& citizen, const Json& filing, const std::string& idempotency_key) {
  http::ClientHeaders headers;
  if (!idempotency_key.empty()) headers.emplace_back("Idempotency-Key", idempotency_key);
  ApiAnswer filed = citizen.Post("/v1/dossiers", filing, headers);
  EXPECT_EQ(filed.status, 200) << filed.raw << filed.error;
  return filed;
}

Village::Accepted Village::FileAndAccept(ApiClient& citizen, ApiClient& desk) {
  Accepted out;
  out.code = File(citizen, CopyFiling()).Text("code");
  ApiAnswer accepted = desk.Post("/v1/dossiers/" + out.code + ":accept");
  EXPECT_EQ(accepted.status, 200) << accepted.raw;
  out.charge = accepted.Text("charge");
  auto charge = story_.WaitFor(citizen, "/v1/charges/" + out.charge, "state", "STATE_OPEN");
  EXPECT_TRUE(charge.ok()) << charge.status();
  if (!charge.ok()) return out;
  out.account = charge->body.value("collecting_account", Json::object());
  out.memo = charge->Text("memo");
  out.amount_vnd = charge->Int("amount_vnd");
  return out;
}

Json Village::NoticeFor(const Accepted& charge, int64_t amount_vnd, const std::string& transaction) const {
  return {{"transaction_id", transaction},
          {"bank_bin", charge.account.value("bank_bin", "")},
          {"account_number", charge.account.value("account_number", "")},
          {"amount_vnd", amount_vnd},
          {"memo", charge.memo},
          {"booked_at", UnixNow()}};
}

ApiAnswer Village::Notify(const Json& notice) {
  const std::string body = notice.dump();
  return Anonymous().Send("POST", "/v1/bank/notifications", body, "application/json",
                          {{"X-Dinh-Signature", demo::SignNotification(bank_secret(), UnixNow(), body)}});
}

ApiAnswer Village::Pay(const Accepted& charge) {
  return Notify(NoticeFor(charge, charge.amount_vnd, "PAY-" + charge.charge));
}

}  // namespace dinh::testing
