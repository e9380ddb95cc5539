#include "tests/cluster_faults/person.h"

#include <cstdlib>

#include "tests/support/village.h"

namespace dinh::testing {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

namespace {

constexpr std::chrono::seconds kCallMax{10};  // as long as a phone waits
constexpr std::chrono::milliseconds kBackOff{100}, kPoll{50};
constexpr std::chrono::seconds kRoundMax{10};
constexpr std::chrono::seconds kInVain{59};  // no lease of a job is as long, the load is as patient (kEndMax)
constexpr size_t kAnswerBytes = 160;
constexpr size_t kLateMax = 4;  // notifications that wait for their second delivery

ApiClient ClientOf(const demo::StoryOptions& gateway) {
  http::ClientOptions options;
  options.host = gateway.host;
  options.port = gateway.port;
  options.connect_timeout = options.timeout = kCallMax;
  return ApiClient(std::move(options));
}

bool MayTryAgain(const ApiAnswer& answer) {
  if (answer.status == 0 || answer.status == 429 || answer.status == 401 || answer.status > 500) return true;
  return answer.status == 409 && (answer.Reason() == "REQUEST_IN_FLIGHT" || answer.Reason() == "IN_FLIGHT");
}

int64_t RevisionOf(const ApiAnswer& answer) {
  const std::string etag = answer.Text("etag");
  return etag.starts_with("r") ? std::atoll(etag.c_str() + 1) : 0;
}

std::string Short(const ApiAnswer& answer) {
  return "HTTP " + std::to_string(answer.status) + " " +
         (answer.ok() ? answer.Text("state") : answer.error + answer.raw).substr(0, kAnswerBytes);
}

}  // namespace

Load::Person::Person(Load& load, int number)
    : load_(load),
      number_(number),
      name_(number < 0 ? "prober" : "client " + std::to_string(number)),
      citizen_(number % 2 == 0 ? "citizen_a" : "citizen_b"),
      random_(load.options_.seed * 1000 + static_cast<uint64_t>(number + 1)) {
  for (const demo::StoryOptions& gateway : load.options_.gateways) clients_.push_back(ClientOf(gateway));
  gateway_ = random_.Below(clients_.size());
}

void Load::Person::PinTo(size_t gateway) {
  pinned_ = true;
  gateway_ = gateway;
}

bool Load::Person::Fail(const std::string& what, const ApiAnswer& answer) {
  why_ = what + " of " + object_ + ": " + Short(answer);
  return false;
}

ApiAnswer Load::Person::Attempt(const std::string& who, const Call& call) {
  const std::string token = who.empty() ? "" : load_.TokenOf(who);
  ApiClient& client = clients_[gateway_];
  client.set_token(token);
  ApiAnswer answer = call(client);
  if (answer.status == 401) load_.Renew(who, token, gateway_);
  if (number_ >= 0) {
    ++load_.attempts_;
    if (MayTryAgain(answer) && answer.status != 401) ++load_.failed_;
  }
  return answer;
}

ApiAnswer Load::Person::Do(Operation operation, const std::string& who, const Call& call) {
  operation.object = object_;
  operation.client = name_;
  operation.begin_us = load_.Now();
  // A write and the read after it do not always come the same way.
  if (!pinned_) gateway_ = random_.Below(clients_.size());
  ApiAnswer answer = Attempt(who, call);
  const int tries_max = pinned_ ? (answer.status == 401 ? 2 : 1) : std::numeric_limits<int>::max();
  while (MayTryAgain(answer) && operation.attempts < tries_max && !load_.GivenUp()) {
    if (!pinned_) {
      gateway_ = (gateway_ + 1) % clients_.size();
      load_.Pause(kBackOff);
    }
    ++operation.attempts;
    answer = Attempt(who, call);
  }
  operation.end_us = load_.Now();
  const bool reads = operation.effect.empty();
  // That something is not there is an answer, too.
  operation.acknowledged = answer.ok() || (reads && (answer.status == 403 || answer.status == 404));
  operation.id = answer.ok() ? answer.Text("code").empty() ? answer.Text("id") : answer.Text("code") : "";
  operation.revision = answer.ok() ? RevisionOf(answer) : 0;
  operation.answer = Short(answer);
  if (!operation.transaction.empty()) operation.id.clear(), operation.revision = 0;
  if (!operation.acknowledged && !MayTryAgain(answer)) {
    load_.Surprise({name_ + " " + (reads ? "read" : operation.effect) + " " + object_ + ": " + Short(answer),
                    answer.Text("trace_id")});
  }
  load_.recorder_.Add(std::move(operation));
  return answer;
}

bool Load::Person::Post(const std::string& effect, const std::string& who, const std::string& path, const Json& body,
                        ApiAnswer* answer) {
  Operation operation;
  operation.effect = effect;
  const ApiAnswer told = Do(std::move(operation), who, [&](ApiClient& client) {
    return client.Post(path, body, {{"Idempotency-Key", key_ + "-" + effect}});
  });
  if (answer != nullptr) *answer = told;
  return told.ok() || Fail(effect, told);
}

ApiAnswer Load::Person::Read() {
  return Do({}, citizen_, [&](ApiClient& client) { return client.Get(path_); });
}

bool Load::Person::Await(const std::string& what, const std::function<ApiAnswer()>& get,
                         const std::function<bool(const ApiAnswer&)>& wanted) {
  const auto since = std::chrono::steady_clock::now();
  const auto waited = [since] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
  };
  bool had = false;
  while (!load_.GivenUp()) {
    const ApiAnswer answer = get();
    had = wanted(answer);
    if (had) break;
    if (pinned_ && (MayTryAgain(answer) || waited() > kRoundMax)) return Fail(what, answer);
    load_.Pause(kPoll);
  }
  if (!pinned_) load_.Waited(waited(), what + " of " + object_);
  if (!had && waited() > kInVain) load_.Surprise({name_ + " waits in vain: " + what + " of " + object_, ""});
  return had;
}

bool Load::Person::LiveDossier() {
  ++count_;
  object_ = "dossier " + std::to_string(number_) + "-" + std::to_string(count_);
  key_ = "d" + std::to_string(number_) + "-" + std::to_string(count_);
  const Json filing = {
      {"procedure", "2.000635"}, {"unit", "15865"}, {"form", load_.options_.gateways[0].demo.at("story_form")}};
  ApiAnswer filed, accepted;
  if (!Post("submit", citizen_, "/v1/dossiers", filing, &filed)) return false;
  path_ = "/v1/dossiers/" + filed.Text("code");
  ApiAnswer seen = Read();
  if (!seen.ok()) return Fail("read", seen);
  if (!Post("accept", "desk", path_ + ":accept", Json::object(), &accepted)) return false;
  seen = Read();
  if (!seen.ok()) return Fail("read", seen);
  if (!Pay(accepted.Text("charge"))) return false;
  return Await(
      "hear of the payment", [&] { return Read(); },
      [](const ApiAnswer& now) { return now.Int("national_state") == 4; });
}

bool Load::Person::Pay(const std::string& charge) {
  ApiAnswer open;
  const auto get = [&] {
    open = Attempt(citizen_, [&](ApiClient& client) { return client.Get("/v1/charges/" + charge); });
    return open;
  };
  // It is opened by a job.
  if (!Await("charge", get, [](const ApiAnswer& answer) { return answer.ok(); })) return false;
  const Json account = open.body.value("collecting_account", Json::object());
  Operation operation;
  operation.effect = "pay";
  operation.transaction = "F-" + key_;
  const std::string body = Json{
      {"transaction_id", operation.transaction},
      {"bank_bin", account.value("bank_bin", "")},
      {"account_number", account.value("account_number", "")},
      {"amount_vnd", open.Int("amount_vnd")},
      {"memo", open.Text("memo")},
      {"booked_at", UnixNow()}}.dump();
  const std::string secret = load_.options_.gateways[0].demo.at("bank").value("secret", "");
  const Call deliver = [&](ApiClient& client) {
    return client.Send("POST", "/v1/bank/notifications", body, "application/json",
                       {{"X-Dinh-Signature", demo::SignNotification(secret, UnixNow(), body)}});
  };
  const ApiAnswer told = Do(operation, "", deliver);
  if (load_.scramble_) {
    std::lock_guard lock(load_.mutex_);
    load_.late_.push_back(body);
  }
  DeliverLate();
  return told.ok() || Fail("pay", told);
}

// Second deliveries: any of those that wait, so that they come after, and in another order than, later ones.
void Load::Person::DeliverLate() {
  const std::string secret = load_.options_.gateways[0].demo.at("bank").value("secret", "");
  while (true) {
    std::string body;
    {
      std::lock_guard lock(load_.mutex_);
      if (load_.late_.empty() || (load_.scramble_ && load_.late_.size() <= kLateMax)) return;
      const auto at = load_.late_.begin() + static_cast<ptrdiff_t>(random_.Below(load_.late_.size()));
      body = *at;
      load_.late_.erase(at);
    }
    const ApiAnswer told = Attempt("", [&](ApiClient& client) {
      return client.Send("POST", "/v1/bank/notifications", body, "application/json",
                         {{"X-Dinh-Signature", demo::SignNotification(secret, UnixNow(), body)}});
    });
    if (!told.ok() && !MayTryAgain(told)) {
      load_.Surprise({"second delivery of " + body + ": " + Short(told), told.Text("trace_id")});
    }
  }
}

bool Load::Person::LiveReport() {
  ++count_;
  object_ = "report " + std::to_string(number_) + "-" + std::to_string(count_);
  key_ = "r" + std::to_string(number_) + "-" + std::to_string(count_);
  const double step = static_cast<double>(random_.Below(10'000)) / 1e6;
  const Json report = {{"category", "road.pothole"},
                       {"description", "Ổ gà to giữa đường liên thôn, " + key_},
                       {"place", {{"point", {{"lat", 19.8512 + step}, {"lng", 105.8617 + step}}}, {"unit", "15952"}}},
                       {"answers", {{"size", "medium"}, {"danger", "false"}}}};
  ApiAnswer made;
  if (!Post("submit", citizen_, "/v1/reports", report, &made)) return false;
  path_ = "/v1/reports/" + made.Text("id");
  ApiAnswer seen = Read();
  if (!seen.ok()) return Fail("read", seen);
  if (!Post("assign", "desk", path_ + ":assign", {{"officer", load_.specialist_account_}})) return false;
  if (!Post("start", "specialist_land", path_ + ":start", Json::object())) return false;
  seen = Read();
  if (!seen.ok()) return Fail("read", seen);
  const Json answer = {{"template", "plan"}, {"variables", {{"plan_day", "thứ Hai tới"}, {"place", "mặt đường"}}}};
  if (!Post("answer", "specialist_land", path_ + ":answer", answer)) return false;
  seen = Read();
  return seen.ok() || Fail("read", seen);
}

void Load::Person::Run() {
  while (!load_.stopping_) {
    if (random_.Below(3) == 0) {
      LiveReport();
    } else {
      LiveDossier();
    }
    load_.Pause(load_.options_.pause);
  }
  DeliverLate();
}

}  // namespace dinh::testing
