// From files that a manifest names to shards: decoded, cut into parts, described.
#ifndef MIXMATCH_MODEL_SHARDS_SHARD_MAKER_H_
#define MIXMATCH_MODEL_SHARDS_SHARD_MAKER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/learn/shard.h"
#include "model/media/media_decoder.h"

namespace mixmatch::model {

// A line of a manifest (tests/corpora/manifest.py): what is needed here, and the whole line for the shard.
struct ManifestRow {
  std::string id;
  std::string event;
  std::string path;        // Of the file; relative ones from the manifest's folder.
  std::string media_type;  // A hint.
  std::string json;        // The line without `path`: a shard says nothing of the machine that made it.
};

// Rows in the manifest's order. NOT_FOUND; INVALID_ARGUMENT: a line that is not such a row, by its number.
absl::StatusOr<std::vector<ManifestRow>> ReadManifest(const std::string& path);

// Rows by event, in the order in which events first appear. Each batch holds about `rows_per_batch` rows; an event's
// rows stay in one batch.
std::vector<std::vector<ManifestRow>> BatchByEvent(std::vector<ManifestRow> rows, size_t rows_per_batch);

// Decodes and describes the rows of whole events with this many threads and adds them to a shard: the same shard for
// any number of threads. A row that cannot be decoded is given to `skipped` with the reason and leaves no trace.
void AddRows(absl::Span<const ManifestRow> rows, MediaDecoder* decoder, int threads, Shard* shard,
             const std::function<void(const ManifestRow&, const absl::Status&)>& skipped);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_SHARDS_SHARD_MAKER_H_
