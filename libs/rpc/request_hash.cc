#include "libs/rpc/request_hash.h"

#include <sodium.h>

#include <cstdint>

#include "dinh/options/v1/common.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/base/strings.h"

namespace dinh::rpc {
namespace {

std::string Canonical(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

struct StreamHash::State {
  crypto_hash_sha256_state sha;
  void Update(std::string_view bytes) {
    crypto_hash_sha256_update(&sha, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
  // Framed, so that two messages never read as one.
  void Frame(std::string_view bytes) {
    const auto size = static_cast<uint64_t>(bytes.size());
    Update({reinterpret_cast<const char*>(&size), sizeof(size)});
    Update(bytes);
  }
};

std::string HashOf(const google::protobuf::Message& message) { return base::Sha256(Canonical(message)); }

StreamHash::StreamHash() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sha); }
StreamHash::~StreamHash() = default;

void StreamHash::Add(const google::protobuf::Message& message) {
  if (message.GetDescriptor() != options::v1::UploadChunk::descriptor()) return state_->Frame(Canonical(message));
  const auto& chunk = static_cast<const options::v1::UploadChunk&>(message);
  if (chunk.has_head()) state_->Frame(Canonical(chunk.head()));
  state_->Update(chunk.data());
}

std::string StreamHash::Finish() {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256_final(&state_->sha, reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace dinh::rpc
