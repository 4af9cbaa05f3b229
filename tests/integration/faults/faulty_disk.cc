#include "tests/integration/faults/faulty_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <random>
#include <sstream>

#include "absl/strings/str_split.h"

namespace mixmatch {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPage = 4096;

struct File {
  int64_t size = 0;
  int64_t durable = 0;              // Bytes from the front that are synced.
  std::deque<int64_t> being_synced;  // Sizes when syncs began that have not ended.
};

struct Change {
  char kind = ' ';  // As in the journal; 'O' for a file that was made.
  std::string path, to, saved;
  bool durable = false;
};

std::string Parent(const std::string& path) { return fs::path(path).parent_path().string(); }

// What the journal tells of files and names.
class History {
 public:
  explicit History(const std::string& journal) {
    std::ifstream in(journal, std::ios::binary);
    for (std::string line; std::getline(in, line);) Read(absl::StrSplit(line, '\t'));
  }

  std::vector<Change>& changes() { return changes_; }
  const std::map<uint64_t, File>& files() const { return files_; }
  int64_t overwrites() const { return overwrites_; }

 private:
  static int64_t Number(const std::string& word) { return std::stoll(word); }

  void Read(const std::vector<std::string>& words) {
    const char kind = words[0][0];
    switch (kind) {
      case 'O':
        return Opened(std::stoull(words[1]), Number(words[2]), words[3] == "1", words[4]);
      case 'W':
        return Written(files_[std::stoull(words[1])], Number(words[2]), Number(words[3]));
      case 'T': {
        File& file = files_[std::stoull(words[1])];
        file.size = Number(words[2]);
        file.durable = std::min(file.durable, file.size);
        return;
      }
      case 'B': {
        File& file = files_[std::stoull(words[1])];
        return file.being_synced.push_back(file.size);
      }
      case 'E': {
        File& file = files_[std::stoull(words[1])];
        if (file.being_synced.empty()) return;
        file.durable = std::max(file.durable, std::min(file.size, file.being_synced.front()));
        return file.being_synced.pop_front();
      }
      case 'b':
        being_synced_[words[1]].push_back(changes_.size());
        return;
      case 'e':
        return DirectorySynced(words[1]);
      case 'R':
        return changes_.push_back({kind, words[2], words[3], words[1], false});
      case 'U':
        return changes_.push_back({kind, words[2], "", words[1], false});
      default:
        return changes_.push_back({kind, words[1], "", "0", false});
    }
  }

  void Opened(uint64_t inode, int64_t size, bool created, const std::string& path) {
    const auto known = files_.find(inode);
    if (created) {
      files_[inode] = File();
      changes_.push_back({'O', path, "", "0", false});
    } else if (known == files_.end()) {
      files_[inode] = {size, size, {}};
    }
  }

  void Written(File& file, int64_t offset, int64_t length) {
    if (offset < file.durable) ++overwrites_;
    file.size = std::max(file.size, offset + length);
  }

  void DirectorySynced(const std::string& directory) {
    auto& begun = being_synced_[directory];
    if (begun.empty()) return;
    for (size_t i = 0; i < begun.front(); ++i) {
      Change& change = changes_[i];
      const bool here = Parent(change.path) == directory;
      change.durable |= here && (change.to.empty() || Parent(change.to) == directory);
    }
    begun.pop_front();
  }

  std::map<uint64_t, File> files_;  // By inode: the attic's links keep those from being given anew.
  std::vector<Change> changes_;
  std::map<std::string, std::deque<size_t>> being_synced_;  // Directory -> changes made when the sync began.
  int64_t overwrites_ = 0;
};

void Undo(const Change& change, const std::string& attic) {
  std::error_code ignored;
  switch (change.kind) {
    case 'O':
      fs::remove(change.path, ignored);
      break;
    case 'M':
      fs::remove_all(change.path, ignored);
      break;
    case 'D':
      fs::create_directory(change.path, ignored);
      break;
    case 'R':
      if (fs::exists(change.path, ignored)) break;  // It was not made yet.
      fs::rename(change.to, change.path, ignored);
      [[fallthrough]];
    case 'U': {
      const std::string& back = change.kind == 'R' ? change.to : change.path;
      if (change.saved != "0") fs::create_hard_link(attic + "/" + change.saved, back, ignored);
      break;
    }
    default:
      break;
  }
}

// Leaves the synced bytes of a file, and of the others as chance has it.
void CutFile(const std::string& path, const File& file, Unsynced left, std::mt19937& random, PowerCut& cut) {
  const auto size = static_cast<int64_t>(fs::file_size(path));
  const int64_t unsynced = size - file.durable;
  if (unsynced <= 0) return;
  int64_t keep = file.durable;
  if (left == Unsynced::kSome) {
    keep += std::uniform_int_distribution<int64_t>(0, unsynced)(random);
    // The length came to the disk, the last pages did not.
    const int64_t page = (std::max(file.durable, keep - kPage) + kPage - 1) / kPage * kPage;
    if (random() % 3 == 0 && page < keep) {
      fs::resize_file(path, page);
      fs::resize_file(path, keep);
    }
  }
  fs::resize_file(path, keep);
  ++cut.files_cut;
  cut.bytes_dropped += size - keep;
}

}  // namespace

FaultyDisk::FaultyDisk(const std::string& root, const std::string& work)
    : root_(fs::path(root).lexically_normal().string()), work_(fs::path(work).lexically_normal().string()) {
  fs::create_directories(root_);
  fs::create_directories(work_ + "/attic");
  const std::string path = work_ + "/control";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_GE(fd, 0);
  EXPECT_EQ(ftruncate(fd, sizeof(FsControl)), 0);
  void* page = mmap(nullptr, sizeof(FsControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  EXPECT_NE(page, MAP_FAILED);
  control_ = new (page) FsControl();
  strncpy(control_->root, root_.c_str(), sizeof(control_->root) - 1);
}

FaultyDisk::~FaultyDisk() { munmap(control_, sizeof(FsControl)); }

std::vector<std::string> FaultyDisk::environment() const {
  return {std::string("LD_PRELOAD=") + MIXMATCH_FS_SHIM, std::string(kFsControlVariable) + "=" + work_ + "/control"};
}

void FaultyDisk::Begin() {
  fs::remove_all(work_ + "/attic");
  fs::create_directories(work_ + "/attic");
  fs::remove(work_ + "/journal");
  strncpy(control_->journal, (work_ + "/journal").c_str(), sizeof(control_->journal) - 1);
  strncpy(control_->attic, (work_ + "/attic").c_str(), sizeof(control_->attic) - 1);
}

PowerCut FaultyDisk::Cut(uint32_t seed, Unsynced left) {
  std::mt19937 random(seed);
  History history(control_->journal);
  PowerCut cut;
  cut.overwrites = history.overwrites();
  auto& changes = history.changes();
  const size_t kept =
      left == Unsynced::kNothing ? 0 : std::uniform_int_distribution<size_t>(0, changes.size())(random);
  for (size_t i = changes.size(); i-- > kept;) {
    if (changes[i].durable) continue;
    Undo(changes[i], control_->attic);
    ++cut.names_undone;
  }
  if (!fs::exists(root_)) return cut;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    struct stat status;
    if (!entry.is_regular_file() || stat(entry.path().c_str(), &status) != 0) continue;
    const auto file = history.files().find(status.st_ino);
    if (file != history.files().end()) CutFile(entry.path().string(), file->second, left, random, cut);
  }
  return cut;
}

}  // namespace mixmatch
