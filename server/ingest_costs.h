// What storing items costs, by modality and stage.
#ifndef MIXMATCH_SERVER_INGEST_COSTS_H_
#define MIXMATCH_SERVER_INGEST_COSTS_H_

#include <map>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "mixmatch/v1/admin_service.pb.h"

namespace mixmatch::server {

// Thread-safe.
class IngestCosts {
 public:
  // One upload: everything but `uploads`, which is taken as 1.
  void Add(const v1::IngestStats& upload) {
    absl::MutexLock lock(&mutex_);
    v1::IngestStats& sum = sums_[upload.modality()];
    sum.set_modality(upload.modality());
    sum.set_uploads(sum.uploads() + 1);
    sum.set_bytes(sum.bytes() + upload.bytes());
    sum.set_parts(sum.parts() + upload.parts());
    sum.set_decode_seconds(sum.decode_seconds() + upload.decode_seconds());
    sum.set_describe_seconds(sum.describe_seconds() + upload.describe_seconds());
    sum.set_encode_seconds(sum.encode_seconds() + upload.encode_seconds());
    sum.set_store_seconds(sum.store_seconds() + upload.store_seconds());
  }

  // By modality.
  std::vector<v1::IngestStats> Sums() const {
    absl::MutexLock lock(&mutex_);
    std::vector<v1::IngestStats> sums;
    for (const auto& [modality, sum] : sums_) sums.push_back(sum);
    return sums;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<v1::Modality, v1::IngestStats> sums_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_INGEST_COSTS_H_
