#include "model/modality/series/channel_view.h"

#include <algorithm>
#include <cmath>

#include "model/modality/feature_math.h"

namespace mixmatch::model {
namespace {

constexpr float kLargest = 1e30f;

struct Sample {
  double place;  // 0 to 1 of the stretch.
  float value;
};

std::vector<Sample> KnownOf(const SeriesView& series, size_t c) {
  const size_t channels = series.channels.size(), rows = series.seconds.size();
  const double begin = series.seconds.front(), length = series.seconds.back() - begin;
  std::vector<Sample> known;
  for (size_t r = 0; r < rows; ++r) {
    const float value = series.values[r * channels + c];
    if (std::isnan(value)) continue;
    const double place = length > 0 ? (series.seconds[r] - begin) / length : rows > 1 ? static_cast<double>(r) / (rows - 1) : 0.5;
    known.push_back({place, std::clamp(value, -kLargest, kLargest)});
  }
  return known;
}

// Means of the steps; those without a sample lie on the line between their neighbours.
void FillShape(const std::vector<Sample>& known, ChannelView* view) {
  std::array<double, kSteps> sum{};
  std::array<int, kSteps> count{};
  for (const Sample& s : known) {
    const int step = std::min(kSteps - 1, static_cast<int>(s.place * kSteps));
    sum[step] += (s.value - view->mean) / view->spread;
    ++count[step];
  }
  int last = -1;
  for (int i = 0; i < kSteps; ++i) {
    if (count[i] == 0) continue;
    view->shape[i] = static_cast<float>(sum[i] / count[i]);
    for (int k = last + 1; k < i; ++k) {
      view->shape[k] = last < 0 ? view->shape[i]
                                : view->shape[last] + (view->shape[i] - view->shape[last]) * (k - last) / (i - last);
    }
    last = i;
  }
  for (int k = last + 1; k < kSteps && last >= 0; ++k) view->shape[k] = view->shape[last];
}

void FillPower(ChannelView* view) {
  std::array<double, kSteps> x;
  for (int i = 0; i < kSteps; ++i) x[i] = view->shape[i] - view->trend * (static_cast<double>(i) / (kSteps - 1) - 0.5);
  double total = 1e-9;
  for (int k = 1; k <= kPeriods; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < kSteps; ++i) {
      re += x[i] * std::cos(6.283185307179586 * k * i / kSteps);
      im += x[i] * std::sin(6.283185307179586 * k * i / kSteps);
    }
    const double power = re * re + im * im;
    view->power[k - 1] = static_cast<float>(power);
    total += power;
  }
  for (float& p : view->power) p = static_cast<float>(p / total);
}

}  // namespace

ChannelView ViewChannel(const SeriesView& series, size_t c) {
  ChannelView view;
  const std::vector<Sample> known = KnownOf(series, c);
  view.known = known.size();
  view.missing = 1.0f - static_cast<float>(known.size()) / static_cast<float>(series.seconds.size());
  if (known.empty()) return view;
  std::vector<float> values;
  double mean = 0, square = 0, change = 0;
  for (const Sample& s : known) {
    values.push_back(s.value);
    mean += s.value / static_cast<double>(known.size());
    view.zeros += s.value == 0.0f ? 1.0f / static_cast<float>(known.size()) : 0.0f;
  }
  for (size_t i = 0; i < known.size(); ++i) {
    square += (known[i].value - mean) * (known[i].value - mean) / static_cast<double>(known.size());
    if (i > 0) change += std::abs(static_cast<double>(known[i].value) - known[i - 1].value);
  }
  view.mean = static_cast<float>(mean);
  view.low = Quantile(values, 0.1f);
  view.middle = Quantile(values, 0.5f);
  view.high = Quantile(values, 0.9f);
  const auto [least, most] = std::minmax_element(known.begin(), known.end(), [](const Sample& a, const Sample& b) { return a.value < b.value; });
  view.least = least->value;
  view.most = most->value;
  view.spread = static_cast<float>(std::sqrt(square));
  if (!(view.spread > 1e-6f * std::fabs(view.mean)) || !(view.spread > 1e-30f)) {  // Constant, to rounding.
    view.spread = 0;
    return view;
  }
  view.least_at = static_cast<float>(least->place);
  view.most_at = static_cast<float>(most->place);
  view.lean = static_cast<float>((mean - view.middle) / view.spread);
  if (known.size() > 1) view.rough = static_cast<float>(change / static_cast<double>(known.size() - 1) / view.spread);
  FillShape(known, &view);
  double cross = 0, along = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double t = static_cast<double>(i) / (kSteps - 1) - 0.5;
    cross += t * view.shape[i];
    along += t * t;
  }
  view.trend = static_cast<float>(cross / along);
  FillPower(&view);
  return view;
}

}  // namespace mixmatch::model
