// Everything that can be set from outside, with its default.
#ifndef MIXMATCH_SERVER_OPTIONS_H_
#define MIXMATCH_SERVER_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/store/store.h"
#include "index/vector/segmented_index.h"
#include "model/media/media_decoder.h"
#include "model/trunk/trunk.h"
#include "server/access/access_options.h"
#include "server/backup/backup_options.h"
#include "server/link_options.h"
#include "server/live_options.h"
#include "server/overload/overload_options.h"
#include "server/probe.h"
#include "server/search_options.h"
#include "server/telemetry/telemetry_options.h"

namespace mixmatch::server {

// A flag, to be shown.
struct Setting {
  std::string name;         // Without dashes.
  std::string value;        // "(set)" for a secret.
  bool changed = false;     // Not the default.
  std::string description;
};

struct LearnerOptions {
  bool enabled = true;           // --learning on|off
  bool random_head = false;      // --head random: serve with the never-trained head; for comparison.
  double min_interval = 0.3;     // Seconds between two solves of the fast head, at least;
  double duty = 0.4;             // and its share of one core while uploads come in.
  bool slow = true;              // --slow-learning on|off
  int batch_events = 32;         // Events in a training step of the trunk.
  int publish_steps = 300;       // Training steps between two candidates.
  double idle_seconds = 3.0;     // The trunk trains when nothing was uploaded for so long.
  double train_duty = 0.25;      // The trunk's share of the time while searches come in.
  double checkpoint_seconds = 60.0;  // Between two checkpoints, at most, while things change.
  ProbeSize probe;               // --probe-events, --probe-train-events: what judges a candidate trunk, at most.
  int anchors = 1000;            // --publish-anchors: parts of a slot that a new trunk reads before the rest is estimated.
  int min_probe_events = 16;     // Fewer than these judge nothing, and nothing is published.
  // Asked now and then, from several threads: while true, nothing is learned, published or checkpointed. Null: never.
  std::function<bool()> hold;
};

struct Limits {
  int64_t max_upload_bytes = 4LL << 30;
  int64_t max_query_bytes = 256LL << 20;
  int64_t max_k = 1000;
  int ingest_threads = 2;
  int ingest_queue = 64;            // Uploads waiting for a thread; beyond it RESOURCE_EXHAUSTED.
  int max_rpcs = 128;               // Handled at once; further ones are refused with RESOURCE_EXHAUSTED.
  int64_t upload_expiry_seconds = 24 * 3600;  // An interrupted upload is forgotten after so long.
};

struct ServerOptions {
  std::string listen = "127.0.0.1:7411";
  std::string data_dir = "mixmatch-data";
  std::string port_file;            // Written with the bound port once the server takes calls.
  std::string log_level = "info";
  double drain_seconds = 20.0;      // For calls under way at SIGTERM.
  Limits limits;
  AccessOptions access;
  SearchServingOptions search;
  LearnerOptions learner;
  LinkOptions links;
  LiveOptions live;
  BackupOptions backup;
  model::MediaDecoderOptions decoder;
  std::string init = "base";        // The first trunk of a new data directory: base, scratch or a file.
  model::TrunkConfig trunk = model::TrunkConfig::Small();  // --trunk tiny|small|base: of scratch.
  int64_t store_memory_bytes = index::StoreOptions().memory_bytes;
  index::SegmentedIndexOptions index;
  TelemetryOptions telemetry;
  OverloadOptions overload;
  std::vector<Setting> settings;    // All flags as they were given.
};

// From the command line, then a config file (--config FILE, TOML), then the environment (MIXMATCH_*): earlier wins.
// `exit_code` is set, and nullopt-like FAILED_PRECONDITION returned, where the program is to end at once (--help, a bad
// flag); what had to be said has been printed.
absl::StatusOr<ServerOptions> ParseOptions(int argc, char** argv, int& exit_code);

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_OPTIONS_H_
