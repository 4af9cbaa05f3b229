// Files of rows and of notes, each parser by itself: text with delimiters, JSON lines, NumPy arrays, MIDI; and what
// cells say. The first byte chooses.
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/cells/cells.h"
#include "model/media/worker/delimited.h"
#include "model/media/worker/json_lines.h"
#include "model/media/worker/midi.h"
#include "model/media/worker/npy.h"
#include "model/media/worker/table.h"
#include "model/media/worker/table_series.h"
#include "model/media/worker/unicode.h"
#include "tests/fuzz/target.h"

namespace mixmatch::model {
namespace {

constexpr RowLimits kLimits = {1 << 16, 256, 1 << 12};

void AsTable(absl::StatusOr<Cells> cells) {
  if (cells.ok()) (void)AsSeries(MakeTable(cells->columns, std::move(cells->cells)));
}

void TryCell(absl::string_view cell) {
  double number = 0;
  bool truth = false;
  (void)ParseNumber(cell, &number);
  (void)ParseTime(cell, &number);
  (void)ParseBoolean(cell, &truth);
  (void)TypeOfCell(cell);
}

void TryBytes(uint8_t kind, absl::string_view bytes) {
  std::string converted;
  const absl::string_view text = AsUtf8(bytes, &converted);
  switch (kind % 5) {
    case 0: return AsTable(ParseDelimited(text, SniffDelimiter(text) == 0 ? ',' : SniffDelimiter(text), kLimits));
    case 1: return AsTable(ParseJsonLines(text, kLimits));
    case 2: return (void)ParseNpy(bytes, 1.0, 256, 1 << 16).status();
    case 3: return (void)ParseMidi(bytes, 1 << 12, 3600.0).status();
    default: return TryCell(text);
  }
}

}  // namespace
}  // namespace mixmatch::model

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) mixmatch::model::TryBytes(data[0], {reinterpret_cast<const char*>(data + 1), size - 1});
  return 0;
}
