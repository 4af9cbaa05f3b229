#include "tests/bench/learning/questions.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "absl/strings/match.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

bool Contains(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

bool IsEmoji(const Source& source, const char* kind) {
  return source["corpus"] == "emoji" && source["kind"] == kind;
}

// The files of some parts.
struct Items {
  std::vector<int> of;       // The file of each part, numbered in order of first appearance.
  std::vector<int> sources;  // Of each file: its place in Corpus::sources.
};

Items ItemsOf(const Corpus& corpus, const std::vector<PartId>& parts) {
  Items items;
  std::unordered_map<int, int> number;
  for (PartId part : parts) {
    const int source = corpus.parts[part].source;
    const auto [found, fresh] = number.emplace(source, static_cast<int>(items.sources.size()));
    if (fresh) items.sources.push_back(source);
    items.of.push_back(found->second);
  }
  return items;
}

// Equal for files that are right for each other.
struct AnswerGroups {
  std::vector<int> queries, candidates;
};

AnswerGroups GroupsOf(const Corpus& corpus, const Question& question, const Items& queries, const Items& candidates) {
  std::vector<std::string> concepts, contents;
  for (const Items* items : {&queries, &candidates}) {
    for (int source : items->sources) {
      const Source& file = corpus.sources[source];
      concepts.push_back(question.by.empty() ? file.event : file[question.by]);
      contents.push_back(question.by.empty() ? file.content_key : "");
    }
  }
  const std::vector<int> groups = Groups(concepts, contents);
  const auto middle = groups.begin() + queries.sources.size();
  return {{groups.begin(), middle}, {middle, groups.end()}};
}

}  // namespace

std::vector<int> AskRanks(const Corpus& corpus, const Question& question, const Vectors& queries,
                          const Vectors& candidates) {
  const Items asked = ItemsOf(corpus, question.queries), stored = ItemsOf(corpus, question.candidates);
  const AnswerGroups groups = GroupsOf(corpus, question, asked, stored);
  if (queries.rows() == 0 || candidates.rows() == 0) return std::vector<int>(asked.sources.size(), 0);
  return Ranks(BestOfItems(Scores(queries, candidates), asked.of, stored.of), groups.queries, groups.candidates);
}

absl::StatusOr<Recall> Ask(const Corpus& corpus, const Question& question, const Vectors& queries,
                           const Vectors& candidates) {
  const Items asked = ItemsOf(corpus, question.queries), stored = ItemsOf(corpus, question.candidates);
  const AnswerGroups groups = GroupsOf(corpus, question, asked, stored);
  Recall recall = RecallOf(AskRanks(corpus, question, queries, candidates), static_cast<int>(stored.sources.size()));
  recall.chance_r1 = Chance(groups.queries, groups.candidates, 1);
  recall.chance_r10 = Chance(groups.queries, groups.candidates, 10);
  return recall;
}

absl::StatusOr<Recall> Ask(const Corpus& corpus, const Question& question, const Space& space) {
  MIXMATCH_ASSIGN_OR_RETURN(const Vectors queries, space.Embed(question.queries));
  MIXMATCH_ASSIGN_OR_RETURN(const Vectors candidates, space.Embed(question.candidates));
  return Ask(corpus, question, queries, candidates);
}

EmojiSplit UnseenTwitter() { return {{"google", "openmoji", "fluent"}, "twitter"}; }
EmojiSplit UnseenTwitterAllLanguages() {
  EmojiSplit split = UnseenTwitter();
  split.all_languages = true;
  return split;
}
EmojiSplit UnseenFluent() { return {{"google", "openmoji", "twitter"}, "fluent"}; }

Events EmojiEvents(const Corpus& corpus, const EmojiSplit& split) {
  return ByEvent(corpus, corpus.Where([&split](const Source& source) {
    if (source["corpus"] != "emoji") return false;
    if (source["kind"] == "picture") return Contains(split.learned_styles, source["style"]);
    return source["split"] == "train" && (split.all_languages || source["lang"] == "en");
  }));
}

Events WithoutSpeechImagePairs(const Corpus& corpus, const Events& events) {
  Events halves;
  for (const std::vector<PartId>& event : events) {
    for (const char* left_out : {"image", "audio"}) {
      std::vector<PartId>& half = halves.emplace_back();
      for (PartId part : event) {
        if (corpus.SourceOf(part).modality != left_out) half.push_back(part);
      }
    }
  }
  return halves;
}

std::vector<Question> EmojiQuestions(const Corpus& corpus, const EmojiSplit& split) {
  const std::vector<PartId> names = corpus.Where([](const Source& s) { return IsEmoji(s, "name") && s["lang"] == "en"; });
  const std::vector<PartId> speech =
      corpus.Where([](const Source& s) { return IsEmoji(s, "speech") && s["split"] == "test"; });
  const std::vector<PartId> pictures =
      corpus.Where([&](const Source& s) { return IsEmoji(s, "picture") && s["style"] == split.test_style; });
  const std::vector<PartId> learned = corpus.Where(
      [&](const Source& s) { return IsEmoji(s, "picture") && Contains(split.learned_styles, s["style"]); });
  std::vector<Question> questions = {{"image_to_text", pictures, names, ""}, {"text_to_image", names, pictures, ""},
                                     {"speech_to_text", speech, names, ""},  {"speech_to_image", speech, pictures, ""},
                                     {"text_to_speech", names, speech, ""},  {"image_to_speech", pictures, speech, ""},
                                     {"image_to_image", pictures, learned, ""}};
  if (split.all_languages) {
    const std::vector<PartId> foreign =
        corpus.Where([](const Source& s) { return IsEmoji(s, "name") && s["lang"] != "en"; });
    questions.push_back({"foreign_text_to_image", foreign, pictures, ""});
  }
  return questions;
}

Question OfCategories(const Corpus& corpus, const Question& question, const std::vector<std::string>& categories) {
  Question part;
  part.name = question.name;
  part.by = question.by;
  const auto passes = [&](PartId id) { return Contains(categories, corpus.SourceOf(id)["category"]); };
  std::copy_if(question.queries.begin(), question.queries.end(), std::back_inserter(part.queries), passes);
  std::copy_if(question.candidates.begin(), question.candidates.end(), std::back_inserter(part.candidates), passes);
  return part;
}

std::vector<std::string> EmojiCategories(const Corpus& corpus) {
  std::set<std::string> categories;
  for (const Source& source : corpus.sources) {
    if (source["corpus"] == "emoji") categories.insert(source["category"]);
  }
  return {categories.begin(), categories.end()};
}

Events SpeechEvents(const Corpus& corpus) {
  return ByEvent(corpus,
                 corpus.Where([](const Source& s) { return s["corpus"] == "speech" && s["split"] == "train"; }));
}

std::map<std::string, std::vector<Question>> SpeechQuestions(const Corpus& corpus) {
  std::set<std::string> languages;
  for (const Source& source : corpus.sources) {
    if (source["corpus"] == "speech") languages.insert(source["lang"]);
  }
  std::map<std::string, std::vector<Question>> questions;
  for (const std::string& language : languages) {
    const auto candidate = [&](const Source& s, const char* kind) {
      return s["corpus"] == "speech" && s["lang"] == language && s["pool"] == "candidate" && s["kind"] == kind;
    };
    const std::vector<PartId> captions = corpus.Where([&](const Source& s) { return candidate(s, "caption"); });
    std::map<std::string, std::vector<PartId>> rungs;
    for (PartId part : corpus.Where([&](const Source& s) { return candidate(s, "speech") && s["split"] == "test"; })) {
      const std::string& voice = corpus.SourceOf(part)["voice"];
      rungs[voice == "human" ? "human" : absl::StartsWith(voice, "flite") ? "flite" : "espeak"].push_back(part);
    }
    for (const auto& [rung, queries] : rungs) questions[rung].push_back({language, queries, captions, ""});
  }
  return questions;
}

}  // namespace mixmatch::bench
