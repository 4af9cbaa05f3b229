// The parser of written music: what it reads, what it refuses, and bytes made to break it.
#include "model/media/worker/midi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "model/parts/parts.h"
#include "tests/model/media/midi_bytes.h"

namespace mixmatch::model {
namespace {

using testing::HasSubstr;

constexpr int64_t kMostNotes = 100'000;
constexpr double kMostSeconds = 3600.0;

std::string Bytes(const char* bytes, size_t size) { return std::string(bytes, size); }
#define B(literal) Bytes(literal, sizeof(literal) - 1)

absl::StatusCode CodeOf(const std::string& bytes, int64_t max_notes = kMostNotes, double max_seconds = kMostSeconds) {
  return ParseMidi(bytes, max_notes, max_seconds).status().code();
}

TEST(MidiTest, TracksAreMergedUnderTheTempoOfTheFirstAndDrumsAreTold) {
  const std::string tempo = B("\x00\xff\x58\x04\x03\x02\x18\x08"       // 3/4.
                              "\x00\xff\x51\x03\x07\xa1\x20"           // 500,000 us a quarter,
                              "\x81\x40\xff\x51\x03\x0f\x42\x40"       // after two quarters 1,000,000.
                              "\x00\xff\x2f\x00");
  const std::string violin = B("\x00\xc1\x28\x60\x91\x3c\x40\x60\x3c\x00"    // A quarter in, a quarter long;
                               "\x60\x3e\x40\x83\x00\x3e\x00");              // three in, four long.
  const std::string drums = B("\x00\x99\x24\x7f\x30\x89\x24\x00");
  const auto file = ParseMidi(MidiBytes(1, 96, {tempo, violin, drums}), kMostNotes, kMostSeconds);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->score.beats_per_bar, 3.0);
  ASSERT_EQ(file->score.notes.size(), 3u);
  const DecodedNote &drum = file->score.notes[0], &first = file->score.notes[1], &second = file->score.notes[2];
  EXPECT_EQ(drum.program, 128);
  EXPECT_EQ(drum.pitch, 0x24);
  EXPECT_FLOAT_EQ(drum.beats, 0.5f);
  EXPECT_EQ(first.program, 0x28);
  EXPECT_DOUBLE_EQ(first.beat, 1.0);
  EXPECT_DOUBLE_EQ(first.seconds, 0.5);
  EXPECT_DOUBLE_EQ(second.beat, 3.0);
  EXPECT_DOUBLE_EQ(second.seconds, 2.0);
  EXPECT_FLOAT_EQ(second.beats, 4.0f);
  EXPECT_DOUBLE_EQ(file->seconds, 6.0);
}

TEST(MidiTest, ANoteThatIsStruckAgainOrNeverReleasedEnds) {
  const auto file = ParseMidi(MidiBytes(0, 96, {B("\x00\x90\x3c\x40\x60\x3c\x40\x60\xff\x2f\x00")}), kMostNotes, kMostSeconds);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->score.notes.size(), 2u);
  EXPECT_FLOAT_EQ(file->score.notes[0].beats, 1.0f);
  EXPECT_FLOAT_EQ(file->score.notes[1].beats, 1.0f);
}

TEST(MidiTest, SmpteDivisionsCountFramesAndNotTempo) {
  const std::string events = B("\x00\xff\x51\x03\x0f\x42\x40\x87\x68\x90\x3c\x40\x28\x3c\x00");  // 1,000 ticks in.
  const auto file = ParseMidi(MidiBytes(0, 0xe728, {events}), kMostNotes, kMostSeconds);  // 25 frames of 40 ticks.
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_NEAR(file->score.notes[0].seconds, 1.0, 1e-9);
  EXPECT_NEAR(file->score.notes[0].beat, 2.0, 1e-9);
}

TEST(MidiTest, WhatIsCutEmptyOrOfPatternsIsRefusedWithAReason) {
  const std::string whole = MakeMidi(1);
  for (size_t size : {4u, 13u, 20u, 100u}) {
    EXPECT_THAT(std::string(ParseMidi(whole.substr(0, size), kMostNotes, kMostSeconds).status().message()), HasSubstr("cut"));
  }
  EXPECT_THAT(std::string(ParseMidi(MakeMidi(1, 0), kMostNotes, kMostSeconds).status().message()), HasSubstr("without a note"));
  EXPECT_EQ(CodeOf(MidiBytes(2, 96, {B("\x00\x90\x3c\x40")})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(MidiBytes(0, 0, {B("\x00\x90\x3c\x40")})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(MidiBytes(0, 96, {B("\x00\x3c\x40")})), absl::StatusCode::kInvalidArgument) << "no status to run on";
  EXPECT_EQ(CodeOf(MidiBytes(0, 96, {B("\xff\xff\xff\xff\x90\x3c\x40")})), absl::StatusCode::kInvalidArgument);
}

TEST(MidiTest, WhatIsBeyondALimitIsResourceExhausted) {
  EXPECT_EQ(CodeOf(MakeMidi(1, 64), 10), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(MakeMidi(1, 64), kMostNotes, 10.0), absl::StatusCode::kResourceExhausted);
  const std::string endless = B("\x00\x90\x3c\x40\xff\xff\xff\x7f\x3c\x00");
  EXPECT_EQ(CodeOf(MidiBytes(0, 1, {endless}), kMostNotes, 1e12), absl::StatusCode::kResourceExhausted);
  std::string nothing;
  for (int i = 0; i < 500; ++i) nothing += B("\x00\xc0\x01");
  EXPECT_EQ(CodeOf(MidiBytes(0, 96, {nothing}), 10), absl::StatusCode::kResourceExhausted);
}

TEST(MidiTest, MutatedFilesAreAnsweredAndWhatTheyHoldCanBeCut) {
  std::mt19937 random(1);
  int parsed = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string bytes = MakeMidi(1 + i % 3, 20);
    for (int change = random() % 5; change >= 0; --change) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 20)); break;
        default: bytes.erase(at, 1 + random() % 5);
      }
    }
    const auto file = ParseMidi(bytes, 1'000, kMostSeconds);
    if (!file.ok()) continue;
    ++parsed;
    DecodedMedia media;
    media.modality = v1::MODALITY_SCORE;
    media.duration_seconds = file->seconds;
    media.score = file->score;
    const auto parts = MakeParts(media);
    ASSERT_TRUE(parts.ok()) << parts.status();
    for (const PartDraft& part : *parts) {
      ASSERT_LE(part.start_seconds, part.end_seconds);
      ASSERT_LE(part.end_seconds, file->seconds);
    }
  }
  EXPECT_GT(parsed, 100);
}

}  // namespace
}  // namespace mixmatch::model
