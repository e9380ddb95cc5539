#include "libs/rpc/grpc_reflection.h"

#include <set>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libs/rpc/grpc_convert.h"

namespace dinh::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

// A file and all it imports, imports first, so that a client can build them in order.
void AddFile(const FileDescriptor* file, std::set<const FileDescriptor*>* seen, ServerReflectionResponse* response) {
  if (!seen->insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) AddFile(file->dependency(i), seen, response);
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
}

void AnswerFile(const FileDescriptor* file, ServerReflectionResponse* response) {
  if (file == nullptr) {
    response->mutable_error_response()->set_error_code(static_cast<int>(grpc::StatusCode::NOT_FOUND));
    response->mutable_error_response()->set_error_message("unknown name");
    return;
  }
  std::set<const FileDescriptor*> seen;
  AddFile(file, &seen, response);
}

const FileDescriptor* FileOfExtension(const DescriptorPool& pool, const std::string& type, int number) {
  const auto* message = pool.FindMessageTypeByName(type);
  const FieldDescriptor* extension = message == nullptr ? nullptr : pool.FindExtensionByNumber(message, number);
  return extension == nullptr ? nullptr : extension->file();
}

void AnswerExtensions(const DescriptorPool& pool, const std::string& type, ServerReflectionResponse* response) {
  const auto* message = pool.FindMessageTypeByName(type);
  if (message == nullptr) return AnswerFile(nullptr, response);
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(message, &extensions);
  auto* answer = response->mutable_all_extension_numbers_response();
  answer->set_base_type_name(type);
  for (const FieldDescriptor* extension : extensions) answer->add_extension_number(extension->number());
}

// Question and answer in turns, on gRPC's own thread: descriptors are in memory.
class ReflectionReactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit ReflectionReactor(const Reflection& reflection) : reflection_(reflection) { StartRead(&in_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    ServerReflectionRequest request;
    if (!ParseBuffer(&in_, &request)) return Finish(ToGrpc(MalformedMessage()));
    in_.Clear();
    out_ = SerializeToBuffer(reflection_.Answer(request));
    StartWrite(&out_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&in_);
  }
  void OnDone() override { delete this; }

 private:
  const Reflection& reflection_;
  grpc::ByteBuffer in_, out_;
};

}  // namespace

ServerReflectionResponse Reflection::Answer(const ServerReflectionRequest& request) const {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool.FindFileByName(request.file_by_filename()), &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), &response);
      break;
    case ServerReflectionRequest::kFileContainingExtension:
      AnswerFile(FileOfExtension(pool, request.file_containing_extension().containing_type(),
                                 request.file_containing_extension().extension_number()),
                 &response);
      break;
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensions(pool, request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services_) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    default:
      response.mutable_error_response()->set_error_code(static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
      response.mutable_error_response()->set_error_message("empty request");
  }
  return response;
}

grpc::ServerGenericBidiReactor* Reflection::NewReactor() const { return new ReflectionReactor(*this); }

}  // namespace dinh::rpc
