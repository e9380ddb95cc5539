// What must not happen in the story, over HTTP: no receipt too early, no signature of the processor, no lost đồng, no
// crossing between agencies.
#include "gmock/gmock.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class NegativeStoryTest : public PlatformTest {
 protected:
  void SetUp() override {
    PlatformTest::SetUp();
    village_ = std::make_unique<Village>(StoryOptionsFor(*server_));
  }

  // The accountant's item for this bank transaction; null: not shown.
  Json Suspended(const std::string& transaction) {
    ApiClient accountant = village_->Officer("accountant");
    std::string page;
    do {
      const ApiAnswer list = accountant.Get("/v1/suspense?page_size=100&page_token=" + page);
      EXPECT_EQ(list.status, 200) << list.raw;
      if (list.status != 200) return nullptr;
      for (const Json& item : list.body.value("items", Json::array())) {
        if (item.value("bank_transaction", "") == transaction) return item;
      }
      page = list.Text("next_page_token");
    } while (!page.empty());
    return nullptr;
  }
  void ExpectSuspended(const std::string& transaction, const std::string& cause, int64_t amount) {
    const Json item = Suspended(transaction);
    ASSERT_TRUE(item.is_object()) << transaction << " is nowhere to be seen";
    EXPECT_EQ(item.value("cause", ""), cause) << item.dump();
    EXPECT_EQ(item.value("amount_vnd", ""), std::to_string(amount)) << item.dump();
    EXPECT_FALSE(item.value("hint", "").empty());
  }

  std::unique_ptr<Village> village_;
};

TEST_F(NegativeStoryTest, NothingExistsBeforeAcceptance) {
  ApiClient a = village_->Citizen("citizen_a");
  const ApiAnswer filed = village_->File(a, village_->CopyFiling());
  const std::string path = "/v1/dossiers/" + filed.Text("code");
  EXPECT_EQ(filed.Int("national_state"), 1);
  for (const char* late : {"due_date", "charge", "tracking_path", "accept_time"}) {
    EXPECT_EQ(filed.Text(late), "") << late;
  }
  for (const char* form : {"", "?form=01", "?form=02", "?form=03", "?form=05"}) {
    ExpectProblem(a.Get(path + "/receipt" + form), 409, "RECEIPT_NOT_YET");
  }
  ExpectProblem(a.Get(path + "/receipt?form=99"), 400);
  EXPECT_EQ(a.Get("/v1/charges").raw.find(filed.Text("code")), std::string::npos);
  ExpectProblem(Anonymous().Get("/v1/track/" + std::string(43, 'A')), 404, "TRACKING_NOT_FOUND");
}

TEST_F(NegativeStoryTest, WhoProcessedMayNotSign) {
  // The officer elsewhere is desk, specialist and chair in one: every right, and still not the signature.
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient all = village_->Officer("elsewhere");
  Json filing = Village::GeneralFiling();
  filing["unit"] = "15889";
  const std::string path = "/v1/dossiers/" + village_->File(a, filing).Text("code");
  ASSERT_EQ(all.Post(path + ":accept").status, 200);
  const auto processing = village_->story().WaitFor(a, path, "national_state", 4);
  ASSERT_TRUE(processing.ok()) << processing.status();
  ASSERT_EQ(all.Post(path + ":forward", {{"results", {village_->Upload(all)}}}).status, 200);
  const ApiAnswer signature = all.Post(path + ":sign");
  EXPECT_THAT(signature.status, AnyOf(403, 409)) << signature.raw;
  EXPECT_EQ(signature.Reason(), "PROCESSOR_MAY_NOT_SIGN") << signature.raw;
  const ApiAnswer after = a.Get(path);
  EXPECT_EQ(after.Int("national_state"), 4);
  EXPECT_FALSE(after.body.contains("results") && !after.body["results"].empty()) << "a draft is shown to the filer";
}

TEST_F(NegativeStoryTest, DraftsAreNotTheFilersBeforeTheyAreReturned) {
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient desk = village_->Officer("desk"), specialist = village_->Officer("specialist");
  const Village::Accepted dossier = village_->FileAndAccept(a, desk);
  const std::string path = "/v1/dossiers/" + dossier.code;
  ASSERT_EQ(village_->Pay(dossier).status, 200);
  ASSERT_TRUE(village_->story().WaitFor(a, path, "national_state", 4).ok());
  ExpectProblem(specialist.Post(path + ":forward"), 409, "RESULT_MISSING");
  const std::string draft = village_->Upload(specialist);
  ASSERT_EQ(specialist.Post(path + ":forward", {{"results", {draft}}}).status, 200);
  ExpectProblem(specialist.Post(path + ":sign"), 403, "PERMISSION_DENIED");
  ExpectProblem(a.Get("/v1/attachments/" + draft), 403, "PERMISSION_DENIED");
  ExpectProblem(desk.Post(path + ":return"), 409);
  ExpectProblem(a.Post(path + ":rate", {{"stars", 5}}), 409);
  ASSERT_EQ(village_->Officer("vice_chair").Post(path + ":sign").status, 200) << "the delegate may";
  ExpectProblem(a.Get("/v1/attachments/" + draft), 403, "PERMISSION_DENIED");
  ASSERT_EQ(desk.Post(path + ":return").status, 200);
  EXPECT_EQ(a.Get("/v1/attachments/" + draft).status, 200);
  EXPECT_EQ(a.Post(path + ":rate", {{"stars", 1}}).status, 200);
  ExpectProblem(a.Post(path + ":rate", {{"stars", 5}}), 409, "ALREADY_RATED");
}

TEST_F(NegativeStoryTest, MoneyBeforeTheChargeLandsInSuspenseAndIsAssigned) {
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient desk = village_->Officer("desk");
  const std::string code = village_->File(a, village_->CopyFiling()).Text("code");
  const Json early = {{"transaction_id", "EARLY-1"}, {"bank_bin", "970415"},         {"account_number", "900000158650"},
                      {"amount_vnd", 16000},         {"memo", "nop le phi " + code}, {"booked_at", UnixNow()}};
  const ApiAnswer told = village_->Notify(early);
  ASSERT_EQ(told.status, 200) << told.raw;
  EXPECT_EQ(told.Text("outcome"), "suspense");
  ExpectSuspended("EARLY-1", "CAUSE_UNKNOWN_MEMO", 16000);
  const ApiAnswer accepted = desk.Post("/v1/dossiers/" + code + ":accept");
  ASSERT_EQ(accepted.status, 200) << accepted.raw;
  const std::string charge = accepted.Text("charge");
  ASSERT_TRUE(village_->story().WaitFor(a, "/v1/charges/" + charge, "state", "STATE_OPEN").ok());
  EXPECT_EQ(a.Get("/v1/charges/" + charge).Int("paid_vnd"), 0) << "it does not find its charge by itself";
  const std::string item = "/v1/suspense/" + Suspended("EARLY-1").value("id", "");
  ApiClient accountant = village_->Officer("accountant");
  ExpectProblem(accountant.Post(item + ":resolve"), 400);
  ExpectProblem(accountant.Post(item + ":resolve", {{"charge", charge}, {"refund", true}}), 400);
  ASSERT_EQ(accountant.Post(item + ":resolve", {{"charge", charge}}).status, 200);
  EXPECT_EQ(a.Get("/v1/charges/" + charge).Text("state"), "STATE_PAID");
  ExpectProblem(accountant.Post(item + ":resolve", {{"refund", true}}), 409);
}

TEST_F(NegativeStoryTest, EveryCreditLandsSomewhere) {
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient desk = village_->Officer("desk");
  const auto state = [&](const Village::Accepted& of) { return a.Get("/v1/charges/" + of.charge); };
  const auto notify = [&](const Json& notice, const std::string& outcome) {
    const ApiAnswer told = village_->Notify(notice);
    EXPECT_EQ(told.status, 200) << told.raw;
    EXPECT_EQ(told.Text("outcome"), outcome) << notice.dump();
  };
  // Too little, then the rest; then again.
  const Village::Accepted first = village_->FileAndAccept(a, desk);
  notify(village_->NoticeFor(first, 6000, "UNDER-1"), "part_paid");
  EXPECT_EQ(state(first).Text("state"), "STATE_PART_PAID");
  EXPECT_EQ(state(first).Int("paid_vnd"), 6000);
  const Json rest = village_->NoticeFor(first, 10000, "UNDER-2");
  notify(rest, "paid");
  notify(rest, "paid");  // redelivered: told the same, booked once
  EXPECT_EQ(state(first).Int("paid_vnd"), 16000);
  notify(village_->NoticeFor(first, 16000, "AGAIN-1"), "suspense");
  ExpectSuspended("AGAIN-1", "CAUSE_DUPLICATE_PAYMENT", 16000);
  EXPECT_EQ(state(first).Int("paid_vnd"), 16000);
  Json other = rest;
  other["amount_vnd"] = 99;
  ExpectProblem(village_->Notify(other), 409, "NOTIFICATION_CONFLICT");

  // Too much: paid, and the rest waits for the accountant.
  const Village::Accepted second = village_->FileAndAccept(a, desk);
  notify(village_->NoticeFor(second, 20000, "OVER-1"), "paid");
  EXPECT_EQ(state(second).Int("paid_vnd"), 16000);
  ExpectSuspended("OVER-1", "CAUSE_OVERPAID", 4000);

  // Late: the charge was cancelled with its dossier.
  const Village::Accepted third = village_->FileAndAccept(a, desk);
  ASSERT_EQ(a.Post("/v1/dossiers/" + third.code + ":withdraw", {{"reason", "Không cần nữa"}}).status, 200);
  ASSERT_TRUE(village_->story().WaitFor(a, "/v1/charges/" + third.charge, "state", "STATE_CANCELLED").ok());
  notify(village_->NoticeFor(third, 16000, "LATE-1"), "suspense");
  ExpectSuspended("LATE-1", "CAUSE_LATE", 16000);

  // A memo that is mistyped, holds two references, or says nothing; an account of nobody, or of somebody else.
  const Village::Accepted fourth = village_->FileAndAccept(a, desk);
  Json notice = village_->NoticeFor(fourth, 16000, "MISTYPED-1");
  const std::string memo = fourth.memo;
  std::string mistyped = memo;
  mistyped[4] = mistyped[4] == '2' ? '3' : '2';
  notice["memo"] = mistyped;
  notify(notice, "suspense");
  ExpectSuspended("MISTYPED-1", "CAUSE_BAD_REFERENCE", 16000);
  notice["transaction_id"] = "TWO-1";
  notice["memo"] = first.memo.substr(0, 11) + " " + memo.substr(0, 11);
  notify(notice, "suspense");
  ExpectSuspended("TWO-1", "CAUSE_AMBIGUOUS_MEMO", 16000);
  notice["transaction_id"] = "NOTHING-1";
  notice["memo"] = "";
  notify(notice, "suspense");
  ExpectSuspended("NOTHING-1", "CAUSE_UNKNOWN_MEMO", 16000);
  notice["transaction_id"] = "NOBODYS-1";
  notice["memo"] = memo;
  notice["account_number"] = "123456789";
  notify(notice, "suspense");
  ExpectSuspended("NOBODYS-1", "CAUSE_UNKNOWN_ACCOUNT", 16000);
  EXPECT_EQ(state(fourth).Int("paid_vnd"), 0);
  // What the banks make of a memo: case, blanks, prefixes, a cut end.
  notice = village_->NoticeFor(fourth, 16000, "MANGLED-1");
  std::string mangled = "IBFT 0123.ct den:";
  for (const char c : memo.substr(0, 11)) mangled += std::string(" ") + static_cast<char>(std::tolower(c));
  notice["memo"] = mangled + "-CHUYEN TIEN";
  notify(notice, "paid");
}

TEST_F(NegativeStoryTest, ThePoliceChargePaidToTheCommuneIsSeen) {
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient police = village_->Officer("police");
  const std::string code = village_->File(a, Village::GeneralFiling("1.004194")).Text("code");
  const ApiAnswer accepted = police.Post("/v1/dossiers/" + code + ":accept");
  ASSERT_EQ(accepted.status, 200) << accepted.raw;
  const std::string charge = "/v1/charges/" + accepted.Text("charge");
  const auto open = village_->story().WaitFor(a, charge, "state", "STATE_OPEN");
  ASSERT_TRUE(open.ok()) << open.status();
  const ApiAnswer told = village_->Notify({{"transaction_id", "WRONG-ACCOUNT-1"},
                                           {"bank_bin", "970415"},
                                           {"account_number", "900000158650"},
                                           {"amount_vnd", open->Int("amount_vnd")},
                                           {"memo", open->Text("memo")},
                                           {"booked_at", UnixNow()}});
  EXPECT_EQ(told.Text("outcome"), "suspense") << told.raw;
  ExpectSuspended("WRONG-ACCOUNT-1", "CAUSE_WRONG_ACCOUNT", open->Int("amount_vnd"));
  EXPECT_EQ(a.Get(charge).Int("paid_vnd"), 0);
}

TEST_F(NegativeStoryTest, NotificationsThatSayNothing) {
  const Json good = {{"transaction_id", "MALFORMED-1"},
                     {"bank_bin", "970415"},
                     {"account_number", "900000158650"},
                     {"amount_vnd", 1000},
                     {"memo", "x"},
                     {"booked_at", UnixNow()}};
  const std::pair<const char*, Json> wrong[] = {
      {"transaction_id", ""},   {"transaction_id", 1}, {"transaction_id", std::string(5000, 'x')},
      {"bank_bin", 970415},     {"bank_bin", ""},      {"account_number", nullptr},
      {"amount_vnd", 0},        {"amount_vnd", -5},    {"amount_vnd", 16000.5},
      {"amount_vnd", "16000"},  {"amount_vnd", 1e300}, {"booked_at", 0},
      {"booked_at", "hôm nay"}, {"memo", 1},           {"memo", std::string(20000, 'x')}};
  for (const auto& [name, value] : wrong) {
    Json notice = good;
    notice[name] = value;
    SCOPED_TRACE(std::string(name) + " = " + value.dump().substr(0, 60));
    const ApiAnswer answer = village_->Notify(notice);
    ExpectProblem(answer, 400);
  }
  for (const std::string& body : {std::string("[]"), std::string("{"), std::string(), std::string("\xFF\xFE")}) {
    const ApiAnswer answer =
        Anonymous().Send("POST", "/v1/bank/notifications", body, "application/json",
                         {{"X-Dinh-Signature", demo::SignNotification(village_->bank_secret(), UnixNow(), body)}});
    ExpectProblem(answer, 400);
  }
  EXPECT_TRUE(Suspended("MALFORMED-1").is_null());
}

TEST_F(NegativeStoryTest, TheChairHasNoSayOverThePolice) {
  ApiClient a = village_->Citizen("citizen_a");
  ApiClient chair = village_->Officer("chair"), desk = village_->Officer("desk"), police = village_->Officer("police");
  const std::string code = village_->File(a, Village::GeneralFiling("1.004194")).Text("code");
  const std::string path = "/v1/dossiers/" + code;
  ExpectProblem(desk.Post(path + ":accept"), 403, "PERMISSION_DENIED");
  EXPECT_EQ(desk.Get("/v1/dossiers?states=1&page_size=100").raw.find(code), std::string::npos) << "in the wrong inbox";
  const ApiAnswer accepted = police.Post(path + ":accept");
  ASSERT_EQ(accepted.status, 200) << accepted.raw;
  const auto charge = village_->story().WaitFor(a, "/v1/charges/" + accepted.Text("charge"), "state", "STATE_OPEN");
  ASSERT_TRUE(charge.ok()) << charge.status();
  ASSERT_EQ(village_
                ->Pay({code, accepted.Text("charge"), charge->body["collecting_account"], charge->Text("memo"),
                       charge->Int("amount_vnd")})
                .status,
            200);
  ASSERT_TRUE(village_->story().WaitFor(a, path, "national_state", 4).ok());
  ASSERT_EQ(police.Post(path + ":forward", {{"results", {village_->Upload(police)}}}).status, 200);
  for (const char* verb : {":sign", ":sendBack", ":stop"}) {
    ExpectProblem(
        chair.Post(path + verb, verb == std::string(":sign") ? Json::object() : Json{{"reason", "Không được"}}), 403,
        "PERMISSION_DENIED");
  }
  ExpectProblem(chair.Get(path), 403, "PERMISSION_DENIED");
  EXPECT_EQ(village_->Officer("police_chief").Post(path + ":sign").status, 200);
}

TEST_F(NegativeStoryTest, TwoPersonsOfOnePhoneStayApart) {
  ApiClient grandfather = village_->Citizen("shared_phone", 0);
  const std::string attachment = village_->Upload(grandfather);
  Json filing = village_->CopyFiling();
  filing["attachments"] = {attachment};
  const std::string code = village_->File(grandfather, filing).Text("code");
  ApiClient desk = village_->Officer("desk");
  const ApiAnswer accepted = desk.Post("/v1/dossiers/" + code + ":accept");
  ASSERT_EQ(accepted.status, 200) << accepted.raw;
  ApiClient grandchild = village_->Citizen("shared_phone", 1);
  EXPECT_EQ(grandchild.Get("/v1/dossiers?page_size=100").raw.find(code), std::string::npos);
  for (const std::string& path :
       {"/v1/dossiers/" + code, "/v1/dossiers/" + code + "/receipt", "/v1/dossiers/" + code + "/events",
        "/v1/attachments/" + attachment, "/v1/charges/" + accepted.Text("charge")}) {
    SCOPED_TRACE(path);
    ExpectProblem(grandchild.Get(path), 403, "PERMISSION_DENIED");
  }
  ExpectProblem(grandchild.Post("/v1/dossiers/" + code + ":withdraw"), 403, "PERMISSION_DENIED");
  const std::string own = village_->File(grandchild, Village::GeneralFiling()).Text("code");
  ExpectProblem(grandfather.Get("/v1/dossiers/" + own), 403, "PERMISSION_DENIED");
  EXPECT_EQ(grandfather.Get("/v1/dossiers/" + code).status, 200);
  // An upload made as one cannot be filed as the other.
  filing = Village::GeneralFiling();
  filing["attachments"] = {village_->Upload(grandfather)};
  ExpectProblem(grandchild.Post("/v1/dossiers", filing), 400, "ATTACHMENT_UNKNOWN");
  // Who read whose data is told to each alone.
  EXPECT_EQ(grandchild.Get("/v1/me/accesses").raw.find(code), std::string::npos);
}

}  // namespace
}  // namespace dinh::testing
