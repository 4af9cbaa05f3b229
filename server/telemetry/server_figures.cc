#include "server/telemetry/server_figures.h"

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/util/time_util.h"
#include "model/modality/modality.h"

namespace mixmatch::server {
namespace {

// "image" of MODALITY_IMAGE, "idle" of LEARNING_STATE_IDLE.
std::string LastWord(const std::string& name) { return absl::AsciiStrToLower(name.substr(name.rfind('_') + 1)); }

std::string NameOf(v1::Modality modality) { return LastWord(v1::Modality_Name(modality)); }

void CollectItems(const Core& core, MetricFamilies& to) {
  for (const auto& [modality, count] : core.catalog.CountByModality()) {
    to.Gauge("mixmatch_items", "Items stored.", static_cast<double>(count), {{"modality", NameOf(modality)}});
  }
  to.Gauge("mixmatch_events", "Events stored.", static_cast<double>(core.events->size()));
}

void CollectIngest(const Core& core, MetricFamilies& to) {
  for (const v1::IngestStats& one : core.ingest->costs().Sums()) {
    const MetricFamilies::Labels labels = {{"modality", NameOf(one.modality())}};
    to.Counter("mixmatch_uploads_total", "Uploads answered OK.", static_cast<double>(one.uploads()), labels);
    to.Counter("mixmatch_upload_bytes_total", "Content of uploads answered OK.", static_cast<double>(one.bytes()), labels);
    to.Counter("mixmatch_upload_parts_total", "Parts of uploads answered OK.", static_cast<double>(one.parts()), labels);
  }
  to.Gauge("mixmatch_ingest_waiting", "Uploads that came whole and wait for a thread.",
           static_cast<double>(core.ingest->waiting()));
  to.Gauge("mixmatch_live_streams", "Live streams under way.", core.live_ingest->streams());
  const model::MediaDecoderStats decoder = core.decoder->stats();
  to.Gauge("mixmatch_decoders", "Decoding processes.", decoder.running);
  to.Gauge("mixmatch_decoders_resident_memory_bytes", "Resident memory of all decoding processes.",
           static_cast<double>(decoder.resident_bytes));
  to.Counter("mixmatch_decoder_starts_total", "Decoding processes started.", static_cast<double>(decoder.started));
  const char* const help = "Decoding processes that ended: killed by the server, or died by a limit or a crash.";
  to.Counter("mixmatch_decoder_ends_total", help, static_cast<double>(decoder.killed), {{"how", "killed"}});
  to.Counter("mixmatch_decoder_ends_total", help, static_cast<double>(decoder.died), {{"how", "died"}});
}

void CollectSearch(const Core& core, MetricFamilies& to) {
  to.Counter("mixmatch_searches_total", "Searches answered, each of a batch.", static_cast<double>(core.queries->searches()));
  to.Counter("mixmatch_searches_refused_total", "Search calls refused because too many waited.",
             static_cast<double>(core.queries->gate().refused()));
  to.Counter("mixmatch_searches_abandoned_total", "Searches given up because the call ended.",
             static_cast<double>(core.queries->abandoned()));
  to.Gauge("mixmatch_searches_waiting", "Search calls waiting for a thread.", core.queries->gate().waiting());
}

void CollectStages(const Core& core, MetricFamilies& to) {
  const auto add = [&](const char* work, const StageTimes& times) {
    for (Stage stage : kStages) {
      to.Histogram("mixmatch_stage_duration_seconds", "Stages of searches and uploads.", times.Collect(stage),
                   {{"work", work}, {"stage", StageName(stage)}});
    }
  };
  add("search", core.queries->stages());
  add("upload", core.ingest->stages());
}

void CollectIndex(const Core& core, MetricFamilies& to) {
  const std::shared_ptr<const Serving> serving = core.live->Current();
  to.Gauge("mixmatch_generation", "Generation that search uses.", static_cast<double>(serving->generation));
  for (size_t slot = 0; slot < serving->slots.size(); ++slot) {
    const MetricFamilies::Labels labels = {
        {"modality", NameOf(static_cast<v1::Modality>(model::ModalityTable()[slot]->modality()))}};
    const index::SegmentedIndexStats stats = serving->slots[slot]->stats();
    to.Gauge("mixmatch_parts", "Parts that can be found.", static_cast<double>(serving->slots[slot]->size()), labels);
    to.Gauge("mixmatch_index_segments", "Index segments, the memtable not among them.", stats.segments, labels);
    to.Gauge("mixmatch_index_memtable_vectors", "Vectors in the memtable.", static_cast<double>(stats.memtable_vectors),
             labels);
    to.Gauge("mixmatch_index_tombstones", "Dead vectors in segments.", static_cast<double>(stats.tombstones), labels);
    to.Gauge("mixmatch_index_memory_bytes", "Memory of the index.", static_cast<double>(stats.bytes_resident()), labels);
    to.Gauge("mixmatch_index_disk_bytes", "Rows that the index keeps on disk.", static_cast<double>(stats.bytes_on_disk),
             labels);
    to.Counter("mixmatch_index_builds_total", "Graphs built since this generation's index was made.",
               static_cast<double>(stats.builds), labels);
    if (stats.recall < 0.0) continue;  // No graph was probed.
    to.Gauge("mixmatch_index_recall_ratio", "Recall@10 of graph search against exact search, by the last probe.",
             stats.recall, labels);
  }
}

void CollectLearning(const Core& core, MetricFamilies& to) {
  const v1::LearningStatus status = core.learner->Status();
  for (v1::LearningState state : {v1::LEARNING_STATE_IDLE, v1::LEARNING_STATE_LEARNING, v1::LEARNING_STATE_PAUSED,
                                  v1::LEARNING_STATE_OFF}) {
    to.Gauge("mixmatch_learning_state", "1 for the state that the fast head is in.", status.state() == state ? 1 : 0,
             {{"state", LastWord(v1::LearningState_Name(state))}});
  }
  to.Gauge("mixmatch_trunk", "Trunk in use; 0 is the first.", static_cast<double>(status.trunk()));
  to.Counter("mixmatch_events_learned_total", "Changes of events that were learned.",
             static_cast<double>(status.events_seen()));
  to.Gauge("mixmatch_events_queued", "Changes of events that wait to be learned.",
           static_cast<double>(status.events_queued()));
  to.Counter("mixmatch_trunk_steps_total", "Training steps of the trunk.", static_cast<double>(status.trunk_steps()));
  if (status.has_trunk_loss()) to.Gauge("mixmatch_trunk_loss", "Smoothed training loss, nats.", status.trunk_loss());
  if (status.has_probe_recall()) {
    to.Gauge("mixmatch_probe_recall_ratio", "Recall@10 of held-out pairs.", status.probe_recall());
  }
  to.Gauge("mixmatch_probe_pairs", "Held-out pairs.", static_cast<double>(status.probe_pairs()));
  to.Gauge("mixmatch_refresh_lag_seconds", "From the newest learned change's acknowledgement to search using it.",
           static_cast<double>(google::protobuf::util::TimeUtil::DurationToMicroseconds(status.last_refresh_lag())) / 1e6);
  to.Gauge("mixmatch_refresh_parts", "Parts whose vectors the last refresh replaced.",
           static_cast<double>(status.last_refresh_parts()));
  to.Gauge("mixmatch_parts_estimated", "Parts that the trunk in use has not read yet.",
           static_cast<double>(status.parts_estimated()));
  to.Counter("mixmatch_publications_refused_total", "Trunks that the gate refused.",
             static_cast<double>(status.publications_refused()));
}

void CollectStore(const Core& core, MetricFamilies& to) {
  for (const auto& [name, value] : core.store->Properties()) {
    to.Gauge(absl::StrCat("mixmatch_rocksdb_", name), absl::StrCat("RocksDB: ", absl::StrReplaceAll(name, {{"_", " "}}), "."),
             value);
  }
}

}  // namespace

void CollectOverload(const Core& core, const Admission& admission, MetricFamilies& to) {
  to.Gauge("mixmatch_memory_used_bytes", "Resident memory of the server and its decoders, as it is admitted by.",
           static_cast<double>(core.headroom->reading().memory));
  to.Gauge("mixmatch_memory_limit_bytes", "What they may take.", static_cast<double>(core.headroom->max_memory()));
  to.Gauge("mixmatch_memory_level", "0: enough; 1: uploads are refused; 2: searches too.",
           static_cast<double>(core.headroom->memory()));
  to.Gauge("mixmatch_disk_kept_free_bytes", "With less free space writes are refused.",
           static_cast<double>(core.headroom->min_free()));
  to.Gauge("mixmatch_disk_low", "1 while writes are refused for that.", core.headroom->disk_low() ? 1 : 0);
  to.Gauge("mixmatch_draining", "1 while writes are refused because the server is drained.", core.drain.draining() ? 1 : 0);
  const Admission::Refusals refused = admission.refusals();
  const char* const help = "Calls refused before they were handled, by why; searches that found too many waiting aside.";
  to.Counter("mixmatch_calls_refused_total", help, static_cast<double>(refused.draining), {{"why", "draining"}});
  to.Counter("mixmatch_calls_refused_total", help, static_cast<double>(refused.disk), {{"why", "disk"}});
  to.Counter("mixmatch_calls_refused_total", help, static_cast<double>(refused.memory), {{"why", "memory"}});
}

void CollectServer(const Core& core, MetricFamilies& to) {
  CollectItems(core, to);
  CollectIngest(core, to);
  CollectSearch(core, to);
  CollectStages(core, to);
  CollectIndex(core, to);
  CollectLearning(core, to);
  CollectStore(core, to);
}

}  // namespace mixmatch::server
