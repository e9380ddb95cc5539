#include "libs/cache/redis_connection.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "libs/base/status.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(const RedisEndpoint& endpoint,
                                                                       const RedisTlsContext* tls,
                                                                       const RedisLogin& login,
                                                                       const base::Clock& clock, Deadline deadline) {
  ASSIGN_OR_RETURN(std::unique_ptr<RedisSocket> socket, RedisSocket::Connect(endpoint, tls, clock, deadline));
  std::unique_ptr<RedisConnection> out(new RedisConnection(endpoint, std::move(socket)));
  RETURN_IF_ERROR(out->LogIn(login, deadline));
  return out;
}

absl::Status RedisConnection::LogIn(const RedisLogin& login, Deadline deadline) {
  RedisBatch batch;
  if (!login.password.empty()) {
    if (login.user.empty()) {
      batch.Add({"AUTH", login.password});
    } else {
      batch.Add({"AUTH", login.user, login.password});
    }
  }
  if (login.database != 0) batch.Add({"SELECT", std::to_string(login.database)});
  if (login.identify) batch.Add({"INFO", "server"});
  if (login.must_be_master) batch.Add({"ROLE"});
  if (batch.commands() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, Run(batch, deadline));
  for (const RedisReply& reply : replies) {
    if (!reply.is_error()) continue;
    // A password where none is set is an ERR: it is about the login all the same.
    if (&reply == &replies.front() && !login.password.empty()) return RedisAuthRefused(RedisErrorCode(reply.text));
    return RedisErrorOf(reply.text);
  }
  if (login.identify) RETURN_IF_ERROR(TakeServerId(replies[replies.size() - (login.must_be_master ? 2 : 1)]));
  if (login.must_be_master) {
    const RedisReply& role = replies.back();
    if (!role.is_array() || role.items.empty() || role.items[0].text != "master") {
      return RedisNoMaster(endpoint_.Name() + " is not the master");
    }
  }
  return absl::OkStatus();
}

absl::Status RedisConnection::TakeServerId(const RedisReply& info) {
  constexpr std::string_view kField = "run_id:";
  constexpr size_t kDigits = 8;
  const size_t at = info.text.find(kField);
  if (at == std::string::npos || info.text.size() < at + kField.size() + kDigits) return RedisProtocol("no run_id");
  const char* digits = info.text.data() + at + kField.size();
  const auto [end, error] = std::from_chars(digits, digits + kDigits, server_id_, 16);
  if (error != std::errc() || end != digits + kDigits) return RedisProtocol("no run_id");
  server_id_ = std::max<uint32_t>(server_id_, 1);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RedisReply>> RedisConnection::Run(const RedisBatch& batch, Deadline deadline) {
  std::vector<RedisReply> replies;
  if (batch.commands() == 0) return replies;
  replies.reserve(batch.commands());
  const absl::Status status = socket_->Exchange(
      batch.bytes(),
      [&](std::string_view bytes) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(reader_.Feed(bytes));
        for (;;) {
          ASSIGN_OR_RETURN(std::optional<RedisReply> reply, reader_.Next());
          if (!reply) return replies.size() == batch.commands();
          if (replies.size() == batch.commands()) return RedisProtocol("more replies than commands");
          replies.push_back(*std::move(reply));
        }
      },
      deadline);
  if (!status.ok()) {
    broken_ = true;
    return status;
  }
  return replies;
}

absl::Status RedisConnection::Send(const RedisBatch& batch, Deadline deadline) {
  const absl::Status status = socket_->Exchange(
      batch.bytes(),
      [&](std::string_view bytes) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(reader_.Feed(bytes));
        return true;
      },
      deadline);
  broken_ = broken_ || !status.ok();
  return status;
}

absl::StatusOr<RedisReply> RedisConnection::Read(Deadline deadline) {
  std::optional<RedisReply> message;
  const auto next = [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(message, reader_.Next());
    return message.has_value();
  };
  absl::StatusOr<bool> have = next();
  absl::Status status = have.status();
  if (have.ok() && !*have) {
    status = socket_->Exchange(
        {},
        [&](std::string_view bytes) -> absl::StatusOr<bool> {
          RETURN_IF_ERROR(reader_.Feed(bytes));
          return next();
        },
        deadline);
  }
  if (!status.ok()) {
    broken_ = broken_ || status.code() != absl::StatusCode::kDeadlineExceeded;
    return status;
  }
  return *std::move(message);
}

}  // namespace dinh::cache
