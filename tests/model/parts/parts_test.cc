#include "model/parts/parts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/parts/series_parts.h"

namespace mixmatch::model {
namespace {

DecodedFrame Frame(double seconds, uint8_t shade) {
  return {seconds, {16, 16, std::vector<uint8_t>(16 * 16 * 3, shade)}};
}

std::vector<float> Tone(double seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds * 16000));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = 0.3f * std::sin(0.05f * i);
  return samples;
}

TEST(CutTextTest, ChunksCoverEveryWordInOrderAndEndBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "w\xC3\xB6rd" + std::to_string(i) + (i % 20 == 19 ? ".\n\n" : " ");
  const std::vector<TextChunk> chunks = CutText(text);
  ASSERT_GT(chunks.size(), 1);
  std::string joined;
  for (const TextChunk& chunk : chunks) {
    EXPECT_LE(chunk.end - chunk.start, 1500);
    joined += text.substr(chunk.start, chunk.end - chunk.start) + " ";
  }
  for (int i = 0; i < 400; ++i) EXPECT_NE(joined.find("w\xC3\xB6rd" + std::to_string(i)), std::string::npos) << i;
}

TEST(CutTextTest, TextWithoutSpacesIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "\xE6\x97\xA5";
  for (const TextChunk& chunk : CutText(text)) EXPECT_EQ((chunk.end - chunk.start) % 3, 0);
}

// A figure, a text, then another figure; both with words read in them.
DecodedMedia TwoFigures(const std::string& words) {
  DecodedMedia media;
  media.modality = v1::MODALITY_DOCUMENT;
  media.blocks.resize(3);
  for (size_t b : {0, 2}) {
    media.blocks[b].kind = DecodedBlock::Kind::kFigure;
    media.blocks[b].image = Frame(0, 7).image;
    media.blocks[b].image.words = words;
    media.blocks[b].page = static_cast<int>(b) + 1;
  }
  media.blocks[1].text = "Between them.";
  media.blocks[1].page = 2;
  return media;
}

TEST(MakePartsTest, WordsInPicturesComeLastDescribeThemAndAreDescribedAsTexts) {
  const auto parts = MakeParts(TwoFigures("File\nEdit View"));
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 5);
  for (size_t p : {3, 4}) {
    const PartDraft& words = (*parts)[p];
    EXPECT_EQ(words.kind, v1::PART_KIND_WORDS);
    EXPECT_EQ(words.modality, v1::MODALITY_IMAGE);
    EXPECT_EQ(words.slot, SlotOf(Modality::kText));
    EXPECT_EQ(words.snippet, "File\nEdit View");
    EXPECT_EQ(words.describes, p == 3 ? 0 : 2);
    EXPECT_EQ(words.page, p == 3 ? 1u : 3u);
    PartContent text;
    text.text = words.snippet;
    EXPECT_EQ(words.described.features, FindRoom(Modality::kText)->Describe(text)->features);
  }
}

TEST(MakePartsTest, APictureHasOnePartAndOneForEachStretchOfItsWords) {
  DecodedMedia media;
  media.modality = v1::MODALITY_IMAGE;
  media.frames = {Frame(0, 7)};
  EXPECT_EQ(MakeParts(media)->size(), 1);
  for (int i = 0; i < 300; ++i) media.frames[0].image.words += "word" + std::to_string(i) + " ";
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 3);
  EXPECT_EQ((*parts)[0].kind, v1::PART_KIND_UNSPECIFIED);
  EXPECT_EQ((*parts)[2].kind, v1::PART_KIND_WORDS);
}

TEST(MakePartsTest, MoreWordsThanAnItemMayHaveAreLeftOut) {
  DecodedMedia media = TwoFigures("");
  for (int i = 0; i < kMostWords; ++i) media.blocks[0].image.words += std::string(1400, 'a') + " " + std::string(200, 'b') + "\n\n";
  media.blocks[2].image.words = "left out";
  EXPECT_EQ(MakeParts(media)->size(), 3 + kMostWords);
}

TEST(CutShotsTest, AHardCutBeginsAShotAndAFadeDoesNot) {
  std::vector<DecodedFrame> frames;
  for (int i = 0; i < 30; ++i) frames.push_back(Frame(i * 0.1, static_cast<uint8_t>(i < 20 ? 2 * i : 230)));
  EXPECT_THAT(CutShots(frames), testing::ElementsAre(0, 20));
}

TEST(MakePartsTest, ALongSoundIsCutIntoOverlappingWindowsThatReachItsEnd) {
  DecodedMedia media;
  media.modality = v1::MODALITY_AUDIO;
  media.samples = Tone(31.0);
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 4);
  EXPECT_DOUBLE_EQ(parts->at(1).start_seconds, 8.0);
  EXPECT_DOUBLE_EQ(parts->back().end_seconds, 31.0);
}

TEST(MakePartsTest, AVideoGivesShotsThenItsSoundThenItsSubtitles) {
  DecodedMedia media;
  media.modality = v1::MODALITY_VIDEO;
  media.duration_seconds = 1.0;
  for (int i = 0; i < 10; ++i) media.frames.push_back(Frame(i * 0.1, 100));
  media.samples = Tone(1.0);
  media.subtitles.push_back({0.2, 0.8, "hello", ""});
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 3);
  EXPECT_EQ(parts->at(0).modality, v1::MODALITY_VIDEO);
  EXPECT_DOUBLE_EQ(parts->at(0).end_seconds, 1.0);
  EXPECT_EQ(parts->at(1).modality, v1::MODALITY_AUDIO);
  EXPECT_EQ(parts->at(2).modality, v1::MODALITY_TEXT);
  EXPECT_DOUBLE_EQ(parts->at(2).start_seconds, 0.2);
}

TEST(MakePartsTest, WhiteSpaceIsRefused) {
  DecodedMedia media;
  media.modality = v1::MODALITY_TEXT;
  media.text = " \n\t ";
  EXPECT_EQ(MakeParts(media).status().code(), absl::StatusCode::kInvalidArgument);
}

DecodedSeries Series(size_t rows, double step) {
  DecodedSeries series;
  series.channels = {"temperature", "pressure"};
  series.units = {"C", ""};
  for (size_t r = 0; r < rows; ++r) {
    series.seconds.push_back(step * static_cast<double>(r));
    series.values.push_back(static_cast<float>(r % 11));
    series.values.push_back(static_cast<float>(r % 7));
  }
  return series;
}

TEST(TablePartsTest, ATableHasAHeaderAndGroupsThatCoverItsRows) {
  DecodedMedia media;
  media.modality = v1::MODALITY_TABLE;
  media.table.columns = {"bird", "calls"};
  for (int r = 0; r < 45; ++r) {
    media.table.cells.push_back("crow");
    media.table.cells.push_back(std::to_string(r));
  }
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 4);
  EXPECT_EQ((*parts)[0].kind, v1::PART_KIND_HEADER);
  EXPECT_EQ((*parts)[0].snippet, "bird | calls");
  uint64_t next = 0;
  for (size_t p = 1; p < parts->size(); ++p) {
    EXPECT_EQ((*parts)[p].kind, v1::PART_KIND_ROWS);
    EXPECT_EQ((*parts)[p].modality, v1::MODALITY_TABLE);
    EXPECT_EQ((*parts)[p].start_row, next);
    next = (*parts)[p].end_row;
  }
  EXPECT_EQ(next, 45);
  EXPECT_EQ((*parts)[2].snippet, "crow | 20");
}

TEST(TablePartsTest, AMillionRowsAreAtMostFiveHundredAndThirteenParts) {
  DecodedMedia media;
  media.modality = v1::MODALITY_TABLE;
  media.table.columns = {"n"};
  media.table.cells.assign(1'000'000, "7");
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_LE(parts->size(), 513);
  EXPECT_EQ(parts->back().end_row, 1'000'000);
}

TEST(CutSeriesTest, DailyRowsAreWeeksAndHourlyOnesDays) {
  for (const auto& [step, rows] : {std::make_pair(86'400.0, size_t{7}), std::make_pair(3'600.0, size_t{24})}) {
    const std::vector<SeriesWindow> windows = CutSeries(Series(rows * 10, step).seconds);
    ASSERT_EQ(windows.size(), 10);
    for (size_t w = 0; w < windows.size(); ++w) {
      EXPECT_EQ(windows[w].start, w * rows);
      EXPECT_EQ(windows[w].end, (w + 1) * rows);
    }
  }
}

TEST(CutSeriesTest, WindowsCoverEveryRowAndNoGap) {
  DecodedSeries series = Series(2'000, 0.1);
  for (size_t r = 700; r < series.seconds.size(); ++r) series.seconds[r] += 60.0;
  const std::vector<SeriesWindow> windows = CutSeries(series.seconds);
  size_t covered = 0;
  for (const SeriesWindow& window : windows) {
    EXPECT_LE(window.start, covered);
    EXPECT_GT(window.end, covered);
    EXPECT_FALSE(window.start < 700 && window.end > 700) << window.start << " to " << window.end;
    covered = window.end;
  }
  EXPECT_EQ(covered, 2'000);
}

TEST(SeriesPartsTest, AWindowTellsItsRowsItsTimeAndItsChannels) {
  DecodedMedia media;
  media.modality = v1::MODALITY_SERIES;
  media.series = Series(21, 86'400.0);
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 3);
  EXPECT_EQ((*parts)[1].start_row, 7);
  EXPECT_EQ((*parts)[1].end_row, 14);
  EXPECT_EQ((*parts)[1].start_seconds, 7 * 86'400.0);
  EXPECT_EQ((*parts)[1].end_seconds, 14 * 86'400.0);
  EXPECT_EQ((*parts)[1].snippet, "temperature [C], pressure");
}

TEST(TextPartsTest, ChunksOverlapByAboutASentenceAndCountCharacters) {
  DecodedMedia media;
  media.modality = v1::MODALITY_TEXT;
  for (int i = 0; i < 120; ++i) media.text += "Der W\xC3\xB6lf Nummer " + std::to_string(i) + " heult laut. ";
  const auto parts = MakeParts(media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_GT(parts->size(), 1);
  for (size_t p = 0; p < parts->size(); ++p) {
    const PartDraft& part = (*parts)[p];
    const std::string before = media.text.substr(0, part.start_byte);
    EXPECT_EQ(part.start_character, before.size() - std::count(before.begin(), before.end(), '\xC3'));
    EXPECT_EQ(media.text.substr(part.start_byte, 4), "Der ");
    if (p == 0) continue;
    EXPECT_LT(part.start_byte, (*parts)[p - 1].end_byte);
    EXPECT_GT(part.start_byte + 200, (*parts)[p - 1].end_byte);
  }
}

}  // namespace
}  // namespace mixmatch::model
