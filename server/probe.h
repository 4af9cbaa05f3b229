// Judges a trunk by retrieval among held-out events that neither it nor the head that is used has learned from.
#ifndef MIXMATCH_SERVER_PROBE_H_
#define MIXMATCH_SERVER_PROBE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "model/head/associative_head.h"
#include "model/trunk/trunk.h"

namespace mixmatch::server {

struct ProbeResult {
  double recall = 0.0;  // Recall@10 over `pairs` queries: one part of an event finds one of another modality of it.
  int64_t pairs = 0;
  int64_t events = 0;   // That were asked about; up to 8 stretches of one film or document count as one each.
  absl::flat_hash_map<uint64_t, std::vector<float>> outputs;  // The trunk's unit vectors of the probe's parts, by id.
};

struct ProbeSize {
  int probe_events = 256;   // At most so many events are asked about, those of the smallest hash,
  int train_events = 4000;  // and the head learns from at most so many others, likewise: judging must not take longer and
                            // longer as the store grows.
};

// Solves a fresh head of these ridges (empty: the default) on events outside the probe (training_events.h) with this trunk's output, then
// searches among the probe's. Output that the store lacks is made and stored under `trunk_number`. CANCELLED when
// `cancelled` becomes true. Takes seconds per 10,000 parts, and the memory of a head.
absl::StatusOr<ProbeResult> RunProbe(index::Store& store, uint64_t trunk_number, const model::Trunk& trunk,
                                     const ProbeSize& size, const model::HeadRidges& ridges,
                                     const std::function<bool()>& cancelled);

// How far two trunks' outputs lie apart: the mean of 1 - cosine over the parts that both probes looked at; absent if
// there is no such part, or the trunks' outputs differ in size.
std::optional<double> Drift(const ProbeResult& a, const ProbeResult& b);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_PROBE_H_
