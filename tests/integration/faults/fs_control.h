// What a test and the file-system shim in the server share: one page of memory, mapped from a file by both.
#ifndef MIXMATCH_TESTS_INTEGRATION_FAULTS_FS_CONTROL_H_
#define MIXMATCH_TESTS_INTEGRATION_FAULTS_FS_CONTROL_H_

#include <atomic>
#include <cstdint>

namespace mixmatch {

inline constexpr char kFsControlVariable[] = "MIXMATCH_FS_CONTROL";  // Path of the file with an FsControl.
inline constexpr int64_t kNever = -1;

// Set by the test, also while the server runs; counters are the shim's.
struct FsControl {
  char root[512];     // Files below this directory are looked after, all others left alone. Set before the start.
  char journal[512];  // What was done to them is appended to this file; empty: nothing is noted.
  char attic[512];    // Directory, on the file system of `root`, where replaced and removed files are kept as links.
  std::atomic<int64_t> space_left{kNever};       // Bytes that can be written before ENOSPC.
  std::atomic<int64_t> write_fails_after{kNever};  // EIO from the n-th write on (0: the next), until set back.
  std::atomic<int64_t> sync_fails_after{kNever};
  std::atomic<int64_t> read_fails_after{kNever};
  std::atomic<uint32_t> short_writes_of_1024{0};  // Share of writes that write less than they were given.
  std::atomic<uint32_t> seed{1};                  // Of those.
  std::atomic<uint64_t> writes{0};
  std::atomic<uint64_t> syncs{0};
  std::atomic<uint64_t> shortened{0};
  std::atomic<uint64_t> refused{0};  // Calls answered with ENOSPC or EIO.
};

// Kinds of lines in the journal: a letter, numbers and paths, separated by tabs, ended by a newline.
//   O id size created path    a file was opened for writing; `created` is 1 if it was not there; ids are inodes
//   W id offset length        bytes are about to be written
//   T id size                 its size is about to be set
//   B id | E id               a sync begins | has succeeded
//   b path | e path           the same of a directory
//   R saved old new           about to be renamed; `saved` is the link in the attic to what was there, 0: nothing
//   U saved path              about to be removed
//   M path                    a directory was made
//   D path                    a directory is about to be removed

}  // namespace mixmatch

#endif  // MIXMATCH_TESTS_INTEGRATION_FAULTS_FS_CONTROL_H_
