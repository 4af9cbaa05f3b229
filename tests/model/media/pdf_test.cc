#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
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
