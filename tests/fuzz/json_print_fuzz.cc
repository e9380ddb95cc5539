// Message -> JSON, from the wire. Where json_util prints it too it must print the same bytes; what is printed must be
// JSON and must read back.
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "nlohmann/json.hpp"
#include "services/gateway/transcode/text_forms.h"
#include "tests/fuzz/json.h"

namespace dinh::fuzz {
namespace {

namespace pb = google::protobuf;

// Map entries in the order of their keys, as ours.
std::string Wire(const Everything& message) {
  std::string wire;
  pb::io::StringOutputStream stream(&wire);
  pb::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  return wire;
}

// Paths that are no field names in snake_case have no JSON form; both writers make something of them, each its own.
bool HasForm(const pb::FieldMask& mask) {
  std::string json;
  pb::FieldMask again;
  for (const std::string& path : mask.paths()) {
    std::vector<std::string> parts;
    if (!gateway::transcode::ParseFieldMask(path, &parts) || parts != std::vector<std::string>{path}) return false;
  }
  return pb::util::FieldMaskUtil::ToJsonString(mask, &json) && pb::util::FieldMaskUtil::FromJsonString(json, &again) &&
         again.SerializeAsString() == mask.SerializeAsString();
}

void ClearOddMasks(Everything* message) {
  if (message->has_well_known()) {
    auto& known = *message->mutable_well_known();
    if (!HasForm(known.field_mask())) known.clear_field_mask();
    if (known.any().type_url().find("google.protobuf.Duration") == std::string::npos) known.clear_any();
  }
  if (message->has_child()) ClearOddMasks(message->mutable_child());
  for (Everything& child : *message->mutable_children()) ClearOddMasks(&child);
}

bool Theirs(const Everything& message, std::string* json) {
  static const std::unique_ptr<pb::util::TypeResolver> kResolver(
      pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", pb::DescriptorPool::generated_pool()));
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  return pb::util::BinaryToJsonString(kResolver.get(), "type.googleapis.com/dinh.testing.v1.Everything", Wire(message),
                                      json, options)
      .ok();
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  static const Json kJson;
  Everything message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  message.DiscardUnknownFields();
  ClearOddMasks(&message);
  std::string ours, theirs;
  if (!kJson.Print(message, &ours)) return 0;
  FUZZ_CHECK(nlohmann::json::accept(ours), ours);
  if (Theirs(message, &theirs)) FUZZ_CHECK(ours == theirs, ours + "\n" + theirs);

  // A google.protobuf.Value of no kind leaves nothing behind, so only what was read once must come back as it is.
  Everything again, same;
  if (!kJson.Parse(ours, &again)) return 0;
  std::string printed, difference;
  FUZZ_CHECK(kJson.Print(again, &printed), ours);
  FUZZ_CHECK(kJson.Parse(printed, &same) && kJson.Same(again, same, &difference), printed + difference);
  return 0;
}
