#include "model/media/worker/samples.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mixmatch::model {
namespace {

constexpr double kLeastRate = 1e-6, kMostRate = 1e7;  // Rows a second.
constexpr double kMostSeconds = 3.2e9;                // A century.

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

float ReadValue(const NumberType& type, const char* at) {
  char bytes[8];
  for (int i = 0; i < type.bytes; ++i) bytes[i] = at[type.swapped ? type.bytes - 1 - i : i];
  double value = 0.0;
  switch (type.kind) {
    case 'f':
      value = type.bytes == 2   ? HalfToFloat(As<uint16_t>(bytes))
              : type.bytes == 4 ? As<float>(bytes)
                                : As<double>(bytes);
      break;
    case 'i':
      value = type.bytes == 1   ? As<int8_t>(bytes)
              : type.bytes == 2 ? As<int16_t>(bytes)
              : type.bytes == 4 ? As<int32_t>(bytes)
                                : static_cast<double>(As<int64_t>(bytes));
      break;
    default:
      value = type.bytes == 1   ? As<uint8_t>(bytes)
              : type.bytes == 2 ? As<uint16_t>(bytes)
              : type.bytes == 4 ? As<uint32_t>(bytes)
                                : static_cast<double>(As<uint64_t>(bytes));
  }
  const float narrow = static_cast<float>(value);
  return std::isfinite(narrow) ? narrow : std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

bool NumberType::IsKnown() const {
  switch (kind) {
    case 'f': return bytes == 2 || bytes == 4 || bytes == 8;
    case 'i':
    case 'u': return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    case 'b': return bytes == 1;
    default: return false;
  }
}

DecodedSeries ReadSamples(absl::string_view bytes, const SampleLayout& layout, double seconds_per_row) {
  DecodedSeries series;
  for (int64_t c = 0; c < layout.columns; ++c) series.channels.push_back(absl::StrCat(c));
  series.units.resize(layout.columns);
  series.values.reserve(layout.rows * layout.columns);
  for (int64_t r = 0; r < layout.rows; ++r) {
    series.seconds.push_back(static_cast<double>(r) * seconds_per_row);
    for (int64_t c = 0; c < layout.columns; ++c) {
      const int64_t at = layout.by_column ? c * layout.rows + r : r * layout.columns + c;
      series.values.push_back(ReadValue(layout.type, bytes.data() + at * layout.type.bytes));
    }
  }
  return series;
}

absl::Status CheckSamples(const SampleLayout& layout, double seconds_per_row, int max_columns, int64_t max_values,
                          absl::string_view what) {
  if (layout.columns > max_columns || (layout.columns > 0 && layout.rows > max_values / layout.columns)) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got ", what, " of ", layout.rows, " x ", layout.columns,
                                                     " values, wanted at most ", max_columns, " columns and ",
                                                     max_values, " values; split it, or raise the server's --max-cells"));
  }
  if (const double seconds = static_cast<double>(layout.rows) * seconds_per_row; seconds > kMostSeconds) {
    return absl::ResourceExhaustedError(absl::StrCat("content: got ", what, " of ", seconds, " s, wanted at most ",
                                                     kMostSeconds, " s; split it, or state its rate_hz"));
  }
  return absl::OkStatus();
}

std::optional<absl::string_view> ParameterOf(absl::string_view media_type, absl::string_view name) {
  for (absl::string_view parameter : absl::StrSplit(media_type, ';')) {
    parameter = absl::StripAsciiWhitespace(parameter);
    if (!absl::ConsumePrefix(&parameter, name) || !absl::ConsumePrefix(&parameter, "=")) continue;
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    return parameter;
  }
  return std::nullopt;
}

absl::StatusOr<double> ParseRate(absl::string_view rate_hz, absl::string_view example) {
  double rate;
  if (absl::SimpleAtod(rate_hz, &rate) && rate >= kLeastRate && rate <= kMostRate) return rate;
  return absl::InvalidArgumentError(absl::StrCat("media_type: got a rate_hz that is no number of ", kLeastRate, " to ",
                                                 kMostRate, "; write ", example));
}

}  // namespace mixmatch::model
