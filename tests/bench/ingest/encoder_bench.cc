// The trunk's arithmetic beside the machine's best matrix product, one JSON line.
//   encoder_bench TRUNK_FILE SECONDS THREADS
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/modality/modality.h"
#include "model/trunk/trunk.h"

namespace mixmatch::model {
namespace {

constexpr int kBatch = 64;   // Parts a call.
constexpr int kSide = 2048;  // Of the square matrices of the product.

// The steps in turn for so long, so that other work on the machine hits all of them: the best seconds of each.
std::vector<double> BestSeconds(double seconds, const std::vector<std::function<void()>>& steps) {
  std::vector<double> best(steps.size(), 1e30);
  for (const auto& step : steps) step();
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  do {
    for (size_t i = 0; i < steps.size(); ++i) {
      const absl::Time start = absl::Now();
      steps[i]();
      best[i] = std::min(best[i], absl::ToDoubleSeconds(absl::Now() - start));
    }
  } while (absl::Now() < end);
  return best;
}

// One product of two square matrices.
constexpr double kProductFlops = 2.0 * kSide * kSide * kSide;

std::function<void()> ProductOf(at::ScalarType type) {
  const at::Tensor a = at::randn({kSide, kSide}).to(type), b = at::randn({kSide, kSide}).to(type);
  return [a, b, out = at::empty({kSide, kSide}, a.options())]() mutable {
    const c10::InferenceMode inference;
    at::mm_out(out, a, b);
  };
}

// Multiplications and additions of one part in linear maps, convolutions and attention; what is fixed or elementwise is
// not counted. The plane's stem as in trunk_net.cc: 3 x 3 convolutions on 16 x 16, 8 x 8 and 4 x 4 places.
double PlaneFlops(double maps, double width) {
  return 2 * (256 * 48 * maps * 9 + 64 * 96 * 48.0 * 9 + 16 * width * 96 * 9 + width * (maps * 256 + 96.0 * 64));
}

// Three convolutions over five frames of 64 bands, at strides 2, 4 and 4, and the summary of eight stretches.
double SoundFlops(double frames, double width) {
  return 2 * (frames / 2 * 64 * width * 5 + 2 * frames / 4 * width * width * 5 + 8 * width * width);
}

double Flops(const TrunkConfig& c, int slot, int tokens) {
  const double width = c.width;
  double stem = 0, length = 0;
  switch (c.stem(slot)) {
    case StemKind::kMosaic:
      stem = PlaneFlops(21, width);
      length = 17;
      break;
    case StemKind::kLogMel:
      stem = PlaneFlops(17, width);
      length = 17;
      break;
    case StemKind::kSound:
      stem = SoundFlops(tokens / 4 * 16, width);
      length = 1 + tokens / 4 * 16 / 4;
      break;
    case StemKind::kFrames:
      stem = tokens / 16 * PlaneFlops(21, width);
      length = 1 + tokens / 16;
      break;
    default:
      stem = 2.0 * (tokens + 1) * 256 * width;
      length = 1 + tokens;
  }
  const double layer = length * 24 * width * width + 4 * length * length * width;
  return stem + c.layers * layer + 2 * width * c.output_dim;
}

// As in a server, the file's bytes are freed before the first part: from then on malloc keeps what activations free.
absl::StatusOr<std::shared_ptr<const Trunk>> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return Trunk::FromBytes(bytes);
}

std::string Bench(const std::string& path, double seconds) {
  const auto trunk = Read(path);
  if (!trunk.ok()) return absl::StrCat("{\"error\": \"", trunk.status().message(), "\"}");
  const TrunkConfig& config = (*trunk)->config();
  const std::function<void()> f32_product = ProductOf(at::kFloat), bf16_product = ProductOf(at::kBFloat16);
  std::string json = absl::StrCat("{\"threads\": ", at::get_num_threads(), ", \"slots\": [");
  std::mt19937 draw(1);
  for (int slot = 0; slot < config.slots; ++slot) {
    std::vector<uint8_t> tokens(kMostTokens * kTokenBytes);
    for (uint8_t& byte : tokens) byte = static_cast<uint8_t>(draw());
    const std::vector<TokenView> parts(kBatch, TokenView{slot, tokens});
    bool failed = false;
    const auto encode = [&] { failed |= !(*trunk)->Encode(parts).ok(); };
    const std::vector<double> best = BestSeconds(seconds, {encode, f32_product, bf16_product});
    const double flops = kBatch * Flops(config, slot, kMostTokens) / best[0];
    const double f32 = kProductFlops / best[1], bf16 = kProductFlops / best[2];
    if (failed) return absl::StrCat("{\"error\": \"slot ", slot, " takes no full part\"}");
    absl::StrAppend(&json, slot > 0 ? ", " : "", "{\"slot\": ", slot, ", \"parts_per_second\": ",
                    kBatch / best[0], ", \"gflops\": ", flops / 1e9, ", \"f32_peak_gflops\": ", f32 / 1e9,
                    ", \"bf16_peak_gflops\": ", bf16 / 1e9, ", \"over_f32_peak\": ", flops / f32,
                    ", \"over_bf16_peak\": ", flops / bf16, "}");
  }
  return json + "]}";
}

}  // namespace
}  // namespace mixmatch::model

int main(int argc, char** argv) {
  if (argc != 4) {
    fputs("usage: encoder_bench TRUNK_FILE SECONDS THREADS\n", stderr);
    return 2;
  }
  at::set_num_threads(std::atoi(argv[3]));
  printf("%s\n", mixmatch::model::Bench(argv[1], std::atof(argv[2])).c_str());
  return 0;
}
