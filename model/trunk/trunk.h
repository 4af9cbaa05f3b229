// The one attention trunk that every modality shares, with a stem for each: tokens in, one vector out.
#ifndef MIXMATCH_MODEL_TRUNK_TRUNK_H_
#define MIXMATCH_MODEL_TRUNK_TRUNK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mixmatch::model {

// Tokens of one part; a view.
struct TokenView {
  int slot = 0;                      // The part's modality, see ModalityRow::slot.
  absl::Span<const uint8_t> tokens;  // [n, 256] row-major, 1 <= n <= 64.
};

// How a slot's 256-byte tokens lie, and so which stem reads them.
enum class StemKind : int {
  kBag = 0,     // Each token for itself: one linear map.
  kWords = 1,   // The same, for bytes that count something: 64 a count.
  kMosaic = 2,  // n = 64: 8 x 8 patches of 16 x 16 pixels in a colour mosaic, see modality/image.
  kFrames = 3,  // n = 16 a frame, 1 to 4 frames of 4 x 4 such patches. Read by the weights of kMosaic.
  kLogMel = 4,  // n a multiple of 4: patches of 16 bands x 16 frames, four a stretch, see modality/audio. Looked at whole,
                // stretched to one length.
  kSound = 5,   // The same tokens, followed in time.
};

struct TrunkConfig {
  int slots = 4;                // Stems.
  std::vector<StemKind> stems;  // Of each slot; empty: all kBag.
  int width = 128;              // Of the residual stream; a multiple of heads.
  int layers = 3;
  int heads = 4;
  int output_dim = 128;         // Of the result.
  uint64_t seed = 1;            // Of the first weights.

  static TrunkConfig Tiny();   // For tests: no convolutions.
  static TrunkConfig Small();  // For two cores; the default. Stems for the table of modalities.
  static TrunkConfig Base();   // For a GPU.
  // The one of these that "tiny", "small" or "base" names. INVALID_ARGUMENT: another name.
  static absl::StatusOr<TrunkConfig> Named(absl::string_view name);

  // The same with at least `slots` slots. Those added read tokens as Small() does for its slots, as kBag beyond them and
  // where all are kBag.
  TrunkConfig WithSlots(int slots) const;

  StemKind stem(int slot) const { return stems.empty() ? StemKind::kBag : stems[slot]; }
};

// Immutable weights. Thread-safe.
class Trunk {
 public:
  // Fresh random weights: a fixed function of the configuration.
  static absl::StatusOr<std::shared_ptr<const Trunk>> Create(const TrunkConfig& config);
  // From ToBytes: a safetensors file. DATA_LOSS when cut or altered, FAILED_PRECONDITION when of another version.
  static absl::StatusOr<std::shared_ptr<const Trunk>> FromBytes(absl::string_view bytes);
  virtual ~Trunk() = default;

  // A trunk of at least `slots` slots: these weights, and those of the missing stems made from the configuration's seed
  // (the same in every process). Parts of the slots that it had are read as before, to the bit. The same object if there
  // is nothing to add.
  static absl::StatusOr<std::shared_ptr<const Trunk>> WithSlots(std::shared_ptr<const Trunk> trunk, int slots);

  // A trunk that reads its slots by these stems, at least as many as it has: what they share with its own keeps its
  // weights, the rest is made as by WithSlots.
  static absl::StatusOr<std::shared_ptr<const Trunk>> WithStems(std::shared_ptr<const Trunk> trunk,
                                                                const std::vector<StemKind>& stems);

  virtual const TrunkConfig& config() const = 0;
  // The weights with the configuration and a checksum, in the safetensors format.
  virtual std::string ToBytes() const = 0;
  // [n, output_dim] row-major, each row of unit length; a part's row depends on the others in the call by rounding
  // only, at most 1e-3 a number where the CPU multiplies in bfloat16. Small batches inside. Runs on the calling
  // thread's torch threads. INVALID_ARGUMENT on a bad slot or number of tokens.
  virtual absl::StatusOr<std::vector<float>> Encode(absl::Span<const TokenView> parts) const = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_TRUNK_TRUNK_H_
