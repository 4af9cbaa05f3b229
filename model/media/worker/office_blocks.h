// What the formats of office programs have in common: captions that stand beside what they describe, and grids of words.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_OFFICE_BLOCKS_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_OFFICE_BLOCKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/media/worker/document_writer.h"

namespace mixmatch::model {

using Grid = std::vector<std::vector<std::string>>;  // Rows of cells, not all of one length.

class OfficeBlocks {
 public:
  explicit OfficeBlocks(DocumentWriter* document) : document_(*document) {}

  absl::Status Text(absl::string_view utf8);
  absl::Status Heading(absl::string_view utf8);
  // Describes the figure directly before it, or the table there if no other follows; else what comes directly after it.
  absl::Status Caption(absl::string_view utf8, bool before_a_table);
  // `alternative` describes it where it has two words or more.
  absl::Status Figure(std::string file, absl::string_view alternative);
  // Two or more rows of two or more columns are a table, anything less is text. The first row names the columns where all
  // of its cells are words, each another.
  absl::Status Table(Grid grid, absl::string_view name);

 private:
  void Apart();

  DocumentWriter& document_;
  enum class Last { kOther, kFigure, kTable };  // One that no caption followed is still to be described.
  Last last_ = Last::kOther;
};

// Without empty rows and columns, all rows of one length. RESOURCE_EXHAUSTED where that would be more than `most_cells`.
absl::Status Straighten(int64_t most_cells, Grid* grid);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_OFFICE_BLOCKS_H_
