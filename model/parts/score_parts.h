// Written music cut into parts.
#ifndef MIXMATCH_MODEL_PARTS_SCORE_PARTS_H_
#define MIXMATCH_MODEL_PARTS_SCORE_PARTS_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/media/decoded.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

// Windows of 8 bars of the first time signature, the next one 6 bars later, the last up to half longer; longer ones where
// that would be over 4,096. A note belongs to the windows in which it begins; a window without notes gives nothing.
// `seconds`: how long all of it lasts. The snippet says who plays, and how fast.
absl::Status AddScore(const DecodedScore& score, double seconds, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_SCORE_PARTS_H_
