// A corpus for tests, file by file: one part each, and a trunk's output that tells concepts apart.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_FABRICATED_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_FABRICATED_H_

#include <map>
#include <string>
#include <vector>

#include "tests/bench/learning/corpus.h"

namespace mixmatch::bench {

class Fabricated {
 public:
  // The slot is that of the modality: text, image, audio, video. Axis `axis` of 16 is the trunk's output.
  PartId Add(const std::string& event, const std::string& modality, int axis,
             const std::map<std::string, std::string>& metadata, const std::string& role = "ingest") {
    const std::string number = std::to_string(corpus.sources.size());
    corpus.sources.push_back({number, event, modality, "bytes" + number, role, metadata});
    return AddPart(modality, axis);
  }
  // One more part of the last file.
  PartId AddPart(const std::string& modality, int axis) {
    Part part;
    part.slot = modality == "text" ? 0 : modality == "image" ? 1 : modality == "audio" ? 2 : 3;
    part.source = static_cast<int>(corpus.sources.size()) - 1;
    part.trunk.assign(16, 0.0f);
    part.trunk[axis] = 1.0f;
    corpus.parts.push_back(part);
    return static_cast<PartId>(corpus.parts.size()) - 1;
  }

  Corpus corpus;
};

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_FABRICATED_H_
