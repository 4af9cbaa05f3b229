#include "model/parts/table_parts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr size_t kGroupRows = 20;  // A screenful.
constexpr size_t kMostGroups = 512;
constexpr size_t kHeaderRows = 64;  // Looked at for the header, evenly spread.

absl::Status Add(absl::Span<const std::string> columns, absl::Span<const std::string> cells, PartDraft draft,
                 absl::Span<const std::string> shown, PartList& parts) {
  PartContent content;
  content.modality = Modality::kTable;
  content.table = {columns, cells};
  const std::string words = absl::StrJoin(shown, " | ");
  draft.snippet = std::string(Prefix(words, kSnippetBytes));
  return parts.Describe(content, std::move(draft));
}

}  // namespace

absl::Status AddTable(const DecodedTable& table, const PartDraft& base, PartList& parts) {
  const size_t columns = table.columns.size(), rows = columns == 0 ? 0 : table.cells.size() / columns;
  if (rows == 0) return absl::OkStatus();
  const absl::Span<const std::string> cells(table.cells);
  std::vector<std::string> spread;
  for (size_t k = 0, looked = std::min(rows, kHeaderRows); k < looked; ++k) {
    const auto row = cells.subspan(k * rows / looked * columns, columns);
    spread.insert(spread.end(), row.begin(), row.end());
  }
  PartDraft header = base;
  header.kind = v1::PART_KIND_HEADER;
  if (header.title.empty()) header.title = std::string(Prefix(table.name, kSnippetBytes));
  const std::string title = header.title;
  MIXMATCH_RETURN_IF_ERROR(Add(table.columns, spread, std::move(header), table.columns, parts));
  const size_t group = std::max(kGroupRows, (rows + kMostGroups - 1) / kMostGroups);
  for (size_t first = 0; first < rows; first += group) {
    const size_t count = std::min(group, rows - first);
    PartDraft draft = base;
    draft.kind = v1::PART_KIND_ROWS;
    draft.title = title;
    draft.start_row = first;
    draft.end_row = first + count;
    const auto some = cells.subspan(first * columns, count * columns);
    MIXMATCH_RETURN_IF_ERROR(Add(table.columns, some, std::move(draft), some.subspan(0, columns), parts));
  }
  return absl::OkStatus();
}

}  // namespace mixmatch::model
