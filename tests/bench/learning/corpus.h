// The parts of the shards that a benchmark reads, with what the manifest said of them.
#ifndef MIXMATCH_TESTS_BENCH_LEARNING_CORPUS_H_
#define MIXMATCH_TESTS_BENCH_LEARNING_CORPUS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/trunk/trunk.h"

namespace mixmatch::bench {

// One file, as its manifest row says.
struct Source {
  std::string id, event, modality, content_key, role;
  std::map<std::string, std::string> metadata;

  // Empty if there is no such entry.
  const std::string& operator[](const std::string& key) const;
};

// A part's place in Corpus::parts.
using PartId = int;
// Parts that occurred together, event by event.
using Events = std::vector<std::vector<PartId>>;

struct Part {
  int slot = 0;
  int source = 0;                    // Index into Corpus::sources.
  std::vector<float> features;       // Fixed.
  std::vector<float> trunk;          // Of the trunk; empty without one.
};

struct Corpus {
  std::vector<Source> sources;
  std::vector<Part> parts;

  const Source& SourceOf(PartId part) const { return sources[parts[part].source]; }
  // Parts whose source passes, in the order of the shards.
  std::vector<PartId> Where(const std::function<bool(const Source&)>& passes) const;
};

// Adds every part of every shard in a folder to the corpus that `home` gives for its source, if it gives one, and fills
// Part::trunk, rounded to half floats as the store does, unless `trunk` is null. Holds the tokens of one shard at a
// time. NOT_FOUND if there is no shard in the folder.
absl::Status AddShards(const std::string& folder, const std::function<Corpus*(const Source&)>& home,
                       const model::Trunk* trunk);

// Parts by event, each event's in order, events in order of first appearance.
Events ByEvent(const Corpus& corpus, const std::vector<PartId>& parts);

}  // namespace mixmatch::bench

#endif  // MIXMATCH_TESTS_BENCH_LEARNING_CORPUS_H_
