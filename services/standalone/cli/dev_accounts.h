// The demo accounts, for the person who starts the platform in development mode.
#pragma once

#include <string>

namespace dinh::standalone {

// To standard output, from <resources>/demo.json; nothing when it cannot be read.
void PrintDevAccounts(const std::string& resources, const std::string& outbox);

}  // namespace dinh::standalone
