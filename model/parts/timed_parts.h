// Sounds cut into windows, videos into shots.
#ifndef MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_
#define MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_

#include "absl/status/status.h"
#include "model/media/decoded.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

absl::Status AddSound(const DecodedMedia& media, PartList& parts);
absl::Status AddShots(const DecodedMedia& media, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_TIMED_PARTS_H_
