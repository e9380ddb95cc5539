// One client of the load: an account of the demo with an officer at hand. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/cluster_faults/load.h"

namespace dinh::testing {

class Load::Person {
 public:
  Person(Load& load, int number);

  void Run();
  // The next lives go through that gateway and end at the first failure.
  void PinTo(size_t gateway);
  // false: it ended early; why() says at what.
  bool LiveDossier();
  bool LiveReport();
  const std::string& why() const { return why_; }

 private:
  using Call = std::function<demo::ApiAnswer(demo::ApiClient&)>;

  // One intent with its retries; the operation is recorded. The last answer.
  demo::ApiAnswer Do(Operation operation, const std::string& who, const Call& call);
  demo::ApiAnswer Attempt(const std::string& who, const Call& call);
  bool Post(const std::string& effect, const std::string& who, const std::string& path, const demo::Json& body,
            demo::ApiAnswer* answer = nullptr);
  // What the citizen sees of the object now.
  demo::ApiAnswer Read();
  // Until `wanted` holds of what `get` answers; false: given up.
  bool Await(const std::string& what, const std::function<demo::ApiAnswer()>& get,
             const std::function<bool(const demo::ApiAnswer&)>& wanted);
  bool Pay(const std::string& charge);
  void DeliverLate();
  bool Fail(const std::string& what, const demo::ApiAnswer& answer);

  Load& load_;
  const int number_;
  const std::string name_, citizen_;
  base::SeededRandom random_;
  std::vector<demo::ApiClient> clients_;  // one for each gateway
  size_t gateway_ = 0;
  bool pinned_ = false;
  int count_ = 0;
  std::string object_, path_, key_;  // of the life that is lived now
  std::string why_;
};

}  // namespace dinh::testing
