#include "libs/http/address.h"

#include <gtest/gtest.h>

namespace dinh::http {
namespace {

AddressBytes Address(std::string_view text) {
  AddressBytes out{};
  EXPECT_TRUE(ParseAddress(text, &out)) << text;
  return out;
}

TEST(AddressTest, ParsesAndFormats) {
  EXPECT_EQ(FormatAddress(Address("192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(FormatAddress(Address("::ffff:192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(FormatAddress(Address("2001:DB8:0:0::1")), "2001:db8::1");
  AddressBytes out{};
  for (std::string_view bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "1.2.3.4 ", "localhost"}) {
    EXPECT_FALSE(ParseAddress(bad, &out)) << bad;
  }
}

TEST(AddressSetTest, MatchesNetworks) {
  const absl::StatusOr<AddressSet> set = AddressSet::Parse({"10.0.0.0/8", "192.0.2.128/25", "fd00::/8", "::1"});
  ASSERT_TRUE(set.ok());
  for (std::string_view in : {"10.255.0.1", "192.0.2.128", "192.0.2.255", "fd12::1", "::1"}) {
    EXPECT_TRUE(set->Contains(Address(in))) << in;
  }
  for (std::string_view out : {"11.0.0.1", "192.0.2.127", "fe00::1", "::2", "0.0.0.1"}) {
    EXPECT_FALSE(set->Contains(Address(out))) << out;
  }
  EXPECT_TRUE(AddressSet::Parse({"0.0.0.0/0"})->Contains(Address("203.0.113.9")));
  EXPECT_FALSE(AddressSet::Parse({"0.0.0.0/0"})->Contains(Address("2001:db8::1")));
}

TEST(AddressSetTest, RefusesBadNetworks) {
  for (const char* bad : {"10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/", "10.0.0.0/8x", "proxy", ""}) {
    EXPECT_EQ(AddressSet::Parse({bad}).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(ClientAddressTest, BelievesOnlyTrustedHops) {
  const AddressSet trusted = *AddressSet::Parse({"10.0.0.0/8", "127.0.0.1"});
  const AddressBytes proxy = Address("127.0.0.1");
  EXPECT_EQ(ClientAddress(proxy, trusted, {}), "127.0.0.1");
  EXPECT_EQ(ClientAddress(proxy, trusted, {"203.0.113.9"}), "203.0.113.9");
  // What stands left of the first untrusted hop is the client's own invention.
  EXPECT_EQ(ClientAddress(proxy, trusted, {"1.1.1.1, 203.0.113.9, 10.1.2.3"}), "203.0.113.9");
  EXPECT_EQ(ClientAddress(proxy, trusted, {"1.1.1.1", "203.0.113.9,10.1.2.3"}), "203.0.113.9");
  EXPECT_EQ(ClientAddress(proxy, trusted, {"203.0.113.9:4711"}), "203.0.113.9");
  EXPECT_EQ(ClientAddress(proxy, trusted, {"[2001:db8::7]:4711"}), "2001:db8::7");
  EXPECT_EQ(ClientAddress(proxy, trusted, {"unknown, 10.1.2.3"}), "10.1.2.3");
  EXPECT_EQ(ClientAddress(Address("198.51.100.1"), trusted, {"203.0.113.9"}), "198.51.100.1");
}

}  // namespace
}  // namespace dinh::http
