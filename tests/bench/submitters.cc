#include "tests/bench/submitters.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace dinh::bench {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kUploadTriesMax = 500;
constexpr std::chrono::milliseconds kUploadPause{20};

// A citizen of the bench's own, logged in and known by name.
void SetUp(Submitter& submitter, const demo::StoryOptions& options, int index) {
  char phone[32], number[32];
  std::snprintf(phone, sizeof phone, "09010%05d", index);
  std::snprintf(number, sizeof number, "038190%06d", 100000 + index);
  ApiAnswer sent = submitter.client.Post("/v1/auth/otp:send", {{"phone", phone}});
  if (!sent.ok()) Fail("otp:send " + sent.raw);
  const std::string code = demo::ReadOtp(options.outbox_dir, phone);
  ApiAnswer tokens =
      submitter.client.Post("/v1/auth/otp:verify", {{"challenge", sent.Text("challenge")}, {"code", code}});
  if (!tokens.ok()) Fail("otp:verify " + tokens.raw);
  submitter.client.set_token(tokens.Text("access_token"));
  ApiAnswer person =
      submitter.client.Post("/v1/me/persons", {{"full_name", "Công dân Đo lường"},
                                               {"personal_number", number},
                                               {"birth_date", "1990"},
                                               {"address", {{"text", "Thôn Quang Trung"}, {"unit", "15865"}}}});
  if (!person.ok()) Fail("person " + person.raw);
  submitter.person = person.Text("id");
  ApiAnswer chosen = submitter.client.Post("/v1/me/persons/" + submitter.person + ":select");
  if (!chosen.ok()) Fail("select " + chosen.raw);
  submitter.client.set_token(chosen.Text("access_token"));
}

// Uploads take at most half of the handler threads; who is told to wait, waits (outside the timed part).
ApiAnswer UploadPatiently(ApiClient& client) {
  ApiAnswer stored;
  for (int tries = 0; tries < kUploadTriesMax; ++tries) {
    stored = client.Upload("/v1/attachments", "giay-to.pdf", "application/pdf", demo::SamplePdf("DO"));
    if (stored.status != 429) break;
    std::this_thread::sleep_for(kUploadPause);
  }
  return stored;
}

template <typename F>
double InParallel(std::vector<std::unique_ptr<Submitter>>& submitters, F&& work) {
  std::vector<std::thread> threads;
  const auto begin = SteadyClock::now();
  for (auto& submitter : submitters) threads.emplace_back([&work, &submitter] { work(*submitter); });
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

}  // namespace

void Fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

Submitters::Submitters(const std::vector<uint16_t>& ports, const demo::StoryOptions& options, int count)
    : options_(options) {
  for (int i = 0; i < count; ++i) {
    submitters_.push_back(std::make_unique<Submitter>(ports[static_cast<size_t>(i) % ports.size()]));
    SetUp(*submitters_.back(), options, i);
  }
}

void Submitters::Upload(int papers) {
  InParallel(submitters_, [papers](Submitter& submitter) {
    submitter.attachments.clear();
    for (int i = 0; i < papers; ++i) {
      ApiAnswer stored = UploadPatiently(submitter.client);
      if (!stored.ok()) Fail("upload " + stored.raw + stored.error);
      submitter.attachments.push_back(stored.Text("id"));
    }
  });
}

double Submitters::Submit() {
  const Json form = options_.demo.value("story_form", Json::object());
  std::mutex mutex;
  return InParallel(submitters_, [&](Submitter& submitter) {
    std::vector<double> mine;
    submitter.dossiers.clear();
    for (const std::string& attachment : submitter.attachments) {
      const auto begin = SteadyClock::now();
      const ApiAnswer filed =
          submitter.client.Post("/v1/dossiers",
                                {{"procedure", "2.000635"},
                                 {"unit", "15865"},
                                 {"form", form},
                                 {"subjects", {{{"person", submitter.person}, {"relation", "self"}}}},
                                 {"attachments", {attachment}}},
                                {{"Idempotency-Key", attachment}});
      if (!filed.ok()) Fail("submit " + filed.raw + filed.error);
      submitter.dossiers.push_back(filed.Text("code"));
      mine.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
    }
    std::lock_guard lock(mutex);
    latencies_ms_.insert(latencies_ms_.end(), mine.begin(), mine.end());
    submitted_ += static_cast<int64_t>(mine.size());
  });
}

}  // namespace dinh::bench
