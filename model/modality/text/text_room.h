// The room of text in any language.
#ifndef MIXMATCH_MODEL_MODALITY_TEXT_TEXT_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_TEXT_TEXT_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* TextRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_TEXT_TEXT_ROOM_H_
