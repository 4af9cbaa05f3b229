// Whether there is memory and disk for more work.
#ifndef MIXMATCH_SERVER_OVERLOAD_HEADROOM_H_
#define MIXMATCH_SERVER_OVERLOAD_HEADROOM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/overload/overload_options.h"

namespace mixmatch::server {

// What is taken and what is free, bytes.
struct ResourceReading {
  int64_t memory = 0;
  int64_t disk_free = 0;
  int64_t disk_size = 0;
};

// Thread-safe. Nobody watches in the background: whoever asks when the last reading is older than a tenth of a second reads
// anew, the others take what is known, so that asking costs nothing to speak of. What was refused is taken again only when
// things are better by a margin, lest it flutter.
class Headroom {
 public:
  enum class Memory : int {
    kEnough,
    kLittle,  // Nothing large is to be begun: above 85 % of the most, until no more than 80 %.
    kNone,    // Nor anything else: above 95 %, until no more than 90 %.
  };

  // `options.max_memory_bytes` is over 0.
  Headroom(const OverloadOptions& options, std::function<ResourceReading()> read);

  Memory memory();
  // Less is free than min_free(), until a quarter more than that is.
  bool disk_low();
  // Whether `bytes` more would leave the server below 95 % of the most.
  bool HasMemoryFor(int64_t bytes);

  // The last one.
  ResourceReading reading() const;
  int64_t max_memory() const { return options_.max_memory_bytes; }
  // What --min-free-bytes and --min-free-share want on a disk of the size last read.
  int64_t min_free() const;

  // Reads now, whatever the age of the last reading.
  void ReadNow();

 private:
  void ReadIfOld();
  // Gives back to the system what the allocator keeps, now and then; whether that was done.
  bool Trim();

  const OverloadOptions options_;
  const std::function<ResourceReading()> read_;
  std::atomic<int64_t> next_ns_{0};  // When the next reading is due, Unix time.
  std::atomic<Memory> memory_{Memory::kEnough};
  std::atomic<bool> disk_low_{false};
  mutable absl::Mutex mutex_;
  ResourceReading last_ ABSL_GUARDED_BY(mutex_);
  absl::Time trimmed_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// The limit of the process's cgroup (of either version) and of those above it, or nine tenths of the machine's memory if
// that is less.
int64_t MostMemory();

// Of this process alone.
int64_t ResidentBytes();

// Of the disk below `path`, memory left 0; zeros if that cannot be told.
ResourceReading DiskSpace(const std::string& path);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OVERLOAD_HEADROOM_H_
