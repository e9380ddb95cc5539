// Hashes of request bodies for idempotency claims. Private to libs/rpc.
#pragma once

#include <memory>
#include <string>

#include "google/protobuf/message.h"

namespace dinh::rpc {

// SHA-256 over the deterministic serialisation.
std::string HashOf(const google::protobuf::Message& message);

// The same for a stream. An upload's data counts as one run of bytes, so that a client may cut it differently when it
// sends again. Not thread-safe.
class StreamHash {
 public:
  StreamHash();
  ~StreamHash();
  void Add(const google::protobuf::Message& message);
  std::string Finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dinh::rpc
