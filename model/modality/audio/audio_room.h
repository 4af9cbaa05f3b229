// The room of sounds.
#ifndef MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* AudioRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_AUDIO_AUDIO_ROOM_H_
