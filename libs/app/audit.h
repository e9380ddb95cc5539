// The audit of a process: for each service that has a store, its log, the batched writer of reads, the hash chain, and
// the forwarding of "who read whose data" to identity, where the person can see it.
//
//   Audit audit(clock, ids, keys, logger);
//   parts.audit = audit.Provider();
//   … host.Start() …
//   audit.StartForwarding(host);      // when identity is there
//   … servers closed …  audit.Stop(); host.Stop();
//
// Thread safety: Provider's function on the start's thread; the sinks are thread-safe; Stop once.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/app/host.h"
#include "libs/auth/audit.h"
#include "libs/auth/audit_chain.h"
#include "libs/rpc/call.h"

namespace dinh::app {

class Audit {
 public:
  Audit(const base::Clock& clock, base::IdGenerator& ids, const auth::KeyRing& keys, telemetry::Logger& logger);
  ~Audit();

  // For HostParts::audit.
  std::function<rpc::AuditSink*(const std::string& service, db::Database* database)> Provider();
  void StartForwarding(Host& host);
  // Writes what is queued, chains it, ends the threads. The databases must still be open.
  void Stop();

 private:
  class Sink;
  struct Service;

  void Forward();
  bool ForwardOnce(Service& service);

  const base::Clock& clock_;
  base::IdGenerator& ids_;
  const auth::KeyRing& keys_;
  telemetry::Logger& logger_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread forwarder_;
};

}  // namespace dinh::app
