#include "model/modality/modality.h"

#include "model/modality/audio/audio_room.h"
#include "model/modality/image/image_room.h"
#include "model/modality/score/score_room.h"
#include "model/modality/series/series_room.h"
#include "model/modality/table/table_room.h"
#include "model/modality/text/text_room.h"
#include "model/modality/video/video_room.h"

namespace mixmatch::model {

absl::Span<const ModalityRoom* const> ModalityTable() {
  // Append only: a slot is stored with what was learned.
  static const ModalityRoom* const table[] = {TextRoom(),  ImageRoom(), AudioRoom(),
                                             VideoRoom(), TableRoom(), SeriesRoom(), ScoreRoom()};
  return table;
}

const ModalityRoom* FindRoom(Modality modality) {
  const int slot = SlotOf(modality);
  return slot < 0 ? nullptr : ModalityTable()[slot];
}

int SlotOf(Modality modality) {
  const absl::Span<const ModalityRoom* const> table = ModalityTable();
  for (size_t slot = 0; slot < table.size(); ++slot) {
    if (table[slot]->modality() == modality) return static_cast<int>(slot);
  }
  return -1;
}

std::vector<int> FeatureDims() {
  std::vector<int> dims;
  for (const ModalityRoom* room : ModalityTable()) dims.push_back(room->feature_dim());
  return dims;
}

}  // namespace mixmatch::model
