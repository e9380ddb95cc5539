#include "libs/rpc/grpc_convert.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <chrono>
#include <optional>

#include "google/rpc/status.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/status_proto.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kSpiffe = "spiffe://";

Credentials CredentialsOf(const grpc::ServerContextBase& context, std::string_view peer_domain) {
  Credentials credentials;
  credentials.address = AddressOfPeer(context.peer());
  const std::string header = MetadataOf(context, kAuthorizationKey);
  if (header.substr(0, kBearer.size()) == kBearer) {
    credentials.kind = Credentials::Kind::kBearer;
    credentials.value = header.substr(kBearer.size());
    return credentials;
  }
  const auto auth = context.auth_context();
  if (peer_domain.empty() || auth == nullptr || !auth->IsPeerAuthenticated()) return credentials;
  for (const grpc::string_ref& uri : auth->FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME)) {
    std::string service = ServiceOfSpiffeId({uri.data(), uri.size()}, peer_domain);
    if (service.empty()) continue;
    credentials.kind = Credentials::Kind::kPeer;
    credentials.value = std::move(service);
  }
  return credentials;
}

// gRPC gives the deadline as wall clock; what counts is how much is left.
std::optional<base::OpContext::Deadline> DeadlineOf(const grpc::ServerContextBase& context, const base::Clock& clock) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  const auto left = deadline - std::chrono::system_clock::now();
  return clock.Steady() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(left);
}

}  // namespace

std::string MetadataOf(const grpc::ServerContextBase& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string() : std::string(found->second.data(), found->second.size());
}

CallHead HeadOf(const grpc::ServerContextBase& context, const base::Clock& clock, std::string_view peer_domain) {
  CallHead head;
  head.credentials = CredentialsOf(context, peer_domain);
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

bool ParseBuffer(grpc::ByteBuffer* buffer, google::protobuf::Message* message) {
  return grpc::GenericDeserialize<grpc::ProtoBufferReader, google::protobuf::Message>(buffer, message).ok();
}

grpc::ByteBuffer SerializeToBuffer(const google::protobuf::Message& message) {
  grpc::ByteBuffer buffer;
  bool own = false;
  (void)grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, &buffer, &own);
  return buffer;
}

absl::Status MalformedMessage() {
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                     {"Không đọc được nội dung yêu cầu. Hãy gửi đúng thông điệp của phương thức.",
                      "The request cannot be read. Send the message that the method takes."});
}

}  // namespace dinh::rpc
