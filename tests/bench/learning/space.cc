#include "tests/bench/learning/space.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

constexpr int64_t kFoldAt = 256;  // Events queued at most: as many as the head folds by one product.

void AppendInput(const Part& part, Input input, std::vector<float>* out) {
  out->insert(out->end(), part.features.begin(), part.features.end());
  if (input == Input::kJoined) out->insert(out->end(), part.trunk.begin(), part.trunk.end());
}

}  // namespace

std::vector<int> InputDims(const Corpus& corpus, Input input) {
  std::vector<int> dims = model::FeatureDims();
  if (input == Input::kFixed || corpus.parts.empty()) return dims;
  for (int& dim : dims) dim += static_cast<int>(corpus.parts.front().trunk.size());
  return dims;
}

Space Space::OfMaps(const Corpus* corpus, Input input, std::shared_ptr<const model::HeadMaps> maps) {
  Space space;
  space.corpus_ = corpus;
  space.input_ = input;
  space.maps_ = std::move(maps);
  return space;
}

Space Space::OfTrunk(const Corpus* corpus) {
  Space space;
  space.corpus_ = corpus;
  return space;
}

absl::StatusOr<Vectors> Space::Embed(const std::vector<PartId>& parts) const {
  Vectors vectors;
  if (parts.empty()) return vectors;
  if (maps_ == nullptr) {
    vectors.dim = static_cast<int>(corpus_->parts[parts[0]].trunk.size());
    for (PartId part : parts) {
      const std::vector<float>& row = corpus_->parts[part].trunk;
      vectors.values.insert(vectors.values.end(), row.begin(), row.end());
    }
    return vectors;
  }
  vectors.dim = maps_->dim();
  vectors.values.resize(parts.size() * vectors.dim);
  // Runs of one slot go through the map together.
  for (size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
    const int slot = corpus_->parts[parts[begin]].slot;
    std::vector<float> rows;
    for (end = begin; end < parts.size() && corpus_->parts[parts[end]].slot == slot && end - begin < 1024; ++end) {
      AppendInput(corpus_->parts[parts[end]], input_, &rows);
    }
    MIXMATCH_RETURN_IF_ERROR(maps_->Map(
        slot, rows, static_cast<int64_t>(end - begin),
        absl::MakeSpan(vectors.values).subspan(begin * vectors.dim, (end - begin) * vectors.dim)));
  }
  return vectors;
}

absl::StatusOr<HeadLearner> HeadLearner::Create(const Corpus* corpus, Input input, uint64_t seed) {
  model::AssociativeHeadOptions options;
  options.feature_dims = InputDims(*corpus, input);
  const std::vector<int> fixed = model::FeatureDims();
  for (size_t slot = 0; slot < fixed.size() && input == Input::kJoined; ++slot) {
    options.blocks.push_back({fixed[slot], options.feature_dims[slot] - fixed[slot]});
  }
  options.last_block_shared = input == Input::kJoined;
  options.seed = seed;
  HeadLearner learner;
  learner.corpus_ = corpus;
  learner.input_ = input;
  MIXMATCH_ASSIGN_OR_RETURN(learner.head_, model::AssociativeHead::Create(options));
  return learner;
}

absl::Status HeadLearner::Change(const Events& events, bool add, double weight) {
  for (const std::vector<PartId>& event : events) {
    if (event.empty()) continue;
    std::vector<std::vector<float>> rows(event.size());
    std::vector<model::EventPart> parts;
    for (size_t i = 0; i < event.size(); ++i) {
      const Part& part = corpus_->parts[event[i]];
      AppendInput(part, input_, &rows[i]);
      parts.push_back({part.slot, rows[i]});
    }
    MIXMATCH_RETURN_IF_ERROR(add ? head_->Add(parts, weight) : head_->Remove(parts, weight));
    if (head_->queued() >= kFoldAt) MIXMATCH_RETURN_IF_ERROR(head_->Fold());
  }
  return absl::OkStatus();
}

absl::Status HeadLearner::Add(const Events& events, double weight) {
  return Change(events, true, weight);
}

absl::Status HeadLearner::Remove(const Events& events) { return Change(events, false, 1.0); }

void HeadLearner::ForgetSolution() {
  head_->ForgetSolution();
  forgot_ = true;
}

absl::StatusOr<Space> HeadLearner::Solve(int iterations) {
  MIXMATCH_RETURN_IF_ERROR(head_->Fold());
  if (forgot_ || head_->RidgesDue()) {
    MIXMATCH_RETURN_IF_ERROR(head_->ChooseRidges().status());
    head_->ForgetSolution();
    forgot_ = false;
  }
  MIXMATCH_ASSIGN_OR_RETURN(model::SolvedHead solved, head_->Solve(iterations));
  return Space::OfMaps(corpus_, input_, std::move(solved.maps));
}

}  // namespace mixmatch::bench
