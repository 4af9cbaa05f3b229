#include "index/vector/hnsw/hnsw_graph.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "faiss/impl/AuxIndexStructures.h"
#include "faiss/impl/DistanceComputer.h"
#include "faiss/impl/HNSW.h"
#include "faiss/impl/IDSelector.h"

namespace mixmatch::index {
namespace {

using FaissId = faiss::Index::idx_t;

// FAISS's graph looks for the smallest distance: the inner product, negated.
class NegatedDot : public faiss::DistanceComputer {
 public:
  explicit NegatedDot(const Rows& rows) : rows_(rows) {}
  void set_query(const float* padded) override { query_ = padded; }
  float operator()(FaissId i) override { return -kernels_.dot(query_, rows_.row(i), rows_.stride()); }
  float symmetric_dis(FaissId i, FaissId j) override { return -kernels_.dot(rows_.row(i), rows_.row(j), rows_.stride()); }

 private:
  const Kernels& kernels_ = BestKernels();
  const Rows& rows_;
  const float* query_ = nullptr;
};

class Allowed : public faiss::IDSelector {
 public:
  explicit Allowed(absl::FunctionRef<bool(int64_t)> allowed) : allowed_(allowed) {}
  bool is_member(FaissId id) const override { return allowed_(id); }

 private:
  absl::FunctionRef<bool(int64_t)> allowed_;
};

class Locks {
 public:
  explicit Locks(size_t n) : locks_(n) {
    for (omp_lock_t& lock : locks_) omp_init_lock(&lock);
  }
  ~Locks() {
    for (omp_lock_t& lock : locks_) omp_destroy_lock(&lock);
  }
  std::vector<omp_lock_t>& get() { return locks_; }

 private:
  std::vector<omp_lock_t> locks_;
};

// Vertices by descending level, as FAISS adds them; shuffled within a level, for parts of one item lie side by side.
std::vector<int32_t> AddingOrder(const faiss::HNSW& hnsw) {
  std::vector<int32_t> order(hnsw.levels.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return hnsw.levels[a] > hnsw.levels[b]; });
  return order;
}

// Whether every link leads to a vertex that is on the link's level.
bool LinksHold(const faiss::HNSW& hnsw, const std::vector<int32_t>& neighbors) {
  const int32_t count = static_cast<int32_t>(hnsw.levels.size());
  for (int32_t i = 0; i < count; ++i) {
    for (int level = 0; level < hnsw.levels[i]; ++level) {
      size_t begin, end;
      hnsw.neighbor_range(i, level, &begin, &end);
      for (size_t at = begin; at < end; ++at) {
        const int32_t neighbor = neighbors[at];
        if (neighbor < -1 || neighbor >= count || (neighbor >= 0 && hnsw.levels[neighbor] <= level)) return false;
      }
    }
  }
  return true;
}

// Runs work() on `threads` threads, this one among them; false if one threw.
template <typename Work>
bool OnThreads(int threads, Work work) {
  std::atomic<bool> good{true};
  auto guarded = [&] {
    try {
      work();
    } catch (const std::exception&) {
      good = false;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(guarded);
  guarded();
  for (std::thread& thread : others) thread.join();
  return good;
}

}  // namespace

struct HnswGraph::Impl {
  explicit Impl(int m) : hnsw(m) {}

  std::unique_ptr<faiss::VisitedTable> TakeTable() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!tables.empty()) {
        std::unique_ptr<faiss::VisitedTable> table = std::move(tables.back());
        tables.pop_back();
        return table;
      }
    }
    return std::make_unique<faiss::VisitedTable>(static_cast<int>(hnsw.levels.size()));
  }
  void GiveBack(std::unique_ptr<faiss::VisitedTable> table) {
    table->advance();
    std::lock_guard<std::mutex> lock(mutex);
    if (tables.size() < 16) tables.push_back(std::move(table));
  }

  faiss::HNSW hnsw;
  std::mutex mutex;  // Guards tables.
  std::vector<std::unique_ptr<faiss::VisitedTable>> tables;
};

HnswGraph::HnswGraph(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HnswGraph::~HnswGraph() = default;

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Build(const Rows& rows, const HnswBuildOptions& options,
                                                                  const std::atomic<bool>* stop) {
  if (rows.size() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("index.hnsw: got ", rows.size(), " rows; a graph holds 2^31 - 1"));
  }
  try {
    auto impl = std::make_unique<Impl>(options.m);
    faiss::HNSW& hnsw = impl->hnsw;
    hnsw.efConstruction = options.ef_construction;
    hnsw.prepare_level_tab(rows.size(), false);
    const std::vector<int32_t> order = AddingOrder(hnsw);
    Locks locks(rows.size());
    std::atomic<size_t> next{0};
    std::atomic<bool> stopped{false};
    auto add = [&] {
      NegatedDot distance(rows);
      faiss::VisitedTable visited(static_cast<int>(rows.size()));
      for (size_t at = next++; at < order.size(); at = next++) {
        if (stop != nullptr && stop->load(std::memory_order_relaxed)) stopped = true;
        if (stopped) return;
        distance.set_query(rows.row(order[at]));
        hnsw.add_with_locks(distance, hnsw.levels[order[at]] - 1, order[at], locks.get(), visited);
      }
    };
    if (!OnThreads(std::max(1, options.threads), add)) return absl::InternalError("index.hnsw: the build failed");
    if (stopped) return absl::CancelledError("index.hnsw: the build was stopped");
    return absl::WrapUnique(new HnswGraph(std::move(impl)));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("index.hnsw: the build failed: ", error.what()));
  }
}

absl::StatusOr<std::vector<std::pair<int64_t, float>>> HnswGraph::Search(
    const Rows& rows, const float* padded_query, int64_t k, int ef, absl::FunctionRef<bool(int64_t)> allowed) const {
  std::vector<std::pair<int64_t, float>> found;
  if (rows.size() == 0 || k < 1) return found;
  try {
    NegatedDot distance(rows);
    distance.set_query(padded_query);
    Allowed selector(allowed);
    faiss::SearchParametersHNSW parameters;
    parameters.sel = &selector;
    parameters.efSearch = ef;
    std::vector<FaissId> labels(k, -1);
    std::vector<float> distances(k, std::numeric_limits<float>::infinity());
    std::unique_ptr<faiss::VisitedTable> visited = impl_->TakeTable();
    impl_->hnsw.search(distance, static_cast<int>(k), labels.data(), distances.data(), *visited, &parameters);
    impl_->GiveBack(std::move(visited));
    for (int64_t i = 0; i < k; ++i) {
      if (labels[i] >= 0) found.emplace_back(labels[i], -distances[i]);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("index.hnsw: the search failed: ", error.what()));
  }
  return found;
}

HnswParts HnswGraph::ToParts() const {
  const faiss::HNSW& hnsw = impl_->hnsw;
  HnswParts parts;
  parts.m = hnsw.nb_neighbors(1);
  parts.entry_point = hnsw.entry_point;
  parts.max_level = hnsw.max_level;
  parts.levels = hnsw.levels;
  parts.neighbors = hnsw.neighbors;
  return parts;
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::FromParts(const HnswParts& parts, int64_t rows) {
  const absl::Status bad = absl::DataLossError("index.hnsw: the stored graph does not hold together; build it anew");
  if (parts.m < 2 || parts.m > 1024 || static_cast<int64_t>(parts.levels.size()) != rows || rows < 1) return bad;
  if (parts.entry_point < 0 || parts.entry_point >= rows || parts.max_level < 0) return bad;
  try {
    auto impl = std::make_unique<Impl>(parts.m);
    faiss::HNSW& hnsw = impl->hnsw;
    const int levels = static_cast<int>(hnsw.cum_nneighbor_per_level.size()) - 1;
    for (int32_t level : parts.levels) {
      if (level < 1 || level > levels || level - 1 > parts.max_level) return bad;
    }
    if (parts.levels[parts.entry_point] - 1 != parts.max_level) return bad;
    hnsw.levels = parts.levels;
    hnsw.prepare_level_tab(rows, true);
    if (hnsw.neighbors.size() != parts.neighbors.size()) return bad;
    if (!LinksHold(hnsw, parts.neighbors)) return bad;
    hnsw.neighbors = parts.neighbors;
    hnsw.entry_point = parts.entry_point;
    hnsw.max_level = parts.max_level;
    return absl::WrapUnique(new HnswGraph(std::move(impl)));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("index.hnsw: cannot take the stored graph: ", error.what()));
  }
}

}  // namespace mixmatch::index
