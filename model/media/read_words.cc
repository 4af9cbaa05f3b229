#include "model/media/read_words.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

// level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
constexpr size_t kColumns = 12, kLine = 4, kConfidence = 10, kText = 11;
constexpr absl::string_view kWordLevel = "5";
constexpr float kLeastConfidence = 60.0f;
constexpr size_t kLeastLetters = 2, kTellingLetters = 3;
constexpr size_t kMostWord = 128;  // Bytes; longer ones are lines or patterns taken for a word.

using Row = std::array<absl::string_view, kColumns>;

// Takes the next row off `tsv`. False: it has not as many columns.
bool TakeRow(absl::string_view* tsv, Row* row) {
  absl::string_view line = tsv->substr(0, tsv->find('\n'));
  tsv->remove_prefix(std::min(tsv->size(), line.size() + 1));
  for (size_t column = 0; column < kColumns; ++column) {
    const size_t end = line.find('\t');
    if ((end == absl::string_view::npos) != (column + 1 == kColumns)) return false;
    (*row)[column] = line.substr(0, end);
    line.remove_prefix(std::min(line.size(), (*row)[column].size() + 1));
  }
  return true;
}

// Bytes of the well-formed character at the beginning of `text`; 0 if there is none. (RFC 3629)
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return bytes;
}

// Letters and digits; a letter of another script counts as many as it has bytes, a sign of several bytes none (Latin signs
// and punctuation: U+0080 to U+00BF, U+2000 to U+2FFF). 0 if it is not UTF-8 or has control characters.
size_t Letters(absl::string_view word) {
  size_t letters = 0;
  while (!word.empty()) {
    const size_t bytes = CharacterBytes(word);
    if (bytes == 0) return 0;
    const auto first = static_cast<unsigned char>(word[0]), second = static_cast<unsigned char>(word[bytes - 1]);
    if (bytes == 1 && absl::ascii_iscntrl(first)) return 0;
    const bool sign = (bytes == 2 && first == 0xc2) || (bytes == 3 && first == 0xe2);
    if (bytes == 2 && first == 0xc2 && second < 0xa0) return 0;
    letters += bytes == 1 ? (absl::ascii_isalnum(first) ? 1 : 0) : sign ? 0 : bytes;
    word.remove_prefix(bytes);
  }
  return letters;
}

}  // namespace

std::string WordsOf(absl::string_view tsv) {
  std::string words;
  Row row, last;
  bool telling = false;
  while (!tsv.empty()) {
    float confidence = 0.0f;
    if (!TakeRow(&tsv, &row) || row[0] != kWordLevel || !absl::SimpleAtof(row[kConfidence], &confidence)) continue;
    const absl::string_view word = absl::StripAsciiWhitespace(row[kText]);
    const size_t letters = word.size() > kMostWord ? 0 : Letters(word);
    if (!(confidence >= kLeastConfidence) || letters < kLeastLetters) continue;
    if (words.size() + 1 + word.size() > kMostReadBytes) break;
    const bool same_line = std::equal(row.begin() + 1, row.begin() + kLine + 1, last.begin() + 1);
    absl::StrAppend(&words, words.empty() ? "" : same_line ? " " : "\n", word);
    telling |= letters >= kTellingLetters;
    last = row;
  }
  return telling ? words : "";
}

}  // namespace mixmatch::model
