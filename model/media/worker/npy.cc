#include "model/media/worker/npy.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/media/worker/samples.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr absl::string_view kMagic = "\x93NUMPY";

absl::Status Bad(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("content: got a .npy file ", why,
                                                 ", wanted numbers in one or two dimensions; save it with numpy.save"));
}

// What stands behind 'name': in the header's dictionary.
absl::string_view ValueOf(absl::string_view header, absl::string_view name) {
  const size_t at = header.find(absl::StrCat("'", name, "':"));
  return at == header.npos ? "" : absl::StripLeadingAsciiWhitespace(header.substr(at + name.size() + 3));
}

bool ParseType(absl::string_view text, NumberType* type) {
  if (!absl::ConsumePrefix(&text, "'") || text.size() < 4) return false;
  const char order = text[0];
  type->kind = text[1];
  type->bytes = text[2] - '0';
  if (text[3] != '\'' || (order != '<' && order != '>' && order != '|' && order != '=')) return false;
  type->swapped = order == '>';
  return type->IsKnown();
}

bool ParseShape(absl::string_view text, SampleLayout* layout) {
  if (!absl::ConsumePrefix(&text, "(")) return false;
  const size_t end = text.find(')');
  if (end == text.npos) return false;
  std::vector<int64_t> sizes;
  for (absl::string_view piece : absl::StrSplit(text.substr(0, end), ',')) {
    piece = absl::StripAsciiWhitespace(piece);
    if (piece.empty()) continue;
    int64_t size;
    if (!absl::SimpleAtoi(piece, &size) || size < 0 || sizes.size() == 2) return false;
    sizes.push_back(size);
  }
  if (sizes.empty()) return false;
  layout->rows = sizes[0];
  layout->columns = sizes.size() == 2 ? sizes[1] : 1;
  return true;
}

}  // namespace

absl::StatusOr<DecodedSeries> ParseNpy(absl::string_view bytes, double seconds_per_row, int max_columns, int64_t max_values) {
  if (!absl::ConsumePrefix(&bytes, kMagic) || bytes.size() < 4) return Bad("that is cut");
  const bool wide = bytes[0] >= 2;
  uint32_t size = 0;
  if (bytes[0] < 1 || bytes[0] > 3 || bytes.size() < (wide ? 6u : 4u)) return Bad("of another version");
  for (int i = wide ? 3 : 1; i >= 0; --i) size = size << 8 | static_cast<uint8_t>(bytes[2 + i]);
  bytes.remove_prefix(wide ? 6 : 4);
  if (size > bytes.size()) return Bad("that is cut");
  const absl::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  SampleLayout layout;
  if (!ParseType(ValueOf(text, "descr"), &layout.type)) return Bad("of something else than numbers");
  if (!ParseShape(ValueOf(text, "shape"), &layout)) return Bad("of another shape");
  layout.by_column = absl::StartsWith(ValueOf(text, "fortran_order"), "True");
  MIXMATCH_RETURN_IF_ERROR(CheckSamples(layout, seconds_per_row, max_columns, max_values, "a .npy file"));
  const int64_t values = layout.rows * layout.columns;
  if (values == 0) return Bad("without values");
  if (static_cast<int64_t>(bytes.size()) < values * layout.type.bytes) return Bad("that is cut");
  return ReadSamples(bytes, layout, seconds_per_row);
}

absl::Status DecodeNpy(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  const std::optional<absl::string_view> rate_hz = ParameterOf(request.media_type_hint, "rate_hz");
  MIXMATCH_ASSIGN_OR_RETURN(const double rate, ParseRate(rate_hz.value_or("1"), "application/x-npy; rate_hz=50"));
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a .npy file"));
  MIXMATCH_ASSIGN_OR_RETURN(const DecodedSeries series,
                            ParseNpy(bytes, 1.0 / rate, request.max_columns, request.max_cells * 4));
  writer->Series(0.0, series);
  writer->Done(WireKind::kSeries, series.seconds.back(),
               rate_hz.has_value() ? absl::StrCat("application/x-npy; rate_hz=", *rate_hz) : "application/x-npy");
  return absl::OkStatus();
}

}  // namespace mixmatch::model
