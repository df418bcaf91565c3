// Capabilities by libcap-ng, system calls by libseccomp.
#include "sensor/hardening.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <rte_alarm.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>

#include "flowtable/error.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, int error, const std::string& remedy) {
  throw Error(kExitFailed, what + " (" + std::strerror(error) + "); " + remedy);
}

const passwd* service_user() { return geteuid() == 0 ? getpwnam(kServiceUser) : nullptr; }

/// Runs on DPDK's interrupt thread: capabilities belong to a thread, and it was started by root.
void drop_on_other_thread(void* done) {
  capng_clear(CAPNG_SELECT_BOTH);
  capng_apply(CAPNG_SELECT_BOTH);
  static_cast<std::atomic<bool>*>(done)->store(true);
  static_cast<std::atomic<bool>*>(done)->notify_one();
}

void drop_capabilities() {
  std::atomic<bool> done{false};
  if (rte_eal_alarm_set(1, drop_on_other_thread, &done) == 0) done.wait(false);
  capng_clear(CAPNG_SELECT_BOTH);
  if (capng_apply(CAPNG_SELECT_BOTH) != 0)
    fail("privileges: the kernel keeps this process's capabilities", errno,
         "start it from its systemd unit");
}

/// Calls of the C and C++ libraries, SQLite, sockets and DPDK's running ports.
constexpr const char* kNeededCalls =
    "accept accept4 access bind brk chmod clock_getres clock_gettime clock_nanosleep close "
    "connect dup epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit "
    "exit_group faccessat faccessat2 fallocate fchmod fchown fcntl fdatasync flock fstat "
    "fstatfs fsync ftruncate futex getcwd getdents64 getegid geteuid getgid getpeername getpid "
    "getppid getrandom getrusage getsockname getsockopt gettid gettimeofday getuid ioctl lseek "
    "lstat madvise membarrier mkdir mmap mprotect mremap munmap nanosleep newfstatat open "
    "openat pipe2 poll ppoll prctl pread64 prlimit64 pselect6 pwrite64 read readlink readv "
    "recvfrom recvmmsg recvmsg rename restart_syscall rseq rt_sigaction rt_sigprocmask "
    "rt_sigreturn sched_getaffinity sched_setaffinity sched_yield select sendmmsg sendmsg "
    "sendto set_robust_list setsockopt shutdown sigaltstack stat statx sysinfo tgkill time "
    "timerfd_create timerfd_settime umask uname unlink unlinkat utimensat write writev";

void allow(scmp_filter_ctx filter, const std::string& call) {
  const int number = seccomp_syscall_resolve_name(call.c_str());
  if (number == __NR_SCMP_ERROR) return;  // not on this machine
  const int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
  if (result != 0) fail("seccomp: no rule for " + call, -result, "mend libseccomp");
}

}  // namespace

void forbid_core_dumps() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
    fail("core dumps: the kernel does not let them be turned off", errno,
         "start the sensor from its systemd unit");
}

void prepare_folder(const std::string& folder, unsigned mode) {
  if (folder.empty()) return;
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error)
    fail("folder " + folder + " cannot be made", error.value(),
         "make it, or start the sensor as root");
  if (made) chmod(folder.c_str(), mode);
  const passwd* user = service_user();
  if (user == nullptr) return;
  if (made && chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0)
    fail("folder " + folder + " cannot be given to user weir", errno, "give it by hand");
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0 || status.st_uid != user->pw_uid) return;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    struct stat file {};
    if (lstat(entry.path().c_str(), &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == 0 &&
        lchown(entry.path().c_str(), user->pw_uid, user->pw_gid) != 0)
      fail(entry.path().string() + " cannot be given to user weir", errno, "give it by hand");
  }
}

std::string drop_privileges() {
  const passwd* user = service_user();
  if (user == nullptr) {
    drop_capabilities();
    return geteuid() == 0 ? "there is no user weir, so the sensor stays root without capabilities; "
                            "make it with `useradd --system weir`"
                          : "runs as the user it was started by, without capabilities";
  }
  if (setgroups(0, nullptr) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
      setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
    fail("privileges: cannot become user weir", errno, "start the sensor from its systemd unit");
  drop_capabilities();
  prctl(PR_SET_DUMPABLE, 0);
  return "runs as user weir, without capabilities";
}

void allow_only_needed_calls() {
  const std::unique_ptr<void, void (*)(void*)> owner(seccomp_init(SCMP_ACT_ERRNO(EPERM)),
                                                     [](void* filter) { seccomp_release(filter); });
  scmp_filter_ctx filter = owner.get();
  if (filter == nullptr) fail("seccomp: no memory for its rules", ENOMEM, "free some");
  std::istringstream calls(kNeededCalls);
  for (std::string call; calls >> call;) allow(filter, call);
  // Threads, no processes. clone3 hides its flags from a filter; without it the C library clones.
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                   SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
        SCMP_A0(SCMP_CMP_MASKED_EQ, ~scmp_datum_t{0}, static_cast<scmp_datum_t>(family)));
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  const int result = seccomp_load(filter);
  if (result != 0)
    fail("seccomp: the kernel does not take the list of calls", -result,
         "use a kernel with CONFIG_SECCOMP_FILTER");
}

}  // namespace weir
