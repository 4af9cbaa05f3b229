#include "server/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "index/vector/saved_check.h"
#include "model/modality/modality.h"
#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"
#include "server/durable_files.h"
#include "server/feature_walk.h"
#include "server/log.h"
#include "server/part_slot.h"

namespace mixmatch::server {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kHeadSeed = 1;  // Of maps that nothing was learned for.

std::string Digest(absl::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

// Never the same twice, so that the files of the last manifest stay as they are until the next is committed.
std::string GenerationDir(uint64_t generation) {
  return absl::StrCat("generations/", generation, "-", absl::ToUnixMicros(absl::Now()));
}
// The trained trunk that is shipped with the server: beside the program.
std::string BaseTrunkPath() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path() / "mixmatch-base.safetensors";
}

absl::StatusOr<std::shared_ptr<const model::Trunk>> FirstTrunk(const ServerOptions& options) {
  if (options.init == "scratch") return model::Trunk::Create(options.trunk);
  const std::string path = options.init == "base" ? BaseTrunkPath() : options.init;
  const auto bytes = ReadWhole(path);
  if (!bytes.ok()) {
    return absl::NotFoundError(absl::StrCat("--init: cannot read ", path, "; give base, scratch or a trunk's file"));
  }
  return model::Trunk::FromBytes(*bytes);
}

// A trunk with a stem for every slot: it may have been saved when there were fewer.
absl::StatusOr<std::shared_ptr<const model::Trunk>> WithAllSlots(
    absl::StatusOr<std::shared_ptr<const model::Trunk>> trunk) {
  if (!trunk.ok()) return trunk;
  return model::Trunk::WithSlots(*std::move(trunk), static_cast<int>(model::ModalityTable().size()));
}

std::string TrunkFile(uint64_t number) { return absl::StrCat("trunks/trunk-", number, ".bin"); }

}  // namespace

Checkpoint::Checkpoint(const ServerOptions& options, index::Store& store) : options_(options), store_(store) {}

std::string Checkpoint::Path(absl::string_view below) const { return absl::StrCat(options_.data_dir, "/", below); }

absl::StatusOr<storage::v1::GenerationFile> Checkpoint::Write(const std::string& below, absl::string_view bytes) const {
  MIXMATCH_RETURN_IF_ERROR(WriteDurably(Path(below), bytes));
  storage::v1::GenerationFile file;
  file.set_path(below);
  file.set_size(bytes.size());
  file.set_sha256(Digest(bytes));
  return file;
}

absl::StatusOr<std::string> Checkpoint::Read(const storage::v1::GenerationFile& file) const {
  MIXMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadWhole(Path(file.path())));
  if (bytes.size() != file.size() || Digest(bytes) != file.sha256()) {
    return absl::DataLossError(absl::StrCat("checkpoint: ", Path(file.path()), " is damaged"));
  }
  return bytes;
}

absl::Status Checkpoint::SaveTrunk(uint64_t number, const model::Trunk& trunk) {
  return Write(TrunkFile(number), trunk.ToBytes()).status();
}

absl::StatusOr<std::shared_ptr<const model::Trunk>> Checkpoint::LoadTrunk(uint64_t number) const {
  const auto bytes = ReadWhole(Path(TrunkFile(number)));
  if (number == 0 && absl::IsNotFound(bytes.status())) {
    MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const model::Trunk> first, FirstTrunk(options_));
    MIXMATCH_RETURN_IF_ERROR(Write(TrunkFile(0), first->ToBytes()).status());
    return WithAllSlots(std::move(first));
  }
  MIXMATCH_RETURN_IF_ERROR(bytes.status());
  return WithAllSlots(model::Trunk::FromBytes(*bytes));
}

void Checkpoint::SetTrainerState(std::string bytes) {
  absl::MutexLock lock(&mutex_);
  trainer_state_ = std::move(bytes);
}

absl::StatusOr<std::string> Checkpoint::LoadTrainerState(const storage::v1::Manifest& manifest) const {
  if (manifest.trainer().path().empty()) return absl::NotFoundError("checkpoint: no training state");
  return Read(manifest.trainer());
}

// A trunk that cannot be read is replaced by the first one, and that by random weights: their output is made again from
// the tokens as it is missed.
absl::StatusOr<std::shared_ptr<const model::Trunk>> Checkpoint::RestoreTrunk(storage::v1::Manifest& manifest) const {
  auto trunk = LoadTrunk(manifest.trunk());
  const bool fresh = manifest.generation() == 0;  // Nothing was ever published: a bad --init is the user's to mend.
  if (trunk.ok() || fresh) return trunk;
  Log::Warn("trunk {} cannot be read ({}); going back to the first one", manifest.trunk(), trunk.status().ToString());
  manifest.set_trunk(0);
  trunk = LoadTrunk(0);
  if (trunk.ok()) return trunk;
  Log::Warn("trunk 0 cannot be read ({}); going back to random weights", trunk.status().ToString());
  return WithAllSlots(model::Trunk::Create(options_.trunk));
}

int Checkpoint::SharedDims(const model::Trunk& trunk) const {
  return options_.learner.random_head ? 0 : trunk.config().output_dim;
}

std::shared_ptr<const model::HeadMaps> Checkpoint::RestoreHead(const storage::v1::Manifest& manifest,
                                                               const model::Trunk& trunk, int* slots_saved) const {
  const std::vector<int> dims = HeadDims(trunk);
  const int shared = SharedDims(trunk);
  *slots_saved = 0;
  if (!options_.learner.random_head && !manifest.head().path().empty()) {
    auto bytes = Read(manifest.head());
    if (bytes.ok()) {
      const auto saved = model::HeadMaps::Parse(*bytes);
      if (saved.ok() && (*saved)->dim() == options_.index.dim) {
        auto maps = (*saved)->WithSlots(dims, kHeadSeed, shared);
        if (maps.ok()) {
          *slots_saved = (*saved)->slots();
          return *std::move(maps);
        }
      }
    }
    Log::Warn("the head of generation {} cannot be read; it will be solved again", manifest.generation());
  }
  return *model::HeadMaps::Random(dims, options_.index.dim, kHeadSeed, shared);
}

// Makes the index agree with the store: parts that are gone are taken out; parts that it lacks are put in, with the vector
// that they were stored with if that is of this generation, else mapped anew.
absl::Status Checkpoint::FillIndex(int slot, const Encoder& encoder, bool same_encoder,
                                   index::SegmentedIndex& index) const {
  absl::flat_hash_set<uint64_t> stored;
  MIXMATCH_RETURN_IF_ERROR(store_.ForEachPart(0, [&](const storage::v1::PartRecord& record) {
    if (SlotOf(record.part()) == slot) stored.insert(record.part().part_id());
    return true;
  }));
  std::vector<uint64_t> gone;
  absl::flat_hash_set<uint64_t> indexed;
  index.ForEach([&](index::PartId id, absl::Span<const float>) {
    if (stored.contains(id)) {
      indexed.insert(id);
    } else {
      gone.push_back(id);
    }
    return true;
  });
  for (uint64_t id : gone) MIXMATCH_RETURN_IF_ERROR(index.Remove(id));
  if (same_encoder) {
    for (uint64_t id : stored) {
      if (indexed.contains(id)) continue;
      uint64_t generation = 0;
      const auto vector = store_.GetVector(id, &generation);
      if (!vector.ok() || generation != index.generation() || vector->size() != index.dim()) continue;
      MIXMATCH_RETURN_IF_ERROR(index.Upsert(id, *vector));
      indexed.insert(id);
    }
  }
  if (indexed.size() == stored.size()) return absl::OkStatus();
  MIXMATCH_ASSIGN_OR_RETURN(
      const MappedSlot mapped,
      MapStored(store_, slot, encoder, [&](uint64_t id) { return stored.contains(id) && !indexed.contains(id); },
                nullptr));
  for (size_t i = 0; i < mapped.ids.size(); ++i) {
    const auto vector = absl::MakeConstSpan(mapped.vectors).subspan(i * index.dim(), index.dim());
    MIXMATCH_RETURN_IF_ERROR(index.Upsert(mapped.ids[i], vector));
  }
  return absl::OkStatus();
}

absl::StatusOr<Restored> Checkpoint::Restore(const std::vector<int>& renewed) {
  Restored restored;
  auto manifest = store_.GetManifest();
  if (manifest.ok()) {
    restored.manifest = *std::move(manifest);
  } else if (!absl::IsNotFound(manifest.status())) {
    Log::Warn("the manifest cannot be read ({}); starting from the store alone", manifest.status().ToString());
  }
  const uint64_t wanted_trunk = restored.manifest.trunk();
  MIXMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const model::Trunk> trunk, RestoreTrunk(restored.manifest));
  int slots_saved = 0;
  std::shared_ptr<const model::HeadMaps> head = RestoreHead(restored.manifest, *trunk, &slots_saved);
  MIXMATCH_ASSIGN_OR_RETURN(head, head->WithRandom(renewed, kHeadSeed, SharedDims(*trunk)));
  // Vectors of another encoder are not to be searched with this one: its own are made from the features.
  const bool same = restored.manifest.trunk() == wanted_trunk && slots_saved > 0;
  auto serving = std::make_shared<Serving>(
      Serving{restored.manifest.generation(), Encoder(restored.manifest.trunk(), trunk, head), {}});
  for (int slot = 0; slot < static_cast<int>(model::ModalityTable().size()); ++slot) {
    std::shared_ptr<index::SegmentedIndex> index;
    const bool is_new = same && slot >= slots_saved;  // Nothing of it can have been saved.
    const bool usable = same && std::find(renewed.begin(), renewed.end(), slot) == renewed.end();
    if (usable && !is_new && !restored.manifest.segments_path().empty()) {
      const std::string directory = Path(absl::StrCat(restored.manifest.segments_path(), "/", slot));
      index::LoadReport report;
      auto loaded = index::SegmentedIndex::Load(options_.index, directory, serving->generation, &report);
      for (const absl::Status& damage : report.damage) Log::Warn("{}", damage.ToString());
      if (loaded.ok()) {
        index = *std::move(loaded);
        ++(report.damage.empty() ? restored.segments_loaded : restored.segments_rebuilt);
        if (!report.damage.empty()) {
          Log::Warn("index of slot {}: {} parts are mapped again, {} graphs built again while searches are exact", slot,
                    report.parts_lost, report.graphs_lost);
        }
      } else {
        Log::Warn("index segments of slot {} cannot be used ({}); making them again", slot,
                  loaded.status().ToString());
      }
    }
    if (index == nullptr) {
      MIXMATCH_ASSIGN_OR_RETURN(index, index::SegmentedIndex::Create(options_.index, serving->generation));
      if (!is_new && !restored.manifest.segments_path().empty()) ++restored.segments_rebuilt;
    }
    MIXMATCH_RETURN_IF_ERROR(FillIndex(slot, serving->encoder, usable, *index));
    serving->slots.push_back(std::move(index));
  }
  restored.serving = std::move(serving);
  return restored;
}

absl::Status Checkpoint::Save(const Serving& serving, storage::v1::Manifest manifest) {
  absl::MutexLock lock(&mutex_);
  const std::string directory = GenerationDir(serving.generation);
  manifest.set_generation(serving.generation);
  manifest.set_trunk(serving.encoder.trunk_number());
  MIXMATCH_ASSIGN_OR_RETURN(*manifest.mutable_head(),
                            Write(absl::StrCat(directory, "/head.bin"), serving.encoder.head()->Serialize()));
  if (!trainer_state_.empty()) {
    MIXMATCH_ASSIGN_OR_RETURN(*manifest.mutable_trainer(),
                              Write(absl::StrCat(directory, "/trainer.bin"), trainer_state_));
  }
  manifest.set_segments_path(absl::StrCat(directory, "/segments"));
  for (size_t slot = 0; slot < serving.slots.size(); ++slot) {
    MIXMATCH_RETURN_IF_ERROR(serving.slots[slot]->Save(Path(absl::StrCat(manifest.segments_path(), "/", slot))));
  }
  std::unique_ptr<index::StoreBatch> batch = store_.NewBatch();
  batch->PutManifest(manifest);
  MIXMATCH_RETURN_IF_ERROR(store_.Commit(std::move(batch), /*sync=*/true));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(Path("generations"), ignored)) {
    const std::string name = absl::StrCat("generations/", entry.path().filename().string());
    if (name != directory && !held_.contains(name)) fs::remove_all(entry.path(), ignored);
  }
  return absl::OkStatus();
}

std::vector<std::string> Checkpoint::Hold(const storage::v1::Manifest& manifest) {
  std::vector<std::string> files;
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> directories = {"trunks"};
  if (!manifest.head().path().empty()) {
    directories.push_back(fs::path(manifest.head().path()).parent_path().string());
    held_.insert(directories.back());
  }
  for (const std::string& directory : directories) {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(Path(directory), ignored)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".tmp") continue;
      files.push_back(fs::relative(entry.path(), options_.data_dir).string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::pair<std::string, absl::Status>> Checkpoint::Check(const storage::v1::Manifest& manifest,
                                                                    const std::function<bool()>& go_on) const {
  std::vector<std::pair<std::string, absl::Status>> damage;
  for (const storage::v1::GenerationFile* file : {&manifest.head(), &manifest.trainer()}) {
    if (file->path().empty()) continue;
    if (const absl::Status read = Read(*file).status(); !read.ok()) damage.emplace_back(file->path(), read);
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(Path("trunks"), ignored)) {
    if (entry.path().extension() != ".bin" || !go_on()) continue;
    const auto bytes = ReadWhole(entry.path().string());
    const absl::Status read = bytes.ok() ? model::Trunk::FromBytes(*bytes).status() : bytes.status();
    if (!read.ok()) damage.emplace_back(absl::StrCat("trunks/", entry.path().filename().string()), read);
  }
  if (manifest.segments_path().empty()) return damage;
  for (const auto& slot : fs::directory_iterator(Path(manifest.segments_path()), ignored)) {
    const std::string below = absl::StrCat(manifest.segments_path(), "/", slot.path().filename().string());
    for (absl::Status& one : index::CheckSaved(slot.path().string(), go_on)) damage.emplace_back(below, std::move(one));
  }
  return damage;
}

void Checkpoint::Release(const storage::v1::Manifest& manifest) {
  absl::MutexLock lock(&mutex_);
  held_.erase(fs::path(manifest.head().path()).parent_path().string());
}

}  // namespace mixmatch::server
