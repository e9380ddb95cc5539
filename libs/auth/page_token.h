// Page tokens: where the next page begins, bound to who asked for what (AIP-158).
//
//   ASSIGN_OR_RETURN(int32_t size, page_tokens.PageSize(request.page_size()));
//   ASSIGN_OR_RETURN(std::string last, page_tokens.Open(ctx, request));       // "" for the first page
//   … rows after `last`, one more than `size` …
//   response.set_next_page_token(page_tokens.Seal(ctx, request, KeyOf(row)));
//
// A token is base64url of a version, a key id, the last key and a MAC over them, the method (by its request type), the
// filter (every field of the request but page_size, page_token and request_id) and the principal. Another filter,
// method or caller: INVALID_ARGUMENT reason PAGE_TOKEN_MISMATCH. The key inside can be read by the client: ids, codes
// and times only, never personal data.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/auth/key_ring.h"
#include "libs/auth/principal.h"
#include "libs/base/limits.h"

namespace dinh::auth {

class PageTokens {
 public:
  explicit PageTokens(const KeyRing& keys) : keys_(keys) {}

  // 0 gives the default, more than the maximum the maximum, less than 0 is INVALID_ARGUMENT.
  absl::StatusOr<int32_t> PageSize(int32_t requested, int32_t by_default = base::kPageSizeDefault,
                                   int32_t at_most = base::kPageSizeMax) const;

  // `request` has a string field `page_token`. `last_key`: at most 512 bytes.
  absl::StatusOr<std::string> Open(const Principal& principal, const google::protobuf::Message& request) const;
  std::string Seal(const Principal& principal, const google::protobuf::Message& request,
                   std::string_view last_key) const;

  // The same with anything that has principal(), e.g. rpc::Context.
  template <typename Context>
    requires requires(const Context& ctx) { ctx.principal(); }
  absl::StatusOr<std::string> Open(const Context& ctx, const google::protobuf::Message& request) const {
    return Open(ctx.principal(), request);
  }
  template <typename Context>
    requires requires(const Context& ctx) { ctx.principal(); }
  std::string Seal(const Context& ctx, const google::protobuf::Message& request, std::string_view last_key) const {
    return Seal(ctx.principal(), request, last_key);
  }

 private:
  const KeyRing& keys_;
};

// For orders by several columns: parts in one string and back. Parts may hold any bytes.
std::string JoinKey(const std::vector<std::string>& parts);
// INVALID_ARGUMENT reason PAGE_TOKEN_MISMATCH when there are not exactly `parts`.
absl::StatusOr<std::vector<std::string>> SplitKey(std::string_view key, size_t parts);

}  // namespace dinh::auth
