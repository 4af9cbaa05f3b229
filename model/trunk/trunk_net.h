// The trunk's weights and its arithmetic as tensors, shared by serving (trunk.cc) and training (learn/).
// Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_
#define MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
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

// Pre-LN transformer (Xiong et al. 2020) behind one linear stem a slot.
struct TrunkNet {
  TrunkConfig config;
  std::vector<at::Tensor> parameters;  // float32, contiguous, in the order of ParameterSpecs.

  // INVALID_ARGUMENT when out of bounds.
  static absl::StatusOr<TrunkNet> Create(const TrunkConfig& config);
  static absl::StatusOr<TrunkNet> FromBytes(absl::string_view bytes);
  std::string ToBytes() const;

  // INVALID_ARGUMENT on a bad slot or number of tokens; `where` begins the message.
  absl::Status Check(const TokenView& part, absl::string_view where) const;
  // [n, output_dim], unit rows in the order of `parts`; in one batch, padded to the longest. Parts have been checked.
  // Gradients flow to parameters that ask for them. Throws what ATen throws.
  at::Tensor Forward(absl::Span<const TokenView> parts) const;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_TRUNK_NET_H_
