// Bearer tokens → principals with today's rights.
//
// A token's signature is checked once (Ed25519: 56 µs) and then known until it expires; what its login may do is asked
// from identity and kept for at most 4 s, so that a change of role, a logout or a lock takes effect within 5 s. Answers
// "no" are kept as well: a client that repeats a dead token must not cost a signature each time.
//
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/base/clock.h"
#include "libs/rpc/call.h"

namespace dinh::rpc {

struct VerifiedToken {
  std::string account;
  std::string session;
  std::string person;
  base::Micros expires_at = 0;
};

// Signature and expiry. UNAUTHENTICATED. Thread-safe.
using VerifyToken = std::function<absl::StatusOr<VerifiedToken>(std::string_view token)>;

class TokenAuthenticator final : public Authenticator {
 public:
  struct Options {
    std::chrono::milliseconds rights_ttl{4'000};
    size_t max_entries = 20'000;    // tokens; the least recently used goes
    size_t max_token_bytes = 4096;  // longer ones are refused unread
  };
  // `source` may be set later (SetSource), by the module that has the logins; until then tokens are refused
  // UNAVAILABLE.
  TokenAuthenticator(VerifyToken verify, const base::Clock& clock, Options options);
  TokenAuthenticator(VerifyToken verify, const base::Clock& clock)
      : TokenAuthenticator(std::move(verify), clock, Options()) {}

  void SetSource(auth::PrincipalSource* source);
  // Logins that other processes know to have ended: asked for every token. Must not block for long; before any call.
  void SetEnded(std::function<bool(std::string_view session)> ended) { ended_ = std::move(ended); }
  absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) override;
  // Forgets what it knows of a login, so that a logout takes effect at once in this process.
  void Forget(std::string_view session);
  size_t size() const;

 private:
  struct Entry {
    std::string token;  // its SHA-256
    absl::StatusOr<VerifiedToken> verified;
    absl::StatusOr<auth::Principal> principal;
    base::Micros fresh_until = 0;
  };
  using Entries = std::list<Entry>;  // most recently used first

  void Store(Entry entry);

  const VerifyToken verify_;
  const base::Clock& clock_;
  const Options options_;
  std::function<bool(std::string_view session)> ended_;
  mutable std::mutex mutex_;
  auth::PrincipalSource* source_ = nullptr;
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_token_;
};

}  // namespace dinh::rpc
