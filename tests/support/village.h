// The demo's people on a running platform: logged-in clients and the steps that most tests begin with. What goes wrong
// here is a failure of the test that called it. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "services/standalone/demo/api_client.h"
#include "services/standalone/demo/story.h"

namespace dinh::testing {

class Village {
 public:
  explicit Village(demo::StoryOptions options) : story_(std::move(options)) {}

  demo::ApiClient Anonymous() const { return story_.NewClient(); }
  // A demo citizen who acts as person number `person` of the login; persons that are not there yet are made.
  demo::ApiClient Citizen(const std::string& key, size_t person = 0);
  demo::ApiClient Officer(const std::string& key);

  // A stored upload's id.
  std::string Upload(demo::ApiClient& client, const std::string& marker = "DINH-TEST-FILE");
  // What is sent to file 2.000635 for two copies: 16,000 đ.
  demo::Json CopyFiling() const;
  // A procedure with the general form: no fee at the commune; 1.004194 is the police's.
  static demo::Json GeneralFiling(const std::string& procedure = "1.004873");
  demo::ApiAnswer File(demo::ApiClient& citizen, const demo::Json& filing, const std::string& idempotency_key = "");
  // Files and has it accepted by `desk`: the dossier with its charge.
  struct Accepted {
    std::string code;
    std::string charge;
    demo::Json account;  // collecting account of the charge
    std::string memo;
    int64_t amount_vnd = 0;
  };
  Accepted FileAndAccept(demo::ApiClient& citizen, demo::ApiClient& desk);

  // The bank's notification of a credit, as it would be sent for `charge`.
  demo::Json NoticeFor(const Accepted& charge, int64_t amount_vnd, const std::string& transaction) const;
  // Signs it now and sends it.
  demo::ApiAnswer Notify(const demo::Json& notice);
  demo::ApiAnswer Pay(const Accepted& charge);
  std::string bank_secret() const { return story_.options().demo.at("bank").value("secret", ""); }

  demo::Story& story() { return story_; }

 private:
  demo::Story story_;
};

int64_t UnixNow();

}  // namespace dinh::testing
