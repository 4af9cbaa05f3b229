// Concepts that were never learned: whether they are told from known ones, and what one event of each changes.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_UNSEEN_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_UNSEEN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/questions.h"
#include "tests/bench/learning/space.h"
#include "tests/bench/learning/trials.h"

namespace mixmatch::bench {

// Emoji by concept, a tenth of them held out, evenly over the categories.
struct HeldOut {
  Events learned;
  Events unseen;  // As they would be learned.
};
HeldOut HoldOutTenth(const Events& events);

// How far each part is from what was learned: 1 - its largest cosine to a vector of another modality. `learned` are
// vectors of parts of other modalities.
std::vector<float> Novelty(const Vectors& parts, const Vectors& learned);

// Cosines of a question's queries and candidates, by whether they belong together.
struct Pairings {
  std::vector<float> matched, mismatched;
};
Pairings PairingsOf(const Corpus& corpus, const Question& question, const Vectors& queries, const Vectors& candidates);

// Of a space that has learned `held_out.learned` (or nothing): how well novelty tells test parts of unseen concepts
// from those of known ones, and how well the cosine tells pairs that belong together from pairs that do not.
absl::Status MeasureNovelty(const Trial& trial, const HeldOut& held_out, const Space& space);

// Learns all but the held-out tenth and measures the above; then, for every `of`-th held-out concept from the
// `first`-th on, at most `most`: the rank of its test parts among all concepts before and after its one event was added
// to that head, each time from the same state.
absl::Status MeasureUnseen(const Trial& trial, int first, int of, int most);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_UNSEEN_H_
