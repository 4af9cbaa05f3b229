// The trunk's weights and its arithmetic as tensors, shared by serving (trunk.cc) and training (learn/).
// Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_
#define MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/trunk/half_matrix.h"
#include "model/trunk/trunk.h"

namespace mixmatch::model {

constexpr int kTokenBytes = 256;
constexpr int kMaxTokens = 64;

// One weight array: its name, shape and first distribution.
struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  double mean = 0;
  double deviation = 0;
};

// Every weight array of `config`, in the order of TrunkNet::parameters.
std::vector<ParameterSpec> ParameterSpecs(const TrunkConfig& config);

// What a stem reads: the tokens of parts of one slot, put back into the form that they were cut from; float32.
//   kBag, kWords  [b, longest, 256]; shorter parts are padded with 0 and the attention does not look there
//   kMosaic       [b, 3, 64, 64], -1 to 1
//   kFrames       [b, frames, 3, 64, 64], -1 to 1; shorter parts are padded likewise
//   kLogMel       [b, 1, 64, 64], time by bands: what sounds, without each band's floor, stretched to 64 steps;
//                 -1 (nothing) to about 1 (the loudest), logarithmic
//   kSound        [b, longest, 64], frames by bands: decibels below the loudest, see timeline.h
struct StemInput {
  int slot = 0;
  StemKind kind = StemKind::kBag;
  std::vector<int> parts;       // Which of the call's parts, one a row.
  std::vector<int64_t> tokens;  // Of each row, as the attention sees them.
  std::vector<int64_t> frames;  // kSound: of each row.
  at::Tensor values;

  // Of kSound: values, frames and what follows from them.
  void SetTimelines(at::Tensor decibels, std::vector<int64_t> lengths);
};

// Pre-LN transformer (Xiong et al. 2020) behind a stem a slot. A stem gives tokens and, before them, a summary: a linear
// view of the whole part. The summary's place is what is read out at the end.
//
// Pictures and spectra first become maps of oriented gradients at two scales (Dalal & Triggs 2005; nothing to learn),
// with colours or levels beside them, on a 16 x 16 grid; small convolutions on those make 4 x 4 tokens. Sounds that are
// read as kSound pass three convolutions over time, a token for each 40 ms; their summary is a linear view of the means
// of eight stretches.
struct TrunkNet {
  TrunkConfig config;
  std::vector<at::Tensor> parameters;  // float32, contiguous, in the order of ParameterSpecs.
  absl::flat_hash_map<std::string, int> index;  // Place of each by name.
  bool bf16 = false;  // Products of matrices, and convolutions, in bfloat16: where the CPU is faster so.

  // What serving reads instead, by place of the parameter: the weights of linears and convolutions. Empty before
  // HoldForServing().
  std::vector<HalfMatrix> matrices = {};

  // Holds weights in bfloat16 as serving reads them, and passes go through those from then on. Parameters must not change
  // any more. Nothing is held, and served in float32, where a head's depth is odd.
  void HoldForServing();

  // INVALID_ARGUMENT when out of bounds.
  static absl::StatusOr<TrunkNet> Create(const TrunkConfig& config);
  static absl::StatusOr<TrunkNet> FromBytes(absl::string_view bytes);
  std::string ToBytes() const;

  // Grows to config.WithSlots(slots): arrays that are missing get first values, each from the configuration's seed and its
  // own name; the others keep theirs. Gives the new place of each old array in `moved`, if asked for. INVALID_ARGUMENT
  // when out of bounds.
  absl::Status AddSlots(int slots, std::vector<int>* moved = nullptr);
  // Takes these stems: arrays that no stem reads any more are dropped, those that are missing are made as by AddSlots.
  // INVALID_ARGUMENT when they do not fit the slots.
  absl::Status SetStems(std::vector<StemKind> stems);

  // INVALID_ARGUMENT on a bad slot or number of tokens; `where` begins the message.
  absl::Status Check(const TokenView& part, absl::string_view where) const;
  // Groups of one slot; of sounds, several of like lengths. Parts have been checked.
  std::vector<StemInput> Gather(absl::Span<const TokenView> parts) const;
  // [n, output_dim], unit rows in the order of the parts that `inputs` came from, on the device of the weights.
  // Gradients flow to parameters that ask for them. Throws what ATen throws.
  // `states`, if asked for, gets of each input what the last layer made of its places: [b, l, width], the summary first.
  at::Tensor Forward(const std::vector<StemInput>& inputs, std::vector<at::Tensor>* states = nullptr) const;

 private:
  // A stem's output: [b, width], and [b, l, width] or undefined.
  struct Stemmed {
    at::Tensor summary, tokens;
  };
  const at::Tensor& At(absl::string_view name) const { return parameters[index.at(name)]; }
  bool serves_halves() const { return !matrices.empty(); }
  // A linear, from either type; it gives float32, HeldLinear() `to`. Held...: where serves_halves() alone.
  at::Tensor Linear(const at::Tensor& x, absl::string_view name) const;
  at::Tensor HeldLinear(const at::Tensor& x, absl::string_view name, at::ScalarType to) const;
  at::Tensor Norm(const at::Tensor& x, absl::string_view name) const;
  at::Tensor Convolve(const at::Tensor& x, absl::string_view name, int stride) const;
  at::Tensor HeldConvolve(const at::Tensor& x, absl::string_view name, int stride) const;
  Stemmed PlaneStem(const at::Tensor& planes, absl::string_view name) const;
  Stemmed SoundStem(const at::Tensor& decibels, const std::vector<int64_t>& frames) const;
  Stemmed Stem(const StemInput& input) const;
  at::Tensor Attend(const at::Tensor& x, absl::string_view name, const at::Tensor& mask) const;
  void ServeLayer(absl::string_view name, absl::Span<const int64_t> tokens, const at::Tensor& x) const;
  at::Tensor ForwardGroup(const StemInput& input, at::Tensor* states) const;
  absl::Status Become(const TrunkConfig& wanted, std::vector<int>* moved);
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_
