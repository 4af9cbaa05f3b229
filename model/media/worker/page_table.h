// Tables on a page of words: rows by height, columns by the gaps that go through many rows.
#ifndef MIXMATCH_MODEL_MEDIA_WORKER_PAGE_TABLE_H_
#define MIXMATCH_MODEL_MEDIA_WORKER_PAGE_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "model/media/rows.h"

namespace mixmatch::model {

// Shares of the page.
struct PageBox {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

struct PageWord {
  PageBox box;
  std::string text;
};

struct PageTable {
  DecodedTable table;
  PageBox box;
};

// The table among `words` that begins at most four lines below `top`; lines of prose before it, such as the rest of its
// caption, are passed over. `aspect` is the page's height over its width. Nothing unless columns part three rows or more
// and one of them is narrower than prose, and nothing among more than 20,000 words. A line of one cell beyond the first
// column goes on the row above it.
std::optional<PageTable> FindTableBelow(const std::vector<PageWord>& words, double top, double aspect);

// The same upwards from `bottom`.
std::optional<PageTable> FindTableAbove(const std::vector<PageWord>& words, double bottom, double aspect);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MEDIA_WORKER_PAGE_TABLE_H_
