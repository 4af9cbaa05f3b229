// How graphs are built, by FAISS, and made of stored parts.
#include <omp.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "faiss/impl/AuxIndexStructures.h"
#include "faiss/impl/DistanceComputer.h"
#include "faiss/impl/HNSW.h"
#include "index/vector/hnsw/hnsw_graph.h"

namespace mixmatch::index {
namespace {

using FaissId = faiss::Index::idx_t;

// FAISS's graph looks for the smallest distance: the inner product, negated.
class FloatDistance : public faiss::DistanceComputer {
 public:
  explicit FloatDistance(const Rows& rows) : rows_(rows) {}
  void SetRow(int32_t row) { query_ = rows_.row(row); }
  void set_query(const float*) override {}
  float operator()(FaissId i) override { return -kernels_.dot(query_, rows_.row(i), rows_.stride()); }
  float symmetric_dis(FaissId i, FaissId j) override {
    return -kernels_.dot(rows_.row(i), rows_.row(j), rows_.stride());
  }

 private:
  const Kernels& kernels_ = BestKernels();
  const Rows& rows_;
  const float* query_ = nullptr;
};

class CodeDistance : public faiss::DistanceComputer {
 public:
  explicit CodeDistance(const Codes& codes) : codes_(codes), query_(codes.QueryOf(0)) {}
  void SetRow(int32_t row) { codes_.QueryOf(row, query_); }
  void set_query(const float*) override {}
  float operator()(FaissId i) override {
    const int32_t product = kernels_.code_dot(query_.codes.get(), codes_.row(i), codes_.stride()) - query_.bias;
    return -static_cast<float>(product) * codes_.scale(i) * query_.scale;
  }
  float symmetric_dis(FaissId i, FaissId j) override {
    const int32_t product = kernels_.code_pair(codes_.row(i), codes_.row(j), codes_.stride());
    return -static_cast<float>(product) * codes_.scale(i) * codes_.scale(j);
  }

 private:
  const Kernels& kernels_ = BestKernels();
  const Codes& codes_;
  CodeQuery query_;
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

Links LinksOf(const HnswParts& parts) {
  Links links;
  links.m = parts.m;
  links.entry_point = parts.entry_point;
  links.max_level = parts.max_level;
  links.lowest.reserve(2 * static_cast<size_t>(parts.m) * parts.levels.size());
  auto at = parts.neighbors.begin();
  for (size_t vertex = 0; vertex < parts.levels.size(); ++vertex) {
    links.lowest.insert(links.lowest.end(), at, at + 2 * parts.m);
    at += 2 * parts.m;
    if (parts.levels[vertex] == 1) continue;
    links.upper_vertices.push_back(static_cast<int32_t>(vertex));
    links.upper_begins.push_back(static_cast<int64_t>(links.upper.size()));
    const auto end = at + static_cast<int64_t>(parts.m) * (parts.levels[vertex] - 1);
    links.upper.insert(links.upper.end(), at, end);
    at = end;
  }
  links.upper_begins.push_back(static_cast<int64_t>(links.upper.size()));
  links.upper.shrink_to_fit();
  links.upper_vertices.shrink_to_fit();
  links.upper_begins.shrink_to_fit();
  return links;
}

template <typename Distance, typename Matrix>
absl::StatusOr<std::shared_ptr<const HnswGraph>> BuildOver(const Matrix& matrix, const HnswBuildOptions& options,
                                                           const std::atomic<bool>* stop) {
  if (matrix.size() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("index.hnsw: got ", matrix.size(), " rows; a graph holds 2^31 - 1"));
  }
  try {
    faiss::HNSW hnsw(options.m);
    hnsw.efConstruction = options.ef_construction;
    hnsw.prepare_level_tab(matrix.size(), false);
    const std::vector<int32_t> order = AddingOrder(hnsw);
    Locks locks(matrix.size());
    std::atomic<size_t> next{0};
    std::atomic<bool> stopped{false};
    auto add = [&] {
      if (order.empty()) return;
      Distance distance(matrix);
      faiss::VisitedTable visited(static_cast<int>(matrix.size()));
      for (size_t at = next++; at < order.size(); at = next++) {
        if (stop != nullptr && stop->load(std::memory_order_relaxed)) stopped = true;
        if (stopped) return;
        distance.SetRow(order[at]);
        hnsw.add_with_locks(distance, hnsw.levels[order[at]] - 1, order[at], locks.get(), visited);
      }
    };
    if (!OnThreads(std::max(1, options.threads), add)) return absl::InternalError("index.hnsw: the build failed");
    if (stopped) return absl::CancelledError("index.hnsw: the build was stopped");
    HnswParts parts;
    parts.m = hnsw.nb_neighbors(1);
    parts.entry_point = hnsw.entry_point;
    parts.max_level = hnsw.max_level;
    parts.levels = std::move(hnsw.levels);
    parts.neighbors = std::move(hnsw.neighbors);
    return std::make_shared<const HnswGraph>(LinksOf(parts));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("index.hnsw: the build failed: ", error.what()));
  }
}

// Whether the lists are as long as the levels say, and every link leads to a vertex that is on the link's level.
bool HoldTogether(const HnswParts& parts, int64_t rows) {
  size_t at = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int level = 0; level < parts.levels[i]; ++level) {
      const size_t capacity = (level == 0 ? 2 : 1) * static_cast<size_t>(parts.m);
      if (capacity > parts.neighbors.size() - at) return false;
      for (const size_t end = at + capacity; at < end; ++at) {
        const int32_t neighbor = parts.neighbors[at];
        if (neighbor < -1 || neighbor >= rows || (neighbor >= 0 && parts.levels[neighbor] <= level)) return false;
      }
    }
  }
  return at == parts.neighbors.size();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Build(const Rows& rows, const HnswBuildOptions& options,
                                                                  const std::atomic<bool>* stop) {
  return BuildOver<FloatDistance>(rows, options, stop);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Build(const Codes& codes, const HnswBuildOptions& options,
                                                                  const std::atomic<bool>* stop) {
  return BuildOver<CodeDistance>(codes, options, stop);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::FromParts(const HnswParts& parts, int64_t rows) {
  constexpr int kMostLevels = 64;
  const absl::Status bad = absl::DataLossError("index.hnsw: the stored graph does not hold together; build it anew");
  if (parts.m < 2 || parts.m > 1024 || static_cast<int64_t>(parts.levels.size()) != rows || rows < 1) return bad;
  if (parts.entry_point < 0 || parts.entry_point >= rows || parts.max_level < 0) return bad;
  for (int32_t level : parts.levels) {
    if (level < 1 || level > kMostLevels || level - 1 > parts.max_level) return bad;
  }
  if (parts.levels[parts.entry_point] - 1 != parts.max_level || !HoldTogether(parts, rows)) return bad;
  return std::make_shared<const HnswGraph>(LinksOf(parts));
}

}  // namespace mixmatch::index
