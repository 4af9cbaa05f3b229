#include "model/media/worker/npy.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace mixmatch::model {
namespace {

constexpr absl::string_view kMagic = "\x93NUMPY";
constexpr double kLeastRate = 1e-6, kMostRate = 1e7;  // Rows a second.

struct Header {
  char kind = 0;    // 'f', 'i', 'u' or 'b'.
  int bytes = 0;    // Of a value.
  bool swapped = false;
  bool by_column = false;
  int64_t rows = 0, columns = 1;
};

absl::Status Bad(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("content: got a .npy file ", why,
                                                 ", wanted numbers in one or two dimensions; save it with numpy.save"));
}

// What stands behind 'name': in the header's dictionary.
absl::string_view ValueOf(absl::string_view header, absl::string_view name) {
  const size_t at = header.find(absl::StrCat("'", name, "':"));
  return at == header.npos ? "" : absl::StripLeadingAsciiWhitespace(header.substr(at + name.size() + 3));
}

bool ParseType(absl::string_view text, Header* header) {
  if (!absl::ConsumePrefix(&text, "'") || text.size() < 4) return false;
  const char order = text[0];
  header->kind = text[1];
  header->bytes = text[2] - '0';
  if (text[3] != '\'' || (order != '<' && order != '>' && order != '|' && order != '=')) return false;
  header->swapped = order == '>';
  switch (header->kind) {
    case 'f': return header->bytes == 2 || header->bytes == 4 || header->bytes == 8;
    case 'i':
    case 'u': return header->bytes == 1 || header->bytes == 2 || header->bytes == 4 || header->bytes == 8;
    case 'b': return header->bytes == 1;
    default: return false;
  }
}

bool ParseShape(absl::string_view text, Header* header) {
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
  header->rows = sizes[0];
  header->columns = sizes.size() == 2 ? sizes[1] : 1;
  return true;
}

float HalfToFloat(uint16_t half) {
  const int exponent = (half >> 10) & 31, fraction = half & 1023;
  const float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return std::numeric_limits<float>::quiet_NaN();
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25));
}

template <typename T>
T As(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float ReadValue(const Header& header, const char* at) {
  char bytes[8];
  for (int i = 0; i < header.bytes; ++i) bytes[i] = at[header.swapped ? header.bytes - 1 - i : i];
  double value = 0.0;
  switch (header.kind) {
    case 'f':
      value = header.bytes == 2 ? HalfToFloat(As<uint16_t>(bytes)) : header.bytes == 4 ? As<float>(bytes) : As<double>(bytes);
      break;
    case 'i':
      value = header.bytes == 1   ? As<int8_t>(bytes)
              : header.bytes == 2 ? As<int16_t>(bytes)
              : header.bytes == 4 ? As<int32_t>(bytes)
                                  : static_cast<double>(As<int64_t>(bytes));
      break;
    default:
      value = header.bytes == 1   ? As<uint8_t>(bytes)
              : header.bytes == 2 ? As<uint16_t>(bytes)
              : header.bytes == 4 ? As<uint32_t>(bytes)
                                  : static_cast<double>(As<uint64_t>(bytes));
  }
  const float narrow = static_cast<float>(value);
  return std::isfinite(narrow) ? narrow : std::numeric_limits<float>::quiet_NaN();
}

// Rows a second that the media type states, else 1.
absl::StatusOr<double> RateOf(absl::string_view media_type) {
  for (absl::string_view parameter : absl::StrSplit(media_type, ';')) {
    parameter = absl::StripAsciiWhitespace(parameter);
    if (!absl::ConsumePrefix(&parameter, "rate_hz=")) continue;
    double rate;
    if (absl::SimpleAtod(parameter, &rate) && rate >= kLeastRate && rate <= kMostRate) return rate;
    return absl::InvalidArgumentError(absl::StrCat("media_type: got a rate_hz that is no number of ", kLeastRate, " to ",
                                                   kMostRate, "; write application/x-npy; rate_hz=50"));
  }
  return 1.0;
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
  Header header;
  if (!ParseType(ValueOf(text, "descr"), &header)) return Bad("of something else than numbers");
  if (!ParseShape(ValueOf(text, "shape"), &header)) return Bad("of another shape");
  header.by_column = absl::StartsWith(ValueOf(text, "fortran_order"), "True");
  if (header.columns > max_columns || (header.columns > 0 && header.rows > max_values / header.columns)) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got a .npy file of ", header.rows, " x ", header.columns,
                                                     " values, wanted at most ", max_columns, " columns and ", max_values,
                                                     " values; split it, or raise the server's --max-cells"));
  }
  const int64_t values = header.rows * header.columns;
  if (values == 0) return Bad("without values");
  if (static_cast<int64_t>(bytes.size()) < values * header.bytes) return Bad("that is cut");
  DecodedSeries series;
  for (int64_t c = 0; c < header.columns; ++c) series.channels.push_back(absl::StrCat(c));
  series.units.resize(header.columns);
  series.values.reserve(values);
  for (int64_t r = 0; r < header.rows; ++r) {
    series.seconds.push_back(static_cast<double>(r) * seconds_per_row);
    for (int64_t c = 0; c < header.columns; ++c) {
      const int64_t at = header.by_column ? c * header.rows + r : r * header.columns + c;
      series.values.push_back(ReadValue(header, bytes.data() + at * header.bytes));
    }
  }
  return series;
}

absl::Status DecodeNpy(const Content& content, const WireRequest& request, ResponseWriter* writer) {
  MIXMATCH_ASSIGN_OR_RETURN(const double rate, RateOf(request.media_type_hint));
  MIXMATCH_ASSIGN_OR_RETURN(const std::string bytes, content.ReadEverything(request.max_table_bytes, "a .npy file"));
  MIXMATCH_ASSIGN_OR_RETURN(const DecodedSeries series,
                            ParseNpy(bytes, 1.0 / rate, request.max_columns, request.max_cells * 4));
  writer->Series(0.0, series);
  writer->Done(WireKind::kSeries, series.seconds.back(),
               rate == 1.0 ? std::string("application/x-npy") : absl::StrCat("application/x-npy; rate_hz=", rate));
  return absl::OkStatus();
}

}  // namespace mixmatch::model
