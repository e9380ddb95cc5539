// Citizens who file dossiers, for the benches. A failure ends the bench.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/standalone/demo/api_client.h"
#include "services/standalone/demo/story.h"

namespace dinh::bench {

[[noreturn]] void Fail(const std::string& what);

struct Submitter {
  explicit Submitter(uint16_t port) : client("127.0.0.1", port) {}
  demo::ApiClient client;
  std::string person;
  std::vector<std::string> attachments;
  std::vector<std::string> dossiers;  // codes of the last batch
};

class Submitters {
 public:
  // Logs `count` citizens of the bench's own in, spread over the gateways at `ports`.
  Submitters(const std::vector<uint16_t>& ports, const demo::StoryOptions& options, int count);

  // The papers of the next batch: so many for each. Who is told to wait, waits.
  void Upload(int papers);
  // Files one dossier a paper, all citizens at once; how many seconds it took.
  double Submit();

  int64_t submitted() const { return submitted_; }
  std::vector<double>& latencies_ms() { return latencies_ms_; }
  std::vector<std::unique_ptr<Submitter>>& all() { return submitters_; }

 private:
  const demo::StoryOptions options_;
  std::vector<std::unique_ptr<Submitter>> submitters_;
  std::vector<double> latencies_ms_;
  int64_t submitted_ = 0;
};

}  // namespace dinh::bench
