// RocksDB's own log, in a file that may fail.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_LOG_H_
#define MIXMATCH_INDEX_STORE_ROCKS_LOG_H_

#include <cstdarg>
#include <cstdint>
#include <mutex>
#include <string>

#include "rocksdb/env.h"

namespace mixmatch::index {

// Writes to `directory`/LOG and keeps one LOG.old, each of some megabytes. A line that cannot be written is left out:
// RocksDB's own logger, as Debian builds it, ends the program at the line after one that met a full disk.
class RocksLog : public rocksdb::Logger {
 public:
  explicit RocksLog(const std::string& directory);
  ~RocksLog() override;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

 private:
  void Open();

  const std::string path_;
  std::mutex mutex_;  // Guards what follows.
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_LOG_H_
