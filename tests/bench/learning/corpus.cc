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
    if (key != "metadata" || !value.is_object()) continue;
    for (const auto& [name, entry] : value.items()) source.metadata[name] = text(entry);
  }
  return source;
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

absl::Status AddShards(const std::string& folder, const std::function<bool(const Source&)>& passes, bool keep_tokens,
                       Corpus* corpus) {
  const std::vector<std::string> paths = model::ShardFiles(folder);
  if (paths.empty()) {
    return absl::NotFoundError(absl::StrCat("no shards in ", folder, "; make them with mixmatch-shards"));
  }
  for (const std::string& path : paths) {
    MIXMATCH_ASSIGN_OR_RETURN(model::Shard shard, model::Shard::ReadFile(path));
    std::vector<int> place;  // Of each row among the sources; -1: left out.
    for (const std::string& row : shard.rows) {
      Source source = Parse(row);
      place.push_back(passes(source) ? static_cast<int>(corpus->sources.size()) : -1);
      if (place.back() >= 0) corpus->sources.push_back(std::move(source));
    }
    for (model::ShardPart& part : shard.parts) {
      if (place[part.row] < 0) continue;
      Part& added = corpus->parts.emplace_back();
      added.slot = part.slot;
      added.source = place[part.row];
      added.features = std::move(part.features);
      if (keep_tokens) added.tokens = std::move(part.tokens);
    }
  }
  return absl::OkStatus();
}

absl::Status EncodeWith(const model::Trunk& trunk, const std::function<void(size_t done, size_t total)>& progress,
                        Corpus* corpus) {
  std::vector<PartId> waiting;
  for (size_t i = 0; i < corpus->parts.size(); ++i) {
    if (!corpus->parts[i].tokens.empty()) waiting.push_back(static_cast<PartId>(i));
  }
  const size_t dim = trunk.config().output_dim;
  for (size_t begin = 0; begin < waiting.size(); begin += kEncodedAtOnce) {
    const size_t end = std::min(waiting.size(), begin + kEncodedAtOnce);
    std::vector<model::TokenView> views;
    for (size_t i = begin; i < end; ++i) {
      const Part& part = corpus->parts[waiting[i]];
      views.push_back({part.slot, part.tokens});
    }
    MIXMATCH_ASSIGN_OR_RETURN(const std::vector<float> out, trunk.Encode(views));
    for (size_t i = begin; i < end; ++i) {
      Part& part = corpus->parts[waiting[i]];
      const absl::Span<const float> row = absl::MakeConstSpan(out).subspan((i - begin) * dim, dim);
      MIXMATCH_ASSIGN_OR_RETURN(part.trunk, model::UnpackFeatures(model::PackFeatures(row)));
      std::vector<uint8_t>().swap(part.tokens);
    }
    progress(end, waiting.size());
  }
  return absl::OkStatus();
}

std::vector<std::vector<PartId>> ByEvent(const Corpus& corpus, const std::vector<PartId>& parts) {
  std::unordered_map<std::string, size_t> place;
  std::vector<std::vector<PartId>> events;
  for (PartId part : parts) {
    const auto [found, fresh] = place.emplace(corpus.SourceOf(part).event, events.size());
    if (fresh) events.emplace_back();
    events[found->second].push_back(part);
  }
  return events;
}

}  // namespace mixmatch::bench
