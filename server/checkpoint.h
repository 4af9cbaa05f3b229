// Writes and reads what a restart needs: head maps, trunk, training state and index segments of one generation, bound
// together by one manifest record in the store.
#ifndef MIXMATCH_SERVER_CHECKPOINT_H_
#define MIXMATCH_SERVER_CHECKPOINT_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "index/store/store.h"
#include "mixmatch/storage/v1/records.pb.h"
#include "server/live_index.h"
#include "server/options.h"

namespace mixmatch::server {

// A restored generation, and how it was come by.
struct Restored {
  std::shared_ptr<const Serving> serving;  // Every part in the store is in it.
  storage::v1::Manifest manifest;          // As read; empty at the first start.
  int segments_loaded = 0;                 // Index directories read from disk,
  int segments_rebuilt = 0;                // and made anew from the store.
};

// Thread-safe.
class Checkpoint {
 public:
  // Files lie in data_dir/generations/<number>-<time>/ and data_dir/trunks/.
  Checkpoint(const ServerOptions& options, index::Store& store);

  // Reads the last checkpoint. What is missing or damaged is made anew from the store: segments from the features, the
  // head as a random one until the learner has solved it again, the trunk by trunk 0. Never refuses for that. Slots that
  // did not exist when it was written are added to the trunk and the head; what was there is as it was. What was made from
  // the features of `renewed` slots is not used: their map is a random one, and only parts that have features are searched.
  // NOT_FOUND or DATA_LOSS only when a new data directory's --init cannot be read.
  absl::StatusOr<Restored> Restore(const std::vector<int>& renewed = {});

  // Writes a generation; when it returns OK, a restart finds this one. Old generations are removed, trunks are kept.
  // `manifest` brings history and counters.
  absl::Status Save(const Serving& serving, storage::v1::Manifest manifest);

  // The files of a manifest and those of all trunks, below the data directory, ascending. A manifest's files stay from here
  // on until Release, also when later ones are saved.
  std::vector<std::string> Hold(const storage::v1::Manifest& manifest);
  void Release(const storage::v1::Manifest& manifest);

  // Reads the files of a manifest, which must be held, and of all trunks, and compares checksums: what is damaged, by its
  // path below the data directory. Ends early when `go_on` is false.
  std::vector<std::pair<std::string, absl::Status>> Check(const storage::v1::Manifest& manifest,
                                                          const std::function<bool()>& go_on) const;

  // Keeps the weights of a trunk, so that it can be gone back to. NOT_FOUND / DATA_LOSS on load. Trunk 0 of a new data
  // directory is what --init says, and is kept from then on.
  absl::Status SaveTrunk(uint64_t number, const model::Trunk& trunk);
  absl::StatusOr<std::shared_ptr<const model::Trunk>> LoadTrunk(uint64_t number) const;

  // Training state of the trunk's trainer, written with the next Save.
  void SetTrainerState(std::string bytes);
  absl::StatusOr<std::string> LoadTrainerState(const storage::v1::Manifest& manifest) const;

 private:
  std::string Path(absl::string_view below) const;
  absl::StatusOr<storage::v1::GenerationFile> Write(const std::string& below, absl::string_view bytes) const;
  absl::StatusOr<std::string> Read(const storage::v1::GenerationFile& file) const;
  absl::StatusOr<std::shared_ptr<const model::Trunk>> RestoreTrunk(storage::v1::Manifest& manifest) const;
  // Numbers of a part that are of one space in every slot from the start: the trunk's output; none for `--head random`.
  int SharedDims(const model::Trunk& trunk) const;
  // `slots_saved`: of how many slots the maps are the saved ones; 0 if they could not be read.
  std::shared_ptr<const model::HeadMaps> RestoreHead(const storage::v1::Manifest& manifest, const model::Trunk& trunk,
                                                     int* slots_saved) const;
  // `same_encoder`: it is the one that the manifest names.
  absl::Status FillIndex(int slot, const Encoder& encoder, bool same_encoder, index::SegmentedIndex& index) const;

  const ServerOptions options_;
  index::Store& store_;
  absl::Mutex mutex_;  // Held through Save.
  std::string trainer_state_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> held_ ABSL_GUARDED_BY(mutex_);  // Directories, below the data directory.
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_CHECKPOINT_H_
