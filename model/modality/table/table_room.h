// The room of tables.
#ifndef MIXMATCH_MODEL_MODALITY_TABLE_TABLE_ROOM_H_
#define MIXMATCH_MODEL_MODALITY_TABLE_TABLE_ROOM_H_

#include "model/modality/modality.h"

namespace mixmatch::model {

// Lives as long as the process.
const ModalityRoom* TableRoom();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_TABLE_TABLE_ROOM_H_
