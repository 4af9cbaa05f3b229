// Background work yields to searches: threads of lower priority, by the kernel's scheduler.
#ifndef MIXMATCH_SERVER_THREAD_PRIORITY_H_
#define MIXMATCH_SERVER_THREAD_PRIORITY_H_

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mixmatch::server {

// Niceness of the calling thread: 0 (searches) to 19. Best effort.
inline void LowerThreadPriority(int niceness) {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
}

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_THREAD_PRIORITY_H_
