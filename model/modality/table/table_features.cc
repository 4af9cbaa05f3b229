#include "model/modality/table/table_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/cells/cells.h"
#include "model/modality/feature_math.h"
#include "model/modality/named_numbers.h"
#include "model/modality/text/text_features.h"

namespace mixmatch::model {
namespace {

constexpr int kWords = 1024, kNamed = 448, kShape = 64;
static_assert(kTextFeatures % kWords == 0 && kWords + kNamed + kShape == kTableFeatures);
constexpr size_t kMostRows = 200, kMostColumns = 256;  // Of them numbers are taken; both evenly spread.
constexpr size_t kMostText = 12'000;                   // Bytes of words.
constexpr size_t kCellText = 200;                      // Bytes of one cell.
constexpr float kStep = 0.5f;                          // Of squashed numbers.

class Sampler {
 public:
  explicit Sampler(const TableView& table)
      : table_(table), all_columns_(table.columns.size()), all_rows_(table.cells.size() / std::max<size_t>(1, all_columns_)) {}
  size_t columns() const { return std::min(all_columns_, kMostColumns); }
  size_t rows() const { return std::min(all_rows_, kMostRows); }
  size_t all_columns() const { return all_columns_; }
  size_t all_rows() const { return all_rows_; }
  absl::string_view name(size_t c) const { return table_.columns[Column(c)]; }
  absl::string_view cell(size_t r, size_t c) const { return table_.cells[r * all_rows_ / rows() * all_columns_ + Column(c)]; }

 private:
  size_t Column(size_t c) const { return c * all_columns_ / columns(); }
  const TableView& table_;
  const size_t all_columns_, all_rows_;
};

// Names, then words of cells row by row.
std::vector<float> Words(const Sampler& table) {
  std::string text;
  for (size_t c = 0; c < table.columns() && text.size() < kMostText; ++c) {
    absl::StrAppend(&text, table.name(c).substr(0, kCellText), " . ");
  }
  for (size_t r = 0; r < table.rows() && text.size() < kMostText; ++r) {
    for (size_t c = 0; c < table.columns() && text.size() < kMostText; ++c) {
      absl::StrAppend(&text, table.cell(r, c).substr(0, kCellText), " . ");
    }
  }
  const std::vector<float> full = TextFeatures(text);
  std::vector<float> folded(kWords, 0.0f);
  for (size_t i = 0; i < full.size(); ++i) folded[i % kWords] += full[i];
  return folded;
}

void AddNumbers(uint64_t name, std::vector<float>& numbers, NamedNumbers& out) {
  const float low = Quantile(numbers, 0.1f), middle = Quantile(numbers, 0.5f), high = Quantile(numbers, 0.9f);
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  const float values[] = {low, middle, high, *least, *most};
  for (uint64_t q = 0; q < 5; ++q) {
    out.AddLevel(MixHashes(name, 10 + q), Squash(values[q]), kStep, q == 1 ? 1.0f : 0.5f);
    out.Add(MixHashes(name, 20 + q), 0.2f * Squash(values[q]));
  }
  const float spread = high - low;
  out.AddLevel(MixHashes(name, 30), Squash(spread / (std::fabs(middle) + 1e-6f)), kStep, 0.5f);
  size_t rises = 0;
  for (size_t i = 1; i < numbers.size(); ++i) rises += numbers[i] > numbers[i - 1];
  if (numbers.size() > 1) out.Add(MixHashes(name, 31), static_cast<float>(rises) / (numbers.size() - 1) - 0.5f);
}

// Values under their names: how often each is there.
void AddValues(uint64_t name, const std::map<std::string, int>& counts, size_t rows, NamedNumbers& out) {
  for (const auto& [value, count] : counts) {
    out.Add(MixHashes(name, NameHash(value)), std::sqrt(static_cast<float>(count) / static_cast<float>(rows)));
  }
}

ColumnType AddColumn(const Sampler& table, size_t c, NamedNumbers& out) {
  const ColumnType type = TypeOfColumn(table.rows(), [&](size_t r) { return table.cell(r, c); });
  const uint64_t name = NameHash(table.name(c));
  out.Add(name, 0.5f);
  out.Add(MixHashes(name, 1 + static_cast<uint64_t>(type)), 0.5f);
  std::vector<float> numbers;
  std::map<std::string, int> counts;  // Ordered, so that sums are the same each time.
  size_t missing = 0;
  for (size_t r = 0; r < table.rows(); ++r) {
    const absl::string_view cell = table.cell(r, c);
    double number;
    if (IsMissing(cell)) {
      ++missing;
    } else if (type == ColumnType::kTime ? ParseTime(cell, &number) : ParseNumber(cell, &number)) {
      numbers.push_back(static_cast<float>(std::clamp(number, -3e38, 3e38)));
    } else if (cell.size() <= kCellText) {
      ++counts[std::string(cell)];
    }
  }
  if (!numbers.empty()) AddNumbers(name, numbers, out);
  if (table.rows() > 0) {
    AddValues(name, counts, table.rows(), out);
    out.Add(MixHashes(name, 9), static_cast<float>(missing) / static_cast<float>(table.rows()));
  }
  return type;
}

}  // namespace

std::vector<float> TableFeatures(const TableView& view) {
  const Sampler table(view);
  NamedNumbers named(kNamed), shape(kShape);
  float types[7] = {};
  for (size_t c = 0; c < table.columns(); ++c) ++types[static_cast<int>(AddColumn(table, c, named))];
  for (uint64_t t = 0; t < 7; ++t) {
    shape.Add(t, types[t] / static_cast<float>(table.columns()));
    shape.AddLevel(100 + t, std::log2(1.0f + types[t]), 1.0f, 0.3f);
  }
  shape.AddLevel(200, std::log2(static_cast<float>(table.all_columns())), 1.0f);
  shape.AddLevel(201, std::log2(1.0f + static_cast<float>(table.all_rows())), 1.0f, 0.3f);
  std::vector<float> out;
  out.reserve(kTableFeatures);
  AppendBlock(Words(table), 1.0f, 1.6f, out);
  AppendBlock(named.values(), 1.0f, 1.4f, out);
  AppendBlock(shape.values(), 1.0f, 0.3f, out);
  return out;
}

}  // namespace mixmatch::model
