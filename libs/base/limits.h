// The limits of the platform that hold for every service, each named once with its unit. What only one service knows
// (copies of a certificate, attempts at a code) stands in that service's own limits.h.
//
// Those that an operator may change are the defaults of a config field; the others are part of the contract.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dinh::base {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// What a client may send over HTTP.
inline constexpr size_t kHttpHeaderBytesMax = 16 * kKiB;  // start line and all header fields
inline constexpr size_t kHttpTargetBytesMax = 8 * kKiB;   // path and query
inline constexpr size_t kJsonBodyBytesMax = 1 * kMiB;
inline constexpr int kJsonDepthMax = 64;
inline constexpr size_t kHttpConnectionsMax = 4096;
inline constexpr std::chrono::seconds kHttpIdle{60};  // keep-alive without a request
inline constexpr std::chrono::seconds kHttpHeaderTimeout{
    10};  // from the first byte of a request to the end of its header

// Uploads are streamed and never whole in memory.
inline constexpr size_t kUploadBytesMax = 20 * kMiB;          // one file
inline constexpr std::chrono::seconds kUploadIdle{10};        // without a byte
inline constexpr size_t kUploadBytesPerSecondMin = 2 * kKiB;  // on average; slower ones are ended
inline constexpr size_t kUploadChunkBytes = 64 * kKiB;        // how much is read at once

// Messages between services and to gRPC clients.
inline constexpr size_t kGrpcMessageBytesMax = 4 * kMiB;
// An answer may hold a whole file (RawBody).
inline constexpr size_t kGrpcAnswerBytesMax = kUploadBytesMax + kMiB;

// How long a call may take.
inline constexpr std::chrono::seconds kUnaryDeadlineMax{30};
inline constexpr std::chrono::seconds kGrpcDeadlineDefault{10};  // for a call that brings none
inline constexpr std::chrono::minutes kConnectionAgeMax{5};      // gRPC, so that clients find new replicas
inline constexpr std::chrono::seconds kDrainMax{30};             // from SIGTERM to closing what is still open

// Server-sent events.
inline constexpr std::chrono::seconds kSseHeartbeat{15};

// Lists (AIP-158): 0 means the default, more than the maximum is made the maximum, less than 0 is refused.
inline constexpr int kPageSizeDefault = 20;
inline constexpr int kPageSizeMax = 100;
inline constexpr size_t kPageTokenBytesMax = 1 * kKiB;

// Idempotency: phones in the hills send late, so answers are kept long.
inline constexpr std::chrono::hours kIdempotencyKept{30 * 24};
inline constexpr size_t kRequestIdBytesMax = 64;

// Audit rows of reads and refusals are written in batches; an answer waits for its batch.
inline constexpr std::chrono::milliseconds kAuditBatchDelayMax{100};

}  // namespace dinh::base
