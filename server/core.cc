#include "server/core.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"
#include "server/backup/compaction.h"
#include "server/backup/restore.h"
#include "server/feature_versions.h"
#include "server/log.h"

namespace mixmatch::server {
namespace {

absl::StatusOr<uint64_t> NextItemId(const index::Store& store, const Catalog& catalog) {
  const auto meta = store.GetMeta("next_item_id");
  if (!meta.ok() && !absl::IsNotFound(meta.status())) return meta.status();
  const uint64_t noted = meta.ok() ? std::strtoull(meta->c_str(), nullptr, 10) : 1;
  return std::max(noted, catalog.largest_id() + 1);
}

// Server and decoders.
std::unique_ptr<Headroom> MakeHeadroom(Core& core) {
  OverloadOptions options = core.options.overload;
  if (options.max_memory_bytes == 0) options.max_memory_bytes = MostMemory();
  return std::make_unique<Headroom>(options, [&core] {
    ResourceReading reading = DiskSpace(core.options.data_dir);
    reading.memory = ResidentBytes() + core.decoder->stats().resident_bytes;
    return reading;
  });
}

void NoteReader(const Core& core) {
  if (core.options.decoder.limits.read_words == model::ReadWords::kOff) return;
  const std::string languages = core.decoder->reader_languages();
  if (languages.empty()) {
    Log::Warn("words in pictures are not read: {} or its languages are not installed (tesseract-ocr)",
              core.options.decoder.reader_path);
  } else {
    Log::Info("words in pictures are read in {}", languages);
  }
}

// Whether learning is to wait: what it writes is not needed by anyone yet, and a publication builds all indexes a second
// time.
bool HoldsLearning(Core& core) {
  if (core.headroom->disk_low() || core.headroom->memory() != Headroom::Memory::kEnough) return true;
  int64_t index_bytes = 0;
  const std::shared_ptr<const Serving> serving = core.live->Current();
  for (const auto& slot : serving->slots) index_bytes += slot->stats().bytes_resident();
  return !core.headroom->HasMemoryFor(index_bytes);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Core>> Core::Open(const ServerOptions& options) {
  auto core = std::make_unique<Core>();
  core->options = options;
  core->started = absl::Now();
  MIXMATCH_RETURN_IF_ERROR(CheckNotHalfRestored(options.data_dir));
  index::StoreOptions store_options;
  store_options.path = options.data_dir + "/store";
  store_options.memory_bytes = options.store_memory_bytes;
  // Makes the data directory too, synced into the one above, so that a power cut does not take it away again.
  MIXMATCH_ASSIGN_OR_RETURN(core->store, index::Store::Open(store_options));
  std::error_code error;
  if (!options.index.scratch_directory.empty()) {
    std::filesystem::create_directories(options.index.scratch_directory, error);
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("--data-dir: cannot make ", options.index.scratch_directory, ": ", error.message()));
  }
  MIXMATCH_ASSIGN_OR_RETURN(core->decoder, model::MediaDecoder::Create(options.decoder));
  NoteReader(*core);
  core->headroom = MakeHeadroom(*core);
  core->options.learner.hold = [core = core.get()] { return HoldsLearning(*core); };
  MIXMATCH_RETURN_IF_ERROR(core->store->ForEachItem(0, [&](const storage::v1::ItemRecord& record) {
    core->catalog.Put(record);
    return true;
  }));
  core->checkpoint = std::make_unique<Checkpoint>(options, *core->store);
  MIXMATCH_ASSIGN_OR_RETURN(const std::vector<int> renewed, TakeOutOldFeatures(*core->store, RoomVersions()));
  MIXMATCH_ASSIGN_OR_RETURN(core->restored, core->checkpoint->Restore(renewed));
  core->live = std::make_unique<LiveIndex>(core->restored.serving);
  core->maintenance = std::make_unique<Maintenance>(*core->live);
  core->learner = std::make_unique<Learner>(core->options.learner, *core->store, core->catalog, *core->live, *core->checkpoint);
  core->trunk_learner =
      std::make_unique<TrunkLearner>(core->options.learner, *core->store, *core->live, *core->learner, *core->checkpoint,
                                     core->hit_counts, core->search_activity);
  core->events =
      std::make_unique<EventBook>(*core->store, core->catalog, *core->live, *core->learner, options.links);
  MIXMATCH_RETURN_IF_ERROR(core->events->Restore());
  MIXMATCH_ASSIGN_OR_RETURN(const uint64_t next_item, NextItemId(*core->store, core->catalog));
  core->events->SetNextItemId(next_item);
  core->ingest = std::make_unique<Ingest>(core->options, *core->store, core->catalog, *core->live, *core->learner,
                                          *core->events, *core->decoder);
  MIXMATCH_RETURN_IF_ERROR(core->ingest->Sweep());
  core->live_ingest = std::make_unique<LiveIngest>(core->options, *core->store, core->catalog, *core->live,
                                                   *core->learner, *core->events, *core->ingest, *core->decoder);
  MIXMATCH_RETURN_IF_ERROR(core->live_ingest->Recover());
  core->queries = std::make_unique<QueryEngine>(core->options, *core->store, core->catalog, *core->live, *core->ingest,
                                                core->hit_counts, core->search_activity);
  core->reindex = std::make_unique<Reindex>(*core->store, core->catalog, *core->live, *core->learner, *core->ingest);
  core->redescription =
      std::make_unique<Redescription>(*core->store, core->catalog, *core->learner, *core->reindex);
  MIXMATCH_RETURN_IF_ERROR(core->redescription->Find(renewed));
  core->backups = std::make_unique<Backups>(options.backup, options.data_dir, *core->store, core->catalog,
                                            *core->checkpoint, *core->learner);
  core->verification = std::make_unique<Verification>(*core->store, core->catalog, *core->checkpoint, *core->live,
                                                      *core->learner, *core->events, options.index.dim);
  core->operations = std::make_unique<Operations>(*core->store);
  core->operations->Add(Reindex::kKind, [work = core->reindex.get()](OperationRun& run) { return work->Run(run); });
  core->operations->Add(Backups::kKind, [work = core->backups.get()](OperationRun& run) { return work->Run(run); });
  core->operations->Add(Verification::kKind,
                        [work = core->verification.get()](OperationRun& run) { return work->Run(run); });
  core->operations->Add(kCompactKind, [&store = *core->store, directory = options.data_dir](OperationRun& run) {
    return RunCompaction(store, directory, run);
  });
  Log::Info("opened {}: {} items, generation {}, {} index directories loaded, {} made anew, in {:.2f} s",
            options.data_dir, core->catalog.size(), core->restored.serving->generation, core->restored.segments_loaded,
            core->restored.segments_rebuilt, absl::ToDoubleSeconds(absl::Now() - core->started));
  return core;
}

absl::Status Core::Start() {
  MIXMATCH_RETURN_IF_ERROR(learner->Start(restored.manifest));
  MIXMATCH_RETURN_IF_ERROR(trunk_learner->Start(restored.manifest));
  maintenance->Start();
  redescription->Start();
  return operations->Start();
}

void Core::Stop() {
  operations->Stop();
  redescription->Stop();
  trunk_learner->Stop();
  learner->Stop();
  maintenance->Stop();
}

}  // namespace mixmatch::server
