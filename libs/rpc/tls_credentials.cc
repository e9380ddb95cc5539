#include "libs/rpc/tls_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/rpc/grpc_convert.h"

namespace dinh::rpc {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

absl::Status Refuse(const TlsFiles& files, const char* setting, const std::string& vi, const std::string& en) {
  const std::string name = files.settings + setting;
  return base::FailedPrecondition("TLS_FILES", {name + ": " + vi, name + ": " + en}, {{"setting", name}});
}

absl::StatusOr<std::string> ReadPem(const TlsFiles& files, const char* setting, const std::string& path) {
  if (path.empty()) {
    return Refuse(files, setting, "chưa đặt. Hãy ghi đường dẫn tệp PEM.", "is not set. Name a PEM file.");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (in && text && !text.view().empty()) return std::move(text).str();
  return Refuse(files, setting, "không đọc được tệp. Hãy kiểm tra đường dẫn và quyền đọc.",
                "the file cannot be read. Check its path and that this process may read it.");
}

absl::StatusOr<std::vector<CertificatePtr>> ReadCertificates(const TlsFiles& files, const char* setting,
                                                             const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadPem(files, setting, path));
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<CertificatePtr> certificates;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) certificates.emplace_back(one);
  ERR_clear_error();  // the end of the file is one
  if (!certificates.empty()) return certificates;
  return Refuse(files, setting, "tệp không có chứng thư PEM nào.", "the file holds no PEM certificate.");
}

absl::StatusOr<KeyPtr> ReadKey(const TlsFiles& files) {
  ASSIGN_OR_RETURN(const std::string text, ReadPem(files, "key", files.key));
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // An encrypted key would have OpenSSL ask at the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key != nullptr) return key;
  return Refuse(files, "key", "tệp không có khóa PEM không mật khẩu.", "the file holds no PEM key without password.");
}

// The service that a certificate names; empty when none or several.
std::string ServiceOf(X509* certificate, const std::string& domain) {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string service;
  for (int i = 0, uris = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    service = ServiceOfSpiffeId(
        {reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)), static_cast<size_t>(ASN1_STRING_length(uri))},
        domain);
    if (++uris > 1) return {};
  }
  return service;
}

// Signatures, dates and purpose, as the other side will look.
absl::Status CheckChain(const TlsFiles& files, const std::vector<CertificatePtr>& chain,
                        const std::vector<CertificatePtr>& authorities) {
  const StorePtr store(X509_STORE_new());
  for (const CertificatePtr& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
  STACK_OF(X509)* others = sk_X509_new_null();
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain[i].get());
  const StoreContextPtr context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), others);
  const bool good = X509_verify_cert(context.get()) == 1;
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  sk_X509_free(others);
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return Refuse(files, "certificate",
                "chứng thư không được các tổ chức trong " + files.settings + "ca xác nhận: " + why + ".",
                "the authorities of " + files.settings + "ca do not vouch for the certificate: " + why + ".");
}

using grpc::experimental::CertificateVerifier;
using grpc::experimental::ExternalCertificateVerifier;
using grpc::experimental::TlsCustomVerificationCheckRequest;

// OpenSSL has checked the chain; here it is who the certificate names. "" expects any service of the domain.
class ServiceVerifier final : public ExternalCertificateVerifier {
 public:
  ServiceVerifier(std::string domain, std::string expected)
      : domain_(std::move(domain)), expected_(std::move(expected)) {}

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const std::vector<grpc::string_ref> uris = request->uri_names();
    std::string service;
    if (uris.size() == 1) service = ServiceOfSpiffeId({uris[0].data(), uris[0].size()}, domain_);
    const bool good = !service.empty() && (expected_.empty() || service == expected_);
    *sync_status = good ? grpc::Status::OK
                        : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the certificate names another service");
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string domain_, expected_;
};

std::shared_ptr<grpc::experimental::FileWatcherCertificateProvider> Watch(const TlsFiles& files) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, static_cast<unsigned>(std::max<int64_t>(1, files.reload.count())));
}

void Fill(const TlsFiles& files, const std::string& expected, grpc::experimental::TlsCredentialsOptions* options) {
  options->watch_root_certs();
  options->watch_identity_key_cert_pairs();
  options->set_certificate_verifier(ExternalCertificateVerifier::Create<ServiceVerifier>(files.trust_domain, expected));
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (files.trust_domain.empty()) {
    return Refuse(files, "trust_domain", "chưa đặt. Hãy ghi tên miền tin cậy, ví dụ dinh.",
                  "is not set. Name the trust domain, such as dinh.");
  }
  ASSIGN_OR_RETURN(const std::vector<CertificatePtr> chain, ReadCertificates(files, "certificate", files.certificate));
  ASSIGN_OR_RETURN(const KeyPtr key, ReadKey(files));
  ASSIGN_OR_RETURN(const std::vector<CertificatePtr> authorities, ReadCertificates(files, "ca", files.ca));
  const bool pair = X509_check_private_key(chain[0].get(), key.get()) == 1;
  ERR_clear_error();
  if (!pair) {
    return Refuse(files, "key", "khóa không phải của chứng thư trong " + files.settings + "certificate.",
                  "the key is not that of the certificate in " + files.settings + "certificate.");
  }
  RETURN_IF_ERROR(CheckChain(files, chain, authorities));
  if (!ServiceOf(chain[0].get(), files.trust_domain).empty()) return absl::OkStatus();
  const std::string name = "spiffe://" + files.trust_domain + "/<service>";
  return Refuse(files, "certificate", "chứng thư cần đúng một tên URI dạng " + name + ".",
                "the certificate needs exactly one URI name of the form " + name + ".");
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(const TlsFiles& files) {
  RETURN_IF_ERROR(CheckTlsFiles(files));
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files));
  Fill(files, "", &options);
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsOf(const TlsFiles& files,
                                                                               const std::string& expected_service) {
  RETURN_IF_ERROR(CheckTlsFiles(files));
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  Fill(files, expected_service, &options);
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // replicas have changing addresses: the name of the service is what counts
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace dinh::rpc
