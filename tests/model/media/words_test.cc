// Words in pictures, by the real tools: from a file's bytes to what is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "model/media/media_collector.h"
#include "model/media/worker/scan.h"
#include "tests/model/media/decode_bytes.h"
#include "tests/model/media/pdf_bytes.h"

namespace mixmatch::model {
namespace {

using Kind = DecodedBlock::Kind;
using ::testing::HasSubstr;

constexpr char kWords[] = "Herring are salted in oak barrels";

// A PNG of black words on white.
std::string Written(const std::string& words, int size = 18, const std::string& sides = "480x120") {
  return MadeByFfmpeg("words.png", absl::StrCat("-threads 1 -f lavfi -i color=white:s=", sides,
                                                " -frames:v 1 -vf drawtext=text='", words, "':fontsize=", size,
                                                ":x=10:y=40"));
}

std::string Photo() { return MadeByFfmpeg("photo.png", "-threads 1 -f lavfi -i gradients=s=480x320:seed=3 -frames:v 1"); }

// As an upload is decoded.
absl::StatusOr<DecodedMedia> Read(const std::string& bytes, const MediaDecoderOptions& options = OneDecoder()) {
  auto decoder = MediaDecoder::Create(options);
  if (!decoder.ok()) return decoder.status();
  MediaCollector nothing(1, 1.0);
  const int fd = FileOf(bytes);
  absl::StatusOr<DecodedMedia> media = (*decoder)->DecodeTo(fd, "", nothing);
  close(fd);
  return media;
}

std::string WordsIn(const std::string& bytes, const MediaDecoderOptions& options = OneDecoder()) {
  const auto media = Read(bytes, options);
  EXPECT_TRUE(media.ok()) << media.status();
  return media.ok() && media->frames.size() == 1 ? media->frames[0].image.words : "no picture";
}

std::string PageWith(const std::string& picture) {
  return absl::StrCat("<html><body><p>Text.</p><figure><img src='data:image/png;base64,", absl::Base64Escape(picture),
                      "'/><figcaption>A caption</figcaption></figure></body></html>");
}

TEST(WordsTest, WordsInAPictureAreRead) { EXPECT_EQ(WordsIn(Written(kWords)), kWords); }

TEST(WordsTest, LargeWordsAreReadToo) { EXPECT_EQ(WordsIn(Written("Herring salted", 56)), "Herring salted"); }

TEST(WordsTest, WordsDrawnByAnSvgAreRead) {
  EXPECT_EQ(WordsIn(absl::StrCat("<svg xmlns='http://www.w3.org/2000/svg' width='480' height='120'><text x='10' y='60' "
                                 "font-size='18'>",
                                 kWords, "</text></svg>")),
            kWords);
}

TEST(WordsTest, APictureWithoutWordsHasNone) { EXPECT_EQ(WordsIn(Photo()), ""); }

TEST(WordsTest, WordsInAFigureOfADocumentAreItsOwn) {
  const auto media = Read(PageWith(Written(kWords)));
  ASSERT_TRUE(media.ok()) << media.status();
  const auto figure = std::find_if(media->blocks.begin(), media->blocks.end(),
                                   [](const DecodedBlock& block) { return block.kind == Kind::kFigure; });
  ASSERT_NE(figure, media->blocks.end());
  EXPECT_EQ(figure->image.words, kWords);
  EXPECT_EQ(figure->image.scan.width, 0);
}

TEST(WordsTest, APageOfAPdfWithoutATextIsRead) {
  const std::string jpeg = MadeByFfmpeg(
      "scan.jpg", absl::StrCat("-threads 1 -f lavfi -i color=white:s=600x848 -frames:v 1 -vf drawtext=text='", kWords,
                               "':fontsize=24:x=60:y=80"));
  const auto media = Read(ScannedPdfBytes(jpeg, 600, 848));
  ASSERT_TRUE(media.ok()) << media.status();
  ASSERT_THAT(KindsOf(*media), testing::ElementsAre(Kind::kPage));
  EXPECT_THAT(media->blocks[0].image.words, HasSubstr("salted in oak"));
}

TEST(WordsTest, AQueryIsNotRead) {
  const auto media = DecodeBytes(Written(kWords));
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->frames[0].image.words, "");
  EXPECT_EQ(media->frames[0].image.scan.width, 0);
}

TEST(WordsTest, TheFlagSaysInWhichPicturesWordsAreRead) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.read_words = ReadWords::kFigures;
  EXPECT_EQ(WordsIn(Written(kWords), options), "");
  const auto media = Read(PageWith(Written(kWords)), options);
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_TRUE(std::any_of(media->blocks.begin(), media->blocks.end(),
                          [](const DecodedBlock& block) { return block.image.words == kWords; }));
  options.limits.read_words = ReadWords::kOff;
  EXPECT_EQ(WordsIn(Written(kWords), options), "");
  EXPECT_EQ((*MediaDecoder::Create(options))->reader_languages(), "");
}

TEST(WordsTest, WithoutTheProgramPicturesAreDecodedWithoutWords) {
  MediaDecoderOptions options = OneDecoder();
  options.reader_path = "/usr/bin/no-such-program";
  EXPECT_EQ(WordsIn(Written(kWords), options), "");
  EXPECT_EQ((*MediaDecoder::Create(options))->reader_languages(), "");
}

TEST(WordsTest, AReaderThatFailsLeavesThePictureWithoutWords) {
  const std::string picture = Written(kWords);
  MediaDecoderOptions options = OneDecoder();
  options.reader_languages = "no_such_language";
  EXPECT_EQ(WordsIn(picture, options), "");
  options = OneDecoder();
  options.limits.max_reader_bytes = 16 << 20;
  EXPECT_EQ(WordsIn(picture, options), "");
  options = OneDecoder();
  options.reader_path = "/usr/bin/yes";  // Writes without end.
  EXPECT_EQ(WordsIn(picture, options), "");
}

TEST(WordsTest, WhatTakesTooLongIsLeftWithoutWords) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_reading_seconds = 0.001;
  EXPECT_EQ(WordsIn(Written(kWords), options), "");
}

TEST(WordsTest, ScansBeyondTheLimitAreLeftOut) {
  MediaDecoderOptions options = OneDecoder();
  options.limits.max_scan_bytes = 4 << 20;
  std::string page = "<html><body>";
  const std::string picture = Written(kWords, 18, "1000x500");
  for (int i = 0; i < 4; ++i) {  // Of 2000 x 1000 bytes each: two fit.
    absl::StrAppend(&page, "<p>Text.</p><img src='data:image/png;base64,", absl::Base64Escape(picture), "'/>");
  }
  const auto media = Read(page + "</body></html>", options);
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(std::count_if(media->blocks.begin(), media->blocks.end(),
                          [](const DecodedBlock& block) { return block.image.words == kWords; }),
            2);
}

// 16 x 16 squares like a chess board, or noise.
std::string Pattern(int side, bool noise) {
  std::string rgb;
  uint32_t state = 1;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      state = state * 1664525 + 1013904223;
      rgb.append(3, noise ? static_cast<char>(state >> 24) : (x / 16 + y / 16) % 2 == 0 ? '\xff' : '\0');
    }
  }
  return rgb;
}

TEST(ScanTest, PatternsNoiseAndSpecksDoNotLookLikeWords) {
  EXPECT_EQ(ScanOf({256, 256, Pattern(256, true)}, 2000).width, 0);
  EXPECT_EQ(ScanOf({256, 256, Pattern(256, false)}, 2000).width, 0);
  EXPECT_EQ(ScanOf({4, 4, Pattern(4, true)}, 2000).width, 0);
  EXPECT_EQ(ScanOf({300, 1, std::string(900, 'x')}, 2000).width, 0);
}

TEST(ScanTest, SmallPicturesAreDoubledAndLargeOnesAreNot) {
  // Stripes of two pixels in four, as close as letters.
  std::string rgb;
  for (int i = 0; i < 200 * 64; ++i) rgb.append(3, i % 200 / 2 % 3 == 0 ? '\0' : '\xff');
  const Pixels stripes = {200, 64, rgb};
  const DecodedScan doubled = ScanOf(stripes, 400);
  EXPECT_EQ(doubled.width, 400);
  EXPECT_EQ(doubled.height, 128);
  EXPECT_EQ(doubled.gray.size(), 400u * 128);
  EXPECT_EQ(static_cast<uint8_t>(doubled.gray[4]), 191);  // A quarter of black and three of white.
  EXPECT_EQ(ScanOf(stripes, 399).width, 200);
  EXPECT_EQ(ScanOf(stripes, 199).width, 0);
}

}  // namespace
}  // namespace mixmatch::model
