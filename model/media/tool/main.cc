// mixmatch-tool MAX_MEMORY_BYTES MAX_CPU_SECONDS PARENT_PID PROGRAM [ARGUMENT...]: gives up everything that a converter
// needs not, then becomes PROGRAM, which reads a stranger's file from its stdin and writes to its stdout.
//
// It keeps: stdin, stdout and stderr; reading and running what is installed; memory and CPU time within limits. It
// loses: all other paths (Landlock), writing of files, networks, new processes' tricks (a system call filter), new
// privileges.
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int kNiceness = 5;  // Searches go first.
constexpr int kCannotRun = 127;

// What programs load and read to do their work: code, fonts, tables of encodings.
constexpr const char* kReadable[] = {"/usr",
                                     "/lib",
                                     "/lib64",
                                     "/bin",
                                     "/etc/fonts",
                                     "/etc/ld.so.cache",
                                     "/etc/ld.so.conf",
                                     "/etc/ld.so.conf.d",
                                     "/var/cache/fontconfig",
                                     "/dev/null"};

// Calls that a converter has no use for, and a stranger has.
constexpr int kDenied[] = {SCMP_SYS(socket),
                           SCMP_SYS(socketpair),
                           SCMP_SYS(connect),
                           SCMP_SYS(bind),
                           SCMP_SYS(listen),
                           SCMP_SYS(accept),
                           SCMP_SYS(accept4),
                           SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(kill),
                           SCMP_SYS(tkill),
                           SCMP_SYS(pidfd_open),
                           SCMP_SYS(pidfd_getfd),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(bpf),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(io_uring_setup),
                           SCMP_SYS(memfd_create),
                           SCMP_SYS(open_by_handle_at),
                           SCMP_SYS(name_to_handle_at),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(reboot),
                           SCMP_SYS(swapon),
                           SCMP_SYS(acct),
                           SCMP_SYS(quotactl),
                           SCMP_SYS(shmget),
                           SCMP_SYS(msgget),
                           SCMP_SYS(semget),
                           SCMP_SYS(mq_open),
                           SCMP_SYS(personality),
                           SCMP_SYS(fork),
                           SCMP_SYS(vfork)};

bool Limit(int resource, rlim_t value) {
  const rlimit limit = {value, value};
  return setrlimit(resource, &limit) == 0;
}

// False where the kernel has no Landlock.
bool LimitPaths() {
  landlock_ruleset_attr rules = {};
  rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // All of the first version.
  const int set = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules.handled_access_fs), 0));
  if (set < 0) return false;
  constexpr uint64_t kFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
  for (const char* path : kReadable) {
    const int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) continue;
    landlock_path_beneath_attr beneath = {};
    beneath.parent_fd = place;
    beneath.allowed_access = kFile | LANDLOCK_ACCESS_FS_READ_DIR;
    if (syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
      beneath.allowed_access = kFile;  // A file, no folder.
      syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    }
    close(place);
  }
  const bool limited = syscall(SYS_landlock_restrict_self, set, 0) == 0;
  close(set);
  return limited;
}

bool LimitCalls() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return false;
  int error = 0;
  for (int call : kDenied) {
    if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0);
  }
  // Threads, but no processes; clone3 hides its flags, so it does "not exist" and the C library turns to clone.
  const scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, 0x00010000 /* CLONE_THREAD */, 0);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(clone), 1, process);
  if (error == 0) error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (error == 0) error = seccomp_load(filter);
  seccomp_release(filter);
  return error == 0;
}

int Run(rlim_t memory, rlim_t cpu, int parent, char** program) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return kCannotRun;
  setpriority(PRIO_PROCESS, 0, kNiceness);
  if (!Limit(RLIMIT_AS, memory) || !Limit(RLIMIT_CPU, cpu) || !Limit(RLIMIT_FSIZE, 0) || !Limit(RLIMIT_CORE, 0) ||
      !Limit(RLIMIT_NOFILE, 64)) {
    return kCannotRun;
  }
  if (!LimitPaths()) fputs("mixmatch-tool: goes on without Landlock: the kernel lacks it\n", stderr);
  if (!LimitCalls()) fputs("mixmatch-tool: goes on without a system call filter\n", stderr);
  execv(program[0], program);
  fprintf(stderr, "mixmatch-tool: cannot run %s: %s\n", program[0], strerror(errno));
  return kCannotRun;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    fputs(
        "mixmatch-tool is started by mixmatchd; usage: mixmatch-tool MAX_MEMORY_BYTES MAX_CPU_SECONDS PARENT_PID "
        "PROGRAM "
        "[ARGUMENT...]\n",
        stderr);
    return 2;
  }
  return Run(strtoull(argv[1], nullptr, 10), strtoull(argv[2], nullptr, 10), atoi(argv[3]), argv + 4);
}
