// What clients were told, and what the platform holds afterwards: the two must agree. Pure; only Recorder is
// thread-safe.
//
// An operation is one intent of a client with all its retries (the same Idempotency-Key). One that was acknowledged
// happened exactly once; one that never was may have happened once. Whoever asks after an acknowledgement sees at least
// the state that was acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace dinh::testing {

struct Operation {
  std::string object;    // the client's own name of the dossier or report: "dossier 2-17"
  std::string client;    // "client 2"
  std::string effect;    // what it does to the object ("submit", "accept", "pay", …); empty: it reads
  int64_t begin_us = 0;  // of the first attempt
  int64_t end_us = 0;    // of the last answer
  int attempts = 1;
  bool acknowledged = false;
  std::string id;           // the object's code, as answered; empty: the answer does not name it
  int64_t revision = 0;     // of the object, as answered; 0: none in the answer (a read: it was not there)
  std::string transaction;  // of a payment: the bank's number
  std::string answer;       // readable, for a violation's report
};

class Recorder {
 public:
  void Add(Operation operation);
  std::vector<Operation> all() const;
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Operation> operations_;
};

// What the stores hold at the end.
struct StoredObject {
  int64_t revision = 0;
  std::map<std::string, int> effects;  // how often each stands in its history
};
struct StoredPayment {
  int credits = 0;          // rows of the bank's transaction
  int64_t credit_vnd = 0;   // as the bank told
  int64_t settled_vnd = 0;  // moved by the ledger from this credit to its charge
  bool charge_paid = false;
};
struct FinalState {
  std::map<std::string, StoredObject> objects;    // by code
  std::map<std::string, StoredPayment> payments;  // by the bank's number
  std::vector<std::string> problems;              // of ledger, audit chains and uniqueness, as found there
};

struct Violation {
  std::string text;
  std::string object;
  std::vector<std::string> history;  // of the object, in order of time
};

std::vector<Violation> Check(const std::vector<Operation>& history, const FinalState& final_state);
std::string Format(const Violation& violation);

}  // namespace dinh::testing
