#include "libs/cache/redis_config.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::cache {
namespace {

constexpr int kConnectionsMax = 256;
constexpr size_t kSentinelsMax = 16;
constexpr int kDatabaseMax = 15;  // as Redis is delivered
// How fast a process notices that Redis is away, on which kDistrustLasts (redis_cache.h) is built.
constexpr std::chrono::milliseconds kTimeoutsMax{1000};

absl::Status Refused(std::string_view setting, std::string_view vi, std::string_view en) {
  return base::InvalidField(setting, {std::string(vi), std::string(en)}, "INVALID_CONFIG");
}

template <typename T>
bool ParseNumber(std::string_view text, T low, T high, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && *out >= low && *out <= high;
}

bool TakePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// "host", "host:1", "[::1]:1".
bool ParseEndpoint(std::string_view text, uint16_t default_port, RedisEndpoint* out) {
  out->port = default_port;
  std::string_view port;
  if (TakePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    port = text.substr(end + 1);
    out->host = std::string(text.substr(0, end));
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    port = text.substr(colon);
    out->host = std::string(text.substr(0, colon));
  }
  if (out->host.empty() || out->host.find_first_of("@/? ") != std::string::npos) return false;
  return port.empty() || (port.front() == ':' && ParseNumber<uint16_t>(port.substr(1), 1, 65535, &out->port));
}

bool ParseUnix(std::string_view rest, RedisOptions* out) {
  const size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    if (!ParseNumber(rest.substr(question + 1), 0, kDatabaseMax, &out->database)) return false;
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) return false;
  out->servers.push_back({.host = {}, .socket_path = std::string(rest)});
  return true;
}

bool ParseUrl(std::string_view url, RedisOptions* out) {
  if (TakePrefix(&url, "unix://")) return ParseUnix(url, out);
  bool sentinel = false;
  if (TakePrefix(&url, "redis-sentinel://")) {
    sentinel = true;
  } else if (TakePrefix(&url, "rediss-sentinel://")) {
    sentinel = out->tls.enabled = true;
  } else if (TakePrefix(&url, "rediss://")) {
    out->tls.enabled = true;
  } else if (!TakePrefix(&url, "redis://")) {
    return false;
  }
  if (const size_t hash = url.find('#'); hash != std::string_view::npos) {
    out->master_name = std::string(url.substr(hash + 1));
    url = url.substr(0, hash);
  }
  if (out->master_name.empty() == sentinel) return false;
  if (const size_t slash = url.find('/'); slash != std::string_view::npos) {
    const std::string_view database = url.substr(slash + 1);
    if (!database.empty() && !ParseNumber(database, 0, kDatabaseMax, &out->database)) return false;
    url = url.substr(0, slash);
  }
  const std::vector<std::string_view> hosts = base::Split(url, ',');
  if (hosts.size() > (sentinel ? kSentinelsMax : 1)) return false;
  for (const std::string_view host : hosts) {
    if (!ParseEndpoint(host, sentinel ? kSentinelPort : kRedisPort, &out->servers.emplace_back())) return false;
  }
  return true;
}

}  // namespace

void RedisConfig::Bind(config::Registry& registry) {
  registry.Bind("cache", "redis", &url,
                "where Redis is: redis://, rediss:// (TLS), redis-sentinel://h1,h2,h3#master, unix://; empty: none");
  registry.Bind("cache", "redis_prefix", &prefix, "in front of every key and channel in Redis");
  registry.Bind("cache", "redis_user", &user, "ACL user of Redis; empty: its default user");
  registry.Bind("cache", "redis_password", &password, "password of Redis", {.secret = true});
  registry.Bind("cache", "redis_sentinel_user", &sentinel_user, "ACL user of the Sentinels");
  registry.Bind("cache", "redis_sentinel_password", &sentinel_password, "password of the Sentinels", {.secret = true});
  registry.Bind("cache", "redis_ca", &ca_file,
                "PEM file of the CA that signed Redis' certificate; empty: the system's");
  registry.Bind("cache", "redis_certificate", &certificate_file, "PEM certificate shown to Redis; empty: none");
  registry.Bind("cache", "redis_key", &key_file, "PEM key of that certificate");
  registry.Bind("cache", "redis_server_name", &server_name,
                "the name that Redis' certificate must have; empty: the host in the URL");
  registry.Bind("cache", "redis_connections", &connections, "connections to Redis at most");
  registry.Bind("cache", "redis_connect_timeout", &connect_timeout, "how long connecting to Redis may take");
  registry.Bind("cache", "redis_command_timeout", &command_timeout, "how long an answer of Redis may take");
  registry.Bind("cache", "near_bytes", &near, "memory of the cache in the process");
}

absl::StatusOr<RedisOptions> RedisConfig::Options() const {
  RedisOptions out;
  if (!ParseUrl(url, &out)) {
    return Refused("cache.redis",
                   "hãy ghi redis://máy[:cổng][/số], rediss://…, redis-sentinel://máy,máy[/số]#tên hoặc "
                   "unix:///tệp; tên và mật khẩu ghi ở cache.redis_user và cache.redis_password.",
                   "write redis://host[:port][/database], rediss://…, redis-sentinel://host,host[/database]#master or "
                   "unix:///file; user and password belong in cache.redis_user and cache.redis_password.");
  }
  if (prefix.empty() || prefix.find_first_of("{}") != std::string::npos) {
    return Refused("cache.redis_prefix", "không được trống hoặc có { }.", "must not be empty nor contain { }.");
  }
  if (!user.empty() && password.empty()) {
    return Refused("cache.redis_password", "cần mật khẩu cho cache.redis_user.", "cache.redis_user needs a password.");
  }
  if (!sentinel_user.empty() && sentinel_password.empty()) {
    return Refused("cache.redis_sentinel_password", "cần mật khẩu cho cache.redis_sentinel_user.",
                   "cache.redis_sentinel_user needs a password.");
  }
  if (!out.tls.enabled && !(ca_file.empty() && certificate_file.empty() && key_file.empty() && server_name.empty())) {
    return Refused("cache.redis", "có chứng chỉ nhưng địa chỉ không dùng TLS; hãy ghi rediss://.",
                   "there are certificates but the URL is without TLS; write rediss://.");
  }
  if (connections < 1 || connections > kConnectionsMax) {
    return Refused("cache.redis_connections", "phải từ 1 đến 256.", "must be 1 to 256.");
  }
  if (connect_timeout.count() < 1 || command_timeout.count() < 1 || connect_timeout + command_timeout > kTimeoutsMax) {
    return Refused("cache.redis_command_timeout",
                   "mỗi thời hạn phải lớn hơn 0, cộng với cache.redis_connect_timeout không quá 1s.",
                   "each time-out must be above 0, and together with cache.redis_connect_timeout at most 1s.");
  }
  out.user = user;
  out.password = password;
  out.sentinel_user = sentinel_user;
  out.sentinel_password = sentinel_password;
  out.tls.ca_file = ca_file;
  out.tls.certificate_file = certificate_file;
  out.tls.key_file = key_file;
  out.tls.server_name = server_name;
  out.connections_max = static_cast<size_t>(connections);
  out.connect_timeout = connect_timeout;
  out.command_timeout = command_timeout;
  return out;
}

}  // namespace dinh::cache
