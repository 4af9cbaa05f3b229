#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/model/media/decode_bytes.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;
using ::testing::ElementsAre;

// A picture of moving bars as a data: URI.
const std::string& PictureUri() {
  static const std::string uri =
      absl::StrCat("data:image/png;base64,",
                   absl::Base64Escape(MadeByFfmpeg("bars.png", "-f lavfi -i testsrc=s=120x80 -frames:v 1")));
  return uri;
}

std::string Page(const std::string& body) {
  return absl::StrCat("<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head><body>", body,
                      "</body></html>");
}

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HtmlTest, TextsAndHeadingsComeInTheOrderOfReading) {
  const auto media =
      DecodeBytes(Page("<h1>Birds</h1><p>The <b>crow</b>\n calls.</p><script>alert(1)</script>"
                       "<ul><li>one</li><li>two</li></ul><nav>menu</nav>after"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, v1::MODALITY_DOCUMENT);
  EXPECT_EQ(media->media_type, "text/html");
  std::vector<std::string> texts;
  for (const DecodedBlock& block : media->blocks) texts.push_back(block.text);
  EXPECT_THAT(texts, ElementsAre("Birds", "The crow calls.", "one", "two", "after"));
  EXPECT_EQ(media->blocks[0].kind, Kind::kHeading);
}

TEST(HtmlTest, ACaptionDescribesItsFigureWhetherItComesBeforeOrAfter) {
  const std::string image = absl::StrCat("<img src='", PictureUri(), "'>");
  const auto after = DecodeBytes(Page("<figure>" + image + "<figcaption>bars</figcaption></figure>"));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(KindsOf(*after), ElementsAre(Kind::kFigure, Kind::kCaption));
  EXPECT_EQ(after->blocks[1].describes, 0);
  const auto before =
      DecodeBytes(Page("<div class='figure'><p class='title'>Figure 1. bars</p><div class='mediaobject'>" + image +
                       "</div></div><p>text</p>"));
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_THAT(KindsOf(*before), ElementsAre(Kind::kCaption, Kind::kFigure, Kind::kText));
  EXPECT_EQ(before->blocks[0].describes, 1);
  EXPECT_EQ(before->blocks[1].image.width, 120);
}

TEST(HtmlTest, AnAlternativeTextOfSeveralWordsIsACaptionWhereThereIsNoOther) {
  const auto media = DecodeBytes(Page(absl::StrCat("<p>a</p><img alt='colour bars' src='", PictureUri(),
                                                   "'><img alt='bars' src='", PictureUri(), "'>")));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(KindsOf(*media), ElementsAre(Kind::kText, Kind::kFigure, Kind::kCaption, Kind::kFigure));
  EXPECT_EQ(media->blocks[2].text, "colour bars");
  EXPECT_EQ(media->blocks[2].describes, 1);
}

TEST(HtmlTest, NothingIsFetched) {
  const auto media =
      DecodeBytes(Page("<p>words</p><img src='http://127.0.0.1:9/a.png'><img src='file:///etc/passwd'>"
                       "<img src='../x.png'>"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_THAT(KindsOf(*media), ElementsAre(Kind::kText));
}

TEST(HtmlTest, ATableOfDataKeepsItsCellsAndOneForLayoutIsText) {
  const auto data =
      DecodeBytes(Page("<table><caption>Counts</caption><tr><th>bird</th><th>calls</th></tr><tr><td>crow</td>"
                       "<td>4</td></tr><tr><td>wren</td><td>7</td></tr></table>"));
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(KindsOf(*data), ElementsAre(Kind::kCaption, Kind::kTable));
  EXPECT_EQ(data->blocks[0].describes, 1);
  EXPECT_THAT(data->blocks[1].table.columns, ElementsAre("bird", "calls"));
  EXPECT_THAT(data->blocks[1].table.cells, ElementsAre("crow", "4", "wren", "7"));
  const auto layout =
      DecodeBytes(Page("<table><tr><td colspan=2>Note</td></tr><tr><td>a</td><td>see there</td></tr></table>"));
  ASSERT_TRUE(layout.ok()) << layout.status();
  EXPECT_THAT(KindsOf(*layout), ElementsAre(Kind::kText, Kind::kText, Kind::kText));
}

TEST(HtmlTest, ElementsNestedTooDeepAreRefused) {
  for (const std::string& deep : {Repeated("<div>", 200'000), Repeated("<div><b>", 5'000)}) {
    EXPECT_EQ(DecodeBytes(Page(deep + "x")).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(HtmlTest, BeyondALimitADocumentIsRefused) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_blocks = 10;
  EXPECT_EQ(DecodeBytes(Page(Repeated("<p>words</p>", 11)), options).status().code(),
            absl::StatusCode::kResourceExhausted);
  options.limits.max_document_pictures = 1;
  const std::string image = absl::StrCat("<img src='", PictureUri(), "'>");
  EXPECT_TRUE(DecodeBytes(Page(image), options).ok());
  EXPECT_EQ(DecodeBytes(Page(image + image), options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(HtmlTest, ADocumentWithoutContentIsRefused) {
  EXPECT_EQ(DecodeBytes(Page("<p> </p>")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HtmlTest, BytesOfNoUtf8AreReadAsWindows1252) {
  const auto media = DecodeBytes(Page("<p>caf\xe9</p>"));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->blocks[0].text, "café");
}

}  // namespace
}  // namespace mixmatch::model
