// How graphs are built, by FAISS.
#include <omp.h>

#include <algorithm>
#include <exception>
#include <limits>
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
std::vector<int32_t> AddingOrder(const faiss::HNSW& hnsw, const std::vector<bool>& known) {
  std::vector<int32_t> order;
  for (size_t i = 0; i < hnsw.levels.size(); ++i) {
    if (!known[i]) order.push_back(static_cast<int32_t>(i));
  }
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

// A graph that another begins with.
struct Seed {
  const Links& links;
  const std::vector<int32_t>& now_at;
};

absl::Span<const int32_t> ListOf(const Links& links, int32_t vertex, int level) {
  if (level > 0) return links.upper_of(vertex, level);
  return {links.lowest_of(vertex), static_cast<size_t>(2 * links.m)};
}

// Writes the list of `row` at `level` for its old vertex: links that remain, then in place of those that are gone the nearest
// of their neighbors that no link leads near to already.
template <typename Distance>
void Reconnect(const Seed& seed, int32_t old_vertex, int32_t row, int level, Distance& distance, int32_t* to) {
  const absl::Span<const int32_t> old = ListOf(seed.links, old_vertex, level);
  std::vector<int32_t> list;
  std::vector<Scored> candidates;
  for (int32_t neighbor : old) {
    if (neighbor < 0) break;
    if (seed.now_at[neighbor] >= 0) list.push_back(seed.now_at[neighbor]);
  }
  size_t gone = 0;
  for (int32_t neighbor : old) {
    if (neighbor < 0) break;
    if (seed.now_at[neighbor] >= 0) continue;
    ++gone;
    for (int32_t next : ListOf(seed.links, neighbor, level)) {
      if (next < 0) break;
      const int32_t at = seed.now_at[next];
      if (at >= 0 && at != row && std::find(list.begin(), list.end(), at) == list.end()) candidates.push_back({0, at});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Scored& a, const Scored& b) { return a.row < b.row; });
  const auto same = [](const Scored& a, const Scored& b) { return a.row == b.row; };
  candidates.erase(std::unique(candidates.begin(), candidates.end(), same), candidates.end());
  for (Scored& candidate : candidates) candidate.score = -distance.symmetric_dis(row, candidate.row);
  std::sort(candidates.begin(), candidates.end(), Better());
  for (const Scored& candidate : candidates) {
    if (gone == 0) break;
    const auto nearer = [&](int32_t other) { return -distance.symmetric_dis(candidate.row, other) > candidate.score; };
    if (std::any_of(list.begin(), list.end(), nearer)) continue;
    list.push_back(candidate.row);
    --gone;
  }
  std::copy(list.begin(), list.end(), to);
}

// Gives `hnsw` levels for all rows and the links of those of the seed, which it marks in `known`; false if that failed.
template <typename Distance, typename Matrix>
bool TakeOver(const Matrix& matrix, const Seed& seed, const HnswBuildOptions& options, faiss::HNSW& hnsw,
              std::vector<bool>& known) {
  const Links& links = seed.links;
  hnsw.levels.assign(matrix.size(), 0);
  for (size_t vertex = 0; vertex < seed.now_at.size(); ++vertex) {
    if (seed.now_at[vertex] >= 0) {
      hnsw.levels[seed.now_at[vertex]] = 1;
      known[seed.now_at[vertex]] = true;
    }
  }
  for (size_t i = 0; i < links.upper_vertices.size(); ++i) {
    const int32_t row = seed.now_at[links.upper_vertices[i]];
    if (row >= 0) hnsw.levels[row] += static_cast<int>((links.upper_begins[i + 1] - links.upper_begins[i]) / links.m);
  }
  for (int64_t row = 0; row < matrix.size(); ++row) {
    if (!known[row]) hnsw.levels[row] = hnsw.random_level() + 1;
  }
  hnsw.prepare_level_tab(matrix.size(), true);
  for (int64_t row = 0; row < matrix.size(); ++row) {
    if (!known[row] || hnsw.levels[row] - 1 <= hnsw.max_level) continue;
    hnsw.entry_point = static_cast<int32_t>(row);
    hnsw.max_level = hnsw.levels[row] - 1;
  }
  std::atomic<size_t> next{0};
  return OnThreads(std::max(1, options.threads), [&] {
    Distance distance(matrix);
    for (size_t vertex = next++; vertex < seed.now_at.size(); vertex = next++) {
      const int32_t row = seed.now_at[vertex];
      if (row < 0) continue;
      for (int level = 0; level < hnsw.levels[row]; ++level) {
        size_t begin, end;
        hnsw.neighbor_range(row, level, &begin, &end);
        Reconnect(seed, static_cast<int32_t>(vertex), row, level, distance, &hnsw.neighbors[begin]);
      }
    }
  });
}

template <typename Distance, typename Matrix>
absl::StatusOr<std::shared_ptr<const HnswGraph>> BuildOver(const Matrix& matrix, const HnswBuildOptions& options,
                                                           const Seed* seed, const std::atomic<bool>* stop) {
  if (matrix.size() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("index.hnsw: got ", matrix.size(), " rows; a graph holds 2^31 - 1"));
  }
  try {
    faiss::HNSW hnsw(options.m);
    hnsw.efConstruction = options.ef_construction;
    std::vector<bool> known(matrix.size());
    if (seed == nullptr) {
      hnsw.prepare_level_tab(matrix.size(), false);
    } else if (!TakeOver<Distance>(matrix, *seed, options, hnsw, known)) {
      return absl::InternalError("index.hnsw: the build failed");
    }
    const std::vector<int32_t> order = AddingOrder(hnsw, known);
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

}  // namespace

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Build(const Rows& rows, const HnswBuildOptions& options,
                                                                  const std::atomic<bool>* stop) {
  return BuildOver<FloatDistance>(rows, options, nullptr, stop);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Build(const Codes& codes, const HnswBuildOptions& options,
                                                                  const std::atomic<bool>* stop) {
  return BuildOver<CodeDistance>(codes, options, nullptr, stop);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Grow(const Rows& rows, const HnswGraph& old,
                                                                 const std::vector<int32_t>& now_at,
                                                                 const HnswBuildOptions& options,
                                                                 const std::atomic<bool>* stop) {
  const Seed seed{old.links_, now_at};
  return BuildOver<FloatDistance>(rows, options, &seed, stop);
}

absl::StatusOr<std::shared_ptr<const HnswGraph>> HnswGraph::Grow(const Codes& codes, const HnswGraph& old,
                                                                 const std::vector<int32_t>& now_at,
                                                                 const HnswBuildOptions& options,
                                                                 const std::atomic<bool>* stop) {
  const Seed seed{old.links_, now_at};
  return BuildOver<CodeDistance>(codes, options, &seed, stop);
}

}  // namespace mixmatch::index
