// A file system that fails, for LD_PRELOAD: notes what is written and synced below one directory, and writes less than
// it is given, or fails with ENOSPC or EIO, where the FsControl says so.
//
// Stands before libc's calls, so that everything that is linked dynamically goes through it; what is written through
// mmap does not. Forgets itself in the environment, so that child processes run without it.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "tests/integration/faults/fs_control.h"

namespace {

using mixmatch::FsControl;
using mixmatch::kNever;

constexpr int kMostDescriptors = 1 << 16;
constexpr uint64_t kDirectory = UINT64_MAX;  // In place of a file's number.

FsControl* control = nullptr;  // Null: leave everything alone.
int journal = -1;
std::atomic<int> next_saved{1};
std::atomic<uint64_t> drawn{0};
std::atomic<uint64_t> files[kMostDescriptors];  // Inode by descriptor; 0: not ours.

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
#define REAL(name) (([]() { static const auto real = Real<decltype(&::name)>(#name); return real; })())

__attribute__((constructor)) void Begin() {
  const char* path = getenv(mixmatch::kFsControlVariable);
  if (path == nullptr) return;
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0));
  if (fd < 0) return;
  void* const page = mmap(nullptr, sizeof(FsControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (page == MAP_FAILED) return;
  auto* given = static_cast<FsControl*>(page);
  if (given->journal[0] != '\0') {
    journal = static_cast<int>(
        syscall(SYS_openat, AT_FDCWD, given->journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  }
  unsetenv("LD_PRELOAD");
  unsetenv(mixmatch::kFsControlVariable);
  control = given;
}

bool Ours(const std::string& path) {
  const size_t length = strlen(control->root);
  return path.compare(0, length, control->root) == 0 && (path.size() == length || path[length] == '/');
}

// Without repeated slashes.
std::string Tidy(std::string path) {
  path.erase(std::unique(path.begin(), path.end(), [](char a, char b) { return a == '/' && b == '/'; }), path.end());
  return path;
}

std::string Absolute(int directory, const char* path) {
  if (path[0] == '/') return Tidy(path);
  char base[PATH_MAX];
  if (directory == AT_FDCWD) {
    if (getcwd(base, sizeof(base)) == nullptr) return path;
    return Tidy(std::string(base) + "/" + path);
  }
  const std::string link = "/proc/self/fd/" + std::to_string(directory);
  const ssize_t length = readlink(link.c_str(), base, sizeof(base));
  return length < 0 ? path : Tidy(std::string(base, static_cast<size_t>(length)) + "/" + path);
}

// One line, whole, in the order of the calls.
void Note(const std::string& line) {
  if (journal < 0) return;
  const std::string whole = line + "\n";
  syscall(SYS_write, journal, whole.data(), whole.size());
}

std::string Tabs(std::initializer_list<std::string> words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : "\t") + word;
  return line;
}

// Counts down to a failure; true once it is there.
bool Due(std::atomic<int64_t>& countdown) {
  int64_t left = countdown.load();
  while (left > 0 && !countdown.compare_exchange_weak(left, left - 1)) {
  }
  return left == 0;
}

uint64_t InodeOf(int fd) { return control == nullptr || fd < 0 || fd >= kMostDescriptors ? 0 : files[fd].load(); }

// 0 for what is not ours, and for directories.
uint64_t FileOf(int fd) {
  const uint64_t inode = InodeOf(fd);
  return inode == kDirectory ? 0 : inode;
}

template <typename Result>
Result Refuse(int error) {
  ++control->refused;
  errno = error;
  return static_cast<Result>(-1);
}

int64_t SizeOf(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? static_cast<int64_t>(status.st_size) : 0;
}

void Opened(int fd, int flags, bool created, const std::string& path) {
  if (control == nullptr || fd < 0 || fd >= kMostDescriptors) return;
  files[fd] = 0;
  if (!Ours(path) || (flags & O_TMPFILE) == O_TMPFILE) return;
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    files[fd] = kDirectory;
  } else if (S_ISREG(status.st_mode)) {
    files[fd] = status.st_ino;
    if ((flags & O_ACCMODE) != O_RDONLY) {
      Note(Tabs({"O", std::to_string(files[fd]), std::to_string(status.st_size), created ? "1" : "0", path}));
    }
  }
}

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

// Keeps what is at `path` under a number; "0" if nothing is there, or nothing is noted.
std::string Save(const std::string& path) {
  if (journal < 0 || control->attic[0] == '\0') return "0";
  const std::string number = std::to_string(next_saved++);
  const std::string kept = std::string(control->attic) + "/" + number;
  return link(path.c_str(), kept.c_str()) == 0 ? number : "0";
}

// How many of `length` bytes may be written now; -1 with errno for none.
ssize_t Allowed(size_t length) {
  ++control->writes;
  if (Due(control->write_fails_after)) return Refuse<ssize_t>(EIO);
  if (const int64_t left = control->space_left; left != kNever) {
    if (left <= 0 && length > 0) return Refuse<ssize_t>(ENOSPC);
    length = std::min(length, static_cast<size_t>(left));
    control->space_left -= static_cast<int64_t>(length);
  }
  if (length > 1 && control->short_writes_of_1024 > 0) {
    uint64_t state = (drawn++ + control->seed) * 0x9e3779b97f4a7c15u;
    state ^= state >> 29;
    state *= 0xbf58476d1ce4e5b9u;
    if ((state >> 40) % 1024 < control->short_writes_of_1024) {
      ++control->shortened;
      length = 1 + (state >> 20) % (length - 1);
    }
  }
  return static_cast<ssize_t>(length);
}

void NoteWrite(uint64_t file, int64_t offset, ssize_t length) {
  Note(Tabs({"W", std::to_string(file), std::to_string(offset), std::to_string(length)}));
}

int64_t Place(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return (flags & O_APPEND) != 0 ? SizeOf(fd) : static_cast<int64_t>(lseek(fd, 0, SEEK_CUR));
}

template <typename Call>
int Sync(int fd, Call call) {
  const uint64_t file = InodeOf(fd);
  if (file == 0) return call();
  ++control->syncs;
  if (Due(control->sync_fails_after)) return Refuse<int>(EIO);
  const bool directory = file == kDirectory;
  std::string name = std::to_string(file);
  if (directory) {
    name = Absolute(fd, ".");
    name.resize(name.size() - 2);
  }
  Note(Tabs({directory ? "b" : "B", name}));
  const int result = call();
  if (result == 0) Note(Tabs({directory ? "e" : "E", name}));
  return result;
}

template <typename Call>
int Rename(const std::string& from, const std::string& to, Call call) {
  if (control == nullptr || !Ours(from) || !Ours(to)) return call();
  if (control->space_left == 0) return Refuse<int>(ENOSPC);
  Note(Tabs({"R", Save(to), from, to}));
  return call();
}

template <typename Call>
int Remove(const std::string& path, Call call) {
  if (control == nullptr || !Ours(path)) return call();
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return call();
  if (S_ISDIR(status.st_mode)) {
    const int result = call();
    if (result == 0) Note(Tabs({"D", path}));
    return result;
  }
  Note(Tabs({"U", Save(path), path}));
  return call();
}

template <typename Call>
int Open(int directory, const char* path, int flags, Call call) {
  if (control == nullptr) return call();
  const std::string whole = Absolute(directory, path);
  const bool ours = Ours(whole);
  const bool there = !ours || Exists(whole);
  if (!there && (flags & O_CREAT) != 0 && control->space_left == 0) return Refuse<int>(ENOSPC);
  const int fd = call();
  if (fd >= 0) Opened(fd, flags, !there, whole);
  return fd;
}

int FlagsOf(const char* mode) {
  const bool both = strchr(mode, '+') != nullptr;
  if (mode[0] == 'r') return both ? O_RDWR : O_RDONLY;
  return (both ? O_RDWR : O_WRONLY) | O_CREAT;
}

template <typename Call>
FILE* OpenStream(const char* path, const char* mode, Call call) {
  if (control == nullptr) return call();
  const std::string whole = Absolute(AT_FDCWD, path);
  const bool there = !Ours(whole) || Exists(whole);
  const int flags = FlagsOf(mode);
  if (!there && (flags & O_CREAT) != 0 && control->space_left == 0) {
    ++control->refused;
    errno = ENOSPC;
    return nullptr;
  }
  FILE* stream = call();
  if (stream != nullptr) Opened(fileno(stream), flags, !there, whole);
  return stream;
}

}  // namespace

extern "C" {

#define MODE_OF(flags)                                                 \
  mode_t mode = 0;                                                     \
  if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list more;                                                      \
    va_start(more, flags);                                             \
    mode = va_arg(more, mode_t);                                       \
    va_end(more);                                                      \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(AT_FDCWD, path, flags, [&] { return REAL(open)(path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(AT_FDCWD, path, flags, [&] { return REAL(open64)(path, flags, mode); });
}
int openat(int directory, const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(directory, path, flags, [&] { return REAL(openat)(directory, path, flags, mode); });
}
int openat64(int directory, const char* path, int flags, ...) {
  MODE_OF(flags)
  return Open(directory, path, flags, [&] { return REAL(openat64)(directory, path, flags, mode); });
}
FILE* fopen(const char* path, const char* mode) {
  return OpenStream(path, mode, [&] { return REAL(fopen)(path, mode); });
}
FILE* fopen64(const char* path, const char* mode) {
  return OpenStream(path, mode, [&] { return REAL(fopen64)(path, mode); });
}
int close(int fd) {
  if (control != nullptr && fd >= 0 && fd < kMostDescriptors) files[fd] = 0;
  return REAL(close)(fd);
}
int fclose(FILE* stream) {
  const int fd = fileno(stream);
  const int result = REAL(fclose)(stream);
  if (control != nullptr && fd >= 0 && fd < kMostDescriptors) files[fd] = 0;
  return result;
}

ssize_t write(int fd, const void* bytes, size_t length) {
  const uint64_t file = FileOf(fd);
  if (file == 0) return REAL(write)(fd, bytes, length);
  const ssize_t allowed = Allowed(length);
  if (allowed < 0) return -1;
  NoteWrite(file, Place(fd), allowed);
  return REAL(write)(fd, bytes, static_cast<size_t>(allowed));
}
ssize_t writev(int fd, const struct iovec* pieces, int count) {
  const uint64_t file = FileOf(fd);
  if (file == 0) return REAL(writev)(fd, pieces, count);
  for (int i = 0; i < count; ++i) {
    if (pieces[i].iov_len > 0) return write(fd, pieces[i].iov_base, pieces[i].iov_len);
  }
  return 0;
}
ssize_t pwrite(int fd, const void* bytes, size_t length, off_t offset) {
  const uint64_t file = FileOf(fd);
  if (file == 0) return REAL(pwrite)(fd, bytes, length, offset);
  const ssize_t allowed = Allowed(length);
  if (allowed < 0) return -1;
  NoteWrite(file, offset, allowed);
  return REAL(pwrite)(fd, bytes, static_cast<size_t>(allowed), offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t length, off64_t offset) { return pwrite(fd, bytes, length, offset); }

ssize_t read(int fd, void* bytes, size_t length) {
  if (FileOf(fd) > 0 && Due(control->read_fails_after)) return Refuse<ssize_t>(EIO);
  return REAL(read)(fd, bytes, length);
}
ssize_t pread(int fd, void* bytes, size_t length, off_t offset) {
  if (FileOf(fd) > 0 && Due(control->read_fails_after)) return Refuse<ssize_t>(EIO);
  return REAL(pread)(fd, bytes, length, offset);
}
ssize_t pread64(int fd, void* bytes, size_t length, off64_t offset) { return pread(fd, bytes, length, offset); }

int fsync(int fd) {
  return Sync(fd, [&] { return REAL(fsync)(fd); });
}
int fdatasync(int fd) {
  return Sync(fd, [&] { return REAL(fdatasync)(fd); });
}
int ftruncate(int fd, off_t size) {
  if (const uint64_t file = FileOf(fd); file > 0) Note(Tabs({"T", std::to_string(file), std::to_string(size)}));
  return REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (FileOf(fd) > 0 && control->space_left == 0) return Refuse<int>(ENOSPC);
  return REAL(fallocate)(fd, mode, offset, length);
}

int rename(const char* from, const char* to) {
  return Rename(control == nullptr ? "" : Absolute(AT_FDCWD, from), control == nullptr ? "" : Absolute(AT_FDCWD, to),
                [&] { return REAL(rename)(from, to); });
}
int unlink(const char* path) {
  return Remove(control == nullptr ? "" : Absolute(AT_FDCWD, path), [&] { return REAL(unlink)(path); });
}
int unlinkat(int directory, const char* path, int flags) {
  return Remove(control == nullptr ? "" : Absolute(directory, path),
                [&] { return REAL(unlinkat)(directory, path, flags); });
}
int remove(const char* path) {
  return Remove(control == nullptr ? "" : Absolute(AT_FDCWD, path), [&] { return REAL(remove)(path); });
}
int rmdir(const char* path) {
  return Remove(control == nullptr ? "" : Absolute(AT_FDCWD, path), [&] { return REAL(rmdir)(path); });
}
int mkdir(const char* path, mode_t mode) {
  const int result = REAL(mkdir)(path, mode);
  if (result == 0 && control != nullptr && Ours(Absolute(AT_FDCWD, path))) Note(Tabs({"M", Absolute(AT_FDCWD, path)}));
  return result;
}

}  // extern "C"
