#include "model/modality/table/table_room.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/cells/cells.h"
#include "model/modality/named_numbers.h"
#include "model/modality/table/table_features.h"
#include "model/modality/text/text_features.h"
#include "model/modality/text/text_tokens.h"

namespace mixmatch::model {
namespace {

constexpr size_t kTokenRows = 24;   // Of a column, evenly spread.
constexpr size_t kTokenText = 400;  // Characters of a column.

void CountWords(absl::string_view text, uint8_t* token) {
  const std::u32string folded = FoldText(text.substr(0, kTokenText)).substr(0, kTokenText);
  for (size_t begin = 0; begin < folded.size();) {
    const size_t end = std::min(folded.find(U' ', begin), folded.size());
    CountGrams(U" " + folded.substr(begin, end - begin) + U" ", token);
    begin = end + 1;
  }
}

// A token a column, as a bag of hashed n-grams like a text's: its name, its words, and the size of its numbers as a word. Of
// many columns several share one.
Tokens TableTokens(const TableView& table) {
  const size_t columns = table.columns.size(), rows = table.cells.size() / columns, looked = std::min(rows, kTokenRows);
  Tokens tokens;
  tokens.count = static_cast<int>(std::min<size_t>(columns, kMostTokens));
  tokens.bytes.assign(static_cast<size_t>(tokens.count) * kTokenBytes, 0);
  for (size_t c = 0; c < columns; ++c) {
    uint8_t* token = &tokens.bytes[c * tokens.count / columns * kTokenBytes];
    CountWords(table.columns[c], token);
    std::string words;
    double sum = 0.0;
    size_t numbers = 0;
    for (size_t k = 0; k < looked && words.size() < kTokenText; ++k) {
      const std::string& cell = table.cells[k * rows / looked * columns + c];
      double number;
      if (ParseNumber(cell, &number)) {
        sum += Squash(number);
        ++numbers;
      } else if (!IsMissing(cell)) {
        absl::StrAppend(&words, absl::string_view(cell).substr(0, kTokenText), " ");
      }
    }
    CountWords(words, token);
    if (numbers > 0) {
      const auto level = static_cast<int>(std::lround(2.0 * sum / static_cast<double>(numbers)));
      CountGrams({U' ', U'#', static_cast<char32_t>(1000 + level), U' '}, token);
    }
  }
  return tokens;
}

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kTable; }
  const char* name() const override { return "table"; }
  int feature_dim() const override { return kTableFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    const TableView& table = part.table;
    if (table.columns.empty() || table.cells.size() % table.columns.size() != 0) {
      return absl::InvalidArgumentError(absl::StrCat("part.table: got ", table.cells.size(), " cells of ",
                                                     table.columns.size(), " columns, wanted whole rows of one or more"));
    }
    return TableFeatures(table);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    return Described{*std::move(features), TableTokens(part.table)};
  }
};

}  // namespace

const ModalityRoom* TableRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
