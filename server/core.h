// Everything the server is made of, in the order in which it is built and torn down.
#ifndef MIXMATCH_SERVER_CORE_H_
#define MIXMATCH_SERVER_CORE_H_

#include <atomic>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/store/store.h"
#include "model/media/media_decoder.h"
#include "server/backup/backups.h"
#include "server/backup/verification.h"
#include "server/catalog.h"
#include "server/checkpoint.h"
#include "server/event_book.h"
#include "server/hit_counts.h"
#include "server/ingest.h"
#include "server/learner.h"
#include "server/live_index.h"
#include "server/live_ingest.h"
#include "server/maintenance.h"
#include "server/operations.h"
#include "server/options.h"
#include "server/overload/drain.h"
#include "server/overload/headroom.h"
#include "server/query_engine.h"
#include "server/redescription.h"
#include "server/reindex.h"
#include "server/search_activity.h"
#include "server/trunk_learner.h"

namespace mixmatch::server {

// Later members use earlier ones and are destroyed before them.
struct Core {
  // Opens the data directory and restores what was published. FAILED_PRECONDITION: another server has it open.
  static absl::StatusOr<std::unique_ptr<Core>> Open(const ServerOptions& options);
  // Starts learning and operations.
  absl::Status Start();
  // Ends background work and writes a checkpoint. No call may be under way.
  void Stop();

  ServerOptions options;
  absl::Time started;
  std::atomic<bool> stopping{false};  // Long answers (Watch, WaitOperation) end soon.
  std::unique_ptr<index::Store> store;
  std::unique_ptr<model::MediaDecoder> decoder;
  std::unique_ptr<Headroom> headroom;
  Drain drain;
  Catalog catalog;
  HitCounts hit_counts;
  SearchActivity search_activity;
  std::unique_ptr<Checkpoint> checkpoint;
  Restored restored;
  std::unique_ptr<LiveIndex> live;
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<Learner> learner;
  std::unique_ptr<TrunkLearner> trunk_learner;
  std::unique_ptr<EventBook> events;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<LiveIngest> live_ingest;
  std::unique_ptr<QueryEngine> queries;
  std::unique_ptr<Reindex> reindex;
  std::unique_ptr<Redescription> redescription;
  std::unique_ptr<Backups> backups;
  std::unique_ptr<Verification> verification;
  std::unique_ptr<Operations> operations;
};

}  // namespace mixmatch::server

#endif  // MIXMATCH_SERVER_CORE_H_
