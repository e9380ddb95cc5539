#include "libs/rpc/method_table.h"

#include <set>

#include "google/protobuf/descriptor.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::MethodOptions;

absl::Status Refuse(std::string_view method, std::string_view vi, std::string_view en) {
  const std::string name(method);
  return base::FailedPrecondition(
      "METHOD_TABLE", {"Phương thức " + name + ": " + std::string(vi), "Method " + name + ": " + std::string(en)},
      {{"method", name}});
}

absl::Status CheckShape(const MethodEntry& entry) {
  const MethodDescriptor& method = *entry.descriptor;
  const bool unary = !method.client_streaming() && !method.server_streaming();
  const bool client_only = method.client_streaming() && !method.server_streaming();
  const bool server_only = method.server_streaming() && !method.client_streaming();
  const bool fits =
      (unary && entry.unary) || (client_only && entry.client_stream) || (server_only && entry.server_stream);
  if (fits) return absl::OkStatus();
  return Refuse(
      method.full_name(),
      "kiểu đăng ký không khớp với luồng trong proto. Hãy dùng Unary, ClientStream hoặc ServerStream.",
      "registered in another shape than the proto says. Use Unary, ClientStream or ServerStream as it streams.");
}

}  // namespace

const auth::AccessRule& Context::rule() const { return method_.rule; }

MethodEntry* MethodTable::Add(std::string_view full_name, const Message& request, const Message& response) {
  auto fail = [this](absl::Status status) -> MethodEntry* {
    if (status_.ok()) status_ = std::move(status);
    return nullptr;
  };
  const MethodDescriptor* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(full_name));
  if (method == nullptr) {
    return fail(Refuse(full_name, "không có trong proto. Hãy kiểm tra tên.", "is in no linked proto. Check its name."));
  }
  if (method->input_type() != request.GetDescriptor() || method->output_type() != response.GetDescriptor()) {
    return fail(Refuse(full_name, "kiểu thông điệp của hàm xử lý khác với proto.",
                       "the handler's message types are not those of the proto."));
  }
  auto entry = std::make_unique<MethodEntry>();
  entry->descriptor = method;
  entry->path = "/" + method->service()->full_name() + "/" + method->name();
  if (Find(entry->path) != nullptr) {
    return fail(Refuse(full_name, "được đăng ký hai lần.", "is registered twice."));
  }
  absl::StatusOr<auth::AccessRule> rule = auth::ReadAccessRule(*method);
  if (!rule.ok()) return fail(rule.status());
  entry->rule = *std::move(rule);
  const auto level = method->options().idempotency_level();
  entry->no_side_effects = level == MethodOptions::NO_SIDE_EFFECTS;
  entry->idempotent = level != MethodOptions::IDEMPOTENCY_UNKNOWN;
  entry->request_prototype = &request;
  entry->response_prototype = &response;
  by_path_.emplace(entry->path, entry.get());
  entries_.push_back(std::move(entry));
  return entries_.back().get();
}

MethodTable MethodTable::Remote(const std::vector<std::string>& services) {
  MethodTable table;
  for (const std::string& service : services) table.LeaveOthersUnimplemented(service);
  return table;
}

void MethodTable::LeaveOthersUnimplemented(std::string_view service) {
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(service));
  if (descriptor == nullptr) {
    if (status_.ok()) status_ = Refuse(service, "không có trong proto.", "is in no linked proto.");
    return;
  }
  auto* messages = google::protobuf::MessageFactory::generated_factory();
  const auto refuse = [] {
    return base::Error(
        absl::StatusCode::kUnimplemented, "UNIMPLEMENTED",
        {"Chức năng này chưa có ở đây. Hãy dùng bản mới hơn.", "This is not available here. Use a newer release."});
  };
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const MethodDescriptor* method = descriptor->method(i);
    if (Find("/" + descriptor->full_name() + "/" + method->name()) != nullptr) continue;
    MethodEntry* entry = Add(method->full_name(), *messages->GetPrototype(method->input_type()),
                             *messages->GetPrototype(method->output_type()));
    if (entry == nullptr) return;
    if (method->server_streaming()) {
      entry->server_stream = [refuse](auto&&...) { return refuse(); };
    } else if (method->client_streaming()) {
      entry->client_stream = [refuse](auto&&...) { return refuse(); };
    } else {
      entry->unary = [refuse](auto&&...) { return refuse(); };
    }
  }
}

absl::Status MethodTable::Complete() const {
  RETURN_IF_ERROR(status_);
  std::set<const google::protobuf::ServiceDescriptor*> services;
  for (const auto& entry : entries_) {
    RETURN_IF_ERROR(CheckShape(*entry));
    services.insert(entry->descriptor->service());
  }
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor* method = service->method(i);
      if (Find("/" + service->full_name() + "/" + method->name()) == nullptr) {
        return Refuse(method->full_name(), "chưa có hàm xử lý.", "has no handler.");
      }
    }
  }
  return absl::OkStatus();
}

const MethodEntry* MethodTable::Find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

}  // namespace dinh::rpc
