#include "server/backup/verification.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "index/store/store_check.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "server/feature_walk.h"
#include "server/log.h"
#include "server/part_slot.h"
#include "server/trunk_outputs.h"

namespace mixmatch::server {
namespace {

constexpr uint64_t kStepUnits = 1000;  // Progress within a step.
constexpr char kRestoreIt[] = "the data is lost; restore a backup (mixmatchd restore)";
constexpr char kUploadAgain[] = "delete the item and upload it again, or restore a backup (mixmatchd restore)";

std::string PartName(uint64_t part_id) { return absl::StrCat("part ", part_id, " of item ", part_id >> 16); }


}  // namespace

// One verification under way.
struct Verification::Pass {
  static constexpr uint64_t kSteps = 6;
  OperationRun& run;
  const v1::VerifyRequest request;
  uint64_t step = 0;

  void Tell(uint64_t done, uint64_t total) {
    const uint64_t units = total == 0 ? 0 : kStepUnits * std::min(done, total) / total;
    run.SetProgress(step * kStepUnits + units, kSteps * kStepUnits);
  }
  // Notes what is wrong; `repair` is called, if it is given and asked for, and mends it.
  void Add(const std::string& kind, const std::string& where, const std::string& advice,
           const std::function<absl::Status()>& repair = nullptr) {
    v1::Finding finding;
    finding.set_kind(kind);
    finding.set_where(where);
    finding.set_advice(advice);
    if (repair != nullptr && request.repair()) {
      const absl::Status repaired = repair();
      finding.set_repaired(repaired.ok());
      if (!repaired.ok()) Log::Warn("verify: {}, {}: cannot be repaired: {}", kind, where, repaired.ToString());
    }
    run.AddFinding(std::move(finding));
  }
};

storage::v1::OperationRecord Verification::Prepare(const v1::VerifyRequest& request) {
  storage::v1::OperationRecord record;
  *record.mutable_verify() = request;
  return record;
}

absl::Status Verification::Run(OperationRun& run) {
  Pass pass{run, run.record().verify()};
  for (auto step : {&Verification::CheckStoreFiles, &Verification::CheckStoreRecords, &Verification::CheckItems,
                    &Verification::CheckParts, &Verification::CheckEvents, &Verification::CheckPublished}) {
    pass.Tell(0, 1);
    MIXMATCH_RETURN_IF_ERROR(run.Check());
    MIXMATCH_RETURN_IF_ERROR((this->*step)(pass));
    ++pass.step;
  }
  pass.Tell(0, 1);
  return absl::OkStatus();
}

absl::Status Verification::CheckStoreFiles(Pass& pass) {
  return index::CheckFiles(
      store_,
      [&](const std::string& file, const std::string& what) {
        pass.Add("bad-checksum", "store/" + file, absl::StrCat(what, "; ", kRestoreIt));
      },
      [&](uint64_t bytes, uint64_t total) {
        pass.Tell(bytes, total);
        return !pass.run.stop();
      });
}

absl::Status Verification::CheckStoreRecords(Pass& pass) {
  return index::CheckRecords(
      store_,
      [&](const std::string& family, const std::string& key) {
        const std::string where = key.empty() ? absl::StrCat("the rest of family ", family)
                                              : absl::StrCat("family ", family, ", key ", key);
        pass.Add("unreadable-record", where, kRestoreIt);
      },
      [&] { return !pass.run.stop(); });
}

absl::Status Verification::CheckItems(Pass& pass) {
  const auto items = catalog_.From(0, SIZE_MAX);
  for (size_t i = 0; i < items.size(); ++i) {
    MIXMATCH_RETURN_IF_ERROR(pass.run.Check());
    if (items[i]->item().live_state() != v1::LIVE_STATE_RUNNING) MIXMATCH_RETURN_IF_ERROR(CheckContent(pass, *items[i]));
    pass.Tell(i + 1, items.size());
  }
  return absl::OkStatus();
}

absl::Status Verification::CheckContent(Pass& pass, const ItemRecord& record) {
  const v1::Item& item = record.item();
  const std::string where = absl::StrCat("item ", item.item_id());
  const auto size = index::ContentSize(store_, record.content_id());
  const auto parts = store_.GetParts(item.item_id());
  Sha256 hash;
  uint64_t read = 0;
  absl::Status content;
  if (pass.request.content() && size.ok()) {
    content = store_.ReadContent(record.content_id(), 0, UINT64_MAX, [&](absl::string_view piece) {
      hash.Update(piece);
      read += piece.size();
      return !pass.run.stop();
    });
  }
  MIXMATCH_RETURN_IF_ERROR(pass.run.Check());
  if (!catalog_.Contains(item.item_id())) return absl::OkStatus();  // Deleted meanwhile.
  if (absl::IsNotFound(size.status())) {
    pass.Add("item-without-content", where, kUploadAgain);
  } else if (!size.ok() || !content.ok()) {
    pass.Add("content-hash", where, absl::StrCat("its content cannot be read; ", kUploadAgain));
  } else if (*size != item.size_bytes()) {
    pass.Add("content-size", where,
             absl::StrCat("its content has ", *size, " bytes, wanted ", item.size_bytes(), "; ", kUploadAgain));
  } else if (pass.request.content() && (read != *size || hash.Finish() != item.sha256())) {
    pass.Add("content-hash", where, absl::StrCat("its content is not what was uploaded; ", kUploadAgain));
  }
  if (parts.ok() && parts->size() != item.part_count()) {
    pass.Add("item-parts", where,
             absl::StrCat("it has ", parts->size(), " parts, wanted ", item.part_count(), "; ", kUploadAgain));
  }
  return absl::OkStatus();
}

bool Verification::PartIsGone(uint64_t part_id) const { return absl::IsNotFound(store_.GetPart(part_id).status()); }

absl::Status Verification::RemovePart(uint64_t part_id, int slot) {
  const auto commit = [&] {
    std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
    batch->DeletePart(part_id);
    return store_.Commit(std::move(batch), /*sync=*/true);
  };
  if (slot < 0) return commit();
  const std::pair<int, uint64_t> key(slot, part_id);
  return live_.Remove(absl::MakeConstSpan(&key, 1), commit);
}

// From the features, which are learned from: into the store and the index.
absl::Status Verification::MapAnew(uint64_t part_id, int slot) {
  const std::shared_ptr<const Serving> serving = live_.Current();
  const model::Trunk& trunk = *serving->encoder.trunk();
  EncodedPart part;
  part.slot = slot;
  part.part_id = part_id;
  MIXMATCH_ASSIGN_OR_RETURN(part.features, store_.GetFeatures(slot, part_id));
  MIXMATCH_ASSIGN_OR_RETURN(part.trunk_features,
                            TrunkOutputOf(store_, slot, part_id, serving->encoder.trunk_number(), trunk));
  if (auto tokens = store_.GetTokens(part_id); tokens.ok()) part.tokens = *std::move(tokens);
  MIXMATCH_RETURN_IF_ERROR(serving->encoder.MapAll(absl::MakeSpan(&part, 1)));
  std::vector<EncodedPart> parts;
  parts.push_back(std::move(part));
  return live_.Add(std::move(parts), serving->generation,
                   [&](const Serving& current, absl::Span<const EncodedPart> ready) -> absl::Status {
                     if (PartIsGone(part_id)) return absl::NotFoundError("deleted meanwhile");
                     std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
                     batch->PutVector(part_id, current.generation, ready[0].vector);
                     return store_.Commit(std::move(batch), /*sync=*/true);
                   });
}

absl::Status Verification::CheckParts(Pass& pass) {
  Parts parts;
  std::vector<std::pair<uint64_t, int>> stray;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachPart(0, [&](const storage::v1::PartRecord& record) {
    const uint64_t id = record.part().part_id();
    const int slot = SlotOf(record.part());
    if (catalog_.Contains(id >> 16)) {
      if (slot >= 0) parts.emplace(id, slot);
    } else {
      stray.emplace_back(id, slot);
    }
    return !pass.run.stop();
  }));
  for (const auto& [id, slot] : stray) {
    // An id is never given twice: an item that is not there now will not come, so a part that still is belongs to none.
    if (catalog_.Contains(id >> 16) || PartIsGone(id)) continue;
    pass.Add("part-without-item", PartName(id), "it belongs to nothing; remove it with --repair",
             [&, id = id, slot = slot] { return RemovePart(id, slot); });
  }
  pass.Tell(1, 4);
  MIXMATCH_RETURN_IF_ERROR(CheckVectors(pass, parts));
  pass.Tell(2, 4);
  MIXMATCH_RETURN_IF_ERROR(CheckFeatures(pass, parts));
  pass.Tell(3, 4);
  std::vector<uint64_t> tokens;
  MIXMATCH_RETURN_IF_ERROR(index::ForEachTokensKey(store_, [&](uint64_t id) {
    if (!parts.contains(id)) tokens.push_back(id);
    return !pass.run.stop();
  }));
  for (uint64_t id : tokens) {
    if (!PartIsGone(id) || !store_.GetTokens(id).ok()) continue;
    pass.Add("tokens-without-part", PartName(id), "they belong to nothing; remove them with --repair",
             [&, id] { return RemovePart(id, -1); });
  }
  return pass.run.Check();
}

absl::Status Verification::CheckVectors(Pass& pass, const Parts& parts) {
  uint64_t newest = live_.Current()->generation;
  if (const auto used = store_.GetMeta("generations_used"); used.ok()) {
    newest = std::max<uint64_t>(newest, std::strtoull(used->c_str(), nullptr, 10));
  }
  absl::flat_hash_set<uint64_t> seen;
  std::vector<std::pair<uint64_t, std::string>> wrong;
  std::vector<uint64_t> stray;
  MIXMATCH_RETURN_IF_ERROR(index::ForEachVectorKey(store_, [&](uint64_t id, uint64_t generation, size_t dim) {
    seen.insert(id);
    if (!parts.contains(id)) {
      stray.push_back(id);
    } else if (dim != static_cast<size_t>(dim_)) {
      wrong.emplace_back(id, "vector-dimension");
    } else if (generation > newest) {
      wrong.emplace_back(id, "vector-generation");
    }
    return !pass.run.stop();
  }));
  MIXMATCH_RETURN_IF_ERROR(pass.run.Check());
  for (uint64_t id : stray) {
    if (!PartIsGone(id) || !store_.GetVector(id, nullptr).ok()) continue;
    pass.Add("vector-without-part", PartName(id), "it belongs to nothing; remove it with --repair",
             [&, id] { return RemovePart(id, -1); });
  }
  const std::shared_ptr<const Serving> serving = live_.Current();
  for (const auto& [id, slot] : parts) {
    if (!seen.contains(id) && absl::IsNotFound(store_.GetVector(id, nullptr).status())) {
      wrong.emplace_back(id, "part-without-vector");
    } else if (!serving->slots[slot]->Get(id).ok()) {
      wrong.emplace_back(id, "part-not-indexed");
    }
  }
  for (const auto& [id, kind] : wrong) {
    if (PartIsGone(id)) continue;  // Deleted meanwhile.
    const uint64_t generation = live_.Current()->generation;
    if (kind == "vector-generation" && generation > newest) continue;  // Published meanwhile.
    const int slot = parts.at(id);
    pass.Add(kind, PartName(id), "make its vector again with --repair", [&, id = id, slot] { return MapAnew(id, slot); });
  }
  return pass.run.Check();
}

absl::Status Verification::CheckFeatures(Pass& pass, const Parts& parts) {
  absl::flat_hash_set<uint64_t> seen;
  std::vector<std::pair<int, uint64_t>> stray;
  MIXMATCH_RETURN_IF_ERROR(index::ForEachFeaturesKey(store_, [&](int slot, uint64_t id) {
    const auto part = parts.find(id);
    if (part != parts.end() && part->second == slot) {
      seen.insert(id);
    } else {
      stray.emplace_back(slot, id);
    }
    return !pass.run.stop();
  }));
  MIXMATCH_RETURN_IF_ERROR(pass.run.Check());
  for (const auto& [id, slot] : parts) {
    if (seen.contains(id) || !absl::IsNotFound(store_.GetFeatures(slot, id).status()) || PartIsGone(id)) continue;
    pass.Add("part-without-features", PartName(id), "make them again: mixmatch admin reindex --source content");
  }
  stray.erase(std::remove_if(stray.begin(), stray.end(),
                             [&](const std::pair<int, uint64_t>& key) {
                               return !PartIsGone(key.second) || !store_.GetFeatures(key.first, key.second).ok();
                             }),
              stray.end());
  if (stray.empty()) return absl::OkStatus();
  absl::Status removed = absl::FailedPreconditionError("not asked for");
  if (pass.request.repair()) removed = RemoveFeatures(stray);
  for (const auto& [slot, id] : stray) {
    pass.Add("features-without-part", PartName(id),
             "left by a deletion until it is unlearned, which learning does by and by, or --repair", [&] { return removed; });
  }
  return absl::OkStatus();
}

// What was learned of them must not be unlearned any more when they are gone: so everything is learned anew first.
absl::Status Verification::RemoveFeatures(const std::vector<std::pair<int, uint64_t>>& keys) {
  MIXMATCH_RETURN_IF_ERROR(learner_.Republish(/*relearn=*/true));
  const uint64_t trunk = live_.Current()->encoder.trunk_number();
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  for (const auto& [slot, id] : keys) {
    batch->DeleteFeatures(slot, id);
    DeleteTrunkOutputs(trunk, slot, id, *batch);
  }
  return store_.Commit(std::move(batch), /*sync=*/true);
}

absl::Status Verification::CheckEvents(Pass& pass) {
  std::vector<std::pair<std::string, uint64_t>> missing;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachEvent("", [&](const storage::v1::EventRecord& record) {
    for (const v1::EventMember& member : record.event().members()) {
      if (!catalog_.Contains(member.item_id())) missing.emplace_back(record.event().event_id(), member.item_id());
    }
    return !pass.run.stop();
  }));
  for (const auto& [event_id, item_id] : missing) {
    const auto record = store_.GetEvent(event_id);
    const bool still = record.ok() && std::any_of(record->event().members().begin(), record->event().members().end(),
                                                  [item = item_id](const auto& one) { return one.item_id() == item; });
    if (!still) continue;
    pass.Add("event-member-missing", absl::StrCat("event ", event_id, ", item ", item_id),
             "the item is not there; take it out with --repair",
             [&, id = event_id] { return events_.ForgetMissingMembers(id); });
  }
  return pass.run.Check();
}

absl::Status Verification::CheckPublished(Pass& pass) {
  storage::v1::Manifest manifest;
  const auto read = [&]() -> absl::Status {
    auto now = store_.GetManifest();
    if (absl::IsNotFound(now.status())) return absl::OkStatus();
    MIXMATCH_RETURN_IF_ERROR(now.status());
    manifest = *std::move(now);
    checkpoint_.Hold(manifest);
    return absl::OkStatus();
  };
  // Between checkpoints, so that none removes the files before they are held.
  MIXMATCH_RETURN_IF_ERROR(learner_.Between(read));
  const absl::Cleanup release = [&] { checkpoint_.Release(manifest); };
  bool written = false;
  const auto write = [&]() -> absl::Status {
    if (written) return absl::OkStatus();
    const std::shared_ptr<const Serving> serving = live_.Current();
    MIXMATCH_RETURN_IF_ERROR(checkpoint_.SaveTrunk(serving->encoder.trunk_number(), *serving->encoder.trunk()));
    MIXMATCH_RETURN_IF_ERROR(learner_.WithCheckpoint([] { return absl::OkStatus(); }));
    written = true;
    return absl::OkStatus();
  };
  const std::string own_trunk = absl::StrCat("trunks/trunk-", live_.Current()->encoder.trunk_number(), ".bin");
  for (const auto& [path, status] : checkpoint_.Check(manifest, [&] { return !pass.run.stop(); })) {
    if (path.rfind("trunks/", 0) == 0 && path != own_trunk) {
      pass.Add("bad-published-file", path, "an earlier trunk cannot be gone back to; nothing else needs it");
      continue;
    }
    pass.Add("bad-published-file", path, "write it again with --repair", write);
  }
  return pass.run.Check();
}

}  // namespace mixmatch::server
