#include "model/learn/augment.h"

#include <ATen/ATen.h>

#include <vector>

#include "model/trunk/timeline.h"

namespace mixmatch::model {
namespace {

class Draw {
 public:
  Draw(int64_t rows, at::Generator* random) : rows_(rows), random_(*random) {}
  at::Tensor Normal(double deviation, at::IntArrayRef shape = {}) { return at::randn(Shape(shape), random_) * deviation; }
  at::Tensor Uniform(double low, double high, at::IntArrayRef shape = {}) {
    return at::rand(Shape(shape), random_) * (high - low) + low;
  }
  // 1 with this probability, else 0.
  at::Tensor Chance(double probability, at::IntArrayRef shape = {}) {
    return at::rand(Shape(shape), random_).lt(probability).to(at::kFloat);
  }

 private:
  std::vector<int64_t> Shape(at::IntArrayRef rest) const {
    std::vector<int64_t> shape = {rows_};
    shape.insert(shape.end(), rest.begin(), rest.end());
    return shape;
  }
  int64_t rows_;
  at::Generator random_;
};

// [rows, 2, 3]: where each place of the result is looked up, in [-1, 1] coordinates.
at::Tensor Affine(const at::Tensor& xx, const at::Tensor& xy, const at::Tensor& x0, const at::Tensor& yx,
                  const at::Tensor& yy, const at::Tensor& y0) {
  return at::stack({at::stack({xx, xy, x0}, 1), at::stack({yx, yy, y0}, 1)}, 1);
}

// Samples [n, c, h, w]; what lies outside is 0.
at::Tensor Sample(const at::Tensor& x, const at::Tensor& affine) {
  const at::Tensor grid = at::affine_grid_generator(affine, x.sizes(), /*align_corners=*/false);
  return at::grid_sampler_2d(x, grid, /*interpolation_mode=*/0, /*padding_mode=*/0, /*align_corners=*/false);
}

// [rows, length], 1 inside a stretch of up to `most` of the whole at a random place, for a share of the rows.
at::Tensor Stretch(Draw& draw, int64_t length, double most, double probability) {
  const at::Tensor middle = draw.Uniform(0, 1, {1}), half = draw.Uniform(0, most / 2, {1}) * draw.Chance(probability, {1});
  const at::Tensor place = (at::arange(length, at::kFloat) + 0.5) / length;
  return (place.unsqueeze(0) - middle).abs().lt(half).to(at::kFloat);
}

// [rows * frames, 3, h, w]; the frames of a row are altered alike.
at::Tensor AlterPictures(const at::Tensor& pictures, int64_t rows, at::Generator* random) {
  Draw draw(rows, random);
  const int64_t frames = pictures.size(0) / rows, side = pictures.size(2);
  const auto each = [&](const at::Tensor& t) { return t.repeat_interleave(frames, 0); };
  const at::Tensor turn = draw.Normal(0.12), scale = draw.Normal(0.15).exp(), stretch = draw.Normal(0.08).exp();
  const at::Tensor mirror = 1 - 2 * draw.Chance(0.3);
  const at::Tensor affine =
      Affine(scale * stretch * turn.cos() * mirror, -scale * turn.sin() + draw.Normal(0.08), draw.Normal(0.08),
             scale * turn.sin() * mirror, scale / stretch * turn.cos(), draw.Normal(0.08));
  at::Tensor x = 1 - Sample(1 - pictures, each(affine));  // White outside.

  const at::Tensor mix = at::eye(3).unsqueeze(0) + draw.Normal(0.12, {3, 3});
  x = at::bmm(each(mix), x.flatten(2)).view(x.sizes()) + each(draw.Normal(0.12, {3, 1, 1}));
  x = x * each(draw.Normal(0.25, {1, 1, 1}).exp());
  const at::Tensor grey = each(draw.Chance(0.15, {1, 1, 1}));
  x = grey * x.mean(1, /*keepdim=*/true) + (1 - grey) * x;

  const at::Tensor rows_out = Stretch(draw, side, 0.4, 0.5), columns_out = Stretch(draw, side, 0.4, 1.0);
  const at::Tensor blot = each(rows_out.view({rows, 1, side, 1}) * columns_out.view({rows, 1, 1, side}));
  return blot * each(draw.Uniform(-1, 1, {3, 1, 1})) + (1 - blot) * x;
}

// [rows, 1, time, bands], logarithmic, -1 where nothing sounds.
at::Tensor AlterSounds(const at::Tensor& sounds, at::Generator* random) {
  const int64_t rows = sounds.size(0), steps = sounds.size(2), bands = sounds.size(3);
  Draw draw(rows, random);
  const at::Tensor zero = at::zeros({rows});
  // Rows of the plane are time, columns are bands: low bands keep their place when formants move.
  const at::Tensor formants = draw.Normal(0.08).exp();
  const at::Tensor affine = Affine(formants, zero, formants - 1, zero, draw.Normal(0.1).exp(), draw.Normal(0.06));
  at::Tensor grid = at::affine_grid_generator(affine, sounds.sizes(), /*align_corners=*/false);
  const at::Tensor time = grid.select(3, 1);
  const at::Tensor bent = time + draw.Normal(0.08, {1, 1}) * ((time + 1) * 1.5707963).sin() +
                          draw.Normal(0.05, {1, 1}) * ((time + 1) * 3.1415927).sin();
  grid = at::stack({grid.select(3, 0), bent}, 3);
  at::Tensor x = at::grid_sampler_2d(sounds + 1, grid, 0, 0, false) - 1;

  const at::Tensor place = at::linspace(-1, 1, bands, at::kFloat).view({1, 1, 1, bands});
  const at::Tensor wave = (place * draw.Uniform(1, 6, {1, 1, 1}) + draw.Uniform(0, 6.3, {1, 1, 1})).sin();
  const at::Tensor colour = place * draw.Normal(0.2, {1, 1, 1}) + wave * draw.Normal(0.15, {1, 1, 1}) + draw.Normal(0.1, {1, 1, 1});
  x = at::where(x.gt(-0.98), x + colour, x);
  const at::Tensor floor = draw.Uniform(-1.3, -0.1, {1, 1, 1}) + at::randn({rows, 1, steps, bands}, *random) * 0.1;
  x = at::maximum(x, floor).clamp(-1, 1.2);

  const at::Tensor times = Stretch(draw, steps, 0.2, 0.4).view({rows, 1, steps, 1});
  const at::Tensor tones = Stretch(draw, bands, 0.2, 0.4).view({rows, 1, 1, bands});
  return at::where((times + tones).gt(0), at::full({1}, -1.0f), x);
}

constexpr int kMostFrames = 256;
constexpr double kPi = 3.14159265358979;

// Time runs faster and slower, formants move: [rows, frames, bands] decibels; `lengths` become those of the result.
at::Tensor Warp(const at::Tensor& decibels, at::Tensor* lengths, Draw& draw) {
  const int64_t rows = decibels.size(0), bands = decibels.size(2);
  const at::Tensor before = *lengths;
  *lengths = (before * draw.Normal(0.18, {1}).exp()).clamp(12, kMostFrames).floor();
  const int64_t longest = lengths->max().item<int64_t>();
  const at::Tensor even = (at::arange(longest, at::kFloat).unsqueeze(0) + 0.5) / *lengths;
  at::Tensor bent = even;
  for (int k = 1; k <= 5; ++k) bent = bent + draw.Normal(0.035 / k, {1}) * (even * (kPi * k)).sin();
  const at::Tensor time = bent.clamp(0, 1) * before * (2.0 / static_cast<double>(decibels.size(1))) - 1;

  const at::Tensor place = at::linspace(0, 2, bands, at::kFloat).unsqueeze(0);
  const at::Tensor formants = place * draw.Normal(0.1, {1}).exp() - 1 + draw.Normal(0.02, {1}) +
                              draw.Normal(0.04, {1}) * (place * kPi).sin();
  const at::Tensor grid = at::stack({formants.unsqueeze(1).expand({rows, longest, bands}),
                                     time.unsqueeze(2).expand({rows, longest, bands})},
                                    3);
  const at::Tensor above = (decibels - kTimelineFloor).unsqueeze(1);
  return at::grid_sampler_2d(above, grid, 0, /*padding_mode=*/1, false).squeeze(1) + kTimelineFloor;
}

// Another voice and another microphone: smooth colours of the spectrum. [rows, 1, bands] decibels.
at::Tensor Colour(Draw& draw, int64_t bands, double tilt, double wave, int from, int to) {
  const at::Tensor place = at::linspace(0, 1, bands, at::kFloat).view({1, 1, bands});
  at::Tensor colour = draw.Normal(tilt, {1, 1}) * (place * 2 - 1);
  for (int k = from; k <= to; ++k) colour = colour + draw.Normal(wave, {1, 1}) * (place * (kPi * k)).cos();
  return colour;
}

// Wider formants, and a room's echo: each frame sounds on, ever weaker. [rows, frames, bands] powers.
at::Tensor Smear(const at::Tensor& power, Draw& draw) {
  const at::Tensor around = at::avg_pool1d(at::replication_pad1d(power, {2, 2}), 5, 1);
  const at::Tensor wide = draw.Uniform(-0.25, 1, {1, 1});
  const at::Tensor frame = at::arange(power.size(1), at::kFloat);
  const at::Tensor since = frame.unsqueeze(1) - frame.unsqueeze(0);
  const at::Tensor fades = (since.clamp_min(0).unsqueeze(0) / draw.Uniform(1, 9, {1, 1})).neg().exp();
  const at::Tensor echo = fades * draw.Uniform(0, 0.6, {1, 1}) * draw.Chance(0.6, {1, 1}) * since.gt(0).to(at::kFloat);
  return at::bmm(echo + at::eye(power.size(1)), ((1 - wide) * power + wide * around).clamp_min(1e-7));
}

void AlterTimelines(StemInput* input, at::Generator* random) {
  const int64_t rows = input->values.size(0), bands = input->values.size(2);
  Draw draw(rows, random);
  at::Tensor lengths = at::empty({rows, 1}, at::kFloat);
  std::copy(input->frames.begin(), input->frames.end(), lengths.data_ptr<float>());
  at::Tensor x = Warp(input->values, &lengths, draw);
  const int64_t longest = x.size(1);
  std::vector<int64_t> frames(rows);
  for (int64_t row = 0; row < rows; ++row) frames[row] = static_cast<int64_t>(lengths.data_ptr<float>()[row]);
  const at::Tensor mask = TimelineMask(frames, longest);

  at::Tensor power = at::pow(10.0, (x + Colour(draw, bands, 4, 3, 2, 8)) / 10);
  power = Smear(power * mask, draw) * mask;
  const at::Tensor mean = power.sum({1, 2}, /*keepdim=*/true) / (lengths.unsqueeze(2) * bands);
  const at::Tensor floor = mean * at::pow(10.0, (Colour(draw, bands, 6, 4, 3, 3) - draw.Uniform(5, 45, {1, 1})) / 10);
  // The power of noise in a band is distributed exponentially.
  power = power + floor * (0.3 - (at::rand({rows, longest, bands}, *random) + 1e-6).log());
  x = (power + 1e-9).log10() * 10;

  at::Tensor wiped = at::zeros({rows, longest, bands});
  for (int k = 0; k < 2; ++k) {
    wiped = wiped + Stretch(draw, longest, 0.12, 0.35).unsqueeze(2) + Stretch(draw, bands, 0.15, 0.35).unsqueeze(1);
  }
  x = at::where(wiped.gt(0), x.mean({1, 2}, true) - 10, x);
  input->SetTimelines(x, frames);
}

}  // namespace

void Augment(StemInput* input, at::Generator* random) {
  at::Tensor& x = input->values;
  const int64_t rows = x.size(0);
  switch (input->kind) {
    case StemKind::kMosaic: x = AlterPictures(x, rows, random); break;
    case StemKind::kFrames: x = AlterPictures(x.flatten(0, 1), rows, random).view(x.sizes()); break;
    case StemKind::kLogMel: x = AlterSounds(x, random); break;
    case StemKind::kSound: AlterTimelines(input, random); break;
    case StemKind::kWords:
      if (x.size(1) > 1) x = x * Draw(rows, random).Chance(0.9, {x.size(1), 1});
      break;
    case StemKind::kBag: break;
  }
}

}  // namespace mixmatch::model
