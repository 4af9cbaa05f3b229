// The published form of the fast head: one affine map a modality from its feature vector into the shared space.
#ifndef MIXMATCH_MODEL_HEAD_HEAD_MAPS_H_
#define MIXMATCH_MODEL_HEAD_HEAD_MAPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::model {

// Immutable; const methods may run concurrently. A modality is a "slot": its index in feature_dims.
class HeadMaps {
 public:
  // weights[s] is row-major [feature_dims[s] + 1, dim]; the last row is added to every output. INVALID_ARGUMENT on a
  // wrong size or a value that is not finite.
  static absl::StatusOr<std::shared_ptr<const HeadMaps>> Create(std::vector<int> feature_dims, int dim,
                                                                std::vector<std::vector<float>> weights);

  // Never trained: independent Gaussian projections, which keep cosines within a modality (Johnson & Lindenstrauss
  // 1984) and say nothing across modalities. The same for the same arguments. The baseline of every benchmark.
  // The last `shared` numbers of every slot are of one space already, and stay so: a trunk's outputs, by which things can be
  // found across modalities before anything is learned here.
  static absl::StatusOr<std::shared_ptr<const HeadMaps>> Random(std::vector<int> feature_dims, int dim, uint64_t seed,
                                                                int shared = 0);

  // What Serialize() gave. DATA_LOSS when the bytes are cut or altered.
  static absl::StatusOr<std::shared_ptr<const HeadMaps>> Parse(absl::string_view bytes);
  std::string Serialize() const;

  // These maps, followed by those of Random(feature_dims, dim(), seed, shared) for the slots that are missing.
  // INVALID_ARGUMENT unless feature_dims begins with the lengths of the slots that are there.
  absl::StatusOr<std::shared_ptr<const HeadMaps>> WithSlots(const std::vector<int>& feature_dims, uint64_t seed,
                                                            int shared = 0) const;

  // These maps, with those of Random in place of the given slots, of the same length. INVALID_ARGUMENT: no such slot.
  absl::StatusOr<std::shared_ptr<const HeadMaps>> WithRandom(const std::vector<int>& slots, uint64_t seed,
                                                             int shared = 0) const;

  int slots() const { return static_cast<int>(feature_dims_.size()); }
  int feature_dim(int slot) const { return feature_dims_[slot]; }
  int dim() const { return dim_; }

  // Maps `rows` feature vectors, row-major [rows, feature_dim(slot)], to unit vectors, row-major [rows, dim()].
  // INVALID_ARGUMENT on a wrong size or slot or a value that is not finite. Few rows run on the calling thread alone;
  // 64 and more use torch's threads and, where the CPU multiplies them faster, numbers in bfloat16: 1 - cosine to the same
  // row alone is then below 1e-3 (3e-5 in the mean, 9e-5 at most over 100,000 texts).
  absl::Status Map(int slot, absl::Span<const float> features, int64_t rows, absl::Span<float> out) const;

  // One vector.
  absl::StatusOr<std::vector<float>> Map(int slot, absl::Span<const float> features) const;

 private:
  HeadMaps(std::vector<int> feature_dims, int dim, std::vector<std::vector<float>> weights)
      : feature_dims_(std::move(feature_dims)), dim_(dim), weights_(std::move(weights)) {}

  std::vector<int> feature_dims_;
  int dim_;
  std::vector<std::vector<float>> weights_;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_HEAD_MAPS_H_
