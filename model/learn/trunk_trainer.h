// The slow half of learning: trains the trunk and the stems by contrast between events, in small steps.
#ifndef MIXMATCH_MODEL_LEARN_TRUNK_TRAINER_H_
#define MIXMATCH_MODEL_LEARN_TRUNK_TRAINER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/trunk/trunk.h"

namespace mixmatch::model {

// Parts of one event for a training step; owns its tokens.
struct TrainingPart {
  int slot = 0;
  std::vector<uint8_t> tokens;  // [n, 256].
  std::vector<int> spelling = {};  // What is said, in order, each 1 to `symbols`; looked at with `symbols`. Empty: not known.
};
struct TrainingEvent {
  std::vector<TrainingPart> parts;  // Two or more, of two or more slots where the event has them.
  uint64_t id = 0;                  // The same in every batch; below `proxies`. Looked at with `memory` and `proxies`.
};

struct TrunkTrainerOptions {
  double learning_rate = 5e-4;  // AdamW; warmed up over warmup_steps, then constant.
  int warmup_steps = 100;
  double weight_decay = 0.01;
  double temperature = 0.1;
  double distillation = 2.0;    // Weight of staying near the published trunk on pairs that it knows; 0: none.
  uint64_t seed = 1;
  double average = 0;           // Decay a step of the moving average that Snapshot gives, below 1; 0: the raw weights.
  int parts_per_event = 2;      // Drawn of each event, where it has so many; 2 to 16.
  int memory = 0;               // Rows of earlier steps that are negatives too; not saved.
  int proxies = 0;              // Events that have a learned vector of their own, 0: none; see below.
  int symbols = 0;              // Sounds of speech that spellings name; 0: none; see below.
  double spelling = 0.5;        // Weight of spelling.
  bool augment = false;         // Train on altered views, see augment.h.
  bool bf16 = false;            // Products in bfloat16.
  bool cuda = false;            // Weights, optimizer and products on the first GPU, instead of the CPU.
};

// Decoupled contrastive loss (Yeh et al., ECCV 2022), -log of a pair's likelihood ratio against other events' parts,
// 0 when partners are no nearer than strangers, averaged over an anchor's partners (Khosla et al., NeurIPS 2020);
// rows of earlier steps serve as further negatives (cross-batch memory, Wang et al., CVPR 2020). Parts that the published trunk has nearly equal (centred cosine above
// 0.9) are no negatives. Plus distillation * mean(1 - cosine to the published trunk's vector), over the pairs whose
// partner the published trunk itself finds first in the batch. AdamW, gradient norm clipped at 1.
// With `symbols`, sounds whose spelling is known also have to spell it: connectionist temporal classification (Graves et
// al., ICML 2006) of the last layer's places, by a linear map that is the trainer's own. What it teaches in a thousand
// steps, where one sound ends and the next begins, contrast alone takes several thousand to find.
// Not thread-safe: one thread trains. Steps use the calling thread's torch threads.
class TrunkTrainer {
 public:
  // Starts from `published`, which is also what distillation holds on to. FAILED_PRECONDITION: options.cuda, and LibTorch
  // sees no GPU.
  static absl::StatusOr<std::unique_ptr<TrunkTrainer>> Create(std::shared_ptr<const Trunk> published,
                                                              const TrunkTrainerOptions& options);
  virtual ~TrunkTrainer() = default;

  // One step on a batch of 2 to 1,024 distinct events, parts_per_event drawn of each; returns the loss in nats. Parts of other
  // events in the batch are the negatives. INTERNAL, and the weights unchanged, when the loss is not finite.
  virtual absl::StatusOr<double> Step(absl::Span<const TrainingEvent> events) = 0;

  // From now on, as a share of the learning rate: a schedule is the caller's. Not saved.
  virtual void SetRate(double share) = 0;

  virtual int64_t steps() const = 0;  // Since Create or as loaded.
  // The weights as they are now (their moving average, where that is what is served).
  virtual absl::StatusOr<std::shared_ptr<const Trunk>> Snapshot() = 0;
  // From now on distillation holds on to this one; the weights in training stay unless `restart`, which takes them from
  // it and begins warm-up and optimizer anew. FAILED_PRECONDITION when of another configuration.
  virtual absl::Status SetPublished(std::shared_ptr<const Trunk> published, bool restart) = 0;

  // Weights, optimizer and step count, whatever the device; checksummed. Load: DATA_LOSS when cut or altered, FAILED_PRECONDITION when of
  // another configuration.
  virtual absl::StatusOr<std::string> Save() = 0;
  virtual absl::Status Load(absl::string_view bytes) = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_LEARN_TRUNK_TRAINER_H_
