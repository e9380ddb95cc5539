// TLS for Redis (OpenSSL, 1.2 and 1.3) as a filter between bytes and bytes: who owns the socket decides when to wait.
// Internal to libs/cache.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/cache/redis_options.h"

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace dinh::cache {

// Certificates and settings, shared by connections. Thread-safe.
class RedisTlsContext {
 public:
  // REDIS_TLS when a file cannot be read, or key and certificate do not belong together.
  static absl::StatusOr<std::shared_ptr<RedisTlsContext>> Load(const RedisTlsOptions& options);
  ~RedisTlsContext();
  RedisTlsContext(const RedisTlsContext&) = delete;
  RedisTlsContext& operator=(const RedisTlsContext&) = delete;

 private:
  friend class RedisTlsFilter;
  RedisTlsContext(ssl_ctx_st* context, std::string server_name)
      : context_(context), server_name_(std::move(server_name)) {}
  ssl_ctx_st* const context_;
  const std::string server_name_;
};

// One connection's. Not thread-safe.
class RedisTlsFilter {
 public:
  // `host`: the name or address that was dialled; the certificate must be for it unless the context names another.
  RedisTlsFilter(const RedisTlsContext& context, const std::string& host);
  ~RedisTlsFilter();
  RedisTlsFilter(const RedisTlsFilter&) = delete;
  RedisTlsFilter& operator=(const RedisTlsFilter&) = delete;

  // true when it is done. Between calls: send TakeOutput(), Feed() what comes. REDIS_TLS says why it was refused.
  absl::StatusOr<bool> Handshake();
  absl::Status Encrypt(std::string_view plain);
  // Bytes from the network.
  void Feed(std::string_view cipher);
  // Appends what has become readable. An error also when the other side closed.
  absl::Status Decrypt(std::string* plain);
  // Bytes for the network.
  std::string TakeOutput();

 private:
  absl::Status Failure() const;

  ssl_st* const session_;
  bio_st* const from_network_;  // owned by session_
  bio_st* const to_network_;    // owned by session_
};

}  // namespace dinh::cache
