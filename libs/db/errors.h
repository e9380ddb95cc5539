// The errors of libs/db, named once. Texts never hold SQL, paths or values.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace dinh::db {

inline constexpr int64_t kInFlightRetryMs = 500;
inline constexpr int64_t kQueueFullRetryMs = 1000;
inline constexpr int64_t kStorageRetryMs = 5000;
inline constexpr int64_t kBusyRetryMs = 1000;

absl::Status StorageUnavailable();                     // UNAVAILABLE, STORAGE_UNAVAILABLE
absl::Status StorageFull();                            // UNAVAILABLE, STORAGE_FULL
absl::Status StorageBusy();                            // UNAVAILABLE, STORAGE_BUSY
absl::Status StorageClosed();                          // UNAVAILABLE, STORAGE_CLOSED
absl::Status WriteQueueFull();                         // RESOURCE_EXHAUSTED, WRITE_QUEUE_FULL
absl::Status StorageQueueFull();                       // RESOURCE_EXHAUSTED, STORAGE_QUEUE_FULL
absl::Status CommitOutcomeUnknown();                   // UNKNOWN, COMMIT_OUTCOME_UNKNOWN
absl::Status DatabaseDsnInvalid();                     // FAILED_PRECONDITION, DATABASE_DSN_INVALID
absl::Status DatabaseLoginRefused();                   // FAILED_PRECONDITION, DATABASE_LOGIN_REFUSED
absl::Status DatabaseAbsent();                         // FAILED_PRECONDITION, DATABASE_ABSENT
absl::Status DatabaseRightMissing();                   // FAILED_PRECONDITION, DATABASE_RIGHT_MISSING
absl::Status SchemaAbsent(std::string_view schema);    // FAILED_PRECONDITION, SCHEMA_ABSENT
absl::Status SchemaBehind(std::string_view schema);    // FAILED_PRECONDITION, SCHEMA_BEHIND
absl::Status CopyUnfinished(std::string_view schema);  // FAILED_PRECONDITION, COPY_UNFINISHED
absl::Status UniqueViolation();                        // ALREADY_EXISTS, UNIQUE_VIOLATION
absl::Status ReferenceViolation();                     // FAILED_PRECONDITION, REFERENCE_VIOLATION
absl::Status RequestInFlight();                        // ABORTED, REQUEST_IN_FLIGHT
absl::Status IdempotencyKeyReused();                   // INVALID_ARGUMENT, IDEMPOTENCY_KEY_REUSED
absl::Status RequestAlreadyDone();                     // FAILED_PRECONDITION, REQUEST_ALREADY_DONE
absl::Status MigrationChanged(std::string_view component, int version);
absl::Status MigrationMissing(std::string_view component, int version, int applied);
absl::Status SchemaTooNew(std::string_view component, int compatible_from, int newest_known);

}  // namespace dinh::db
