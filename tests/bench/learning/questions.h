// What is asked of a space: queries of one kind of part, candidates of another, and which are right for each other.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_QUESTIONS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_QUESTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/learning/corpus.h"
#include "tests/bench/learning/metrics.h"
#include "tests/bench/learning/space.h"

namespace mixmatch::bench {

struct Question {
  std::string name;  // "image_to_text"
  std::vector<PartId> queries, candidates;
  // The metadata whose equal values are right answers. Empty: right answers are of one event, or share bytes with a
  // part of it that is asked about, so that drawings that are the same are both right.
  std::string by;
};

// Queries by one space, candidates by another: the same one, unless the index is older than the queries. What is asked
// and found are whole files: the best pair of parts counts. The rank of each query's file (see Ranks), in order of first
// appearance.
std::vector<int> AskRanks(const Corpus& corpus, const Question& question, const Vectors& queries,
                          const Vectors& candidates);
absl::StatusOr<Recall> Ask(const Corpus& corpus, const Question& question, const Vectors& queries,
                           const Vectors& candidates);
absl::StatusOr<Recall> Ask(const Corpus& corpus, const Question& question, const Space& space);

// The emoji: which drawing styles are learned from, and which one is asked about; names of all languages, or English alone.
struct EmojiSplit {
  std::vector<std::string> learned_styles;
  std::string test_style;
  bool all_languages = false;
};
EmojiSplit UnseenTwitter();
EmojiSplit UnseenTwitterAllLanguages();
EmojiSplit UnseenFluent();

// Learned parts, by concept.
Events EmojiEvents(const Corpus& corpus, const EmojiSplit& split);

// Every event twice: once without its pictures, once without its speech. Nothing pairs speech with pictures.
Events WithoutSpeechImagePairs(const Corpus& corpus, const Events& events);

// All directions between English names, pictures of the unseen style and the unseen voice. The first four are the ones that
// averages are taken over. `image_to_image` looks for the unseen drawing's concept among the learned drawings. With all
// languages `foreign_text_to_image` asks by the other names for pictures of the unseen style.
std::vector<Question> EmojiQuestions(const Corpus& corpus, const EmojiSplit& split);
inline constexpr int kMainQuestions = 4;

// The question about some concepts only: those whose emoji category passes.
Question OfCategories(const Corpus& corpus, const Question& question, const std::vector<std::string>& categories);

// Categories of the emoji in the order of the stream.
std::vector<std::string> EmojiCategories(const Corpus& corpus);

// The speech ladder: learned captions and synthetic speech, by caption.
Events SpeechEvents(const Corpus& corpus);

// Speech to text among the candidate captions of one language, by rung: "human", "flite" or "espeak".
std::map<std::string, std::vector<Question>> SpeechQuestions(const Corpus& corpus);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_QUESTIONS_H_
