#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/model/media/decode_bytes.h"
#include "tests/model/media/pdf_bytes.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PdfTest, PagesGiveTheirLookTheirWordsAndCaptionedFigures) {
  const auto media =
      DecodeBytes(PdfBytes({{"Figure 1: a red square", {"The first line of the page", "and the second line of it"}},
                            {"", {"Only words are on this page", "in two lines"}}}));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->media_type, "application/pdf");
  EXPECT_THAT(KindsOf(*media),
              ElementsAre(Kind::kPage, Kind::kFigure, Kind::kCaption, Kind::kText, Kind::kPage, Kind::kText));
  const DecodedBlock& figure = media->blocks[1];
  EXPECT_EQ(media->blocks[2].describes, 1);
  EXPECT_EQ(media->blocks[2].text, "Figure 1: a red square");
  EXPECT_EQ(figure.page, 1);
  EXPECT_EQ(media->blocks[5].page, 2);
  // The square is 300 points wide and high, at (100, 450) of 595 x 842 from below.
  EXPECT_NEAR(figure.left, 100.0 / 595, 0.01);
  EXPECT_NEAR(figure.right, 400.0 / 595, 0.01);
  EXPECT_NEAR(figure.top, (842.0 - 750.0) / 842, 0.01);
  EXPECT_NEAR(figure.bottom, (842.0 - 450.0) / 842, 0.01);
  const size_t middle = 3 * (figure.image.height / 2 * figure.image.width + figure.image.width / 2);
  EXPECT_GT(figure.image.rgb[middle], 200);
  EXPECT_LT(figure.image.rgb[middle + 1], 60);
}

TEST(PdfTest, PagesOfManyBatchesAreNumberedOn) {
  std::vector<PdfPage> pages;
  for (int i = 1; i <= 20; ++i) pages.push_back({absl::StrCat("Figure ", i, ": square"), {"words of the page"}});
  const auto media = DecodeBytes(PdfBytes(pages));
  ASSERT_TRUE(media.ok()) << media.status();
  int captions = 0;
  for (const DecodedBlock& block : media->blocks) {
    if (block.kind != Kind::kCaption) continue;
    EXPECT_EQ(block.text, absl::StrCat("Figure ", ++captions, ": square"));
    EXPECT_EQ(block.page, captions);
    ASSERT_GE(block.describes, 0);
    EXPECT_EQ(media->blocks[block.describes].page, captions);
  }
  EXPECT_EQ(captions, 20);
}

const std::vector<std::vector<std::string>> kBirds = {{"Bird", "Nests", "Mass in grams"},
                                                      {"Grey heron", "4", "1500.5"},
                                                      {"Wren", "17", "9"},
                                                      {"Red kite", "2", "1100"},
                                                      {"Crow", "30", "510"}};

// "caption Table 1 > [Bird]", "table [Bird] [Nests] Wren 17", "text", "page"...: a caption, and what it describes.
std::vector<std::string> Told(const DecodedMedia& media) {
  static constexpr const char* kNames[] = {"", "text", "heading", "caption", "figure", "page", "table", "cover"};
  std::vector<std::string> told;
  for (const DecodedBlock& block : media.blocks) {
    std::string words = kNames[static_cast<int>(block.kind)];
    if (block.kind == Kind::kCaption) absl::StrAppend(&words, " ", block.text, " > ");
    if (block.describes >= 0 && media.blocks[block.describes].kind == Kind::kTable) {
      absl::StrAppend(&words, "[", media.blocks[block.describes].table.columns[0], "]");
    }
    for (const std::string& column : block.table.columns) absl::StrAppend(&words, " [", column, "]");
    for (const std::string& cell : block.table.cells) absl::StrAppend(&words, " ", cell.empty() ? "-" : cell);
    told.push_back(words);
  }
  return told;
}

// Of a page with a caption at `caption_y`, these words and some lines of prose at the bottom.
std::vector<std::string> TablesOf(std::vector<PdfWord> words, double caption_y) {
  words.push_back({72, caption_y, "Table 1: birds of the weir"});
  PdfPage page;
  for (int i = 0; i < 4; ++i) page.lines.push_back("The heron waits below the weir while a bell rings over the market.");
  page.words = std::move(words);
  const auto media = DecodeBytes(PdfBytes({page}));
  EXPECT_TRUE(media.ok()) << media.status();
  std::vector<std::string> told;
  for (const std::string& one : Told(*media)) {
    if (one[0] == 't' && one[1] == 'a') told.push_back(one);
    if (one[0] == 'c') told.push_back(one);
  }
  return told;
}

constexpr char kBirdTable[] =
    "table [Bird] [Nests] [Mass in grams] Grey heron 4 1500.5 Wren 17 9 Red kite 2 1100 Crow 30 510";
constexpr char kBirdCaption[] = "caption Table 1: birds of the weir > [Bird]";

TEST(PdfTableTest, ATableBelowItsCaptionOrAboveItGivesHeaderAndRows) {
  EXPECT_THAT(TablesOf(PdfTable(72, 700, 110, kBirds), 722), ElementsAre(kBirdTable, kBirdCaption));
  EXPECT_THAT(TablesOf(PdfTable(72, 700, 110, kBirds), 622), ElementsAre(kBirdTable, kBirdCaption));
}

TEST(PdfTableTest, ATableIsWhereItIsOnItsPage) {
  PdfPage page;
  page.words = PdfTable(100, 700, 110, kBirds);
  page.words.push_back({100, 722, "Table 1: birds"});
  const auto media = DecodeBytes(PdfBytes({{"", {"The first page."}}, page}));
  ASSERT_TRUE(media.ok()) << media.status();
  const auto table = std::find_if(media->blocks.begin(), media->blocks.end(),
                                  [](const DecodedBlock& block) { return block.kind == Kind::kTable; });
  ASSERT_NE(table, media->blocks.end());
  EXPECT_EQ(table->page, 2);
  EXPECT_NEAR(table->left, 100.0 / 595, 0.01);
  EXPECT_NEAR(table->top, (842.0 - 710.0) / 842, 0.01);
  EXPECT_NEAR(table->bottom, (842.0 - 700.0 + 4 * 14 + 3) / 842, 0.01);
}

TEST(PdfTableTest, WordsOfACellStayTogetherEmptyCellsStayEmptyAndLongCellsGoOn) {
  auto rows = kBirds;
  rows[2][1] = "";
  std::vector<PdfWord> words = PdfTable(72, 700, 110, rows);
  words.push_back({72 + 220, 700 - 4 * 14 - 11, "in summer alone"});
  EXPECT_THAT(TablesOf(words, 722),
              ElementsAre("table [Bird] [Nests] [Mass in grams] Grey heron 4 1500.5 Wren - 9 Red kite 2 1100 "
                          "Crow 30 510 in summer alone",
                          kBirdCaption));
}

TEST(PdfTableTest, ANoteUnderTheRowsIsNoneOfThem) {
  std::vector<PdfWord> words =
      PdfTable(72, 700, 60, {{"Size", "16", "64", "256", "1024"}, {"slow", "1", "2", "3", "4"}, {"fast", "5", "6", "7", "8"}});
  words.push_back({72, 655, "Nests a year in all."});
  words.push_back({200, 655, "Herons by the weir and the old mill."});
  EXPECT_THAT(TablesOf(words, 722), ElementsAre("table [1] [2] [3] [4] [5] Size 16 64 256 1024 slow 1 2 3 4 fast 5 6 7 8",
                                                "caption Table 1: birds of the weir > [1]"));
}

TEST(PdfTableTest, TwoCaptionsHaveATableEach) {
  std::vector<PdfWord> words = PdfTable(72, 700, 110, kBirds);
  const std::vector<PdfWord> second =
      PdfTable(72, 560, 150, {{"Month", "Rain"}, {"May", "60"}, {"June", "75"}, {"July", "81"}});
  words.insert(words.end(), second.begin(), second.end());
  words.push_back({72, 582, "Table 2: rain"});
  EXPECT_THAT(TablesOf(words, 722),
              ElementsAre(kBirdTable, kBirdCaption, "table [Month] [Rain] May 60 June 75 July 81",
                          "caption Table 2: rain > [Month]"));
}

TEST(PdfTableTest, ProseUnderACaptionIsNoTableAlsoInTwoColumns) {
  EXPECT_THAT(TablesOf({}, 400), ElementsAre()) << "prose alone";
  std::vector<PdfWord> words;
  for (int i = 0; i < 12; ++i) {
    for (const double x : {72.0, 320.0}) words.push_back({x, 700.0 - 12 * i, "Line of a column of text about herons, weirs"});
  }
  EXPECT_THAT(TablesOf(words, 722), ElementsAre());
}

TEST(PdfTest, DamagedFilesAreTheClientsError) {
  const std::string bytes = PdfBytes({{"", {"words"}}});
  EXPECT_EQ(DecodeBytes(bytes.substr(0, 200)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeBytes("%PDF-1.4\nnothing").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PdfTest, TooManyPagesAreRefused) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_pages = 2;
  const auto media = DecodeBytes(PdfBytes({{"", {"a"}}, {"", {"b"}}, {"", {"c"}}}), options);
  EXPECT_EQ(media.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(media.status().message(), HasSubstr("--max-pages"));
}

TEST(PdfTest, ToolsThatTakeTooLongAreEnded) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_wall_seconds = 0.0;
  EXPECT_EQ(DecodeBytes(PdfBytes({{"", {"a"}}}), options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(PdfTest, ATextThatSpeaksOfPdfIsAText) {
  const auto media = DecodeBytes("A PDF begins with %PDF-1.4 and goes on.");
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_TEXT);
}

}  // namespace
}  // namespace mixmatch::model
