#include "index/store/rocks_options.h"

#include <memory>

#include "rocksdb/file_checksum.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace mixmatch::index {
namespace {

rocksdb::ColumnFamilyOptions FamilyOptions(Family family, const StoreOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.format_version = 5;
  table.block_size = 16 << 10;
  rocksdb::ColumnFamilyOptions result;
  result.level_compaction_dynamic_level_bytes = true;
  result.write_buffer_size = 32 << 20;
  result.compression = rocksdb::kLZ4Compression;
  switch (family) {
    case kVectors:
    case kFeatures:
    case kTrunkFeatures:  // Noise to a compressor, and walked whole: big blocks, few seeks.
      table.block_size = 128 << 10;
      result.compression = rocksdb::kNoCompression;
      break;
    case kContent:
    case kTokens:  // Media is compressed already. Dead blobs go when half of an old file is dead.
      result.compression = rocksdb::kNoCompression;
      result.enable_blob_files = true;
      result.min_blob_size = static_cast<uint64_t>(options.blob_min_bytes);
      result.enable_blob_garbage_collection = true;
      result.blob_garbage_collection_age_cutoff = 0.5;
      result.blob_garbage_collection_force_threshold = 0.5;
      break;
    default:
      break;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

}  // namespace

const std::array<std::string, kFamilies>& FamilyNames() {
  static const auto* names = new std::array<std::string, kFamilies>{
      "default", "items",    "parts",   "vectors", "features", "trunk_features", "tokens", "events",
      "item_events", "requests", "uploads", "content", "learning", "operations",     "meta"};
  return *names;
}

std::shared_ptr<rocksdb::Cache> StoreCache(const StoreOptions& options) {
  return rocksdb::NewLRUCache(static_cast<size_t>(options.memory_bytes));
}

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::DBOptions result;
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  result.paranoid_checks = true;
  result.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();  // Of whole files, blobs too.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // One flush and one compaction at a time leave the second core to searches.
  result.max_background_jobs = 2;
  result.max_subcompactions = 1;
  result.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(static_cast<size_t>(options.memory_bytes / 4), cache);
  result.max_total_wal_size = 256 << 20;
  result.max_open_files = 1024;
  // Writes trickle to the disk, so that a synced commit never waits for a long queue.
  result.bytes_per_sync = 1 << 20;
  result.wal_bytes_per_sync = 1 << 20;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(const StoreOptions& options,
                                                               const std::shared_ptr<rocksdb::Cache>& cache) {
  std::vector<rocksdb::ColumnFamilyDescriptor> result;
  for (int family = 0; family < kFamilies; ++family) {
    result.emplace_back(FamilyNames()[family], FamilyOptions(static_cast<Family>(family), options, cache));
  }
  return result;
}

}  // namespace mixmatch::index
