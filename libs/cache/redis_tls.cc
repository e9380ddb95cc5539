#include "libs/cache/redis_tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "libs/base/status.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {
namespace {

// Forward secrecy and AEAD only; those of TLS 1.3 all are.
constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr size_t kReadBytes = 16 * 1024;  // a TLS record

// OpenSSL's word for what failed last; it knows files and certificates, not what they hold.
std::string LastError(std::string_view what) {
  std::string out(what);
  if (const unsigned long code = ERR_get_error(); code != 0) {
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) out.append(": ").append(reason);
  }
  ERR_clear_error();
  return out;
}

bool IsAddress(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
}

}  // namespace

RedisTlsContext::~RedisTlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<std::shared_ptr<RedisTlsContext>> RedisTlsContext::Load(const RedisTlsOptions& options) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return RedisTlsRefused(LastError("no context"));
  std::shared_ptr<RedisTlsContext> out(new RedisTlsContext(context, options.server_name));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers12);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const int loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                             : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr);
  if (loaded != 1) return RedisTlsRefused(LastError("CA file"));
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return RedisTlsRefused("a client certificate and its key go together");
  }
  if (options.certificate_file.empty()) return out;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return RedisTlsRefused(LastError("client certificate"));
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return RedisTlsRefused(LastError("client key"));
  }
  return out;
}

RedisTlsFilter::RedisTlsFilter(const RedisTlsContext& context, const std::string& host)
    : session_(SSL_new(context.context_)), from_network_(BIO_new(BIO_s_mem())), to_network_(BIO_new(BIO_s_mem())) {
  // An empty buffer means "later", not the end.
  BIO_set_mem_eof_return(from_network_, -1);
  BIO_set_mem_eof_return(to_network_, -1);
  SSL_set_bio(session_, from_network_, to_network_);
  SSL_set_connect_state(session_);
  const std::string& name = context.server_name_.empty() ? host : context.server_name_;
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_), name.c_str());
  } else {
    SSL_set1_host(session_, name.c_str());
    SSL_set_tlsext_host_name(session_, name.c_str());
  }
}

RedisTlsFilter::~RedisTlsFilter() { SSL_free(session_); }

absl::Status RedisTlsFilter::Failure() const {
  if (const long verified = SSL_get_verify_result(session_); verified != X509_V_OK) {
    ERR_clear_error();
    return RedisTlsRefused(X509_verify_cert_error_string(verified));
  }
  return RedisTlsRefused(LastError("refused"));
}

absl::StatusOr<bool> RedisTlsFilter::Handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(session_);
  if (done == 1) return true;
  if (SSL_get_error(session_, done) == SSL_ERROR_WANT_READ) return false;
  return Failure();
}

absl::Status RedisTlsFilter::Encrypt(std::string_view plain) {
  ERR_clear_error();
  size_t written = 0;
  if (plain.empty() || SSL_write_ex(session_, plain.data(), plain.size(), &written) == 1) return absl::OkStatus();
  return Failure();
}

void RedisTlsFilter::Feed(std::string_view cipher) {
  BIO_write(from_network_, cipher.data(), static_cast<int>(cipher.size()));
}

absl::Status RedisTlsFilter::Decrypt(std::string* plain) {
  for (;;) {
    ERR_clear_error();
    const size_t had = plain->size();
    size_t read = 0;
    plain->resize(had + kReadBytes);
    const int done = SSL_read_ex(session_, plain->data() + had, kReadBytes, &read);
    plain->resize(had + read);
    if (done == 1) continue;
    switch (SSL_get_error(session_, done)) {
      case SSL_ERROR_WANT_READ:
        return absl::OkStatus();
      case SSL_ERROR_ZERO_RETURN:
        return RedisUnreachable("closed by the server");
      default:
        return Failure();
    }
  }
}

std::string RedisTlsFilter::TakeOutput() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(to_network_, &bytes);
  std::string out(bytes, size > 0 ? static_cast<size_t>(size) : 0);
  BIO_reset(to_network_);
  return out;
}

}  // namespace dinh::cache
