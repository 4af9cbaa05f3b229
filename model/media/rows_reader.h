// The records of tables, series and scores, read without belief.
#ifndef MIXMATCH_MODEL_MEDIA_ROWS_READER_H_
#define MIXMATCH_MODEL_MEDIA_ROWS_READER_H_

#include "absl/strings/string_view.h"
#include "model/media/decoded.h"
#include "model/media/media_decoder.h"
#include "model/media/wire.h"

namespace mixmatch::model {

// Adds what a kTable, kCells, kSeries, kRows or kNotes record holds. False: it breaks the framing or a limit.
bool AddRows(WireRecordType type, absl::string_view body, const MediaLimits& limits, DecodedMedia* media);

// Whether `media` holds a whole table, series or score and nothing else; sets its modality. `kind` is one of these.
bool TakeRows(WireKind kind, DecodedMedia* media);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_ROWS_READER_H_
