// Tables cut into parts: their header, and groups of rows.
#ifndef MIXMATCH_MODEL_PARTS_TABLE_PARTS_H_
#define MIXMATCH_MODEL_PARTS_TABLE_PARTS_H_

#include "absl/status/status.h"
#include "model/media/rows.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

// The header, with rows spread over the table to say what its columns hold; then groups of 20 rows, more where that
// would be over 512 groups. `base` is copied into each draft (page, title, box). A table without rows gives nothing.
absl::Status AddTable(const DecodedTable& table, const PartDraft& base, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_TABLE_PARTS_H_
