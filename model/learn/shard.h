// Pre-tokenised training data: the parts of a corpus as the modality rooms described them, in safetensors files, so that
// training needs neither the media nor what decodes them. `mixmatch-shards` writes them, `mixmatch-train` and the
// learning benchmark read them.
#ifndef MIXMATCH_MODEL_LEARN_SHARD_H_
#define MIXMATCH_MODEL_LEARN_SHARD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace mixmatch::model {

struct ShardPart {
  int slot = 0;                  // Its modality, see ModalityRow.
  int32_t event = 0;             // Index into Shard::events.
  int32_t row = 0;               // Index into Shard::rows: the manifest row that it was cut from.
  std::vector<float> features;   // Of the room; rounded to half floats.
  std::vector<uint8_t> tokens;   // [n, 256], 1 <= n <= 64.
};

// File format (safetensors), n parts: slot I32 [n]; event I32 [n]; row I32 [n]; token_start I64 [n + 1], in tokens;
// tokens U8 [total, 256]; feature_start I64 [n + 1], in values; features F16 [total]. Metadata: format =
// "mixmatch-shard-1"; events = JSON list of event ids; rows = JSON list of manifest rows.
struct Shard {
  std::vector<ShardPart> parts;     // Of one event side by side.
  std::vector<std::string> events;  // Ids.
  std::vector<std::string> rows;    // Manifest rows, each a JSON object: id, event, modality, metadata, content_key, role.

  absl::Status WriteFile(const std::string& path) const;
  // NOT_FOUND; DATA_LOSS: cut, altered or inconsistent; UNIMPLEMENTED: of another format version.
  static absl::StatusOr<Shard> ReadFile(const std::string& path);
};

// The shard files of a folder, sorted; none if it holds none or is not there.
std::vector<std::string> ShardFiles(const std::string& folder);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_LEARN_SHARD_H_
