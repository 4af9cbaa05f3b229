#include "model/shards/shard_maker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/parts/parts.h"

namespace mixmatch::model {
namespace {

using nlohmann::json;

absl::StatusOr<std::vector<PartDraft>> Describe(const ManifestRow& row, MediaDecoder* decoder) {
  const int fd = open(row.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", row.path));
  absl::StatusOr<DecodedMedia> media = decoder->Decode(fd, row.media_type);
  close(fd);
  if (!media.ok()) return media.status();
  return MakeParts(*media);
}

}  // namespace

absl::StatusOr<std::vector<ManifestRow>> ReadManifest(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read the manifest ", path));
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  std::vector<ManifestRow> rows;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    try {
      json object = json::parse(line);
      ManifestRow row;
      row.id = object.at("id").get<std::string>();
      row.event = object.at("event").get<std::string>();
      row.path = (folder / object.at("path").get<std::string>()).string();
      row.media_type = object.value("media_type", "");
      object.erase("path");
      row.json = object.dump(-1, ' ', false, json::error_handler_t::replace);
      rows.push_back(std::move(row));
    } catch (const json::exception&) {
      return absl::InvalidArgumentError(absl::StrCat("manifest ", path, ", line ", number,
                                                     ": wanted a JSON object with id, event and path"));
    }
  }
  return rows;
}

std::vector<std::vector<ManifestRow>> BatchByEvent(std::vector<ManifestRow> rows, size_t rows_per_batch) {
  std::unordered_map<std::string, size_t> place;
  std::vector<std::vector<ManifestRow>> events;
  for (ManifestRow& row : rows) {
    const auto [found, fresh] = place.emplace(row.event, events.size());
    if (fresh) events.emplace_back();
    events[found->second].push_back(std::move(row));
  }
  std::vector<std::vector<ManifestRow>> batches;
  for (std::vector<ManifestRow>& event : events) {
    if (batches.empty() || batches.back().size() >= rows_per_batch) batches.emplace_back();
    for (ManifestRow& row : event) batches.back().push_back(std::move(row));
  }
  return batches;
}

void AddRows(absl::Span<const ManifestRow> rows, MediaDecoder* decoder, int threads, Shard* shard,
             const std::function<void(const ManifestRow&, const absl::Status&)>& skipped) {
  std::vector<std::optional<absl::StatusOr<std::vector<PartDraft>>>> described(rows.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < rows.size(); i = next++) described[i] = Describe(rows[i], decoder);
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < threads; ++t) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();

  std::unordered_map<std::string, int32_t> event_place;  // Of these rows.
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!described[i]->ok()) {
      skipped(rows[i], described[i]->status());
      continue;
    }
    const auto [event, fresh] = event_place.emplace(rows[i].event, static_cast<int32_t>(shard->events.size()));
    if (fresh) shard->events.push_back(rows[i].event);
    shard->rows.push_back(rows[i].json);
    for (PartDraft& draft : **described[i]) {
      ShardPart& part = shard->parts.emplace_back();
      part.slot = draft.slot;
      part.event = event->second;
      part.row = static_cast<int32_t>(shard->rows.size()) - 1;
      part.features = std::move(draft.described.features);
      part.tokens = std::move(draft.described.tokens.bytes);
    }
  }
}

}  // namespace mixmatch::model
