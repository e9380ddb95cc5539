#include "libs/http/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "libs/base/status.h"

namespace dinh::http {
namespace {

constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr size_t kAlpnBytes = sizeof(kAlpn) - 1;
// Forward secrecy and AEAD only; TLS 1.3 has its own list, which is all of that kind.
constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

int SocketOf(BIO* bio) { return *static_cast<const int*>(BIO_get_data(bio)); }

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE on a closed connection: this one does not.
int BioWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = send(SocketOf(bio), data, size, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int BioRead(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = recv(SocketOf(bio), out, size, 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long BioControl(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

const BIO_METHOD* SocketBio() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dinh socket");
    BIO_meth_set_write(made, BioWrite);
    BIO_meth_set_read(made, BioRead);
    BIO_meth_set_ctrl(made, BioControl);
    return made;
  }();
  return method;
}

absl::Status TlsError(std::string_view reason, std::string_view vi, std::string_view en) {
  char text[256] = "";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return base::Error(
      absl::StatusCode::kFailedPrecondition, reason,
      {.vi = std::string(vi), .en = std::string(en) + (text[0] != '\0' ? " (" + std::string(text) + ")" : "")});
}

int SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
               unsigned int size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kAlpn, kAlpnBytes, offered, size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, section 3.2: no protocol in common
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* NewContext(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers12);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

IoResult FromErrno(IoState would_block) {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {would_block};
  return {IoState::kError};
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::ForServer(const std::string& certificate_file,
                                                                  const std::string& key_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> out(new TlsContext(NewContext(TLS_server_method())));
  if (SSL_CTX_use_certificate_chain_file(out->get(), certificate_file.c_str()) != 1) {
    return TlsError("TLS_CERTIFICATE", "Không đọc được chứng chỉ TLS; hãy kiểm tra tệp PEM và quyền đọc.",
                    "The TLS certificate cannot be read; check the PEM file and its permissions.");
  }
  if (SSL_CTX_use_PrivateKey_file(out->get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(out->get()) != 1) {
    return TlsError("TLS_KEY", "Khóa TLS không đọc được hoặc không khớp chứng chỉ; hãy kiểm tra lại cặp tệp.",
                    "The TLS key cannot be read or does not belong to the certificate; check both files.");
  }
  SSL_CTX_set_alpn_select_cb(out->get(), SelectAlpn, nullptr);
  constexpr unsigned char kSessionContext[] = "dinh";
  SSL_CTX_set_session_id_context(out->get(), kSessionContext, sizeof(kSessionContext) - 1);
  return out;
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::ForClient(bool verify, const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> out(new TlsContext(NewContext(TLS_client_method())));
  SSL_CTX_set_verify(out->get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const bool loaded =
      !verify || (ca_file.empty() ? SSL_CTX_set_default_verify_paths(out->get()) == 1
                                  : SSL_CTX_load_verify_locations(out->get(), ca_file.c_str(), nullptr) == 1);
  if (!loaded) {
    return TlsError("TLS_CA", "Không đọc được chứng chỉ gốc; hãy kiểm tra tệp PEM.",
                    "The CA certificates cannot be read; check the PEM file.");
  }
  SSL_CTX_set_alpn_protos(out->get(), kAlpn, kAlpnBytes);
  return out;
}

std::unique_ptr<TlsSession> TlsSession::Accept(const TlsContext& context, int socket) {
  std::unique_ptr<TlsSession> out(new TlsSession(context, socket));
  SSL_set_accept_state(out->session_);
  return out;
}

std::unique_ptr<TlsSession> TlsSession::Connect(const TlsContext& context, int socket, const std::string& host) {
  std::unique_ptr<TlsSession> out(new TlsSession(context, socket));
  SSL* session = out->session_;
  SSL_set_connect_state(session);
  unsigned char address[16];
  const bool numeric =
      inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
  X509_VERIFY_PARAM* parameters = SSL_get0_param(session);
  if (numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
    SSL_set_tlsext_host_name(session, host.c_str());
  }
  return out;
}

TlsSession::TlsSession(const TlsContext& context, int socket) : socket_(socket), session_(SSL_new(context.get())) {
  BIO* bio = BIO_new(SocketBio());
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(session_, bio, bio);
}

TlsSession::~TlsSession() { SSL_free(session_); }

IoResult TlsSession::Result(int returned) {
  if (returned > 0) return {IoState::kOk, static_cast<size_t>(returned)};
  switch (SSL_get_error(session_, returned)) {
    case SSL_ERROR_WANT_READ:
      return {IoState::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {IoState::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {IoState::kEnd};
    default:
      return {IoState::kError};
  }
}

IoResult TlsSession::Handshake() {
  ERR_clear_error();
  return Result(SSL_do_handshake(session_));
}

IoResult TlsSession::Read(char* out, size_t size) {
  ERR_clear_error();
  return Result(SSL_read(session_, out, static_cast<int>(size)));
}

IoResult TlsSession::Write(std::string_view bytes) {
  ERR_clear_error();
  return Result(SSL_write(session_, bytes.data(), static_cast<int>(bytes.size())));
}

void TlsSession::Close() {
  ERR_clear_error();
  if (SSL_is_init_finished(session_)) SSL_shutdown(session_);
  ERR_clear_error();
}

IoResult SocketRead(int socket, char* out, size_t size) {
  const ssize_t n = recv(socket, out, size, 0);
  if (n > 0) return {IoState::kOk, static_cast<size_t>(n)};
  if (n == 0) return {IoState::kEnd};
  return FromErrno(IoState::kWantRead);
}

IoResult SocketWrite(int socket, std::string_view first, std::string_view second) {
  ssize_t n = 0;
  if (second.empty()) {
    n = send(socket, first.data(), first.size(), MSG_NOSIGNAL);
  } else {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    n = sendmsg(socket, &message, MSG_NOSIGNAL);
  }
  if (n >= 0) return {IoState::kOk, static_cast<size_t>(n)};
  return FromErrno(IoState::kWantWrite);
}

}  // namespace dinh::http
