#include "libs/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::http {
namespace {

constexpr AddressBytes kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kMappedPrefixBytes = 12;
constexpr size_t kTextMax = 64;

bool IsMapped(const AddressBytes& address) {
  return std::memcmp(address.data(), kMappedPrefix.data(), kMappedPrefixBytes) == 0;
}

absl::Status BadNetwork(const std::string& text) {
  return base::Error(absl::StatusCode::kInvalidArgument, "BAD_TRUSTED_PROXY",
                     {.vi = "trusted_proxies phải là địa chỉ IP hoặc mạng như 10.0.0.0/8; hãy sửa cấu hình.",
                      .en = "trusted_proxies must hold IP addresses or networks such as 10.0.0.0/8; correct the "
                            "configuration."},
                     {{"value", text}});
}

// Some proxies write "192.0.2.7:51234" or "[2001:db8::1]:51234".
std::string_view WithoutPort(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    return close == std::string_view::npos ? text : text.substr(1, close - 1);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos)
    return text.substr(0, colon);
  return text;
}

}  // namespace

bool ParseAddress(std::string_view text, AddressBytes* out) {
  if (text.empty() || text.size() >= kTextMax || text.find('\0') != std::string_view::npos) return false;
  char buffer[kTextMax];
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  AddressBytes address = kMappedPrefix;
  if (inet_pton(AF_INET, buffer, address.data() + kMappedPrefixBytes) == 1 ||
      inet_pton(AF_INET6, buffer, address.data()) == 1) {
    *out = address;
    return true;
  }
  return false;
}

std::string FormatAddress(const AddressBytes& address) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (IsMapped(address)) {
    inet_ntop(AF_INET, address.data() + kMappedPrefixBytes, buffer, sizeof(buffer));
  } else {
    inet_ntop(AF_INET6, address.data(), buffer, sizeof(buffer));
  }
  return buffer;
}

absl::StatusOr<AddressSet> AddressSet::Parse(const std::vector<std::string>& networks) {
  AddressSet set;
  for (const std::string& text : networks) {
    Network network{.address = {}, .prefix_bits = 128};
    const size_t slash = text.find('/');
    if (!ParseAddress(std::string_view(text).substr(0, slash), &network.address)) return BadNetwork(text);
    if (slash != std::string::npos) {
      const std::string_view bits = std::string_view(text).substr(slash + 1);
      const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), network.prefix_bits);
      // A dotted address counts its bits from the IPv4 part.
      const int offset = text.find(':') == std::string::npos ? 96 : 0;
      if (error != std::errc() || end != bits.data() + bits.size() || network.prefix_bits < 0 ||
          network.prefix_bits + offset > 128) {
        return BadNetwork(text);
      }
      network.prefix_bits += offset;
    }
    set.networks_.push_back(network);
  }
  return set;
}

bool AddressSet::Contains(const AddressBytes& address) const {
  for (const Network& network : networks_) {
    const int bytes = network.prefix_bits / 8, bits = network.prefix_bits % 8;
    if (std::memcmp(address.data(), network.address.data(), bytes) != 0) continue;
    if (bits == 0) return true;
    const auto mask = static_cast<uint8_t>(0xff << (8 - bits));
    if ((address[bytes] & mask) == (network.address[bytes] & mask)) return true;
  }
  return false;
}

std::string ClientAddress(const AddressBytes& peer, const AddressSet& trusted,
                          const std::vector<std::string_view>& forwarded_for) {
  AddressBytes client = peer;
  for (size_t i = forwarded_for.size(); i > 0; --i) {
    std::vector<std::string_view> hops = base::Split(forwarded_for[i - 1], ',');
    for (size_t j = hops.size(); j > 0; --j) {
      if (!trusted.Contains(client)) return FormatAddress(client);
      AddressBytes hop;
      if (!ParseAddress(WithoutPort(base::Trim(hops[j - 1])), &hop)) return FormatAddress(client);
      client = hop;
    }
  }
  return FormatAddress(client);
}

}  // namespace dinh::http
