// The room of still pictures.
#ifndef MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* ImageRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_IMAGE_IMAGE_ROOM_H_
