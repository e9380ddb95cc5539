#include "services/gateway/openapi/comments.h"

#include <utility>

#include "google/protobuf/descriptor.pb.h"

namespace dinh::gateway {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::SourceCodeInfo;

// Field numbers of descriptor.proto, which make up the paths of source locations.
constexpr int kFileMessage = 4, kFileEnum = 5, kFileService = 6;
constexpr int kMessageField = 2, kMessageNested = 3, kMessageEnum = 4;
constexpr int kEnumValue = 2, kServiceMethod = 2;

// The comment's lines as one text; an empty line stays a paragraph.
std::string Tidy(const std::string& comment) {
  std::string text;
  size_t begin = 0;
  while (begin < comment.size()) {
    size_t end = comment.find('\n', begin);
    if (end == std::string::npos) end = comment.size();
    std::string_view line(comment.data() + begin, end - begin);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    if (line.empty()) {
      text += "\n\n";
    } else {
      if (!text.empty() && text.back() != '\n') text += ' ';
      text.append(line);
    }
    begin = end + 1;
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// The name of what a path leads to; "" for paths that are not described (options, types).
std::string NameOfEnum(const EnumDescriptorProto& message, const SourceCodeInfo::Location& at, int i,
                       std::string name) {
  name += "." + message.name();
  if (i == at.path_size()) return name;
  if (i + 2 == at.path_size() && at.path(i) == kEnumValue) return name + "." + message.value(at.path(i + 1)).name();
  return "";
}

std::string NameOfMessage(const DescriptorProto& message, const SourceCodeInfo::Location& at, int i, std::string name) {
  name += "." + message.name();
  if (i == at.path_size()) return name;
  if (i + 1 >= at.path_size()) return "";
  const int index = at.path(i + 1);
  switch (at.path(i)) {
    case kMessageField:
      return i + 2 == at.path_size() ? name + "." + message.field(index).name() : "";
    case kMessageNested:
      return NameOfMessage(message.nested_type(index), at, i + 2, name);
    case kMessageEnum:
      return NameOfEnum(message.enum_type(index), at, i + 2, name);
    default:
      return "";
  }
}

std::string NameOf(const FileDescriptorProto& file, const SourceCodeInfo::Location& at) {
  if (at.path_size() < 2) return "";
  const int index = at.path(1);
  switch (at.path(0)) {
    case kFileMessage:
      return NameOfMessage(file.message_type(index), at, 2, file.package());
    case kFileEnum:
      return NameOfEnum(file.enum_type(index), at, 2, file.package());
    case kFileService: {
      std::string name = file.package() + "." + file.service(index).name();
      if (at.path_size() == 2) return name;
      if (at.path_size() == 4 && at.path(2) == kServiceMethod) {
        return name + "." + file.service(index).method(at.path(3)).name();
      }
      return "";
    }
    default:
      return "";
  }
}

}  // namespace

Comments::Comments(std::string_view descriptor_set) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size()))) return;
  for (const FileDescriptorProto& file : set.file()) {
    if (file.package().rfind("dinh.", 0) != 0) continue;
    for (const SourceCodeInfo::Location& at : file.source_code_info().location()) {
      const std::string& raw = at.leading_comments().empty() ? at.trailing_comments() : at.leading_comments();
      if (raw.empty()) continue;
      std::string name = NameOf(file, at);
      if (!name.empty()) texts_[std::move(name)] = Tidy(raw);
    }
  }
}

const std::string& Comments::Of(std::string_view name) const {
  auto it = texts_.find(name);
  return it == texts_.end() ? none_ : it->second;
}

}  // namespace dinh::gateway
