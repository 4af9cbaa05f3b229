// The room of shots of moving pictures.
#ifndef MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* VideoRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_VIDEO_VIDEO_ROOM_H_
