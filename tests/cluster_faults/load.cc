#include "tests/cluster_faults/load.h"

#include "libs/base/status.h"
#include "tests/cluster_faults/person.h"

namespace dinh::testing {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;

namespace {

constexpr std::chrono::seconds kEndMax{60};
constexpr size_t kSurprisesMax = 50;

}  // namespace

Load::Load(LoadOptions options, Recorder& recorder) : options_(std::move(options)), recorder_(recorder) {}

Load::~Load() { Stop(); }

int64_t Load::Now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_).count();
}

absl::StatusOr<std::string> Load::Login(const std::string& who, size_t gateway) const {
  demo::Story story(options_.gateways[gateway]);
  ApiClient client = story.NewClient();
  if (!who.starts_with("citizen")) {
    RETURN_IF_ERROR(story.LoginOfficer(client, who));
    return client.token();
  }
  RETURN_IF_ERROR(story.LoginCitizen(client, who));
  const ApiAnswer me = client.Get("/v1/me");
  if (!me.ok()) return base::Internal("GET /v1/me: " + me.raw + me.error);
  if (!me.Text("active_person").empty()) return client.token();
  std::string person;
  if (me.body.contains("persons") && !me.body["persons"].empty()) person = me.body["persons"][0].value("id", "");
  if (person.empty()) person = client.Post("/v1/me/persons", story.Citizen(who).at("persons").at(0)).Text("id");
  const ApiAnswer chosen = client.Post("/v1/me/persons/" + person + ":select");
  if (!chosen.ok()) return base::Internal("select person: " + chosen.raw + chosen.error);
  return chosen.Text("access_token");
}

absl::Status Load::LogIn() {
  for (const char* who : {"citizen_a", "citizen_b", "desk", "specialist_land"}) {
    ASSIGN_OR_RETURN(const std::string token, Login(who, 0));
    tokens_[who] = token;
  }
  ApiClient client = demo::Story(options_.gateways[0]).NewClient();
  client.set_token(tokens_["specialist_land"]);
  specialist_account_ = client.Get("/v1/me").Text("account");
  return absl::OkStatus();
}

std::string Load::TokenOf(const std::string& who) const {
  std::lock_guard lock(mutex_);
  const auto found = tokens_.find(who);
  return found == tokens_.end() ? "" : found->second;
}

void Load::Renew(const std::string& who, const std::string& stale, size_t gateway) {
  std::lock_guard one(login_mutex_);
  if (who.empty() || TokenOf(who) != stale) return;
  const absl::StatusOr<std::string> token = Login(who, gateway);
  if (!token.ok()) return;  // whoever needs it comes again
  std::lock_guard lock(mutex_);
  tokens_[who] = *token;
}

void Load::Surprise(Unexpected answer) {
  std::lock_guard lock(mutex_);
  if (surprises_.size() < kSurprisesMax) surprises_.push_back(std::move(answer));
}

std::vector<Load::Unexpected> Load::surprises() const {
  std::lock_guard lock(mutex_);
  return surprises_;
}

void Load::Waited(std::chrono::milliseconds time, const std::string& what) {
  std::lock_guard lock(mutex_);
  if (time > longest_wait_.time) longest_wait_ = {time, what};
}

Load::Wait Load::longest_wait() const {
  std::lock_guard lock(mutex_);
  return longest_wait_;
}

void Load::Pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  // Who still waits for an answer goes on asking after the end, with pauses.
  const auto short_time = std::min(time, std::chrono::milliseconds(100));
  if (!stopped_.wait_for(lock, time, [&] { return stopping_.load(); })) return;
  stopped_.wait_for(lock, short_time, [] { return false; });
}

void Load::Start() {
  for (int i = 0; i < options_.clients; ++i) people_.push_back(std::make_unique<Person>(*this, i));
  for (const auto& person : people_) threads_.emplace_back([&person] { person->Run(); });
}

void Load::Stop() {
  {
    std::lock_guard lock(mutex_);
    give_up_at_ = std::chrono::steady_clock::now() + kEndMax;
    stopping_ = true;
  }
  stopped_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::string Load::Round(size_t gateway) {
  if (prober_ == nullptr) prober_ = std::make_unique<Person>(*this, -1);
  prober_->PinTo(gateway);
  return prober_->LiveDossier() && prober_->LiveReport() ? "" : prober_->why();
}

}  // namespace dinh::testing
