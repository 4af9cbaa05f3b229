#include "server/overload/headroom.h"

#include <malloc.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace mixmatch::server {
namespace {

constexpr int64_t kReadEveryNs = 100'000'000;
constexpr double kLittleAbove = 0.85, kLittleUntil = 0.80;
constexpr double kNoneAbove = 0.95, kNoneUntil = 0.90;
constexpr double kDiskMargin = 1.25;
constexpr absl::Duration kTrimEvery = absl::Seconds(5);

// A limit in a cgroup's file; INT64_MAX where there is none.
int64_t LimitIn(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  int64_t bytes = 0;
  return file >> word && absl::SimpleAtoi(word, &bytes) && bytes > 0 ? bytes : INT64_MAX;
}

// The least of a cgroup and those above it.
int64_t LimitOf(const std::string& root, std::string group, const char* file) {
  int64_t least = INT64_MAX;
  while (true) {
    least = std::min(least, LimitIn(absl::StrCat(root, group, "/", file)));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

int64_t CgroupLimit() {
  int64_t least = INT64_MAX;
  std::ifstream groups("/proc/self/cgroup");
  // "0::/path" of version 2, "4:memory:/path" of version 1.
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::string& group = fields[2];
    if (fields[1].empty()) least = std::min(least, LimitOf("/sys/fs/cgroup", group, "memory.max"));
    if (fields[1] == "memory") least = std::min(least, LimitOf("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

Headroom::Memory Level(double share, Headroom::Memory before) {
  if (share > (before == Headroom::Memory::kNone ? kNoneUntil : kNoneAbove)) return Headroom::Memory::kNone;
  if (share > (before == Headroom::Memory::kEnough ? kLittleAbove : kLittleUntil)) return Headroom::Memory::kLittle;
  return Headroom::Memory::kEnough;
}

}  // namespace

Headroom::Headroom(const OverloadOptions& options, std::function<ResourceReading()> read)
    : options_(options), read_(std::move(read)) {
  ReadNow();
}

Headroom::Memory Headroom::memory() {
  ReadIfOld();
  return memory_;
}

bool Headroom::disk_low() {
  ReadIfOld();
  return disk_low_;
}

bool Headroom::HasMemoryFor(int64_t bytes) {
  ReadIfOld();
  return static_cast<double>(reading().memory + bytes) <= kNoneAbove * static_cast<double>(options_.max_memory_bytes);
}

ResourceReading Headroom::reading() const {
  absl::MutexLock lock(&mutex_);
  return last_;
}

int64_t Headroom::min_free() const {
  const double share = options_.min_free_share * static_cast<double>(reading().disk_size);
  return std::max(options_.min_free_bytes, static_cast<int64_t>(share));
}

void Headroom::ReadIfOld() {
  const int64_t now = absl::GetCurrentTimeNanos();
  int64_t next = next_ns_.load(std::memory_order_relaxed);
  // Of those who come at the same time one reads.
  if (now >= next && next_ns_.compare_exchange_strong(next, now + kReadEveryNs)) ReadNow();
}

void Headroom::ReadNow() {
  const double most = static_cast<double>(options_.max_memory_bytes);
  ResourceReading now = read_();
  if (static_cast<double>(now.memory) > kLittleAbove * most && Trim()) now = read_();
  {
    absl::MutexLock lock(&mutex_);
    last_ = now;
  }
  memory_ = Level(static_cast<double>(now.memory) / most, memory_);
  const double wanted = static_cast<double>(min_free()) * (disk_low_ ? kDiskMargin : 1.0);
  disk_low_ = now.disk_size > 0 && static_cast<double>(now.disk_free) < wanted;
}

bool Headroom::Trim() {
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Now() - trimmed_ < kTrimEvery) return false;
    trimmed_ = absl::Now();
  }
  malloc_trim(0);
  return true;
}

int64_t MostMemory() {
  struct sysinfo machine = {};
  sysinfo(&machine);
  const int64_t all = static_cast<int64_t>(machine.totalram) * machine.mem_unit;
  return std::min(CgroupLimit(), all / 10 * 9);
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

ResourceReading DiskSpace(const std::string& path) {
  ResourceReading reading;
  struct statvfs disk = {};
  if (statvfs(path.c_str(), &disk) != 0) return reading;
  reading.disk_free = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  reading.disk_size = static_cast<int64_t>(disk.f_blocks) * static_cast<int64_t>(disk.f_frsize);
  return reading;
}

}  // namespace mixmatch::server
