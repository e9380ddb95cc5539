// The story of the README, step by step over HTTP, as the people in it would live it: a citizen files for a copy of an
// extract, the desk accepts, she pays by VietQR, the office works, signs and returns, she downloads and rates.
//
// Each step is a method, so that tests can stop, break or repeat it; `dinh demo` plays them in order. What a step
// learns stays in the members. A failed step returns the reason; later steps must not be called then.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/standalone/demo/api_client.h"

namespace dinh::demo {

struct StoryOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  std::string outbox_dir;  // where the development SMS sender writes: <data-dir>/outbox
  Json demo;               // deploy/data/demo.json
  // Called once a step with a readable line.
  std::function<void(std::string_view line)> say;
};

// The one-time code of the newest message to `phone`; waits up to 5 s for it. Empty: none came.
std::string ReadOtp(const std::string& outbox_dir, const std::string& phone, const std::string& newer_than = "");
// Name of the newest message to `phone`, "" when there is none: pass it to ReadOtp to skip what was there before.
std::string NewestMessage(const std::string& outbox_dir, const std::string& phone);
// Value of the X-Dinh-Signature header for a bank notification.
std::string SignNotification(const std::string& secret, int64_t unix_seconds, const std::string& body);
// A small valid PDF whose text holds `marker`.
std::string SamplePdf(const std::string& marker);

class Story {
 public:
  explicit Story(StoryOptions options);

  // Logs a demo citizen or officer in; the client then holds the token.
  absl::Status LoginCitizen(ApiClient& client, const std::string& key);
  absl::Status LoginOfficer(ApiClient& client, const std::string& key);
  ApiClient NewClient() const { return ApiClient(options_.host, options_.port); }

  absl::Status Login();            // 1
  absl::Status FindProcedure();    // 2
  absl::Status File();             // 3
  absl::Status Accept();           // 4
  absl::Status Pay();              // 5
  absl::Status Process();          // 6
  absl::Status RefuseStrangers();  // 6: everyone else
  absl::Status ReturnResult();     // 6
  absl::Status DownloadAndRate();  // 7
  absl::Status Track();            // 7

  absl::Status RunAll();
  const std::vector<std::pair<std::string, absl::Status (Story::*)()>>& Steps() const { return steps_; }

  const std::string& dossier() const { return dossier_; }
  const std::string& charge() const { return charge_; }
  const std::string& tracking_token() const { return tracking_token_; }
  ApiClient& citizen() { return citizen_; }
  ApiClient& desk() { return desk_; }
  ApiClient& specialist() { return specialist_; }
  ApiClient& chair() { return chair_; }
  const StoryOptions& options() const { return options_; }

  // Waits (≤ 10 s) until GET `path` answers with `key` == `value`.
  absl::StatusOr<ApiAnswer> WaitFor(ApiClient& client, const std::string& path, const std::string& key,
                                    const Json& value);
  Json Citizen(const std::string& key) const { return Find("citizens", key); }
  Json Officer(const std::string& key) const { return Find("officers", key); }

 private:
  Json Find(const std::string& list, const std::string& key) const;
  void Say(const std::string& line) const;
  absl::Status Fail(const std::string& what, const ApiAnswer& answer) const;
  absl::Status Upload(ApiClient& client, const std::string& name, const std::string& marker, std::string* id);

  StoryOptions options_;
  ApiClient citizen_, desk_, specialist_, chair_;
  std::string person_, attachment_, dossier_, charge_, tracking_token_, result_;
  std::vector<std::pair<std::string, absl::Status (Story::*)()>> steps_;
};

}  // namespace dinh::demo
