// Our index as a peer, with the requests that only it knows.
//   {"do": "options", name: value}: of SegmentedIndexOptions, for what is built or loaded later.
//   {"do": "stats"}
//   {"do": "save" | "load", "directory": D}: load gives up the index first and searches once, by {"queries", ...}.
//   {"do": "filter" | "latency" | "replace", ...}: see trials.h.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/vector/segmented_index.h"
#include "proto/base/status_macros.h"
#include "tests/bench/index/files.h"
#include "tests/bench/index/graph_options.h"
#include "tests/bench/index/peer.h"
#include "tests/bench/index/trials.h"

namespace mixmatch::index_bench {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// So that reading them is reading the disk.
void DropFromPageCache(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    fdatasync(file);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
  }
}

class Ours : public Peer {
 public:
  Ours() {
    options_.hnsw_m = kLinks;
    options_.ef_construction = kBuildBreadth;
  }

  absl::Status Build(const Matrix& base, int threads) override {
    index_.reset();
    options_.dim = base.dim;
    options_.build_threads = threads;
    MIXMATCH_ASSIGN_OR_RETURN(index_, BuildIndex(options_, base));
    return absl::OkStatus();
  }

  absl::Status Search(const Matrix& queries, int k, int breadth, int threads, uint32_t* rows) override {
    if (index_ == nullptr) return absl::FailedPreconditionError("build or load first");
    return SearchAll(*index_, queries, k, breadth, threads, nullptr, 0, rows);
  }

  absl::StatusOr<json> Other(const json& request) override {
    const std::string what = request.at("do");
    if (what == "options") return SetOptions(request);
    if (what == "load") return Load(request);
    if (what == "latency" || what == "replace") return Trial(request);
    if (index_ == nullptr) return absl::FailedPreconditionError("build or load first");
    if (what == "stats") return Stats();
    if (what == "save") return Save(request.at("directory"));
    if (what == "filter") return Filter(request);
    return Peer::Other(request);
  }

 private:
  json SetOptions(const json& request) {
    options_.exact_below = request.value("exact_below", options_.exact_below);
    options_.memtable_limit = request.value("memtable_limit", options_.memtable_limit);
    options_.build_threads = request.value("build_threads", options_.build_threads);
    options_.scratch_directory = request.value("scratch_directory", options_.scratch_directory);
    return json::object();
  }

  json Stats() const {
    const index::SegmentedIndexStats stats = index_->stats();
    return {{"segments", stats.segments},
            {"memtable_vectors", stats.memtable_vectors},
            {"ef_search", stats.ef_search},
            {"bytes_resident", stats.bytes_resident()},
            {"bytes_floats", stats.bytes_floats},
            {"bytes_codes", stats.bytes_codes},
            {"bytes_links", stats.bytes_links},
            {"bytes_ids", stats.bytes_ids},
            {"bytes_on_disk", stats.bytes_on_disk}};
  }

  absl::StatusOr<json> Save(const std::string& directory) {
    const Clock::time_point start = Clock::now();
    MIXMATCH_RETURN_IF_ERROR(index_->Save(directory));
    return json{{"seconds", SecondsSince(start)}};
  }

  absl::StatusOr<json> Load(const json& request) {
    const std::string directory = request.at("directory");
    MIXMATCH_ASSIGN_OR_RETURN(const auto queries, MappedMatrix::Open(request.at("queries"), 1, request.at("dim")));
    options_.dim = request.at("dim");
    index_.reset();
    DropFromPageCache(directory);
    const int64_t before = ResidentBytes();
    const Clock::time_point start = Clock::now();
    MIXMATCH_ASSIGN_OR_RETURN(index_, index::SegmentedIndex::Load(options_, directory, 1));
    uint32_t row = kNone;
    MIXMATCH_RETURN_IF_ERROR(SearchAll(*index_, queries->matrix(), 1, 0, 1, nullptr, 0, &row));
    const double seconds = SecondsSince(start);
    return json{{"seconds", seconds}, {"bytes", ResidentBytes() - before}, {"vectors", index_->size()}};
  }

  absl::StatusOr<json> Filter(const json& request) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto base, Base(request));
    MIXMATCH_ASSIGN_OR_RETURN(const auto queries, Queries(request));
    return FilterTrial(*index_, base->matrix(), queries->matrix(), request.at("k"), request.at("every"),
                       request.at("nearby"), request.at("seconds"));
  }

  absl::StatusOr<json> Trial(const json& request) {
    MIXMATCH_ASSIGN_OR_RETURN(const auto base, Base(request));
    MIXMATCH_ASSIGN_OR_RETURN(const auto queries, Queries(request));
    index_.reset();
    options_.dim = base->matrix().dim;
    ClusterOptions of_clusters;
    of_clusters.dim = options_.dim;
    of_clusters.seed = request.at("seed");
    const Clusters clusters(of_clusters);
    if (request.at("do") == "latency") {
      return LatencyTrial(options_, base->matrix(), queries->matrix(), clusters, request.at("k"),
                          request.at("seconds"));
    }
    return ReplacementTrial(options_, base->matrix(), queries->matrix(), clusters, request.at("k"),
                            request.at("rounds"), request.at("seconds"), request.at("repeats"));
  }

  static absl::StatusOr<std::unique_ptr<MappedMatrix>> Base(const json& request) {
    return MappedMatrix::Open(request.at("base"), request.at("count"), request.at("dim"));
  }
  static absl::StatusOr<std::unique_ptr<MappedMatrix>> Queries(const json& request) {
    return MappedMatrix::Open(request.at("queries"), request.at("query_count"), request.at("dim"));
  }

  index::SegmentedIndexOptions options_;
  std::shared_ptr<index::SegmentedIndex> index_;
};

}  // namespace
}  // namespace mixmatch::index_bench

int main() {
  mixmatch::index_bench::Ours peer;
  return mixmatch::index_bench::Serve(peer);
}
