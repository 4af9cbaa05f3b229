#include "model/parts/sound_windows.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mixmatch::model {
namespace {

struct Window {
  double start, end;
  size_t samples;
};

// A tone that is silent from `pauses` on for 0.4 s each.
std::vector<float> Tone(double seconds, const std::vector<double>& pauses = {}) {
  std::vector<float> samples(static_cast<size_t>(seconds * 16000));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = 0.3f * std::sin(0.05f * i);
  for (double pause : pauses) {
    for (int i = 0; i < 6400; ++i) samples[static_cast<size_t>(pause * 16000) + i] = 0.0f;
  }
  return samples;
}

std::vector<Window> Cut(const std::vector<float>& samples, size_t step) {
  SoundWindows windows;
  std::vector<Window> all;
  Window window{};
  absl::Span<const float> held;
  const auto take = [&] {
    while (windows.Next(&window.start, &window.end, &held)) {
      window.samples = held.size();
      EXPECT_EQ(held.front(), samples[static_cast<size_t>(window.start * 16000 + 0.5)]);
      all.push_back(window);
    }
  };
  for (size_t i = 0; i < samples.size(); i += step) {
    windows.Add(absl::MakeConstSpan(samples).subspan(i, step));
    take();
  }
  windows.Finish();
  take();
  return all;
}

TEST(SoundWindowsTest, ASoundOfTwelveSecondsIsWhole) {
  const auto windows = Cut(Tone(12.0), 999);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_DOUBLE_EQ(windows[0].end, 12.0);
}

TEST(SoundWindowsTest, WithoutPausesWindowsOverlapAndReachTheEnd) {
  const auto windows = Cut(Tone(31.0), 1600);
  ASSERT_EQ(windows.size(), 4u);
  EXPECT_DOUBLE_EQ(windows[1].start, 8.0);
  EXPECT_DOUBLE_EQ(windows[1].end, 18.0);
  EXPECT_DOUBLE_EQ(windows[3].end, 31.0);
}

TEST(SoundWindowsTest, APauseEndsAWindowWithoutOverlap) {
  const auto windows = Cut(Tone(20.0, {3.0, 8.0}), 1600);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_NEAR(windows[0].end, 8.2, 0.06);
  EXPECT_DOUBLE_EQ(windows[1].start, windows[0].end);
  EXPECT_DOUBLE_EQ(windows[1].end, 20.0);
}

TEST(SoundWindowsTest, WindowsDoNotDependOnHowTheSoundComes) {
  const auto sound = Tone(100.0, {7.0, 20.0, 33.3, 60.0});
  const auto small = Cut(sound, 321), large = Cut(sound, sound.size());
  ASSERT_EQ(small.size(), large.size());
  for (size_t i = 0; i < small.size(); ++i) {
    EXPECT_EQ(small[i].start, large[i].start);
    EXPECT_EQ(small[i].samples, large[i].samples);
  }
}

TEST(SoundWindowsTest, SilenceHasNoPauses) {
  const auto windows = Cut(std::vector<float>(16000 * 40, 0.0f), 16000);
  EXPECT_DOUBLE_EQ(windows[1].start, 8.0);
}

}  // namespace
}  // namespace mixmatch::model
