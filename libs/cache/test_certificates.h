// Certificates for tests, made in a folder: a CA, a server for 127.0.0.1 and "redis.test", a client, and a CA that
// nobody should trust. Header-only.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace dinh::cache {

struct TestCertificate {
  std::string certificate, key;  // PEM files
};

class TestCertificates {
 public:
  explicit TestCertificates(const std::string& folder) : folder_(folder) {
    EVP_PKEY* ca_key = EVP_EC_gen("P-256");
    X509* ca_certificate = nullptr;
    ca = Make("ca", ca_key, nullptr, ca_key, &ca_certificate);
    server = Make("server", EVP_EC_gen("P-256"), ca_certificate, ca_key, nullptr);
    client = Make("client", EVP_EC_gen("P-256"), ca_certificate, ca_key, nullptr);
    EVP_PKEY* other_key = EVP_EC_gen("P-256");
    stranger = Make("stranger", other_key, nullptr, other_key, nullptr);
    X509_free(ca_certificate);
    EVP_PKEY_free(ca_key);
  }

  TestCertificate ca, server, client, stranger;

 private:
  static void Extend(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    if (extension == nullptr) std::abort();
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Without an issuer: signs itself, as a CA. Certificate and key are freed, or are the caller's where `keep` is given.
  TestCertificate Make(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, X509** keep) {
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto* common_name = reinterpret_cast<const unsigned char*>(name.c_str());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    if (issuer == nullptr) Extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (issuer != nullptr) Extend(certificate, issuer, NID_subject_alt_name, "IP:127.0.0.1,DNS:redis.test");
    if (X509_sign(certificate, issuer_key, EVP_sha256()) <= 0) std::abort();
    TestCertificate files{.certificate = folder_ + "/" + name + ".pem", .key = folder_ + "/" + name + ".key"};
    FILE* file = std::fopen(files.certificate.c_str(), "w");
    if (file == nullptr) std::abort();
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(files.key.c_str(), "w");
    if (file == nullptr) std::abort();
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    if (keep != nullptr) {
      *keep = certificate;
    } else {
      X509_free(certificate);
      EVP_PKEY_free(key);
    }
    return files;
  }

  const std::string folder_;
  int serial_ = 0;
};

}  // namespace dinh::cache
