#include "model/media/read_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"

namespace mixmatch::model {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHead = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

std::string Row(int line, const std::string& confidence, const std::string& word, int level = 5) {
  return absl::StrCat(level, "\t1\t1\t1\t", line, "\t1\t10\t10\t40\t12\t", confidence, "\t", word, "\n");
}

TEST(ReadWordsTest, WordsOfALineAreJoinedByASpaceAndLinesByALineFeed) {
  EXPECT_EQ(WordsOf(kHead + Row(1, "-1", "", 4) + Row(1, "96.5", "Brush") + Row(1, "91", "name:") + Row(2, "88.1", "Spacing")),
            "Brush name:\nSpacing");
}

TEST(ReadWordsTest, WhatIsNotSurelyAWordIsLeftOut) {
  EXPECT_EQ(WordsOf(Row(1, "59.9", "blurred") + Row(1, "95", "sharp") + Row(1, "95", "|") + Row(1, "95", "a") +
                    Row(1, "95", "--=") + Row(1, "nan", "nan") + Row(1, "-inf", "inf")),
            "sharp");
}

TEST(ReadWordsTest, APictureOfWhichOnlySpecksAreReadHasNoWords) {
  EXPECT_EQ(WordsOf(Row(1, "95", "ab") + Row(2, "95", "42")), "");
  EXPECT_EQ(WordsOf(Row(1, "95", "ab") + Row(2, "95", "420")), "ab\n420");
}

TEST(ReadWordsTest, OtherScriptsAreWordsAndTheirSignsAreNot) {
  EXPECT_EQ(WordsOf(Row(1, "95", "птица") + Row(1, "95", "鳥") + Row(1, "95", "«") + Row(1, "95", "—")), "птица 鳥");
}

TEST(ReadWordsTest, IllFormedTextIsLeftOut) {
  for (const char* word : {"abc\xff", "abc\xc3", "\xed\xa0\x80 abc", "\xf5\x80\x80\x80 abc", "abc\x01", "abc\xc2\x85"}) {
    EXPECT_EQ(WordsOf(Row(1, "95", word) + Row(1, "95", "kept")), "kept");
  }
}

TEST(ReadWordsTest, BytesThatAreNoTableGiveNothing) {
  for (const std::string bytes : {"", "\n", "\t", "5\t\t\t\t\t\t\t\t\t\t95\n", "5\t\t\t\t\t\t\t\t\t\t95\tword\ttoo many\n"}) {
    EXPECT_EQ(WordsOf(bytes), "");
  }
  EXPECT_EQ(WordsOf(std::string(1 << 20, '\t')), "");
  EXPECT_EQ(WordsOf(Row(1, "95", std::string(1000, 'x'))), "");
}

TEST(ReadWordsTest, MoreWordsThanThereIsRoomForAreCut) {
  std::string tsv;
  for (int i = 0; i < 20'000; ++i) tsv += Row(i, "95", absl::StrCat("word", i));
  const std::string words = WordsOf(tsv);
  EXPECT_LE(words.size(), kMostReadBytes);
  EXPECT_GT(words.size(), kMostReadBytes - 20);
}

TEST(ReadWordsTest, DamagedTablesGiveWellFormedTextOrNothing) {
  const std::string whole = kHead + Row(1, "96.5", "Größe") + Row(2, "91", "name:") + Row(3, "88.1", "鳥の");
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 6; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 3 == 0) bytes.resize(random() % bytes.size());
    const std::string words = WordsOf(bytes);
    EXPECT_LE(words.size(), whole.size());
    EXPECT_THAT(words, Not(HasSubstr(std::string(1, '\0'))));
  }
}

}  // namespace
}  // namespace mixmatch::model
