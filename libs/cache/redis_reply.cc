#include "libs/cache/redis_reply.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/cache/redis_errors.h"
#include "libs/cache/redis_options.h"

namespace dinh::cache {
namespace {

// hiredis asks for objects and keeps the outermost; inner ones live in their array.
RedisReply* Place(const redisReadTask* task) {
  if (task->parent == nullptr) return new RedisReply();
  return &static_cast<RedisReply*>(task->parent->obj)->items[static_cast<size_t>(task->idx)];
}

void* CreateString(const redisReadTask* task, char* text, size_t size) {
  RedisReply* reply = Place(task);
  reply->type = task->type == REDIS_REPLY_ERROR    ? RedisReply::Type::kError
                : task->type == REDIS_REPLY_STATUS ? RedisReply::Type::kStatus
                                                   : RedisReply::Type::kString;
  reply->text.assign(text, size);
  return reply;
}

// The announced number of items is made room for, so it is bounded over the whole reply.
void* CreateArray(const redisReadTask* task, int count) {
  size_t& items = *static_cast<size_t*>(task->privdata);
  items += static_cast<size_t>(std::max(count, 0));
  if (items > kRedisReplyItemsMax) return nullptr;
  RedisReply* reply = Place(task);
  reply->type = RedisReply::Type::kArray;
  reply->items.resize(static_cast<size_t>(std::max(count, 0)));
  return reply;
}

void* CreateInteger(const redisReadTask* task, long long value) {
  RedisReply* reply = Place(task);
  reply->type = RedisReply::Type::kInteger;
  reply->integer = value;
  return reply;
}

void* CreateNil(const redisReadTask* task) { return Place(task); }

void FreeObject(void* reply) { delete static_cast<RedisReply*>(reply); }

constexpr redisReplyObjectFunctions kFunctions = {CreateString, CreateArray, CreateInteger, CreateNil, FreeObject};

}  // namespace

RedisBatch& RedisBatch::Add(std::span<const std::string_view> arguments) {
  std::vector<const char*> texts(arguments.size());
  std::vector<size_t> sizes(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    texts[i] = arguments[i].data();
    sizes[i] = arguments[i].size();
  }
  char* formatted = nullptr;
  const int size = redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()), texts.data(), sizes.data());
  if (size > 0) bytes_.append(formatted, static_cast<size_t>(size));
  redisFreeCommand(formatted);
  ++commands_;
  return *this;
}

// hiredis takes a pointer to what it does not change.
RedisReplyReader::RedisReplyReader()
    : reader_(redisReaderCreateWithFunctions(const_cast<redisReplyObjectFunctions*>(&kFunctions))) {
  reader_->privdata = &items_;
}

RedisReplyReader::~RedisReplyReader() { redisReaderFree(reader_); }

absl::Status RedisReplyReader::Feed(std::string_view bytes) {
  bytes_waiting_ += bytes.size();
  if (redisReaderFeed(reader_, bytes.data(), bytes.size()) != REDIS_OK) return RedisProtocol("not a reply");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RedisReply>> RedisReplyReader::Next() {
  void* read = nullptr;
  if (redisReaderGetReply(reader_, &read) != REDIS_OK) return RedisProtocol("not a reply");
  if (read == nullptr) {
    if (bytes_waiting_ > kRedisReplyBytesMax) return RedisProtocol("reply too large");
    return std::optional<RedisReply>();
  }
  items_ = 0;
  bytes_waiting_ = reader_->len - reader_->pos;
  const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(read));
  return std::optional<RedisReply>(std::move(*reply));
}

}  // namespace dinh::cache
