// Between gRPC's types and ours. Private to libs/rpc.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "libs/rpc/call.h"

namespace dinh::rpc {

// Metadata names, lower case as HTTP/2 wants them.
inline constexpr char kAuthorizationKey[] = "authorization";
inline constexpr char kRequestIdKey[] = "idempotency-key";
inline constexpr char kRequestIdKeyAlias[] = "x-request-id";
inline constexpr char kTraceparentKey[] = "traceparent";
inline constexpr char kLanguageKey[] = "accept-language";
inline constexpr char kReplayedKey[] = "idempotency-replayed";  // of an answer: "true"
// A client's call that a gateway passes on; the value is the client's address.
inline constexpr char kForwardedKey[] = "x-dinh-forwarded";
inline constexpr char kServiceKey[] = "x-dinh-service";  // whose feed, in a process of several services

// Whom a server believes.
struct TrustRules {
  std::string peer_domain;           // SPIFFE trust domain whose certificates name services ("" accepts none)
  std::set<std::string> forwarders;  // services that may pass on clients' calls
  bool anyone_forwards = false;      // without certificates
};

// From the first call on gRPC's threads stay until the process ends. Otherwise they go with the last server or channel,
// and gRPC 1.51 now and then waits ten seconds for one of them.
void KeepGrpc();

// Everything the pipeline wants to know of a call that came by gRPC. PERMISSION_DENIED when somebody who may not passes
// on the call of another.
absl::StatusOr<CallHead> HeadOf(const grpc::ServerContextBase& context, const base::Clock& clock,
                                const TrustRules& trust);
// "" when the client did not send it.
std::string MetadataOf(const grpc::ServerContextBase& context, const char* key);

// "spiffe://dinh/payments" -> "payments" when the domain is "dinh"; "" for anything else.
std::string ServiceOfSpiffeId(std::string_view uri, std::string_view domain);
// "ipv4:192.0.2.1:4711" -> "192.0.2.1", "ipv6:%5B2001:db8::1%5D:4711" -> "2001:db8::1".
std::string AddressOfPeer(std::string_view peer);

// `status` must be fit to leave (ForOutside).
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);
// UNAVAILABLE, reason PEER_UNAVAILABLE.
absl::Status PeerUnavailable();
// The same of a call to `service`, with what UNAVAILABLE and the like of gRPC itself are to us.
absl::Status FromCallee(const grpc::Status& status, std::string_view service);

// false: not a message of this type.
bool ParseBuffer(grpc::ByteBuffer* buffer, google::protobuf::Message* message);
grpc::ByteBuffer SerializeToBuffer(const google::protobuf::Message& message);

// Stands in a client stream for "the rest does not come": after all that was sent, unlike a cancellation, so that an
// upload can go on later from there; and no message, so that no callee takes the stream for whole.
grpc::ByteBuffer BrokenOffMark();
bool IsBrokenOffMark(const grpc::ByteBuffer& buffer);

// UNAVAILABLE, reason ADDRESS_IN_USE.
absl::Status AddressInUse(const std::string& address);
// UNIMPLEMENTED, reason METHOD_UNKNOWN.
absl::Status MethodUnknown();
// INVALID_ARGUMENT, reason MALFORMED_MESSAGE.
absl::Status MalformedMessage();

}  // namespace dinh::rpc
