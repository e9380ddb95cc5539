// Commands as Redis reads them and answers as it writes them (RESP2), by hiredis' formatter and reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct redisReader;

namespace dinh::cache {

struct RedisReply {
  enum class Type : uint8_t { kNil, kStatus, kError, kInteger, kString, kArray };
  Type type = Type::kNil;
  int64_t integer = 0;
  std::string text;  // of a status, an error or a string
  std::vector<RedisReply> items;

  bool is_nil() const { return type == Type::kNil; }
  bool is_error() const { return type == Type::kError; }
  bool is_string() const { return type == Type::kString; }
  bool is_array() const { return type == Type::kArray; }
};

// Commands that go to the server in one piece. Arguments are copied into it at once.
class RedisBatch {
 public:
  RedisBatch() = default;
  RedisBatch(std::initializer_list<std::string_view> arguments) { Add(arguments); }

  RedisBatch& Add(std::initializer_list<std::string_view> arguments) {
    return Add(std::span<const std::string_view>(arguments.begin(), arguments.size()));
  }
  RedisBatch& Add(std::span<const std::string_view> arguments);

  size_t commands() const { return commands_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  size_t commands_ = 0;
};

// Puts replies together from bytes as they arrive. Not thread-safe.
class RedisReplyReader {
 public:
  RedisReplyReader();
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  // In pieces; Next() after each, until it has no more.
  absl::Status Feed(std::string_view bytes);
  // nullopt: more bytes are needed. REDIS_PROTOCOL for anything that is no reply or exceeds kRedisReplyBytesMax; the
  // reader is then of no further use.
  absl::StatusOr<std::optional<RedisReply>> Next();

 private:
  redisReader* const reader_;
  size_t items_ = 0;          // of the reply that is being read
  size_t bytes_waiting_ = 0;  // since the last whole reply
};

}  // namespace dinh::cache
