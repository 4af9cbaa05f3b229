#include "client/cli/format.h"

#include <sstream>

#include "gtest/gtest.h"

namespace mixmatch::client {
namespace {

TEST(FormatTest, WhatSteersATerminalIsReplacedAndLettersOfAllScriptsStay) {
  EXPECT_EQ(Printable("a\033[31mb\nc"), "a?[31mb?c");
  EXPECT_EQ(Printable("\xC2\x9B"), "?");  // C1: one-character CSI.
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "b"),
            "a?b");  // Right-to-left override.
  EXPECT_EQ(Printable("\xFF"
                      "a\xC3"),
            "?a?");
  EXPECT_EQ(Printable("crow ворона カラス"), "crow ворона カラス");
}

TEST(FormatTest, APartSaysWhereItIsAndWhatItIsToItsItem) {
  v1::Part figure;
  figure.set_modality(v1::MODALITY_IMAGE);
  figure.set_page(12);
  figure.set_kind(v1::PART_KIND_FIGURE);
  EXPECT_EQ(PartText(figure), "page 12, figure");
  v1::Part rows;
  rows.set_modality(v1::MODALITY_TABLE);
  rows.set_kind(v1::PART_KIND_ROWS);
  rows.set_end_row(50);
  rows.set_snippet("crow | 4");
  EXPECT_EQ(PartText(rows), "rows 1-50: crow | 4");
  v1::Part text;
  text.set_modality(v1::MODALITY_TEXT);
  text.set_snippet("The crow calls.");
  EXPECT_EQ(PartText(text), "The crow calls.");
  text.set_page(3);
  text.set_kind(v1::PART_KIND_CAPTION);
  EXPECT_EQ(PartText(text), "page 3, caption: The crow calls.");
  v1::Part words;
  words.set_modality(v1::MODALITY_IMAGE);
  words.set_kind(v1::PART_KIND_WORDS);
  words.set_snippet("File Edit\nView");
  EXPECT_EQ(PartText(words), "words: File Edit View");
  v1::Part shot;
  shot.set_modality(v1::MODALITY_VIDEO);
  shot.set_start_seconds(3.5);
  shot.set_end_seconds(7);
  EXPECT_EQ(PartText(shot), "0:03.5-0:07.0");
  EXPECT_EQ(PartText(v1::Part()), "");
}

TEST(FormatTest, EntitiesReplaceWhatHtmlReads) {
  EXPECT_EQ(HtmlEscape("<a href=\"x\" b='y'>&"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
  EXPECT_EQ(HtmlEscape(std::string("\0", 1)), "&#xFFFD;");
}

TEST(FormatTest, JsonStringsAreQuotedAndValid) {
  EXPECT_EQ(JsonString("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
  EXPECT_EQ(JsonString("\xFF"), "\"\\ufffd\"");
}

TEST(FormatTest, ColumnsAlignByLettersNotBytes) {
  Table table({"name", "n"});
  table.Add({"éé", "1"});
  table.Add({"longer", "2"});
  std::ostringstream out;
  table.Print(out, false);
  EXPECT_EQ(out.str(), "name    n\néé      1\nlonger  2\n");
}

TEST(FormatTest, NoEscapeSequenceWithoutColorAndOneWithIt) {
  Table table({"name"});
  std::ostringstream plain, colored;
  table.Print(plain, false);
  table.Print(colored, true);
  EXPECT_EQ(plain.str().find('\033'), std::string::npos);
  EXPECT_NE(colored.str().find('\033'), std::string::npos);
}

TEST(FormatTest, ModalitiesReadBackAsWritten) {
  for (const v1::Modality modality :
       {v1::MODALITY_UNSPECIFIED, v1::MODALITY_TEXT, v1::MODALITY_IMAGE, v1::MODALITY_VIDEO}) {
    v1::Modality read = v1::MODALITY_SERIES;
    EXPECT_TRUE(ParseModality(ModalityName(modality), read));
    EXPECT_EQ(read, modality);
  }
  v1::Modality read;
  EXPECT_FALSE(ParseModality("smell", read));
}

}  // namespace
}  // namespace mixmatch::client
