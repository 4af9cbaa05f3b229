// Which slot a part's vector is in, and which parts are words read in pictures.
#ifndef MIXMATCH_SERVER_PART_SLOT_H_
#define MIXMATCH_SERVER_PART_SLOT_H_

#include <cstdint>

#include "mixmatch/v1/item.pb.h"
#include "model/modality/modality.h"
#include "model/parts/parts.h"

namespace mixmatch::server {

// The slot of texts, where words in pictures are too.
inline int TextSlot() { return model::SlotOf(model::Modality::kText); }

// -1 if there is none.
inline int SlotOf(const v1::Part& part) {
  return part.kind() == v1::PART_KIND_WORDS ? TextSlot() : model::SlotOf(static_cast<model::Modality>(part.modality()));
}

// Position in the item of the first part of PART_KIND_WORDS: the kind can be told by the id, without the record. No other
// part has such a position, but in items of other modalities that an older server stored with more than kMostParts parts.
inline constexpr uint64_t kFirstWords = model::kMostParts;
static_assert(kFirstWords + model::kMostWords == 65'536, "positions have 16 bits");

// Of parts in TextSlot().
inline bool IsWords(uint64_t part_id) { return (part_id & 0xffff) >= kFirstWords; }

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_PART_SLOT_H_
