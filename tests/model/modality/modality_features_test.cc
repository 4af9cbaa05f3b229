// What the fixed descriptors must not care about, and what they must tell apart, on made-up contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/modality/audio/audio_features.h"
#include "model/modality/feature_math.h"
#include "model/modality/image/image_features.h"
#include "model/modality/score/score_features.h"
#include "model/modality/text/text_features.h"
#include "model/modality/video/video_features.h"

namespace mixmatch::model {
namespace {

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 1e-20, bb = 1e-20;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// Expects altered[i] to be nearer to original[i] than to any other.
void ExpectNearestIsItself(const std::vector<std::vector<float>>& original, const std::vector<std::vector<float>>& altered) {
  for (size_t i = 0; i < altered.size(); ++i) {
    for (size_t j = 0; j < original.size(); ++j) {
      if (j != i) {
        EXPECT_GT(Cosine(altered[i], original[i]), Cosine(altered[i], original[j])) << i << " against " << j;
      }
    }
  }
}

// A "word": five syllables of three formants each, 120 ms long.
std::vector<float> Word(uint64_t seed) {
  SplitMix random(seed);
  std::vector<float> pcm;
  for (int syllable = 0; syllable < 5; ++syllable) {
    float hertz[3], phase[3] = {0, 0, 0};
    for (int f = 0; f < 3; ++f) hertz[f] = 200.0f + 1200.0f * (f + random.Uniform());
    for (int t = 0; t < 1920; ++t) {
      float v = 0.0f;
      for (int f = 0; f < 3; ++f) {
        phase[f] += 6.2831853f * hertz[f] / 16000;
        v += std::sin(phase[f]) / (f + 1);
      }
      pcm.push_back(0.3f * v * std::sin(3.14159265f * t / 1920));
    }
  }
  return pcm;
}

constexpr int kSide = 96;

// Coloured discs and bars.
std::vector<uint8_t> Drawing(uint64_t seed) {
  SplitMix random(seed);
  std::vector<uint8_t> rgb(kSide * kSide * 3, 255);
  for (int shape = 0; shape < 4; ++shape) {
    const float cx = kSide * (0.25f + 0.5f * random.Uniform()), cy = kSide * (0.25f + 0.5f * random.Uniform());
    const float r = 8 + 14 * random.Uniform(), stretch = 0.4f + random.Uniform(), turn = 3.14f * random.Uniform();
    uint8_t colour[3];
    for (uint8_t& c : colour) c = static_cast<uint8_t>(255 * random.Uniform());
    const bool bar = random.Uniform() < 0.5f;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const float u = std::cos(turn) * (x - cx) + std::sin(turn) * (y - cy);
        const float v = (std::cos(turn) * (y - cy) - std::sin(turn) * (x - cx)) / stretch;
        if (bar ? std::max(std::fabs(u), std::fabs(v)) < r : u * u + v * v < r * r) {
          std::copy(colour, colour + 3, &rgb[(y * kSide + x) * 3]);
        }
      }
    }
  }
  return rgb;
}

std::vector<uint8_t> Crop(const std::vector<uint8_t>& rgb, int x0, int y0, int side) {
  std::vector<uint8_t> out;
  for (int y = 0; y < side; ++y) {
    out.insert(out.end(), &rgb[((y0 + y) * kSide + x0) * 3], &rgb[((y0 + y) * kSide + x0) * 3] + side * 3);
  }
  return out;
}

TEST(AudioFeaturesTest, LoudnessDoesNotMatter) {
  const std::vector<float> word = Word(1);
  std::vector<float> quiet = word;
  for (float& v : quiet) v *= 0.02f;
  EXPECT_GT(Cosine(AudioFeatures(word), AudioFeatures(quiet)), 0.999);
}

TEST(AudioFeaturesTest, SilenceAroundDoesNotMatter) {
  const std::vector<float> word = Word(1);
  std::vector<float> padded(7000, 0.0f);
  padded.insert(padded.end(), word.begin(), word.end());
  padded.resize(padded.size() + 3000, 0.0f);
  EXPECT_GT(Cosine(AudioFeatures(word), AudioFeatures(padded)), 0.95);
}

TEST(AudioFeaturesTest, ACutNoisyWordIsNearestToItself) {
  std::vector<std::vector<float>> original, altered;
  SplitMix random(5);
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> word = Word(100 + i);
    original.push_back(AudioFeatures(word));
    const size_t keep = word.size() * 8 / 10, begin = static_cast<size_t>(random.Uniform() * (word.size() - keep));
    std::vector<float> cut(word.begin() + begin, word.begin() + begin + keep);
    for (float& v : cut) v += 0.02f * random.Normal();
    altered.push_back(AudioFeatures(cut));
  }
  ExpectNearestIsItself(original, altered);
}

TEST(AudioFeaturesTest, TheOrderOfSyllablesIsHeard) {
  const std::vector<float> word = Word(1);
  std::vector<float> reversed;  // The same syllables, last first.
  for (int s = 4; s >= 0; --s) reversed.insert(reversed.end(), word.begin() + s * 1920, word.begin() + (s + 1) * 1920);
  EXPECT_LT(Cosine(AudioFeatures(word), AudioFeatures(reversed)), 0.9);
}

TEST(ImageFeaturesTest, ACroppedSmallerPictureIsNearestToItself) {
  std::vector<std::vector<float>> original, altered;
  for (int i = 0; i < 20; ++i) {
    const std::vector<uint8_t> rgb = Drawing(i);
    original.push_back(ImageFeatures({kSide, kSide, rgb}));
    const int side = kSide * 85 / 100;
    const std::vector<uint8_t> crop = Crop(rgb, i % (kSide - side), (3 * i) % (kSide - side), side);
    const std::vector<float> small = ResizeRgb({side, side, crop}, 48, 48);
    std::vector<uint8_t> bytes;
    for (float v : small) bytes.push_back(static_cast<uint8_t>(v * 255.0f));
    altered.push_back(ImageFeatures({48, 48, bytes}));
  }
  ExpectNearestIsItself(original, altered);
}

TEST(ImageFeaturesTest, ResizeKeepsTheMeanAndAConstant) {
  const std::vector<uint8_t> grey(30 * 20 * 3, 100);
  for (float v : ResizeRgb({30, 20, grey}, 7, 50)) EXPECT_NEAR(v, 100 / 255.0f, 1e-5f);
  const std::vector<uint8_t> rgb = Drawing(3);
  double before = 0, after = 0;
  for (uint8_t v : rgb) before += v / 255.0 / rgb.size();
  const std::vector<float> small = ResizeRgb({kSide, kSide, rgb}, 12, 12);
  for (float v : small) after += v / small.size();
  EXPECT_NEAR(before, after, 0.02);
}

TEST(VideoFeaturesTest, TheSamePlaceMovingOtherwiseIsTold) {
  const std::vector<uint8_t> a = Drawing(1), b = Drawing(2), c = Drawing(3);
  const RgbView va{kSide, kSide, a}, vb{kSide, kSide, b}, vc{kSide, kSide, c};
  const std::vector<TimedFrame> moving = {{va, 0.0}, {vb, 0.1}, {va, 0.2}}, still = {{va, 0.0}, {va, 0.1}, {va, 0.2}},
                                other = {{vc, 0.0}, {vb, 0.1}, {vc, 0.2}};
  EXPECT_LT(Cosine(VideoFeatures(moving), VideoFeatures(still)), 0.95);
  EXPECT_LT(Cosine(VideoFeatures(moving), VideoFeatures(other)), 0.99);
}

TEST(TextFeaturesTest, CaseAccentsAndPunctuationDoNotMatter) {
  EXPECT_GT(Cosine(TextFeatures("Un Pingüino!"), TextFeatures("un pinguino")), 0.999);
  EXPECT_GT(Cosine(TextFeatures("ГАРВАН"), TextFeatures("гарван.")), 0.999);
  EXPECT_GT(Cosine(TextFeatures("Ένα κοράκι"), TextFeatures("ΕΝΑ ΚΟΡΑΚΙ")), 0.999);
  EXPECT_GT(Cosine(TextFeatures("ｃｒｏｗ"), TextFeatures("crow")), 0.999);
}

TEST(TextFeaturesTest, ARewordedCaptionIsNearestToItself) {
  const std::vector<std::string> captions = {"A red fire truck.", "A big yellow school bus.", "A crow on a fence.",
                                             "Two green apples.", "Un camion de pompiers rouge.", "りんごが二つ",
                                             "An old steam locomotive."};
  const std::vector<std::string> reworded = {"fire trucks are red", "school bus, yellow", "the crow, sitting on the fence",
                                             "apples (green)", "camion rouge des pompiers", "二つのりんご",
                                             "steam locomotives of old"};
  std::vector<std::vector<float>> original, altered;
  for (const std::string& text : captions) original.push_back(TextFeatures(text));
  for (const std::string& text : reworded) altered.push_back(TextFeatures(text));
  ExpectNearestIsItself(original, altered);
}

TEST(TextFeaturesTest, BadUtf8IsSkippedAndNothingIsZero) {
  EXPECT_EQ(FoldText("a\xff\xc3"), U"a");
  EXPECT_EQ(FoldText("\xed\xa0\x80 x \xf4\x90\x80\x80"), FoldText("\xed\xa0\x80 x \xf4\x90\x80\x80"));
  const std::vector<float> nothing = TextFeatures("!!! ---");
  EXPECT_TRUE(std::all_of(nothing.begin(), nothing.end(), [](float v) { return v == 0.0f; }));
}

// A tune of quarters and eighths in two instruments.
std::vector<ScoreNote> Tune(uint64_t seed, int higher, bool loud) {
  SplitMix random(seed);
  std::vector<ScoreNote> notes;
  float beat = 0.0f;
  for (int i = 0; i < 40; ++i) {
    const float beats = random.Uniform() < 0.5f ? 0.5f : 1.0f;
    const auto step = static_cast<int>(random.Uniform() * 12);
    notes.push_back({beat, beats, static_cast<uint8_t>(40 + step + higher), static_cast<uint8_t>(loud ? 110 : 60), 32});
    notes.push_back({beat, beats, static_cast<uint8_t>(60 + (5 * step) % 17 + higher), static_cast<uint8_t>(loud ? 100 : 50), 73});
    beat += beats;
  }
  return notes;
}

TEST(ScoreFeaturesTest, ATuneThatIsPlayedHigherLouderAndFasterIsNearestToItself) {
  std::vector<std::vector<float>> original, altered;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const std::vector<ScoreNote> as_written = Tune(seed, 0, false), other = Tune(seed, 3, true);
    original.push_back(ScoreFeatures({as_written, 40.0f, 100.0f}));
    altered.push_back(ScoreFeatures({other, 40.0f, 132.0f}));
  }
  ExpectNearestIsItself(original, altered);
}

}  // namespace
}  // namespace mixmatch::model
