// Client addresses behind reverse proxies. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::http {

// An IPv4 or IPv6 address; IPv4 as IPv4-mapped IPv6, so that both compare as one kind.
using AddressBytes = std::array<uint8_t, 16>;

// "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7". false: not an address.
bool ParseAddress(std::string_view text, AddressBytes* out);
// Canonical text; IPv4-mapped ones as IPv4.
std::string FormatAddress(const AddressBytes& address);

class AddressSet {
 public:
  // "10.0.0.0/8", "::1", "fd00::/8". INVALID_ARGUMENT for anything else.
  static absl::StatusOr<AddressSet> Parse(const std::vector<std::string>& networks);
  bool Contains(const AddressBytes& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    AddressBytes address;
    int prefix_bits;  // of 128
  };
  std::vector<Network> networks_;
};

// Who the client is: the peer itself unless it is trusted; else the rightmost untrusted address of the X-Forwarded-For
// list (what stands left of it was written by the client and proves nothing). Where the list runs out or holds
// something that is no address, the last trusted hop counts.
std::string ClientAddress(const AddressBytes& peer, const AddressSet& trusted,
                          const std::vector<std::string_view>& forwarded_for);

}  // namespace dinh::http
