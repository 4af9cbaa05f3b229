#include "model/learn/augment.h"

#include <ATen/ATen.h>

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

}  // namespace

void Augment(StemInput* input, at::Generator* random) {
  at::Tensor& x = input->values;
  const int64_t rows = x.size(0);
  switch (input->kind) {
    case StemKind::kMosaic: x = AlterPictures(x, rows, random); break;
    case StemKind::kFrames: x = AlterPictures(x.flatten(0, 1), rows, random).view(x.sizes()); break;
    case StemKind::kLogMel: x = AlterSounds(x, random); break;
    case StemKind::kWords:
      if (x.size(1) > 1) x = x * Draw(rows, random).Chance(0.9, {x.size(1), 1});
      break;
    case StemKind::kBag: break;
  }
}

}  // namespace mixmatch::model
