// Looking through RocksDB for damage, and compacting it.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "index/store/keys.h"
#include "index/store/rocks_store.h"
#include "index/store/store_check.h"
#include "proto/base/status_macros.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/metadata.h"
#include "rocksdb/sst_file_reader.h"

namespace mixmatch::index {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr uint64_t kAskEvery = 4096;  // Records.

absl::Status Cancelled() { return absl::CancelledError("store: the check was cancelled"); }

absl::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

const RocksStore& Rocks(const Store& store) { return static_cast<const RocksStore&>(store); }

rocksdb::ReadOptions WholeWalk() {
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  read.readahead_size = 2 << 20;
  return read;
}

// What is wrong with a file of which the database knows the checksum; "" if nothing.
absl::StatusOr<std::string> CompareChecksum(const rocksdb::LiveFileStorageInfo& file,
                                            const std::function<bool(uint64_t read)>& go_on) {
  const std::string path = absl::StrCat(file.directory, "/", file.relative_filename);
  rocksdb::FileChecksumGenContext context;
  context.file_name = path;
  context.requested_checksum_func_name = file.file_checksum_func_name;
  const auto sum = rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(context);
  if (sum == nullptr) return std::string();
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::string("it is gone");
  std::vector<char> buffer(kReadBytes);
  uint64_t size = 0;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto got = static_cast<size_t>(in.gcount());
    sum->Update(buffer.data(), got);
    size += got;
    if (!go_on(got)) return Cancelled();
  }
  if (in.bad()) return std::string("it cannot be read");
  sum->Finalize();
  if (size != file.size) return absl::StrCat("it has ", size, " bytes, wanted ", file.size);
  return sum->GetChecksum() == file.file_checksum ? std::string() : std::string("its checksum is not what was written");
}

// The same of one whose blocks alone have checksums.
std::string CompareBlocks(const rocksdb::LiveFileStorageInfo& file) {
  rocksdb::SstFileReader reader((rocksdb::Options()));
  rocksdb::Status status = reader.Open(absl::StrCat(file.directory, "/", file.relative_filename));
  if (status.ok()) status = reader.VerifyChecksum();
  return status.ok() ? std::string() : status.ToString();
}

bool StillLive(rocksdb::DB* db, const std::string& name) {
  std::vector<rocksdb::LiveFileStorageInfo> files;
  rocksdb::LiveFilesStorageInfoOptions options;
  options.wal_size_for_flush = UINT64_MAX;
  if (!db->GetLiveFilesStorageInfo(options, &files).ok()) return true;
  return std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.relative_filename == name; });
}

template <typename Record>
bool Parses(absl::string_view value) {
  Record record;
  return record.ParseFromArray(value.data(), static_cast<int>(value.size()));
}

bool IsReadable(Family family, absl::string_view key, absl::string_view value) {
  switch (family) {
    case kItems:
      return key.size() == 8 && Parses<storage::ItemRecord>(value);
    case kParts:
      return key.size() == 8 && Parses<storage::PartRecord>(value);
    case kVectors:
      return key.size() == 8 && value.size() >= 8 && value.size() % 4 == 0;
    case kFeatures:
      return key.size() == 9 && value.size() % 2 == 0;
    case kTrunkFeatures:
      return key.size() == 16 && value.size() % 2 == 0;
    case kTokens:
      return key.size() == 8;
    case kEvents:
      return Parses<storage::EventRecord>(value);
    case kItemEvents:
      return key.size() > 8;
    case kRequests:
      return Parses<storage::RequestRecord>(value);
    case kUploads:
      return Parses<storage::UploadRecord>(value);
    case kOperations:
      return Parses<storage::OperationRecord>(value);
    case kMeta:
      return key != kManifestKey || Parses<storage::Manifest>(value);
    default:
      return true;
  }
}

// Over all keys of a family that can be walked.
absl::Status Walk(const Store& store, Family family,
                  const std::function<bool(absl::string_view key, absl::string_view value)>& visit) {
  const RocksStore& rocks = Rocks(store);
  const std::unique_ptr<rocksdb::Iterator> at(rocks.db()->NewIterator(WholeWalk(), rocks.handle(family)));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    if (!visit(View(at->key()), View(at->value()))) return absl::OkStatus();
  }
  return FromRocks(at->status(), absl::StrCat("store.", FamilyNames()[family]));
}

}  // namespace

absl::Status CheckFiles(const Store& store,
                        const std::function<void(const std::string& file, const std::string& what)>& damaged,
                        const std::function<bool(uint64_t bytes, uint64_t total)>& progress) {
  rocksdb::DB* db = Rocks(store).db();
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  options.wal_size_for_flush = UINT64_MAX;
  std::vector<rocksdb::LiveFileStorageInfo> files;
  MIXMATCH_RETURN_IF_ERROR(FromRocks(db->GetLiveFilesStorageInfo(options, &files), "store.files"));
  const auto is_data = [](const rocksdb::LiveFileStorageInfo& file) {
    return file.file_type == rocksdb::kTableFile || file.file_type == rocksdb::kBlobFile;
  };
  uint64_t total = 0, bytes = 0;
  for (const auto& file : files) total += is_data(file) ? file.size : 0;
  for (const auto& file : files) {
    if (!is_data(file)) continue;
    const uint64_t begin = bytes;
    std::string what;
    if (file.file_checksum != rocksdb::kUnknownFileChecksum) {
      MIXMATCH_ASSIGN_OR_RETURN(what, CompareChecksum(file, [&](uint64_t read) {
                                  bytes += read;
                                  return progress(bytes, total);
                                }));
    } else if (file.file_type == rocksdb::kTableFile) {
      what = CompareBlocks(file);
    }
    // A compaction may have removed it meanwhile.
    if (!what.empty() && StillLive(db, file.relative_filename)) damaged(file.relative_filename, what);
    bytes = begin + file.size;
    if (!progress(bytes, total)) return Cancelled();
  }
  return absl::OkStatus();
}

absl::Status CheckRecords(const Store& store,
                          const std::function<void(const std::string& family, const std::string& key)>& unreadable,
                          const std::function<bool()>& go_on) {
  uint64_t seen = 0;
  bool cancelled = false;
  for (int number = 0; number < kFamilies; ++number) {
    const auto family = static_cast<Family>(number);
    if (family == kContent) continue;
    const absl::Status walked = Walk(store, family, [&](absl::string_view key, absl::string_view value) {
      if (!IsReadable(family, key, value)) unreadable(FamilyNames()[family], absl::BytesToHexString(key));
      cancelled = ++seen % kAskEvery == 0 && !go_on();
      return !cancelled;
    });
    if (cancelled) return Cancelled();
    if (!walked.ok()) unreadable(FamilyNames()[family], "");
  }
  return absl::OkStatus();
}

absl::Status ForEachVectorKey(const Store& store,
                              const std::function<bool(uint64_t part_id, uint64_t generation, size_t dim)>& visit) {
  return Walk(store, kVectors, [&](absl::string_view key, absl::string_view value) {
    if (!IsReadable(kVectors, key, value)) return true;
    uint64_t generation = 0;
    std::memcpy(&generation, value.data(), 8);
    return visit(NumberIn(key, 0), generation, (value.size() - 8) / 4);
  });
}

absl::Status ForEachFeaturesKey(const Store& store, const std::function<bool(int slot, uint64_t part_id)>& visit) {
  return Walk(store, kFeatures, [&](absl::string_view key, absl::string_view) {
    return key.size() != 9 || visit(static_cast<unsigned char>(key[0]), NumberIn(key, 1));
  });
}

absl::Status ForEachTrunkFeaturesKey(const Store& store,
                                     const std::function<bool(uint64_t trunk, uint64_t part_id)>& visit) {
  return Walk(store, kTrunkFeatures, [&](absl::string_view key, absl::string_view) {
    return key.size() != 16 || visit(NumberIn(key, 0), NumberIn(key, 8));
  });
}

absl::Status ForEachTokensKey(const Store& store, const std::function<bool(uint64_t part_id)>& visit) {
  return Walk(store, kTokens, [&](absl::string_view key, absl::string_view) {
    return key.size() != 8 || visit(NumberIn(key, 0));
  });
}

absl::Status ForEachItemEvent(const Store& store,
                              const std::function<bool(uint64_t item_id, const std::string& event_id)>& visit) {
  return Walk(store, kItemEvents, [&](absl::string_view key, absl::string_view) {
    return key.size() <= 8 || visit(NumberIn(key, 0), std::string(key.substr(8)));
  });
}

absl::StatusOr<uint64_t> ContentSize(const Store& store, uint64_t content_id) {
  const RocksStore& rocks = Rocks(store);
  const std::string prefix = NumberKey(content_id);
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(rocks.db()->NewIterator(read, rocks.handle(kContent)));
  at->SeekForPrev(PairKey(content_id, UINT64_MAX));
  MIXMATCH_RETURN_IF_ERROR(FromRocks(at->status(), "store.content"));
  if (!at->Valid() || at->key().size() != 16 || !at->key().starts_with(prefix)) {
    return absl::NotFoundError(absl::StrCat("store.content: no content ", content_id));
  }
  return NumberIn(View(at->key()), 8) + at->value().size();
}

absl::Status Compact(Store& store, std::atomic<bool>& stop,
                     const std::function<void(int families_done, int families)>& progress) {
  const RocksStore& rocks = Rocks(store);
  rocksdb::CompactRangeOptions options;
  options.canceled = &stop;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1.0;
  for (int family = 0; family < kFamilies; ++family) {
    progress(family, kFamilies);
    const rocksdb::Status done =
        rocks.db()->CompactRange(options, rocks.handle(static_cast<Family>(family)), nullptr, nullptr);
    if (stop || done.IsIncomplete()) return absl::CancelledError("store: the compaction was cancelled");
    MIXMATCH_RETURN_IF_ERROR(FromRocks(done, absl::StrCat("store.", FamilyNames()[family])));
  }
  progress(kFamilies, kFamilies);
  return absl::OkStatus();
}

}  // namespace mixmatch::index
