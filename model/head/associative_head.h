// The fast half of learning: what occurs together adds to accumulated second moments, and linear maps into the shared
// space are solved from them. No labels, no replay, no order: one pass gives what joint training gives.
//
// Objective. Each part i of modality m has features x_i with a 1 appended. In event e the parts of one modality share
// weight 1 (so that eight captions do not drown one picture): w_i = 1 / n_em. With u_e the event's weight, s_em the
// weighted sum of its features of modality m, and N_e the number of its modalities, accumulate
//   C_m  = sum_e u_e sum_i w_i x_i x_i'           (within a modality)
//   B_mn = sum_e u_e s_em s_en' / N_e             (between and within: Hebbian, what fires together)
// and take the leading solutions of  B a = rho (C + Lambda) a : the directions in which parts of one event agree
// most, relative to how much all parts vary. That is multi-set canonical correlation in its MAXVAR form (Kettenring
// 1971; as generalised CCA, Carroll 1968), which is Fisher's discriminant analysis with the event as class (rho = share
// of the variance that lies between events). Column j is scaled by rho_j, the shrinkage of the event's latent given one
// part (as in probabilistic LDA, Ioffe 2006). An event of one part says nothing of co-occurrence, but keeps the space
// aware of what there is: u = single_weight.
//
// Regularisation. Lambda_m is diagonal: ridge_mb * (trace(C_m) / D_m) for the features of block b of modality m (what a
// trunk made, say, beside fixed features). The ridges are given (SetRidges) or chosen from the events (ChooseRidges).
//
// A small random projection, different for each modality, is added to each map. It carries similarity within a modality
// where nothing has been learned yet, and is all there is when no event has been seen.
#ifndef MIXMATCH_MODEL_HEAD_ASSOCIATIVE_HEAD_H_
#define MIXMATCH_MODEL_HEAD_ASSOCIATIVE_HEAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/head/head_maps.h"

namespace mixmatch::model {

// One part of an event.
struct EventPart {
  int slot = 0;                     // Its modality: an index into AssociativeHeadOptions::feature_dims.
  absl::Span<const float> features;  // feature_dims[slot] finite values. Copied by Add and Remove.
};

struct AssociativeHeadOptions {
  std::vector<int> feature_dims;  // Feature vector length of each modality, 1 to 8,192; at most 16 modalities.
  int dim = 512;                  // Of the shared space, 2 to 4,096.
  // Lengths of the blocks of each modality's features, in order, each over 0, together feature_dims: each block has a ridge
  // of its own. Empty: one block a modality.
  std::vector<std::vector<int>> blocks;
  // The last block of every modality, as long in each, is of one space already, a trunk's: the random remainder keeps its
  // numbers comparable.
  bool last_block_shared = false;
  double ridge = 0.003;           // Of every block at first; relative to the mean variance of a feature; over 0.
  double least_returning = 0.5;   // ChooseRidges keeps `ridge` where a smaller share of events, 0 to 1, hold a part that others
                                  // hold too; 0: it always chooses.
  double single_weight = 0.01;    // Weight of an event of one part, 0 to 1.
  uint64_t seed = 1;              // Of the random projections and of the first start of the solver.
};

struct SolveReport {
  int64_t events = 0;           // Events of two parts or more that the maps rest on.
  int64_t singles = 0;          // Events of one part.
  double agreement = 0.0;       // Mean rho over the columns, 0 to 1.
  double change = 0.0;          // How far the solved subspace moved, 0 (not at all) to 1.
  double seconds_folding = 0.0;  // Spent on folding the queue into the moments,
  double seconds_solving = 0.0;  // and on solving.
};

// Regularisation by modality and block.
using HeadRidges = std::vector<std::vector<double>>;

struct RidgeReport {
  HeadRidges ridges;
  int64_t events = 0;    // That the moments held.
  int64_t held_out = 0;  // Events that they were judged by; 0: too few, the ridges are AssociativeHeadOptions::ridge.
};

struct SolvedHead {
  std::shared_ptr<const HeadMaps> maps;
  SolveReport report;
};

// Add and Remove may be called from any thread at any time and return quickly: they queue. Fold, Solve and Save work on
// the queue and the moments, one at a time; they do not block Add and Remove while they compute.
// Memory: 4 bytes times (sum of dims)^2 + sum of dims^2 over the modalities that have been seen, up to 250 MB for four of
// this server's, the queue, and up to 384 events as they are, 50 MB at most, usually half of it. A modality
// that was never seen costs its random projection alone and changes nothing else.
// Time, with D_m features of modality m, D their sum and q columns (dim and some): Add and Remove copy; folding an event
// takes O(D_m^2) for each of its parts and O(D_m D_n) for each pair of its modalities; Solve takes
// O(sum of D_m^3 + iterations D^2 q + D q^2), however many events were learned.
class AssociativeHead {
 public:
  static absl::StatusOr<std::unique_ptr<AssociativeHead>> Create(const AssociativeHeadOptions& options);
  virtual ~AssociativeHead() = default;

  // Learns that these parts occurred together. `weight` is over 0 (1: an ordinary event; more for parts known to belong
  // together, such as the frames and the sound of one clip). Never partly done. An event that changes is removed as it
  // was and added as it is. INVALID_ARGUMENT on no parts, a wrong slot, size or weight, or a value that is not finite.
  virtual absl::Status Add(absl::Span<const EventPart> parts, double weight = 1.0) = 0;

  // Unlearns an event: the same parts, features and weight as were added. Exact up to the rounding of 32-bit sums. Give
  // the features as they were given to Add (both from the stored half floats, say). Add then Remove of the same event
  // before a Fold costs nothing.
  virtual absl::Status Remove(absl::Span<const EventPart> parts, double weight = 1.0) = 0;

  // Events waiting to be folded into the moments.
  virtual int64_t queued() const = 0;

  // Folds the queue into the moments. Solve does it too; call it while ingesting to bound the queue's memory.
  virtual absl::Status Fold() = 0;

  // Folds the queue, then solves the maps, starting from the last solution. The shared space turns with every solve:
  // all stored vectors must be mapped again, and a vector of other maps must not be compared with these. `iterations`
  // steps of block subspace iteration; 0 chooses: 8 from a cold start, 1 for up to 64 new events (they are looked
  // for directly, so that one step finds them), 3 for more.
  virtual absl::StatusOr<SolvedHead> Solve(int iterations = 0) = 0;

  // Regularisation of later solves, each over 0 and finite: it is no part of the moments. INVALID_ARGUMENT otherwise, or
  // unless there is one for each block of each modality. `events`: from so many they were chosen, see RidgesDue. SetRidge
  // gives all the same.
  virtual absl::Status SetRidges(const HeadRidges& ridges, int64_t events = 0) = 0;
  absl::Status SetRidge(double ridge);
  virtual HeadRidges ridges() const = 0;

  // Folds the queue, chooses the ridges from the events and sets them. Up to 256 events are held out, a fifth of all at
  // most at a time and in up to five turns, the others solved, and each modality's ridge is the one under which it finds
  // the held-out events' other modalities and is found by them; see ridge_choice.h. A function of the events alone, as
  // the moments are: not of their order, nor of the ridges before. With fewer than 20 events, where events have no classes
  // (AssociativeHeadOptions::least_returning), and for a modality that occurs with no other, the ridges are those of the options. What is held out is a sample kept beside the moments: a
  // removed event is in it no more. Events that share parts with others are not kept apart from them, so a modality whose
  // parts come back in many events gets a smaller ridge than new parts would want.
  // Cost: up to five times that of a first solve and of a dozen factorisations a modality, twice where there are blocks;
  // the moments' memory once more. To be called now and then, where nothing waits for it. CANCELLED, and nothing is changed,
  // soon after `cancelled` becomes true.
  virtual absl::StatusOr<RidgeReport> ChooseRidges(const std::function<bool()>& cancelled = nullptr) = 0;
  // Whether they are worth choosing again: the moments hold 20 events or more, and half as many more or as many fewer than
  // when they were chosen.
  virtual bool RidgesDue() const = 0;

  // The next Solve starts from the seed instead of the last solution. Its maps are then a function of the moments and
  // the number of iterations alone: after removals they equal, to rounding, those of a head that never saw what was
  // removed, whether or not the iterations suffice. That Solve costs as much as the first.
  virtual void ForgetSolution() = 0;

  // The full state, ridges and held-out events too, with the queue folded in, in this build's byte order; checksummed. Load
  // replaces everything, in a head of the same options, or of more modalities behind the same ones. DATA_LOSS when the
  // bytes are cut or altered, FAILED_PRECONDITION when they are of other dimensions or blocks.
  virtual absl::StatusOr<std::string> Save() = 0;
  virtual absl::Status Load(absl::string_view bytes) = 0;
};

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_ASSOCIATIVE_HEAD_H_
