#include "model/media/worker/raw_series.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/media/worker/sniff.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr absl::string_view kType = "application/x-raw-series";
constexpr char kExample[] = "application/x-raw-series; rate_hz=100; channels=3; type=i16";

absl::Status Bad(absl::string_view got) {
  return absl::InvalidArgumentError(absl::StrCat("media_type: got ", got, "; write ", kExample));
}

bool ParseNumberType(absl::string_view text, NumberType* type) {
  int bits;
  if (text.size() < 2 || !absl::SimpleAtoi(text.substr(1), &bits) || bits % 8 != 0) return false;
  type->kind = text[0];
  type->bytes = bits / 8;
  return type->kind != 'b' && type->IsKnown();
}

// One for each channel, parted by commas; none where `list` is not there.
absl::StatusOr<std::vector<std::string>> SplitList(std::optional<absl::string_view> list, int columns,
                                                   absl::string_view what) {
  if (!list.has_value()) return std::vector<std::string>();
  std::vector<std::string> entries = absl::StrSplit(*list, ',');
  if (entries.size() == static_cast<size_t>(columns)) return entries;
  return Bad(absl::StrCat(entries.size(), " ", what, ", wanted one for each of ", columns, " channels"));
}

}  // namespace

bool IsRawSeries(absl::string_view media_type) { return media_type.substr(0, media_type.find_first_of("; ")) == kType; }

absl::StatusOr<RawSeriesType> ParseRawSeriesType(absl::string_view media_type, int max_columns) {
  RawSeriesType series;
  MIXMATCH_ASSIGN_OR_RETURN(series.rate_hz, ParseRate(ParameterOf(media_type, "rate_hz").value_or(""), kExample));
  if (!ParseNumberType(ParameterOf(media_type, "type").value_or(""), &series.type)) {
    return Bad("a type that is none of f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64");
  }
  if (!absl::SimpleAtoi(ParameterOf(media_type, "channels").value_or("1"), &series.columns) || series.columns < 1) {
    return Bad("channels that are no whole number from 1");
  }
  if (series.columns > max_columns) {
    return absl::ResourceExhaustedError(absl::StrCat("media_type: got ", series.columns, " channels, wanted at most ",
                                                     max_columns, " (--max-columns); split it"));
  }
  const absl::string_view order = ParameterOf(media_type, "order").value_or("little");
  if (order != "little" && order != "big") return Bad("an order of bytes that is neither little nor big");
  series.type.swapped = order == "big";
  MIXMATCH_ASSIGN_OR_RETURN(series.names, SplitList(ParameterOf(media_type, "names"), series.columns, "names"));
  MIXMATCH_ASSIGN_OR_RETURN(series.units, SplitList(ParameterOf(media_type, "units"), series.columns, "units"));
  return series;
}

absl::StatusOr<DecodedSeries> ParseRawSeries(absl::string_view bytes, const RawSeriesType& type, int max_columns,
                                             int64_t max_values) {
  const int64_t row = int64_t{type.columns} * type.type.bytes, size = static_cast<int64_t>(bytes.size());
  if (size == 0 || size % row != 0) {
    return absl::InvalidArgumentError(absl::StrCat("content: got ", size, " bytes, wanted whole rows of ", type.columns,
                                                   " x ", type.type.bytes,
                                                   " bytes as the media type says; correct one of them"));
  }
  SampleLayout layout;
  layout.type = type.type;
  layout.rows = size / row;
  layout.columns = type.columns;
  MIXMATCH_RETURN_IF_ERROR(CheckSamples(layout, 1.0 / type.rate_hz, max_columns, max_values, "a raw series"));
  DecodedSeries series = ReadSamples(bytes, layout, 1.0 / type.rate_hz);
  if (!type.names.empty()) series.channels = type.names;
  if (!type.units.empty()) series.units = type.units;
  return series;
}

absl::Status DecodeRawSeries(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  const absl::string_view hint = request.media_type_hint;
  if (hint.size() + 1 >= sizeof(request.media_type_hint)) {
    return Bad(absl::StrCat("more than ", sizeof(request.media_type_hint) - 2, " bytes"));
  }
  if (ValidUtf8Prefix(hint) != hint.size()) return Bad("bytes that are no UTF-8");
  MIXMATCH_ASSIGN_OR_RETURN(const RawSeriesType type, ParseRawSeriesType(hint, request.max_columns));
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a raw series"));
  MIXMATCH_ASSIGN_OR_RETURN(const DecodedSeries series,
                            ParseRawSeries(bytes, type, request.max_columns, request.max_cells * 4));
  writer->Series(0.0, series);
  writer->Done(WireKind::kSeries, series.seconds.back(), hint);
  return absl::OkStatus();
}

}  // namespace mixmatch::model
