// A certificate authority for tests: certificates as services have them, good for whatever time. Header only.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>

namespace dinh::testing {

// PEM texts.
struct TestIdentity {
  std::string certificate;
  std::string key;
};

class TestCa {
 public:
  static constexpr long kHourSeconds = 3600;

  explicit TestCa(const std::string& name) : name_(name), key_(EVP_EC_gen("P-256")) {
    certificate_ = Make(name, key_.get(), "", -kHourSeconds, kHourSeconds);
  }
  const std::string& name() const { return name_; }
  std::string pem() const { return Pem(certificate_.get()); }

  // Names the service by "spiffe://<domain>/<service>" beside localhost and 127.0.0.1. Times are seconds from now.
  TestIdentity Issue(const std::string& service, const std::string& domain = "dinh", long from_s = -kHourSeconds,
                     long until_s = kHourSeconds) const {
    const Key key(EVP_EC_gen("P-256"));
    const std::string names = "URI:spiffe://" + domain + "/" + service + ",DNS:localhost,IP:127.0.0.1";
    const Certificate certificate = Make(service, key.get(), names, from_s, until_s);
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {Pem(certificate.get()), Text(bio.get())};
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;
  using Bio = std::unique_ptr<BIO, Free>;

  static std::string Text(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<size_t>(size)};
  }
  static std::string Pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate);
    return Text(bio.get());
  }
  static void SetName(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                               0);
  }
  static void AddExtension(X509* certificate, int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Without alternative names: an authority.
  Certificate Make(const std::string& subject, EVP_PKEY* key, const std::string& names, long from_s,
                   long until_s) const {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until_s);
    X509_set_pubkey(certificate.get(), key);
    SetName(X509_get_subject_name(certificate.get()), subject);
    SetName(X509_get_issuer_name(certificate.get()), name_);
    if (names.empty()) AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (!names.empty()) AddExtension(certificate.get(), NID_subject_alt_name, names);
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    return certificate;
  }

  const std::string name_;
  const Key key_;
  Certificate certificate_;
  mutable long serial_ = 0;
};

}  // namespace dinh::testing
