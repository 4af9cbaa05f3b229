// What every type of file must keep, from its bytes to its parts, by a real decoding process: a new type is tested by a
// row in file_seeds.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/modality/modality.h"
#include "model/parts/part_list.h"
#include "model/parts/parts.h"
#include "tests/model/media/decode_bytes.h"
#include "tests/model/media/file_seeds.h"

namespace mixmatch::model {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr double kRounding = 0.1;  // Seconds by which the ends of sounds and frames differ from a stated duration.

// All of a part but its features.
std::string Told(const PartDraft& part) {
  return absl::StrCat(part.modality, " ", part.kind, " ", part.start_seconds, "-", part.end_seconds, " s bytes ",
                      part.start_byte, "-", part.end_byte, " characters ", part.start_character, "-", part.end_character,
                      " rows ", part.start_row, "-", part.end_row, " page ", part.page, " box ",
                      part.box.ShortDebugString(), " of ", part.describes, " '", part.title, "' '", part.snippet, "'");
}

// How far places may reach.
struct Bounds {
  explicit Bounds(const DecodedMedia& media) : seconds(media.duration_seconds), bytes(media.text.size()) {
    for (const DecodedSubtitle& cue : media.subtitles) seconds = std::max(seconds, cue.end_seconds);
    for (const DecodedBlock& block : media.blocks) {
      bytes += block.text.size() + 2;
      pages = std::max(pages, static_cast<uint32_t>(block.page));
      rows = std::max<uint64_t>(rows, block.table.columns.empty() ? 0 : block.table.cells.size() / block.table.columns.size());
    }
    if (!media.table.columns.empty()) rows = media.table.cells.size() / media.table.columns.size();
    if (media.modality == v1::MODALITY_SERIES) rows = media.series.seconds.size();
  }
  double seconds;
  uint64_t bytes;
  uint64_t rows = 0;
  uint32_t pages = 0;
};

bool IsShare(float value) { return value >= 0.0f && value <= 1.0f; }

void ExpectInside(const PartDraft& part, const Bounds& bounds) {
  const double row = part.modality == v1::MODALITY_SERIES && part.end_row > part.start_row
                         ? (part.end_seconds - part.start_seconds) / static_cast<double>(part.end_row - part.start_row)
                         : 0.0;  // The last row of a series lasts as long as the others.
  EXPECT_GE(part.start_seconds, 0.0);
  EXPECT_LE(part.start_seconds, part.end_seconds);
  EXPECT_LE(part.end_seconds, bounds.seconds + row + kRounding);
  EXPECT_LE(part.start_byte, part.end_byte);
  EXPECT_LE(part.end_byte, bounds.bytes);
  EXPECT_LE(part.start_character, part.end_character);
  EXPECT_LE(part.end_character, bounds.bytes);
  EXPECT_LE(part.start_row, part.end_row);
  EXPECT_LE(part.end_row, bounds.rows);
  EXPECT_LE(part.page, bounds.pages);
  const v1::Box& box = part.box;
  EXPECT_TRUE(IsShare(box.left()) && IsShare(box.top()) && IsShare(box.right()) && IsShare(box.bottom()));
  EXPECT_LE(box.left(), box.right());
  EXPECT_LE(box.top(), box.bottom());
  EXPECT_LE(part.snippet.size(), kSnippetBytes);
  EXPECT_LE(part.title.size(), kSnippetBytes);
}

// Seconds for what lasts, rows for rows, bytes and characters for texts, and no others.
void ExpectItsKindOfPlace(const PartDraft& part) {
  const bool is_rows = part.modality == v1::MODALITY_SERIES || part.kind == v1::PART_KIND_ROWS;
  const bool is_timed = part.modality == v1::MODALITY_AUDIO || part.modality == v1::MODALITY_VIDEO ||
                        part.modality == v1::MODALITY_SCORE || part.modality == v1::MODALITY_SERIES ||
                        part.kind == v1::PART_KIND_SUBTITLE || part.kind == v1::PART_KIND_CHAPTER;
  const bool is_chunk = part.modality == v1::MODALITY_TEXT && !is_timed && part.kind != v1::PART_KIND_TAGS;
  EXPECT_EQ(part.end_seconds > part.start_seconds, is_timed);
  EXPECT_EQ(part.end_row > part.start_row, is_rows);
  EXPECT_EQ(part.end_byte > part.start_byte, is_chunk);
  EXPECT_EQ(part.end_character > part.start_character, is_chunk);
}

void ExpectInOrder(const PartDraft& before, const PartDraft& part) {
  if (before.modality != part.modality || before.kind != part.kind) return;
  EXPECT_LE(before.page, part.page);
  EXPECT_LE(before.start_seconds, part.start_seconds);
  EXPECT_LE(before.start_byte, part.start_byte);
  EXPECT_LE(before.start_row, part.start_row);
}

void ExpectSound(const DecodedMedia& media, const std::vector<PartDraft>& parts) {
  const Bounds bounds(media);
  for (size_t i = 0; i < parts.size(); ++i) {
    SCOPED_TRACE(Told(parts[i]));
    ExpectInside(parts[i], bounds);
    if (i > 0) ExpectInOrder(parts[i - 1], parts[i]);
    ASSERT_EQ(parts[i].described.features.size(), ModalityTable()[parts[i].slot]->feature_dim());
    EXPECT_TRUE(std::all_of(parts[i].described.features.begin(), parts[i].described.features.end(),
                            [](float value) { return std::isfinite(value); }));
    ASSERT_LT(parts[i].describes, static_cast<int>(parts.size()));
    if (parts[i].describes < 0 || parts[i].kind != v1::PART_KIND_CAPTION) continue;
    EXPECT_THAT(parts[parts[i].describes].kind, AnyOf(v1::PART_KIND_FIGURE, v1::PART_KIND_HEADER));
  }
}

// Whose fault it is, where it is, and nothing of the file itself.
void ExpectClear(const absl::Status& status) {
  EXPECT_THAT(status.code(), AnyOf(absl::StatusCode::kInvalidArgument, absl::StatusCode::kUnimplemented,
                                   absl::StatusCode::kResourceExhausted))
      << status;
  const std::string message(status.message());
  EXPECT_THAT(message, AnyOf(StartsWith("content: "), StartsWith("media_type: ")));
  EXPECT_THAT(message, AnyOf(HasSubstr("; "), HasSubstr(", wanted "))) << "no word of what to do";
  EXPECT_THAT(message, Not(HasSubstr(kSecretWord)));
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; })) << message;
}

class FileContractTest : public testing::TestWithParam<FileSeed> {
 protected:
  FileContractTest() : bytes_(GetParam().make()), decoder_(MediaDecoder::Create(OneDecoder()).value()) {}

  // A decoder that fell, or that had to be ended, did so for one of these bytes.
  void TearDown() override {
    EXPECT_EQ(decoder_->stats().died, 0u);
    EXPECT_EQ(decoder_->stats().killed, 0u);
  }

  absl::StatusOr<DecodedMedia> Decode(const std::string& bytes) {
    return DecodeBytes(decoder_.get(), bytes, GetParam().media_type);
  }

  // Parts within their bounds, or a clear refusal. How many parts of what the whole file is taken for.
  size_t ExpectAnswer(const std::string& bytes) {
    const auto media = Decode(bytes);
    if (!media.ok()) {
      ExpectClear(media.status());
      return 0;
    }
    const auto parts = MakeParts(*media);
    if (!parts.ok()) {
      ExpectClear(parts.status());
      return 0;
    }
    ExpectSound(*media, *parts);
    return media->modality == GetParam().modality ? parts->size() : 0;
  }

  const std::string bytes_;
  const std::unique_ptr<MediaDecoder> decoder_;
};

TEST_P(FileContractTest, AnHonestFileGivesPartsInOrderEachWithItsKindOfPlace) {
  const auto media = Decode(bytes_);
  ASSERT_TRUE(media.ok()) << media.status();
  EXPECT_EQ(media->modality, GetParam().modality);
  EXPECT_FALSE(media->media_type.empty());
  const auto parts = MakeParts(*media);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ExpectSound(*media, *parts);
  for (const PartDraft& part : *parts) {
    SCOPED_TRACE(Told(part));
    ExpectItsKindOfPlace(part);
  }
}

TEST_P(FileContractTest, DecodedAgainByAnotherProcessItGivesTheSameParts) {
  const auto first = Decode(bytes_), again = DecodeBytes(bytes_, OneDecoder(), GetParam().media_type);
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(first->media_type, again->media_type);
  EXPECT_EQ(first->duration_seconds, again->duration_seconds);
  const auto parts = MakeParts(*first), others = MakeParts(*again);
  ASSERT_TRUE(parts.ok() && others.ok()) << parts.status() << others.status();
  ASSERT_EQ(parts->size(), others->size());
  for (size_t i = 0; i < parts->size(); ++i) {
    EXPECT_EQ(Told((*parts)[i]), Told((*others)[i]));
    EXPECT_EQ((*parts)[i].described.features, (*others)[i].described.features);
    EXPECT_EQ((*parts)[i].described.tokens.bytes, (*others)[i].described.tokens.bytes);
  }
}

TEST_P(FileContractTest, TheTypeThatWasFoundAsAHintFindsTheSame) {
  const auto first = Decode(bytes_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = DecodeBytes(decoder_.get(), bytes_, first->media_type);
  ASSERT_TRUE(again.ok()) << first->media_type << ": " << again.status();
  EXPECT_EQ(again->modality, first->modality);
  EXPECT_EQ(again->media_type, first->media_type);
  EXPECT_EQ(again->duration_seconds, first->duration_seconds);
}

TEST_P(FileContractTest, ACutFileIsRefusedOrGivesNoMorePartsThanTheWhole) {
  const size_t whole = ExpectAnswer(bytes_), size = bytes_.size();
  ASSERT_GT(whole, 0u);
  for (const size_t cut : {size_t{1}, size / 4, size / 2, size - size / 4, size - 1}) {
    SCOPED_TRACE(cut);
    EXPECT_LE(ExpectAnswer(bytes_.substr(0, cut)), whole);
  }
}

TEST_P(FileContractTest, AnEmptyFileIsRefused) {
  EXPECT_EQ(Decode("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ExpectAnswer(""), 0u);
}

TEST_P(FileContractTest, GarbageBehindItsFirstBytesIsAnswered) {
  std::mt19937 random(1);
  std::string noise(20'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  for (const size_t kept : {8u, 32u, 128u, 512u}) {
    SCOPED_TRACE(kept);
    for (const std::string& garbage : {noise, std::string(20'000, '\0'), std::string(20'000, '\xff')}) {
      ExpectAnswer(bytes_.substr(0, kept) + garbage);
    }
  }
}

TEST_P(FileContractTest, BeyondALimitItIsRefusedOrGivesFewerParts) {
  const size_t whole = ExpectAnswer(bytes_);
  for (const auto limit : GetParam().limits) {
    MediaDecoderOptions options = OneDecoder();
    limit(options.limits);
    const auto decoder = MediaDecoder::Create(options).value();
    const auto media = DecodeBytes(decoder.get(), bytes_, GetParam().media_type);
    if (media.ok()) {
      const auto parts = MakeParts(*media);
      ASSERT_TRUE(parts.ok()) << parts.status();
      EXPECT_LT(parts->size(), whole);
    } else {
      EXPECT_EQ(media.status().code(), absl::StatusCode::kResourceExhausted) << media.status();
      ExpectClear(media.status());
    }
    EXPECT_EQ(decoder->stats().died + decoder->stats().killed, 0u) << media.status();
  }
}

INSTANTIATE_TEST_SUITE_P(Types, FileContractTest, testing::ValuesIn(FileSeeds()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace mixmatch::model
