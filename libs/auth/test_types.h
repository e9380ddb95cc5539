// For tests: message and method types made from text, so that tests do not hang on the protos of services. Header-only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dinh/options/v1/options.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dinh::auth {

class TestTypes {
 public:
  // `file`: a FileDescriptorProto in the text format.
  explicit TestTypes(const std::string& file) {
    google::protobuf::FileDescriptorProto proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(file, &proto)) << file;
    if (!proto.has_name()) proto.set_name("test.proto");
    if (!proto.has_syntax()) proto.set_syntax("proto3");
    proto.set_package("t");
    file_ = pool_.BuildFile(proto);
    EXPECT_NE(file_, nullptr) << proto.DebugString();
  }
  const google::protobuf::FileDescriptor& file() const { return *file_; }
  const google::protobuf::Descriptor& type(const std::string& name) const {
    return *file_->FindMessageTypeByName(name);
  }
  // A message of a type, from the text format.
  std::unique_ptr<google::protobuf::Message> Make(const std::string& name, const std::string& text = "") {
    std::unique_ptr<google::protobuf::Message> message(factory_.GetPrototype(&type(name))->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
    return message;
  }

 private:
  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  const google::protobuf::FileDescriptor* file_ = nullptr;
};

}  // namespace dinh::auth
