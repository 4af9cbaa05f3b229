// The file system under one server, as a test steers it: fails on demand, and forgets what was not synced.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_FAULTY_DISK_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_FAULTY_DISK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/integration/faults/fs_control.h"

namespace mixmatch {

// What may be left of what was not synced. Both are allowed to a disk.
enum class Unsynced {
  kNothing,  // All of it is gone.
  kSome,     // The first so many changes of names; of each file some more bytes, or pages of zeros.
};

// What a power cut took.
struct PowerCut {
  int64_t files_cut = 0;
  int64_t bytes_dropped = 0;
  int64_t names_undone = 0;  // Files made, renamed or removed.
  int64_t overwrites = 0;    // Writes over synced bytes: kept as they are, since the old ones are not known.
};

class FaultyDisk {
 public:
  // Looks after `root`; its own files lie in `work`. Both are made, and must be on one file system.
  FaultyDisk(const std::string& root, const std::string& work);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // Of the server, for it to go through this.
  std::vector<std::string> environment() const;
  FsControl& control() { return *control_; }

  // Before each start of a server: all that is there is as if synced.
  void Begin();
  // After the server was killed: makes of `root` what a power cut at that moment might have left.
  PowerCut Cut(uint32_t seed, Unsynced left);

 private:
  std::string root_, work_;
  FsControl* control_ = nullptr;
};

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_FAULTY_DISK_H_
