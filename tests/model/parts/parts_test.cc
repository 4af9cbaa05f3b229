#include "model/parts/parts.h"

#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

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

}  // namespace
}  // namespace mixmatch::model
