// Documents cut into parts: texts by section and page, figures, tables, captions, pages.
#ifndef MIXMATCH_MODEL_PARTS_DOCUMENT_PARTS_H_
#define MIXMATCH_MODEL_PARTS_DOCUMENT_PARTS_H_

#include "absl/status/status.h"
#include "model/media/decoded.h"
#include "model/parts/part_list.h"

namespace mixmatch::model {

// In the order of reading. Texts of one section on one page are read as one and cut as CutText does; a heading begins a
// section and is its first words. Bytes and characters count in the document's text: all its words, two line feeds
// between blocks. A caption describes the part of its figure, or the header of its table.
absl::Status AddDocument(const DecodedMedia& media, PartList& parts);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_PARTS_DOCUMENT_PARTS_H_
