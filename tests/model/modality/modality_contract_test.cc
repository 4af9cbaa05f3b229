// What every room of the table must keep, walked over the table: a new modality is tested by a line in Samples().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/media/rows.h"
#include "model/modality/feature_math.h"
#include "model/modality/modality.h"

namespace mixmatch::model {
namespace {

// Contents of one modality, kept alive beside their views.
struct Samples {
  std::vector<std::string> texts;
  std::vector<std::vector<uint8_t>> pictures;
  std::vector<std::vector<float>> sounds;
  std::vector<std::vector<TimedFrame>> shots;
  std::vector<std::vector<std::string>> cells;
  std::vector<DecodedSeries> series;
  std::vector<std::vector<ScoreNote>> scores;
  std::vector<PartContent> parts;
};

constexpr int kSide = 48;

// Each another one: so many that the order in which they are summed could show.
std::string ManyWords(int count) {
  std::string words;
  for (int i = 0; i < count; ++i) absl::StrAppend(&words, i > 0 ? " " : "", "w", i * i * 31);
  return words;
}

std::unique_ptr<Samples> MakeSamples(Modality modality) {
  auto samples = std::make_unique<Samples>();
  SplitMix random(11);
  const auto picture = [&] {
    std::vector<uint8_t> rgb(kSide * kSide * 3);
    const float a = random.Uniform() * 6, b = random.Uniform() * 6, c = random.Uniform() * 255;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        uint8_t* p = &rgb[(y * kSide + x) * 3];
        p[0] = static_cast<uint8_t>(127 + 120 * std::sin(a * x / 10 + b));
        p[1] = static_cast<uint8_t>(127 + 120 * std::cos(b * y / 10));
        p[2] = static_cast<uint8_t>(c);
      }
    }
    return rgb;
  };
  switch (modality) {
    case Modality::kText:
      samples->texts = {"A crow.", "Un cuervo", "Гарван", "カラス", "...", std::string("\xff\xfe\x80 bad bytes \xc3", 16),
                        std::string(5000, 'x'), "a", "👍", std::string("nul\0inside", 10), ManyWords(300)};
      for (const std::string& text : samples->texts) {
        samples->parts.emplace_back();
        samples->parts.back().text = text;
      }
      break;
    case Modality::kImage:
      for (int i = 0; i < 4; ++i) samples->pictures.push_back(picture());
      samples->pictures.push_back(std::vector<uint8_t>(kSide * kSide * 3, 255));  // Blank.
      samples->pictures.push_back({7, 8, 9});                                     // One pixel.
      for (const auto& rgb : samples->pictures) {
        const int side = rgb.size() == 3 ? 1 : kSide;
        samples->parts.emplace_back();
        samples->parts.back().image = {side, side, rgb};
      }
      break;
    case Modality::kAudio:
      for (int i = 0; i < 3; ++i) {
        std::vector<float> pcm(16000);
        const float hertz = 200 + 900 * random.Uniform();
        for (int t = 0; t < 16000; ++t) pcm[t] = 0.3f * std::sin(6.2831853f * hertz * t / 16000 * (1 + 0.2f * t / 16000));
        samples->sounds.push_back(pcm);
      }
      samples->sounds.push_back(std::vector<float>(8000, 0.0f));                     // Silence.
      samples->sounds.push_back({0.5f});                                            // One sample.
      samples->sounds.push_back(std::vector<float>(4000, std::nanf("")));           // Not numbers.
      samples->sounds.push_back(std::vector<float>(4000, 1e30f));                   // Far too loud.
      samples->sounds.push_back(std::vector<float>(16000 * 20, 0.1f));              // Long and constant.
      for (const auto& pcm : samples->sounds) {
        samples->parts.emplace_back();
        samples->parts.back().pcm = pcm;
      }
      break;
    case Modality::kVideo:
      for (int i = 0; i < 12; ++i) samples->pictures.push_back(picture());
      samples->pictures.push_back({7, 8, 9});
      for (int shot = 0; shot < 4; ++shot) {
        std::vector<TimedFrame> frames;
        for (int f = 0; f < (shot == 3 ? 1 : 4); ++f) {
          frames.push_back({{kSide, kSide, samples->pictures[shot * 3 + f % 3]}, 0.08 * f});
        }
        samples->shots.push_back(frames);
      }
      samples->shots.push_back({{{1, 1, samples->pictures.back()}, 0.0}});
      for (const auto& frames : samples->shots) {
        samples->parts.emplace_back();
        samples->parts.back().frames = frames;
      }
      break;
    case Modality::kTable:
      samples->cells = {{"bird", "calls"}, {"crow", "4", "wren", "7"}, {"day", "degrees"}, {"2024-01-01", "12.5"},
                        {"a", "b"}, {"", ""}, {std::string(9000, 'x'), "\xff\xfe"}, {"1e300", "-1e300", "nan", "inf"},
                        std::vector<std::string>(300, "column"), std::vector<std::string>(600, "3"), {"words"},
                        absl::StrSplit(ManyWords(200), ' ')};
      for (size_t i = 0; i < samples->cells.size(); i += 2) {
        samples->parts.emplace_back();
        samples->parts.back().table = {samples->cells[i], samples->cells[i + 1]};
      }
      break;
    case Modality::kSeries:
      for (int kind = 0; kind < 6; ++kind) {
        DecodedSeries series;
        const int channels = kind == 4 ? 100 : 2, rows = kind == 5 ? 1 : 200;
        for (int c = 0; c < channels; ++c) {
          series.channels.push_back("channel " + std::to_string(kind * c));
          series.units.push_back(c % 2 == 0 ? "C" : "");
        }
        for (int r = 0; r < rows; ++r) {
          series.seconds.push_back(kind == 3 ? 0.0 : 0.5 * r);
          for (int c = 0; c < channels; ++c) {
            const float wave = std::sin(0.1f * (kind + 1) * r + c);
            series.values.push_back(kind == 1 ? 5.0f : kind == 2 && r % 3 == 0 ? std::nanf("") : kind == 3 ? 1e30f * wave : wave);
          }
        }
        samples->series.push_back(std::move(series));
      }
      for (const DecodedSeries& series : samples->series) {
        samples->parts.emplace_back();
        samples->parts.back().series = {series.channels, series.units, series.seconds, series.values};
      }
      break;
    case Modality::kScore:
      samples->scores = {{{0, 1, 60, 80, 0}, {1, 1, 64, 80, 0}, {2, 1, 67, 80, 0}, {3, 1, 72, 80, 0}},
                         {{0, 2, 48, 120, 33}, {0, 0.5f, 36, 100, ScoreNote::kDrums}, {0.5f, 0.5f, 38, 1, ScoreNote::kDrums}},
                         {{7.5f, 0, 0, 1, 0}},                                       // One, at the end, without length.
                         std::vector<ScoreNote>(5000, {0, 1e9f, 127, 127, 127}),     // All at once, for ever.
                         std::vector<ScoreNote>(100, {3, 0, 127, 127, ScoreNote::kDrums})};
      for (const auto& notes : samples->scores) {
        samples->parts.emplace_back();
        samples->parts.back().score = {notes, 8, 120};
      }
      break;
    default: ADD_FAILURE() << "no samples of modality " << static_cast<int>(modality);
  }
  for (PartContent& part : samples->parts) part.modality = modality;
  return samples;
}

class ModalityContractTest : public testing::TestWithParam<const ModalityRoom*> {
 protected:
  const ModalityRoom& room() const { return *GetParam(); }
  std::unique_ptr<Samples> samples_ = MakeSamples(GetParam()->modality());
};

TEST_P(ModalityContractTest, FeaturesHaveTheStatedSizeAreFiniteAndFitHalfFloats) {
  for (const PartContent& part : samples_->parts) {
    const Described described = room().Describe(part).value();
    ASSERT_EQ(described.features.size(), room().feature_dim());
    double energy = 0.0;
    for (float v : described.features) {
      ASSERT_TRUE(std::isfinite(v));
      ASSERT_LT(std::fabs(v), 10.0f);
      energy += v * v;
    }
    EXPECT_LT(energy, 16.0);
  }
  EXPECT_GT(room().feature_version(), 0u);
}

TEST_P(ModalityContractTest, TokensAreAtMostSixtyFourRowsOf256Bytes) {
  for (const PartContent& part : samples_->parts) {
    const Described described = room().Describe(part).value();
    EXPECT_GE(described.tokens.count, 1);
    EXPECT_LE(described.tokens.count, kMostTokens);
    EXPECT_EQ(described.tokens.bytes.size(), described.tokens.count * kTokenBytes);
  }
}

TEST_P(ModalityContractTest, TheSameContentGivesTheSameBitsOnEveryThread) {
  std::vector<std::thread> threads;
  std::vector<Described> first;
  for (const PartContent& part : samples_->parts) first.push_back(room().Describe(part).value());
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < first.size(); ++i) {
        const Described again = room().Describe(samples_->parts[i]).value();
        EXPECT_EQ(again.features, first[i].features);
        EXPECT_EQ(again.tokens.bytes, first[i].tokens.bytes);
        EXPECT_EQ(room().DescribeFeatures(samples_->parts[i]).value(), first[i].features);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ModalityContractTest, DifferentContentsDiffer) {
  const std::vector<float> a = room().DescribeFeatures(samples_->parts[0]).value();
  const std::vector<float> b = room().DescribeFeatures(samples_->parts[1]).value();
  EXPECT_NE(a, b);
}

TEST_P(ModalityContractTest, EmptyContentIsAnInvalidArgument) {
  PartContent nothing;
  nothing.modality = room().modality();
  EXPECT_EQ(room().Describe(nothing).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(room().DescribeFeatures(nothing).status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Table, ModalityContractTest,
                         testing::ValuesIn(ModalityTable().begin(), ModalityTable().end()),
                         [](const auto& info) { return std::string(info.param->name()); });

TEST(ModalityTableTest, EachModalityHasOneSlotOneNameAndOneRoom) {
  std::set<std::string> names;
  for (size_t slot = 0; slot < ModalityTable().size(); ++slot) {
    const ModalityRoom* room = ModalityTable()[slot];
    EXPECT_EQ(SlotOf(room->modality()), static_cast<int>(slot));
    EXPECT_EQ(FindRoom(room->modality()), room);
    EXPECT_TRUE(names.insert(room->name()).second);
    EXPECT_EQ(FeatureDims()[slot], room->feature_dim());
  }
  EXPECT_EQ(FindRoom(static_cast<Modality>(99)), nullptr);
}

TEST(ModalityTableTest, PixelBytesThatDoNotFitTheSizeAreAnInvalidArgument) {
  const std::vector<uint8_t> rgb(10);
  PartContent part;
  part.image = {2, 2, rgb};
  EXPECT_EQ(FindRoom(Modality::kImage)->Describe(part).status().code(), absl::StatusCode::kInvalidArgument);
  const std::vector<TimedFrame> frames = {{{2, 2, rgb}, 0.0}};
  part.frames = frames;
  EXPECT_EQ(FindRoom(Modality::kVideo)->Describe(part).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mixmatch::model
