// Business figures of the service. No personal data, no codes in labels.
#pragma once

#include <array>
#include <string_view>

#include "libs/telemetry/metrics.h"
#include "services/procedures/domain/transitions.h"

namespace dinh::procedures {

// Thread-safe.
class ServiceMetrics {
 public:
  explicit ServiceMetrics(telemetry::Metrics& metrics)
      : changes_(metrics.AddCounter("dinh_dossier_changes_total", "changes of dossiers, by event", {"event"})),
        upload_bytes_(metrics.AddCounter("dinh_upload_bytes_total", "bytes of files taken", {}).With({})) {}

  void Changed(EventKind event) { changes_.With({EventName(event)}).Increment(); }
  void Uploaded(int64_t bytes) { upload_bytes_.Increment(static_cast<double>(bytes)); }

 private:
  telemetry::CounterFamily& changes_;
  telemetry::Counter& upload_bytes_;
};

}  // namespace dinh::procedures
