// Texts cut into chunks.
#ifndef MIXMATCH_MODEL_PARTS_TEXT_PARTS_H_
#define MIXMATCH_MODEL_PARTS_TEXT_PARTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

// The chunks of a text that is shown or said from `start` to `end` seconds (0 and 0: at no time); see CutText. Each but
// the first begins with the last sentence of the one before, where that is short.
absl::Status AddText(absl::string_view text, double start, double end, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_TEXT_PARTS_H_
