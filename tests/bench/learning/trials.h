// The measurements of the learning benchmark, each for one way of making vectors.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_TRIALS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_TRIALS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/questions.h"
#include "tests/bench/learning/results.h"
#include "tests/bench/learning/space.h"

namespace mixmatch::bench {

// Iterations after which another one changes nothing that is measured.
inline constexpr int kConverged = 30;

struct Trial {
  const Corpus* corpus = nullptr;
  Results* results = nullptr;
  Input input = Input::kFixed;
  uint64_t seed = 1;
  std::string suffix;  // Of the figures: "", "_head_alone", ...
};

// A head that has learned these events and is solved.
absl::StatusOr<Space> Learn(const Trial& trial, const Events& events, int iterations = 0);

// All directions between the emoji's modalities. `variant` goes before the trial's suffix.
absl::Status AskEmoji(const Trial& trial, const EmojiSplit& split, const Space& space, const std::string& variant);

// Speech to text by rung and language.
absl::Status AskSpeech(const Trial& trial, const Space& space);

// Speech to image by what was only learned through text, against `direct`, which learned whole events; solved as `direct`
// was, see Learn.
absl::Status MeasureEmergence(const Trial& trial, const Space& direct, int iterations = 0);

// One pass in the order of categories, solved after each: against all at once (`joint`), forgetting, and an index whose
// vectors are older than the queries.
absl::Status MeasureStream(const Trial& trial, const Space& joint);

// Removes a tenth of the events, solves from the seed (`warm_too`: from the last solution as well), and compares with a
// head that never saw them.
absl::Status MeasureUnlearning(const Trial& trial, bool warm_too);

// Maps 100,000 rows of image features, as a refresh of the whole index does.
absl::Status MeasureRefresh(const Trial& trial, int64_t rows);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_TRIALS_H_
