#include "model/modality/series/series_features.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/modality/feature_math.h"
#include "model/modality/named_numbers.h"
#include "model/modality/series/channel_view.h"
#include "model/modality/text/text_features.h"

namespace mixmatch::model {
namespace {

constexpr int kWords = 256, kNamed = 512, kLevels = 128, kUnits = 512, kSummary = 256;
static_assert(kTextFeatures % kWords == 0 && kWords + kNamed + kUnits + kSummary == kSeriesFeatures);
constexpr float kStep = 0.5f;         // Of squashed numbers.
constexpr size_t kMostPairs = 12;     // Channels of which every two are compared.
constexpr int kMostLag = 8;           // Steps.
constexpr int kShapePoints = 8;
constexpr size_t kNameBytes = 200;

struct Channel {
  uint64_t name = 0;
  ChannelView view;
};

const RandomUnits& Units() {
  static const RandomUnits* units = new RandomUnits(kLevels, kUnits, 6.0f, -0.3f, 1.0f, 31);
  return *units;
}

std::vector<float> Words(const SeriesView& series, const std::vector<size_t>& looked) {
  std::string text;
  for (size_t c : looked) {
    absl::StrAppend(&text, absl::string_view(series.channels[c]).substr(0, kNameBytes), " ",
                    absl::string_view(series.units[c]).substr(0, kNameBytes), " . ");
  }
  const std::vector<float> full = TextFeatures(text);
  std::vector<float> folded(kWords, 0.0f);
  for (size_t i = 0; i < full.size(); ++i) folded[i % kWords] += full[i];
  return folded;
}

// In the data's own unit.
std::vector<float> LevelsOf(const ChannelView& v) {
  return {Squash(v.mean), Squash(v.low), Squash(v.middle), Squash(v.high), Squash(v.least), Squash(v.most), Squash(v.spread)};
}

// The same whatever the unit.
std::vector<float> RelationsOf(const ChannelView& v) {
  return {v.missing,  v.zeros, v.lean, v.trend * 0.5f, std::min(v.rough, 3.0f), v.most_at, v.least_at,
          Squash(v.spread / (std::fabs(v.mean) + 1e-30f)), v.spread > 0 ? 1.0f : 0.0f};
}

// Periods that last, in seconds and as shares of the stretch.
void AddPeriods(uint64_t name, const ChannelView& view, double length, float weight, NamedNumbers& out) {
  for (int k = 1; k <= kPeriods; ++k) {
    const float share = weight * std::sqrt(view.power[k - 1]);
    if (share < 1e-3f) continue;
    out.AddLevel(MixHashes(name, 60), std::log2(static_cast<float>(k)), 0.5f, share);
    if (length > 0) out.AddLevel(MixHashes(name, 61), static_cast<float>(std::log2(length / k)), 0.5f, share);
  }
}

void AddChannel(const Channel& channel, double length, NamedNumbers& named, NamedNumbers& levels, NamedNumbers& summary,
                float share) {
  const ChannelView& view = channel.view;
  named.Add(channel.name, 0.5f);
  if (view.known == 0) return;
  const std::vector<float> level = LevelsOf(view), relations = RelationsOf(view);
  for (uint64_t i = 0; i < level.size(); ++i) {
    named.AddLevel(MixHashes(channel.name, 100 + i), level[i], kStep, 0.6f);
    named.Add(MixHashes(channel.name, 120 + i), 0.15f * level[i]);
    levels.Add(MixHashes(channel.name, i), level[i] / 3.0f);
    summary.AddLevel(100 + i, level[i], 2 * kStep, 0.5f * share);
  }
  for (uint64_t i = 0; i < relations.size(); ++i) {
    named.Add(MixHashes(channel.name, 140 + i), 0.4f * relations[i]);
    levels.Add(MixHashes(channel.name, 40 + i), 0.3f * relations[i]);
    summary.AddLevel(140 + i, relations[i], 0.25f, share);
  }
  for (int i = 0; i < kShapePoints; ++i) {
    float mean = 0;
    for (int k = 0; k < kSteps / kShapePoints; ++k) mean += view.shape[i * kSteps / kShapePoints + k] * kShapePoints / kSteps;
    named.Add(MixHashes(channel.name, 160 + i), 0.15f * mean);
  }
  AddPeriods(channel.name, view, length, 0.4f, named);
  AddPeriods(7, view, length, share, summary);
}

// Correlation of the shapes, `b` later by `lag` steps.
float Correlation(const ChannelView& a, const ChannelView& b, int lag) {
  double ab = 0, aa = 1e-9, bb = 1e-9;
  for (int i = std::max(0, -lag); i < std::min(kSteps, kSteps - lag); ++i) {
    ab += static_cast<double>(a.shape[i]) * b.shape[i + lag];
    aa += static_cast<double>(a.shape[i]) * a.shape[i];
    bb += static_cast<double>(b.shape[i + lag]) * b.shape[i + lag];
  }
  return static_cast<float>(ab / std::sqrt(aa * bb));
}

// How two channels go together, now and with a delay.
void AddPair(const Channel& one, const Channel& other, float share, NamedNumbers& named, NamedNumbers& summary) {
  const bool turned = one.name > other.name;
  const Channel &a = turned ? other : one, &b = turned ? one : other;
  if (a.view.spread <= 0 || b.view.spread <= 0) return;
  const uint64_t key = MixHashes(MixHashes(a.name, 3), b.name);
  const float now = Correlation(a.view, b.view, 0);
  float best = now;
  int delay = 0;
  for (int lag = -kMostLag; lag <= kMostLag; ++lag) {
    const float r = Correlation(a.view, b.view, lag);
    if (std::fabs(r) > std::fabs(best) + 1e-4f) {
      best = r;
      delay = lag;
    }
  }
  named.Add(key, 0.5f * now);
  named.Add(MixHashes(key, 1), 0.5f * best);
  named.Add(MixHashes(key, 2), 0.5f * std::fabs(best) * static_cast<float>(delay) / kMostLag);
  summary.AddLevel(300, now, 0.25f, share);
  summary.AddLevel(301, std::fabs(best), 0.25f, share);
  summary.AddLevel(302, std::fabs(static_cast<float>(delay)) / kMostLag, 0.25f, share * std::fabs(best));
}

}  // namespace

std::vector<size_t> LookedAt(const SeriesView& series) {
  const size_t channels = series.channels.size(), count = std::min<size_t>(channels, kMostTokens);
  std::vector<size_t> looked;
  for (size_t k = 0; k < count; ++k) looked.push_back(k * channels / count);
  return looked;
}

std::vector<float> SeriesFeatures(const SeriesView& series) {
  const std::vector<size_t> looked = LookedAt(series);
  const double length = series.seconds.back() - series.seconds.front();
  std::vector<Channel> channels;
  for (size_t c : looked) {
    const absl::string_view name = series.channels[c], unit = series.units[c];
    channels.push_back({NameHash(absl::StrCat(name.substr(0, kNameBytes), " ", unit.substr(0, kNameBytes))), ViewChannel(series, c)});
  }
  NamedNumbers named(kNamed), levels(kLevels), summary(kSummary);
  for (const Channel& channel : channels) {
    AddChannel(channel, length, named, levels, summary, 1.0f / static_cast<float>(channels.size()));
  }
  const size_t compared = std::min(channels.size(), kMostPairs);
  for (size_t a = 0; a < compared; ++a) {
    for (size_t b = a + 1; b < compared; ++b) {
      AddPair(channels[a], channels[b], 2.0f / static_cast<float>(compared * (compared - 1)), named, summary);
    }
  }
  summary.AddLevel(400, std::log2(static_cast<float>(series.channels.size())), 1.0f, 0.5f);
  summary.AddLevel(401, std::log2(static_cast<float>(series.seconds.size())), 1.0f, 0.3f);
  if (length > 0) summary.AddLevel(402, static_cast<float>(std::log2(length)), 1.0f, 0.5f);
  std::vector<float> units(kUnits, 0.0f);
  Units().Accumulate(levels.values().data(), units.data());
  std::vector<float> out;
  out.reserve(kSeriesFeatures);
  AppendBlock(Words(series, looked), 1.0f, 0.6f, out);
  AppendBlock(named.values(), 1.0f, 1.4f, out);
  AppendBlock(units, 1.0f, 1.0f, out);
  AppendBlock(summary.values(), 1.0f, 0.8f, out);
  return out;
}

}  // namespace mixmatch::model
