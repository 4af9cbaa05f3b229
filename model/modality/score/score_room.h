// The room of written music.
#ifndef MIXMATCH_MODEL_MODALITY_SCORE_SCORE_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_SCORE_SCORE_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* ScoreRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_SCORE_SCORE_ROOM_H_
