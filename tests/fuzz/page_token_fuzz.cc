// Page tokens: first line the token, the rest a last key. A sealed key opens again for the same list and caller only,
// and no other token opens.
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "libs/auth/page_token.h"
#include "libs/auth/principal.h"
#include "tests/fuzz/keys.h"

namespace dinh::fuzz {
namespace {

using google::protobuf::FieldDescriptorProto;

// message ListRequest { string page_token = 1; string filter = 2; }
class ListRequest {
 public:
  ListRequest() {
    google::protobuf::FileDescriptorProto file;
    file.set_name("list.proto");
    file.set_syntax("proto3");
    auto* type = file.add_message_type();
    type->set_name("ListRequest");
    for (const char* name : {"page_token", "filter"}) {
      auto* field = type->add_field();
      field->set_name(name);
      field->set_number(type->field_size());
      field->set_type(FieldDescriptorProto::TYPE_STRING);
      field->set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    }
    type_ = pool_.BuildFile(file)->message_type(0);
  }
  std::unique_ptr<google::protobuf::Message> Make(const std::string& token, const std::string& filter) {
    std::unique_ptr<google::protobuf::Message> message(factory_.GetPrototype(type_)->New());
    message->GetReflection()->SetString(message.get(), type_->field(0), token);
    message->GetReflection()->SetString(message.get(), type_->field(1), filter);
    return message;
  }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  const google::protobuf::Descriptor* type_ = nullptr;
};

void CheckKeys(std::string_view key) {
  Input input(key);
  std::vector<std::string> parts;
  while (!input.empty()) parts.emplace_back(input.Line());
  const auto split = auth::SplitKey(auth::JoinKey(parts), parts.size());
  FUZZ_CHECK(split.ok() && *split == parts);
  for (size_t count = 0; count < 4; ++count) {
    const auto any = auth::SplitKey(key, count);
    FUZZ_CHECK(!any.ok() || any->size() == count);
  }
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh;
  constexpr size_t kLastKeyMax = 512;
  static fuzz::Keys keys;
  static fuzz::ListRequest requests;
  static const auth::PageTokens kTokens(*keys.ring);
  const auth::Principal citizen = {.kind = auth::CallerKind::kCitizen, .id = "a", .person = "p"};
  const auth::Principal other = {.kind = auth::CallerKind::kCitizen, .id = "b", .person = "p"};
  fuzz::Input input(fuzz::View(data, size));
  const std::string given(input.Line());
  const std::string_view last_key = input.Rest().substr(0, kLastKeyMax);

  const std::string token = kTokens.Seal(citizen, *requests.Make("", "x"), last_key);
  const auto opened = kTokens.Open(citizen, *requests.Make(token, "x"));
  FUZZ_CHECK(opened.ok() && *opened == last_key, token);
  FUZZ_CHECK(!kTokens.Open(other, *requests.Make(token, "x")).ok());
  FUZZ_CHECK(!kTokens.Open(citizen, *requests.Make(token, "y")).ok());

  const auto foreign = kTokens.Open(citizen, *requests.Make(given, "x"));
  if (foreign.ok())
    FUZZ_CHECK(given.empty() || given == kTokens.Seal(citizen, *requests.Make("", "x"), *foreign), given);
  fuzz::CheckKeys(input.Rest());
  return 0;
}
