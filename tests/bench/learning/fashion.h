// Fashion-MNIST: pictures and the names of their classes, for scale and for classes that arrive one after another.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_FASHION_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_FASHION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/questions.h"
#include "tests/bench/learning/space.h"
#include "tests/bench/learning/trials.h"

namespace mixmatch::bench {

// The numbers of the classes, two to a stage, in rising order.
std::vector<std::vector<std::string>> FashionStages(const Corpus& corpus);

// A learned picture and the name of its class, for each learned picture of these classes.
Events FashionEvents(const Corpus& corpus, const std::vector<std::string>& classes);

// From the test pictures of some classes to the names of others.
Question PictureToClass(const Corpus& corpus, const std::vector<std::string>& pictures,
                        const std::vector<std::string>& names);

// One pass over the stages, solved after each: accuracy among all classes so far, forgetting, rows learned a second.
// Then the accuracy of all at once, solved by so many iterations.
absl::Status MeasureFashion(const Trial& trial, int joint_iterations);

// The accuracy of a space that learned nothing of this.
absl::Status AskFashion(const Trial& trial, const Space& space);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_FASHION_H_
