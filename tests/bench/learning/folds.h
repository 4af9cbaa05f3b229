// Cross-validation over real recordings: stamps of Tux Paint and units of Wesnoth, asked about in events never learned.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_FOLDS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_FOLDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/questions.h"
#include "tests/bench/learning/space.h"
#include "tests/bench/learning/trials.h"

namespace mixmatch::bench {

// In rising order. A fold holds whole events; what shares bytes is in one fold (tests/corpora/folds.py).
std::vector<std::string> FoldsOf(const Corpus& corpus);

// What is uploaded of the events of all other folds, by event, as a server sees it.
struct FoldEvents {
  Events declared;
  Events clips;  // Picture and sound of one clip: closer together than what is declared, see kClipWeight.
};
FoldEvents EventsOutside(const Corpus& corpus, const std::string& fold);

// The weight that a server gives a container such as a clip, beside a declared event's 1.
inline constexpr double kClipWeight = 3.0;

// Every direction between the kinds of files of one fold. Names begin with "stamps_" or "units_".
std::vector<Question> FoldQuestions(const Corpus& corpus, const std::string& fold);

// Learns on all folds but one and asks about that one, for each of the first `most` folds: the mean over them. With
// `fixed` that space answers instead of a learned one.
absl::Status MeasureFolds(const Trial& trial, int most, const Space* fixed = nullptr);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_FOLDS_H_
