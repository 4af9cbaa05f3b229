#include "model/modality/series/series_room.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "model/modality/feature_math.h"
#include "model/modality/named_numbers.h"
#include "model/modality/series/channel_view.h"
#include "model/modality/series/series_features.h"

namespace mixmatch::model {
namespace {

uint8_t Byte(float value) { return static_cast<uint8_t>(std::clamp(std::isfinite(value) ? value : 128.0f, 0.0f, 255.0f)); }

// A token a channel; 128 is nothing or the middle everywhere:
//   0    64 steps of the shape, each twice, 32 a spread
//   128  32 shares of power by cycles, each twice, by their square root
//   192  eight levels, four times each, 14 a squashed unit
//   224  32 bits of the name
void FillToken(const SeriesView& series, size_t c, uint8_t* token) {
  const ChannelView view = ViewChannel(series, c);
  for (int i = 0; i < 128; ++i) token[i] = Byte(128.0f + 32.0f * view.shape[i / 2]);
  for (int i = 0; i < 64; ++i) token[128 + i] = Byte(128.0f + 127.0f * std::sqrt(view.power[i / 2]));
  const double length = series.seconds.back() - series.seconds.front();
  const float levels[] = {Squash(view.mean),  Squash(view.low),  Squash(view.high),   Squash(view.least),
                          Squash(view.most),  Squash(view.spread), Squash(length) / 2, 8.0f * view.missing};
  for (int i = 0; i < 32; ++i) token[192 + i] = Byte(128.0f + 14.0f * levels[i / 4]);
  const uint64_t name = NameHash(series.channels[c]);
  for (int i = 0; i < 32; ++i) token[224 + i] = (name >> i) & 1 ? 192 : 64;
}

Tokens SeriesTokens(const SeriesView& series) {
  Tokens tokens;
  for (size_t c : LookedAt(series)) {
    tokens.bytes.resize((tokens.count + 1) * kTokenBytes);
    FillToken(series, c, &tokens.bytes[static_cast<size_t>(tokens.count++) * kTokenBytes]);
  }
  return tokens;
}

class Room final : public ModalityRoom {
 public:
  Modality modality() const override { return Modality::kSeries; }
  const char* name() const override { return "series"; }
  int feature_dim() const override { return kSeriesFeatures; }
  uint32_t feature_version() const override { return 1; }

  absl::StatusOr<std::vector<float>> DescribeFeatures(const PartContent& part) const override {
    const SeriesView& s = part.series;
    if (s.channels.empty() || s.seconds.empty() || s.units.size() != s.channels.size() ||
        s.values.size() != s.seconds.size() * s.channels.size()) {
      return absl::InvalidArgumentError(absl::StrCat("part.series: got ", s.values.size(), " values of ", s.channels.size(),
                                                     " channels, ", s.units.size(), " units and ", s.seconds.size(),
                                                     " times, wanted a value of each channel at each time"));
    }
    for (size_t r = 0; r < s.seconds.size(); ++r) {
      if (!std::isfinite(s.seconds[r]) || (r > 0 && s.seconds[r] < s.seconds[r - 1])) {
        return absl::InvalidArgumentError("part.series: got times that are not finite or go back, wanted ascending ones");
      }
    }
    return SeriesFeatures(s);
  }

  absl::StatusOr<Described> Describe(const PartContent& part) const override {
    absl::StatusOr<std::vector<float>> features = DescribeFeatures(part);
    if (!features.ok()) return features.status();
    return Described{*std::move(features), SeriesTokens(part.series)};
  }
};

}  // namespace

const ModalityRoom* SeriesRoom() {
  static const Room* room = new Room();
  return room;
}

}  // namespace mixmatch::model
