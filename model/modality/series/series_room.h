// The room of series.
#ifndef MIXMATCH_MODEL_MODALITY_SERIES_SERIES_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_SERIES_SERIES_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* SeriesRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_SERIES_SERIES_ROOM_H_
