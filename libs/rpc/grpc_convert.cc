#include "libs/rpc/grpc_convert.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <chrono>
#include <mutex>
#include <optional>

#include "google/rpc/status.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/grpc_time.h"
#include "libs/rpc/status_proto.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kSpiffe = "spiffe://";
// A varint without end, which no protobuf message begins with.
constexpr std::string_view kBrokenOff = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";

// The service that the client's certificate names; "" for everybody else.
std::string PeerOf(const grpc::ServerContextBase& context, std::string_view domain) {
  const auto auth = context.auth_context();
  if (domain.empty() || auth == nullptr || !auth->IsPeerAuthenticated()) return {};
  std::string peer;
  for (const grpc::string_ref& uri : auth->FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME)) {
    std::string service = ServiceOfSpiffeId({uri.data(), uri.size()}, domain);
    if (!service.empty()) peer = std::move(service);
  }
  return peer;
}

bool IsAddress(std::string_view text) {
  constexpr size_t kIpv6TextMax = 45;
  return text.size() <= kIpv6TextMax && text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos;
}

absl::Status NoForwarder() {
  return base::Error(absl::StatusCode::kPermissionDenied, "NOT_A_FORWARDER",
                     {"Chỉ cổng vào của hệ thống được chuyển tiếp yêu cầu thay người khác. Hãy gọi trực tiếp.",
                      "Only a gateway of the platform may pass on calls of others. Call in your own name."});
}

std::optional<base::OpContext::Deadline> DeadlineOf(const grpc::ServerContextBase& context, const base::Clock& clock) {
  const std::optional<std::chrono::nanoseconds> left = Until(context.raw_deadline());
  if (!left) return std::nullopt;
  return clock.Steady() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(*left);
}

}  // namespace

void KeepGrpc() {
  static std::once_flag once;
  std::call_once(once, [] { grpc_init(); });
}

std::string MetadataOf(const grpc::ServerContextBase& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string() : std::string(found->second.data(), found->second.size());
}

absl::StatusOr<CallHead> HeadOf(const grpc::ServerContextBase& context, const base::Clock& clock,
                                const TrustRules& trust) {
  CallHead head;
  const std::string peer = PeerOf(context, trust.peer_domain);
  const bool forwarded = context.client_metadata().count(kForwardedKey) > 0;
  if (forwarded) {
    head.credentials.address = MetadataOf(context, kForwardedKey);
    const bool believed = peer.empty() ? trust.anyone_forwards : trust.forwarders.count(peer) > 0;
    if (!believed || !IsAddress(head.credentials.address)) return NoForwarder();
  } else {
    head.credentials.address = AddressOfPeer(context.peer());
    head.local = !peer.empty();
  }
  const std::string header = MetadataOf(context, kAuthorizationKey);
  if (header.substr(0, kBearer.size()) == kBearer) {
    // Also a service that calls in a user's name: the token says who it is, and is checked again.
    head.credentials.kind = Credentials::Kind::kBearer;
    head.credentials.value = header.substr(kBearer.size());
  } else if (!forwarded && !peer.empty()) {
    head.credentials.kind = Credentials::Kind::kPeer;
    head.credentials.value = peer;
  }
  head.deadline = DeadlineOf(context, clock);
  head.trace = telemetry::ParseTraceparent(MetadataOf(context, kTraceparentKey)).value_or(base::Trace());
  head.request_id = MetadataOf(context, kRequestIdKey);
  if (head.request_id.empty()) head.request_id = MetadataOf(context, kRequestIdKeyAlias);
  if (MetadataOf(context, kLanguageKey).substr(0, 2) == "en") head.language = "en";
  head.cancelled = std::make_shared<std::atomic<bool>>(false);
  return head;
}

std::string ServiceOfSpiffeId(std::string_view uri, std::string_view domain) {
  if (uri.substr(0, kSpiffe.size()) != kSpiffe) return {};
  uri.remove_prefix(kSpiffe.size());
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos || uri.substr(0, slash) != domain) return {};
  const std::string_view service = uri.substr(slash + 1);
  for (const char c : service) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return {};
  }
  return std::string(service);
}

std::string AddressOfPeer(std::string_view peer) {
  const size_t scheme = peer.find(':');
  if (scheme == std::string_view::npos) return {};
  const std::string_view kind = peer.substr(0, scheme);
  std::string_view rest = peer.substr(scheme + 1);
  const size_t port = rest.rfind(':');
  if (port == std::string_view::npos || (kind != "ipv4" && kind != "ipv6")) return {};
  rest = rest.substr(0, port);
  for (const std::string_view open : {std::string_view("%5B"), std::string_view("[")}) {
    if (rest.substr(0, open.size()) == open) rest.remove_prefix(open.size());
  }
  const size_t close = rest.find_first_of("%]");
  return std::string(rest.substr(0, close));
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = ToProto(status);
  return {static_cast<grpc::StatusCode>(status.code()), proto.message(), proto.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  const bool detailed = !status.error_details().empty() && proto.ParseFromString(status.error_details());
  if (!detailed || proto.code() != static_cast<int>(status.error_code())) {
    proto.Clear();
    proto.set_code(static_cast<int>(status.error_code()));
    proto.set_message(status.error_message());
  }
  return FromProto(proto);
}

absl::Status PeerUnavailable() {
  return base::Unavailable("PEER_UNAVAILABLE",
                           {"Một dịch vụ của hệ thống tạm thời không phản hồi. Hãy thử lại sau giây lát.",
                            "A service of the platform does not answer. Try again in a moment."});
}

absl::Status FromCallee(const grpc::Status& status, std::string_view service) {
  absl::Status decoded = FromGrpc(status);
  if (decoded.ok() || base::DetailOf(decoded).has_value()) return decoded;
  if (absl::IsUnavailable(decoded)) return PeerUnavailable();
  if (absl::IsResourceExhausted(decoded)) {
    return base::ResourceExhausted(
        "PEER_BUSY",
        {"Hệ thống đang quá tải. Hãy thử lại sau giây lát.", "The platform is busy. Try again in a moment."}, 1000);
  }
  if (absl::IsDeadlineExceeded(decoded) || absl::IsCancelled(decoded)) return ForOutside(decoded, "");
  return base::Internal(std::string(service) + ": " + status.error_message());
}

bool ParseBuffer(grpc::ByteBuffer* buffer, google::protobuf::Message* message) {
  return grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::Message>(buffer, message).ok();
}

grpc::ByteBuffer SerializeToBuffer(const google::protobuf::Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  (void)grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, &buffer, &own);
  return buffer;
}

grpc::ByteBuffer BrokenOffMark() {
  const grpc::Slice slice{std::string(kBrokenOff)};
  return {&slice, 1};
}

bool IsBrokenOffMark(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (buffer.Length() != kBrokenOff.size() || !buffer.DumpToSingleSlice(&slice).ok()) return false;
  return std::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size()) == kBrokenOff;
}

absl::Status AddressInUse(const std::string& address) {
  return base::Error(absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
                     {"Không mở được cổng gRPC " + address + ". Hãy chọn cổng khác hoặc dừng chương trình đang dùng.",
                      "Cannot listen for gRPC on " + address + ". Choose another port or stop what uses it."},
                     {{"address", address}});
}

absl::Status MethodUnknown() {
  return base::Error(
      absl::StatusCode::kUnimplemented, "METHOD_UNKNOWN",
      {"Không có phương thức này. Hãy xem danh mục API.", "There is no such method. See the API's documentation."});
}

absl::Status MalformedMessage() {
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                     {"Không đọc được nội dung yêu cầu. Hãy gửi đúng thông điệp của phương thức.",
                      "The request cannot be read. Send the message that the method takes."});
}

}  // namespace dinh::rpc
