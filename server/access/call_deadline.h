// Unary calls end after some time, whatever deadline the client set.
#ifndef MIXMATCH_SERVER_ACCESS_CALL_DEADLINE_H_
#define MIXMATCH_SERVER_ACCESS_CALL_DEADLINE_H_

#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/rpc/front_door.h"

namespace mixmatch::server {

// Cancels each unary call that is under way after `most`; its client gets CANCELLED, or DEADLINE_EXCEEDED where its own
// deadline was shorter, and its handler ends where it looks. Not those that wait on purpose
// (AdminService/WaitOperation). Thread-safe; a thread of its own.
class CallDeadline final : public Doorkeeper {
 public:
  explicit CallDeadline(absl::Duration most);
  ~CallDeadline() override;

  absl::Status Admit(Call& call) override;
  void Left(const Call& call) override;

 private:
  void CancelLate();

  const absl::Duration most_;
  const absl::flat_hash_set<const Rpc*> bounded_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  // By when it is to end, then by its address; the contexts live until Left.
  std::map<std::pair<absl::Time, const Call*>, grpc::ServerContext*> calls_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_ACCESS_CALL_DEADLINE_H_
