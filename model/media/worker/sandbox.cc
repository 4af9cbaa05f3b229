#include "model/media/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

absl::Status SetLimit(int resource, rlim_t value) {
  const rlimit limit = {value, value};
  if (setrlimit(resource, &limit) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("decoder worker: setrlimit: ", strerror(errno)));
}

constexpr int kNiceness = 5;  // Searches go first.

// Calls that need no look at their arguments.
constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),        SCMP_SYS(pread64),        SCMP_SYS(lseek),
    SCMP_SYS(write),         SCMP_SYS(writev),       SCMP_SYS(fstat),          SCMP_SYS(close),
    SCMP_SYS(recvfrom),      SCMP_SYS(recvmsg),      SCMP_SYS(sendto),         SCMP_SYS(poll),
    SCMP_SYS(ppoll),         SCMP_SYS(munmap),       SCMP_SYS(mremap),         SCMP_SYS(madvise),
    SCMP_SYS(brk),           SCMP_SYS(futex),        SCMP_SYS(rt_sigaction),   SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),  SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(getrandom),     SCMP_SYS(getpid),       SCMP_SYS(gettid),         SCMP_SYS(sched_yield),
    SCMP_SYS(getrusage),     SCMP_SYS(sysinfo),      SCMP_SYS(uname),          SCMP_SYS(sched_getaffinity),
    SCMP_SYS(restart_syscall), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(membarrier),
};

int AddRules(scmp_filter_ctx filter) {
  for (int call : kAllowed) {
    if (int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); error != 0) return error;
  }
  const scmp_arg_cmp not_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()), 0);
  // fstat of newer C libraries: a descriptor and an empty path.
  const scmp_arg_cmp descriptor_only = SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH);
  int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_code);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_code);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, descriptor_only);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, itself);  // abort()
  // Pango looks for fonts on threads of its own. No process: clone3 hides its flags behind a pointer, so it does "not
  // exist", and the C library turns to clone.
  const scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
  const scmp_arg_cmp naming = SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, naming);
  // Cairo asks whether a font file is there before it uses the one that it has open: told yes without a look.
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(access), 0);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(faccessat), 0);
  return error;
}

}  // namespace

absl::Status LimitProcess(int64_t max_memory_bytes, int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return absl::UnavailableError("decoder worker: its server is gone");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::InternalError("decoder worker: cannot give up privileges");
  }
  signal(SIGXFSZ, SIG_IGN);
  setpriority(PRIO_PROCESS, 0, kNiceness);
#if defined(__SANITIZE_ADDRESS__) || defined(MIXMATCH_TSAN)
  max_memory_bytes = static_cast<decltype(max_memory_bytes)>(RLIM_INFINITY);  // Their shadow memory takes terabytes of it.
#endif
  for (auto [resource, value] : {std::pair<int, rlim_t>{RLIMIT_AS, max_memory_bytes},
                                 {RLIMIT_NOFILE, 32},
                                 {RLIMIT_CORE, 0},
                                 {RLIMIT_FSIZE, 0}}) {
    if (absl::Status set = SetLimit(resource, value); !set.ok()) return set;
  }
  return absl::OkStatus();
}

absl::Status EnterSandbox() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EACCES));
  if (filter == nullptr) return absl::UnavailableError("decoder worker: no seccomp");
  int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);  // Threads of libraries as well.
  if (error == 0) error = AddRules(filter);
  if (error == 0) error = seccomp_load(filter);
  seccomp_release(filter);
  if (error == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("decoder worker: seccomp: ", strerror(-error)));
}

}  // namespace mixmatch::model
