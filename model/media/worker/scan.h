// Whether a picture looks as if it had words in it, and the picture as a reader of words wants it.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_SCAN_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_SCAN_H_

#include "model/media/blocks.h"
#include "model/media/wire.h"
#include "model/media/worker/pixels.h"

namespace mixmatch::model {

// Whether the request wants scans of pictures in documents, and of pictures that are the item.
inline bool ReadsFigures(const WireRequest& request) {
  return request.read_words >= static_cast<int>(ReadWords::kFigures);
}
inline bool ReadsPictures(const WireRequest& request) {
  return request.read_words >= static_cast<int>(ReadWords::kAll);
}

// The picture in gray, twice as large where its longer side then is at most `side`. Nothing (a width of 0) where it does
// not look as if it had words in it, or is longer than `side`.
//
// Lines of words are strong edges close to each other on an even ground: in boxes of 16 x 8 pixels at least 22 steps of 40
// gray levels from a pixel to the next one and at least half of the steps below 7, in two boxes beside each other, five
// times. Looked for at the picture's own size and at half of it.
DecodedScan ScanOf(const Pixels& pixels, int side);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_SCAN_H_
