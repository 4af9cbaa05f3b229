// The files of a RocksDB directory before it is opened: what RocksDB would take for a new or shorter database.
#ifndef MIXMATCH_INDEX_STORE_ROCKS_FILES_H_
#define MIXMATCH_INDEX_STORE_ROCKS_FILES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mixmatch::index {

// Makes the directory and those above it that are not there, each synced into the one above.
absl::Status MakeDirectories(const std::string& path);

// Notes that the database was opened here. A copy of it, which has no write-ahead log, lacks the note.
absl::Status NoteOpened(const std::string& path);

// OK for a directory without a database, and for one as a kill or a power cut may leave it. DATA_LOSS: CURRENT is gone
// while data are there; the write-ahead logs are gone where NoteOpened was called; a log is damaged by LogDamage.
absl::Status CheckFiles(const std::string& path);

// The first byte of a record in a write-ahead log that was altered after it was written; -1 if there is none. A log
// that ends in the middle of a record, or in zeros, or lacks a page, was cut while it was written: such a record was
// never acknowledged, and RocksDB leaves it out, with all behind it. Damage that looks the same is not found: of a
// length in the last block, and in a record with a page of zeros of its own.
absl::StatusOr<int64_t> LogDamage(const std::string& file);

}  // namespace mixmatch::index

#endif  // MIXMATCH_INDEX_STORE_ROCKS_FILES_H_
