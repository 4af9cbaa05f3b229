#include "server/maintenance.h"

#include "server/log.h"
#include "server/thread_priority.h"

namespace mixmatch::server {
namespace {

constexpr int kNiceness = 15;
constexpr absl::Duration kEvery = absl::Seconds(1);

}  // namespace

void Maintenance::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Maintenance::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Maintenance::Run() {
  LowerThreadPriority(kNiceness);
  while (true) {
    {
      // Held while it is walked, which a publication meanwhile would else free, and no longer.
      const std::shared_ptr<const Serving> serving = live_.Current();
      for (const auto& slot : serving->slots) {
        const auto worked = slot->Maintain();
        if (!worked.ok()) Log::Warn("index maintenance: {}", worked.status().ToString());
      }
    }
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), kEvery)) return;
  }
}

}  // namespace mixmatch::server
