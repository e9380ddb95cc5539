// One connection to Redis, logged in. Internal to libs/cache; callers use RedisClient.
//
// Thread safety: one thread, except Shutdown.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/cache/redis_reply.h"
#include "libs/cache/redis_socket.h"

namespace dinh::cache {

struct RedisLogin {
  std::string user;
  std::string password;  // empty: no AUTH
  int database = 0;
  bool identify = true;         // asks INFO for server_id()
  bool must_be_master = false;  // asks ROLE (Sentinel's documentation: clients verify what they are told)
};

class RedisConnection {
 public:
  using Deadline = RedisSocket::Deadline;

  // Connects, shakes hands, logs in (one round trip). As RedisSocket::Connect, and REDIS_AUTH_REFUSED,
  // REDIS_NOT_READY, REDIS_NO_MASTER (the server is a replica).
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisEndpoint& endpoint,
                                                               const RedisTlsContext* tls, const RedisLogin& login,
                                                               const base::Clock& clock, Deadline deadline);

  // One reply a command, in order. An error reply is a reply. After any error the connection is broken().
  absl::StatusOr<std::vector<RedisReply>> Run(const RedisBatch& batch, Deadline deadline);
  // Sends commands whose answers come among other messages (SUBSCRIBE): Read() has them. Returns when the first bytes
  // have come.
  absl::Status Send(const RedisBatch& batch, Deadline deadline);
  // The next message that comes by itself (pub/sub). REDIS_TIMEOUT leaves the connection as it is.
  absl::StatusOr<RedisReply> Read(Deadline deadline);

  bool broken() const { return broken_; }
  bool Stale() { return broken_ || socket_->Stale(); }
  void Shutdown() { socket_->Shutdown(); }
  const RedisEndpoint& endpoint() const { return endpoint_; }
  // Another one for every start of a server (its run_id, shortened); never 0 when login asked for it.
  uint32_t server_id() const { return server_id_; }

 private:
  RedisConnection(RedisEndpoint endpoint, std::unique_ptr<RedisSocket> socket)
      : endpoint_(std::move(endpoint)), socket_(std::move(socket)) {}
  absl::Status LogIn(const RedisLogin& login, Deadline deadline);
  absl::Status TakeServerId(const RedisReply& info);

  const RedisEndpoint endpoint_;
  const std::unique_ptr<RedisSocket> socket_;
  RedisReplyReader reader_;
  uint32_t server_id_ = 0;
  bool broken_ = false;
};

}  // namespace dinh::cache
