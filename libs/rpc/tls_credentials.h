// mTLS between services. Each process has a certificate that names its service by a SPIFFE URI,
// "spiffe://<trust domain>/<service>" (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md), beside a DNS
// name or address; all are signed by the authorities of one file. Both sides check the other's name.
//
// The files are read again while the process runs: new connections use what they hold now, open ones go on. Replace
// certificate and key together (a folder that is a symbolic link, as Kubernetes mounts secrets): between the two,
// nobody can connect.
//
// Thread safety: pure functions.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::rpc {

// PEM files.
struct TlsFiles {
  std::string certificate;  // with its chain
  std::string key;
  std::string ca;  // every authority whose certificates are believed
  std::string trust_domain;
  std::chrono::seconds reload{1};  // how often the files are looked at
  std::string settings = "tls.";   // before "certificate", "key", "ca" and "trust_domain" where an error names one
};

// FAILED_PRECONDITION (reason TLS_FILES, the setting in the text and as metadata): a file is missing or unreadable, the
// key is not the certificate's, the certificate has expired, is not from the authorities or names no service of the
// domain.
absl::Status CheckTlsFiles(const TlsFiles& files);

// Client certificates are required, and must name a service of the domain. Errors: CheckTlsFiles's.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(const TlsFiles& files);

// The other side must be `expected_service` ("payments"), whatever address it has. Errors: CheckTlsFiles's.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsOf(const TlsFiles& files,
                                                                               const std::string& expected_service);

}  // namespace dinh::rpc
