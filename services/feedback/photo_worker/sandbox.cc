#include "services/feedback/photo_worker/sandbox.h"

#include <linux/close_range.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <initializer_list>

#include "services/feedback/photo_worker/limits.h"

namespace dinh::photo {
namespace {

bool Limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

bool SetLimits() {
  bool ok = Limit(RLIMIT_CPU, kCpuSecondsMax, kCpuSecondsMax + 1) && Limit(RLIMIT_FSIZE, 0, 0) &&
            Limit(RLIMIT_NOFILE, kSocketFd + 1, kSocketFd + 1) && Limit(RLIMIT_CORE, 0, 0) && Limit(RLIMIT_NPROC, 0, 0);
#ifndef DINH_SANITIZE  // a sanitizer reserves terabytes of addresses
  ok = ok && Limit(RLIMIT_AS, kAddressSpaceBytesMax, kAddressSpaceBytesMax);
#endif
  return ok;
}

bool FilterSystemCalls() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  bool ok = true;
  for (const int call : {SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(futex),
                         SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn)}) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
  for (const int call : {SCMP_SYS(read), SCMP_SYS(write)}) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A0_32(SCMP_CMP_EQ, kSocketFd)) == 0;
  }
  // Memory that holds data, never code, and no files.
  ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                              SCMP_A3_32(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)) == 0;
#ifdef DINH_SANITIZE  // what its runtime needs
  for (const int call : {SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(sched_yield), SCMP_SYS(sigaltstack),
                         SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime)}) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
#endif
  ok = ok && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return ok;
}

}  // namespace

bool EnterSandbox() {
  // The colour library asks for the date, and the C library would then open the time zone's file.
  tzset();
  return close_range(kSocketFd + 1, ~0U, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && SetLimits() &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && FilterSystemCalls();
}

}  // namespace dinh::photo
