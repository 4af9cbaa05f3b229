// The emergent link: sound effects and drawings that were never learned together, only each with text.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_EMERGENT_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_EMERGENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/questions.h"
#include "tests/bench/learning/space.h"
#include "tests/bench/learning/trials.h"

namespace mixmatch::bench {

// Emoji that a recorded sound effect belongs to, in rising order (the metadata `concept` of both).
std::vector<std::string> SoundConcepts(const Corpus& corpus);

// Drawings of the learned styles with names and tags: nothing of sound.
Events DrawnAndNamed(const Corpus& corpus);
// Every sound effect with the English caption of its stamp: nothing of drawings.
Events HeardAndNamed(const Corpus& corpus);
// For each sound effect of these concepts: it and the learned drawings of its concept, no text.
Events HeardAndDrawn(const Corpus& corpus, const std::vector<std::string>& concepts);

// From the effects of these concepts to drawings of the unseen style: those of `candidates`, or of all if it is empty.
Question SoundToEmoji(const Corpus& corpus, const std::vector<std::string>& concepts,
                      const std::vector<std::string>& candidates);

// What emerges; beside it, and as a ratio, what is learned from the pairs themselves (`_direct`); and, unless `brief`,
// what is learned from the pairs of other concepts on top of the texts (`_other_pairs`; five groups of concepts).
absl::Status MeasureSoundToEmoji(const Trial& trial, bool brief);

// The same questions to a space that learned nothing of this.
absl::Status AskSoundToEmoji(const Trial& trial, const Space& space);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_EMERGENT_H_
