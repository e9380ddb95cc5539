// What an operator may set for this service.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/config/registry.h"
#include "services/identity/domain/phone.h"

namespace dinh::identity {

inline constexpr int64_t kPasswordMemoryMibMin = 8;
inline constexpr int64_t kPasswordMemoryMibMax = 1024;

struct Config {
  std::vector<std::string> phone_prefixes = DefaultPhonePrefixes();
  // A folder where each message becomes one file, for a gateway program to pick up. Development mode has its own.
  std::string sms_outbox;
  int64_t password_memory_mib = 64;

  void Bind(config::Registry& registry) {
    registry.Bind("identity", "phone_prefixes", &phone_prefixes, "mobile prefixes in use, each beginning with 0");
    registry.Bind("identity", "sms_outbox", &sms_outbox,
                  "folder for outgoing messages, one JSON file each; empty: <data-dir>/outbox with --dev, else none");
    registry.Bind("identity", "password_memory_mib", &password_memory_mib,
                  "memory that hashing one password takes (Argon2id), at least 8 MiB",
                  {.min = kPasswordMemoryMibMin, .max = kPasswordMemoryMibMax});
  }
};

}  // namespace dinh::identity
