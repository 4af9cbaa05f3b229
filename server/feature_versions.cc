#include "server/feature_versions.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/modality/modality.h"
#include "proto/base/status_macros.h"
#include "server/log.h"

namespace mixmatch::server {
namespace {

constexpr char kVersions[] = "feature_versions";   // As "audio=2,text=1".
constexpr char kWaiting[] = "features_to_make";    // Names of rooms, by comma.
constexpr uint32_t kFirstVersion = 1;
constexpr size_t kDeletedAtOnce = 4096;

absl::StatusOr<std::string> Meta(const index::Store& store, const char* key) {
  auto value = store.GetMeta(key);
  if (absl::IsNotFound(value.status())) return std::string();
  return value;
}

FeatureVersions Parse(const std::string& text) {
  FeatureVersions versions;
  for (absl::string_view one : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(one, absl::MaxSplits('=', 1));
    uint32_t version = 0;
    if (absl::SimpleAtoi(pair.second, &version)) versions[pair.first] = version;
  }
  return versions;
}

int SlotOfName(const std::string& name) {
  const auto rooms = model::ModalityTable();
  for (size_t slot = 0; slot < rooms.size(); ++slot) {
    if (rooms[slot]->name() == name) return static_cast<int>(slot);
  }
  return -1;
}

absl::Status Note(index::Store& store, const char* key, const std::string& value) {
  std::unique_ptr<index::StoreBatch> batch = store.NewBatch();
  batch->PutMeta(key, value);
  return store.Commit(std::move(batch), /*sync=*/true);
}

absl::StatusOr<uint64_t> DeleteFeaturesOf(index::Store& store, int slot) {
  std::vector<uint64_t> ids;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachFeatures(slot, 0, [&](uint64_t id, absl::Span<const float>) {
    ids.push_back(id);
    return true;
  }));
  for (size_t at = 0; at < ids.size(); at += kDeletedAtOnce) {
    std::unique_ptr<index::StoreBatch> batch = store.NewBatch();
    for (size_t i = at; i < std::min(at + kDeletedAtOnce, ids.size()); ++i) batch->DeleteFeatures(slot, ids[i]);
    MIXMATCH_RETURN_IF_ERROR(store.Commit(std::move(batch), /*sync=*/false));
  }
  return ids.size();
}

}  // namespace

FeatureVersions RoomVersions() {
  FeatureVersions versions;
  for (const model::ModalityRoom* room : model::ModalityTable()) versions[room->name()] = room->feature_version();
  return versions;
}

// The rooms that wait are noted before anything is deleted, the new versions after all is.
absl::StatusOr<std::vector<int>> TakeOutOldFeatures(index::Store& store, const FeatureVersions& now) {
  MIXMATCH_ASSIGN_OR_RETURN(const std::string versions_text, Meta(store, kVersions));
  MIXMATCH_ASSIGN_OR_RETURN(const std::string waiting_text, Meta(store, kWaiting));
  const FeatureVersions then = Parse(versions_text);
  std::vector<std::string> waiting = absl::StrSplit(waiting_text, ',', absl::SkipEmpty());
  std::vector<std::string> old;
  for (const auto& [name, version] : now) {
    const auto known = then.find(name);
    if (version != (known == then.end() ? kFirstVersion : known->second)) old.push_back(name);
  }
  bool empty = true;
  MIXMATCH_RETURN_IF_ERROR(store.ForEachPart(0, [&](const storage::v1::PartRecord&) { return empty = false; }));
  if (!empty && !old.empty()) {
    waiting.insert(waiting.end(), old.begin(), old.end());
    std::sort(waiting.begin(), waiting.end());
    waiting.erase(std::unique(waiting.begin(), waiting.end()), waiting.end());
    MIXMATCH_RETURN_IF_ERROR(Note(store, kWaiting, absl::StrJoin(waiting, ",")));
    for (const std::string& name : old) {
      MIXMATCH_ASSIGN_OR_RETURN(const uint64_t parts, DeleteFeaturesOf(store, SlotOfName(name)));
      Log::Warn("features of {}: this version describes them otherwise than the one that stored them; {} parts are described "
                "again from their content, and are not found until then", name, parts);
    }
  }
  if (then != now) {
    MIXMATCH_RETURN_IF_ERROR(Note(store, kVersions, absl::StrJoin(now, ",", absl::PairFormatter("="))));
  }
  std::vector<int> slots;
  for (const std::string& name : waiting) {
    if (const int slot = SlotOfName(name); slot >= 0) slots.push_back(slot);
  }
  return slots;
}

absl::Status NoteFeaturesMade(index::Store& store) { return Note(store, kWaiting, ""); }

}  // namespace mixmatch::server
