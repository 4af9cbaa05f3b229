#include "tests/bench/learning/corpus.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/learn/shard.h"
#include "model/modality/packed_features.h"
#include "proto/base/status_macros.h"

namespace mixmatch::bench {
namespace {

using nlohmann::json;

constexpr size_t kEncodedAtOnce = 64;

Source Parse(const std::string& row) {
  const json object = json::parse(row, nullptr, /*allow_exceptions=*/false);
  Source source;
  if (!object.is_object()) return source;
  const auto text = [](const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); };
  for (const auto& [key, value] : object.items()) {
    if (key == "id") source.id = text(value);
    if (key == "event") source.event = text(value);
    if (key == "modality") source.modality = text(value);
    if (key == "content_key") source.content_key = text(value);
    if (key == "role") source.role = text(value);
    if (key != "metadata" || !value.is_object()) continue;
    for (const auto& [name, entry] : value.items()) source.metadata[name] = text(entry);
  }
  return source;
}

// The trunk's output for each part, as the store would give it back.
absl::Status Encode(const model::Trunk& trunk, const std::vector<model::ShardPart>& parts,
                    std::vector<std::vector<float>>* out) {
  const size_t dim = trunk.config().output_dim;
  for (size_t begin = 0; begin < parts.size(); begin += kEncodedAtOnce) {
    const size_t end = std::min(parts.size(), begin + kEncodedAtOnce);
    std::vector<model::TokenView> views;
    for (size_t i = begin; i < end; ++i) views.push_back({parts[i].slot, parts[i].tokens});
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> rows, trunk.Encode(views));
    for (size_t i = begin; i < end; ++i) {
      const absl::Span<const float> row = absl::MakeConstSpan(rows).subspan((i - begin) * dim, dim);
      MIXMATCH_ASSIGN_OR_RETURN((*out)[i], model::UnpackFeatures(model::PackFeatures(row)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const std::string& Source::operator[](const std::string& key) const {
  static const std::string* const none = new std::string;
  const auto found = metadata.find(key);
  return found == metadata.end() ? *none : found->second;
}

std::vector<PartId> Corpus::Where(const std::function<bool(const Source&)>& passes) const {
  std::vector<char> pass;
  for (const Source& source : sources) pass.push_back(passes(source));
  std::vector<PartId> found;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (pass[parts[i].source]) found.push_back(static_cast<PartId>(i));
  }
  return found;
}

absl::Status AddShards(const std::string& folder, const std::function<Corpus*(const Source&)>& home,
                       const model::Trunk* trunk) {
  const std::vector<std::string> paths = model::ShardFiles(folder);
  if (paths.empty()) {
    return absl::NotFoundError(absl::StrCat("no shards in ", folder, "; make them with mixmatch-shards"));
  }
  for (const std::string& path : paths) {
    MIXMATCH_ASSIGN_OR_RETURN(model::Shard shard, model::Shard::ReadFile(path));
    std::vector<std::pair<Corpus*, int>> place;  // Of each row: its corpus, or null, and where among its sources.
    for (const std::string& row : shard.rows) {
      Source source = Parse(row);
      Corpus* const corpus = home(source);
      place.emplace_back(corpus, corpus == nullptr ? 0 : static_cast<int>(corpus->sources.size()));
      if (corpus != nullptr) corpus->sources.push_back(std::move(source));
    }
    shard.parts.erase(std::remove_if(shard.parts.begin(), shard.parts.end(),
                                     [&](const model::ShardPart& part) { return place[part.row].first == nullptr; }),
                      shard.parts.end());
    std::vector<std::vector<float>> encoded(shard.parts.size());
    if (trunk != nullptr) MIXMATCH_RETURN_IF_ERROR(Encode(*trunk, shard.parts, &encoded));
    for (size_t i = 0; i < shard.parts.size(); ++i) {
      model::ShardPart& part = shard.parts[i];
      const auto& [corpus, source] = place[part.row];
      corpus->parts.push_back({part.slot, source, std::move(part.features), std::move(encoded[i])});
    }
  }
  return absl::OkStatus();
}

Events ByEvent(const Corpus& corpus, const std::vector<PartId>& parts) {
  std::unordered_map<std::string, size_t> place;
  Events events;
  for (PartId part : parts) {
    const auto [found, fresh] = place.emplace(corpus.SourceOf(part).event, events.size());
    if (fresh) events.emplace_back();
    events[found->second].push_back(part);
  }
  return events;
}

}  // namespace mixmatch::bench
